// Bodies as encoders of npm write them. Each line is JSON, [package, what encodes v, what v is], and is
// answered by the bytes in hexadecimal.

import { createInterface } from 'node:readline'

import * as cborX from 'cbor-x'
import cbor from 'cbor'
import * as cborg from 'cborg'

const packages = { 'cbor-x': cborX, cbor, cborg }

for await (const line of createInterface({ input: process.stdin })) {
  const [name, encoder, value] = JSON.parse(line)
  const own = packages[name]
  const encode = new Function(...Object.keys(own), 'v', `return ${encoder}`)
  const v = new Function(`return ${value}`)()
  process.stdout.write(`${Buffer.from(encode(...Object.values(own), v)).toString('hex')}\n`)
}
