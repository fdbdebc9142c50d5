// cbor-x as an oracle: each line is hexadecimal, and answered by how cbor-x writes what it read there.

import { createInterface } from 'node:readline'

import { Encoder } from 'cbor-x'

const codec = new Encoder({ useRecords: false, variableMapSize: true, mapsAsObjects: false, tagUint8Array: false })

function judge(bytes) {
  try {
    return codec.encode(codec.decode(bytes)).toString('hex')
  } catch {
    return 'refused'
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${judge(Buffer.from(line, 'hex'))}\n`)
