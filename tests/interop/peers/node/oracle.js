// cbor-x as an oracle: of each line of hexadecimal, whether it is read, and the base frame in it.

import { createInterface } from 'node:readline'

import { Decoder, Tag } from 'cbor-x'

const decoder = new Decoder({ useRecords: false, mapsAsObjects: false, tagUint8Array: false })
const hex = (value) => (typeof value === 'string' ? `t${Buffer.from(value).toString('hex')}` : `${value}`)

function judge(bytes) {
  try {
    const read = decoder.decode(bytes)
    if (!(read instanceof Tag) || !Array.isArray(read.value)) return 'read'
    const [kind, id, target, payload] = read.value
    return `read ${hex(kind)} ${hex(id)} ${hex(target)} ${Buffer.from(payload).toString('hex') || '-'}`
  } catch {
    return 'refused'
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${judge(Buffer.from(line, 'hex'))}\n`)
