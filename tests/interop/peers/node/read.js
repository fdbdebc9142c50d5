// A strict reader of frames: section 2.1 of the specification, question by question.

const TAG = [0xd9, 0xd4, 0xf7]
const MAX_32 = 0xffffffff
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const KIND = { request: 0, response: 1, notification: 2, hello: 3, goaway: 4, cancel: 5, ping: 6, pong: 7 }

export class Fault extends Error {
  constructor(rule, offset, kind = null, id = null) {
    super(`${rule} at ${offset}`)
    Object.assign(this, { rule, offset, kind, id })
  }
}

// A frame's fields, and its extensions as they are encoded: [{key, at, bytes, value, item}].
export function readFrame(bytes) {
  const reader = new Reader(bytes)
  try {
    return reader.frame()
  } catch (error) {
    if (error instanceof Fault) Object.assign(error, { kind: reader.kind, id: reader.id })
    throw error
  }
}

// One value that is known to be of the subset: numbers, BigInts, Buffers, strings, false, true,
// null, arrays, and {pairs} for maps, in which keys may occur twice.
export function readValue(bytes) {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (reader.at < bytes.length) throw new Fault('F-18', reader.at)
  return value
}

// The same of plain values, which are not judged: any depth, negative keys, tags 2 and 3.
export function readLoosely(bytes) {
  const reader = new Reader(bytes)
  reader.loose = true
  return reader.value(-Infinity)
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes
    this.at = 0
    this.loose = false
    this.kind = this.id = null
  }

  frame() {
    this.tag()
    const length = this.array()
    const kind = (this.kind = this.uint('F-7', 65535))
    const id = this.frameId(kind)
    const target = this.target(kind)
    const payload = this.string(2, 'F-17', 0, Infinity)
    const keysAt = this.at
    const entries = length === 5 ? this.extensions() : []
    if (this.at < this.bytes.length) throw new Fault('F-18', this.at)
    return { kind, id, target, payload, entries, base: keysAt, keys: this.bytes.subarray(keysAt) }
  }

  tag() {
    for (const [n, byte] of TAG.entries()) {
      if (n >= this.bytes.length) throw new Fault('F-1', this.bytes.length)
      if (this.bytes[n] !== byte) throw new Fault('F-5', 0)
    }
    this.at = TAG.length
  }

  array() {
    const { at, major, argument } = this.head()
    if (major !== 4 || (argument !== 4 && argument !== 5)) throw new Fault('F-6', at)
    return argument
  }

  frameId(kind) {
    const at = this.at
    const id = this.uint('F-8', MAX_32)
    const answered = [KIND.request, KIND.response, KIND.cancel, KIND.ping, KIND.pong].includes(kind)
    const unanswered = [KIND.notification, KIND.hello, KIND.goaway].includes(kind)
    if (answered && id === 0) throw new Fault('F-9', at)
    if (unanswered && id !== 0) throw new Fault('F-10', at)
    return (this.id = id)
  }

  target(kind) {
    if (kind === KIND.request) return this.text('F-11', 1, 255)
    if (kind === KIND.notification) return this.text('F-12', 0, 255)
    if (kind === KIND.response) return this.uint('F-13', MAX_32)
    if (kind <= KIND.pong) return this.uint('F-14', 0)
    const major = this.peek().major
    return major === 3 ? this.text('F-15', 0, 255) : this.uint('F-15', MAX_32)
  }

  extensions() {
    const { at, major, argument } = this.head()
    if (major !== 5) throw new Fault('X-1', at)
    if (argument < 1 || argument > 64) throw new Fault('X-2', at)
    const entries = []
    for (let n = 0; n < argument; n++) {
      entries.push(this.entry(entries.at(-1)))
      if (this.at - at > 16384) throw new Fault('X-3', at)
    }
    return entries
  }

  entry(before) {
    const at = this.at
    const { major, argument } = this.peek()
    if (major !== 0 && major !== 3) throw new Fault('X-4', at)
    if (major === 0 && (argument < 1 || argument > MAX_32)) throw new Fault('X-5', at)
    const key = major === 0 ? this.uint('X-5', MAX_32) : this.text('X-6', 1, 64)
    const encoded = this.bytes.subarray(at, this.at)
    if (before && Buffer.compare(before.encoded, encoded) >= 0) throw new Fault('X-7', at)
    const from = this.at
    this.value(0)
    return { key, at, encoded, item: this.bytes.subarray(from, this.at) }
  }

  value(depth) {
    const { at, major } = this.peek()
    if (major === 2) return this.string(2, 'X-8', 0, Infinity)
    if (major === 3) return this.text('X-8', 0, Infinity)
    const { argument } = this.head()
    if (major === 0) return argument
    if (major === 1) return typeof argument === 'bigint' ? -1n - argument : -1 - argument
    if (major === 6 && this.loose && argument < 4) return this.big(argument)
    if (major === 6) throw new Fault('X-8', at)
    if (major === 7) return this.simple(at)
    if (depth === 16) throw new Fault('X-9', at)
    const items = []
    for (let n = 0; n < argument; n++) {
      items.push(major === 4 ? this.value(depth + 1) : [this.valueKey(), this.value(depth + 1)])
    }
    return major === 4 ? items : { pairs: items }
  }

  valueKey() {
    const { at, major } = this.peek()
    if (major !== 0 && major !== 3 && !(this.loose && major === 1)) throw new Fault('X-10', at)
    return this.value(0)
  }

  big(tag) {
    const size = BigInt(`0x${this.string(2, 'X-8', 0, Infinity).toString('hex') || '0'}`)
    return tag === 2 ? size : -1n - size
  }

  simple(at) {
    const byte = this.bytes[at]
    if (byte < 0xf4 || byte > 0xf6) throw new Fault('X-8', at)
    return byte === 0xf6 ? null : byte === 0xf5
  }

  uint(rule, most) {
    const { at, major, argument } = this.head()
    if (major !== 0 || argument > most) throw new Fault(rule, at)
    return argument
  }

  text(rule, least, most) {
    const at = this.at
    const bytes = this.string(3, rule, least, most)
    try {
      return utf8.decode(bytes)
    } catch {
      throw new Fault('F-16', at)
    }
  }

  string(wanted, rule, least, most) {
    const { at, major, argument } = this.head()
    if (major !== wanted || argument < least || argument > most) throw new Fault(rule, at)
    if (argument > this.bytes.length - this.at) throw new Fault('F-1', this.bytes.length)
    const content = this.bytes.subarray(this.at, this.at + Number(argument))
    this.at += Number(argument)
    return content
  }

  // The next head, which stays to be read.
  peek() {
    const at = this.at
    const head = this.head()
    this.at = at
    return head
  }

  head() {
    const { bytes, at } = this
    if (at >= bytes.length) throw new Fault('F-1', bytes.length)
    const major = bytes[at] >> 5
    const info = bytes[at] & 31
    if ((info > 27 && info < 31) || (info === 31 && ![2, 3, 4, 5].includes(major))) throw new Fault('F-2', at)
    if (info === 31) throw new Fault('F-3', at)
    const size = info < 24 ? 0 : 1 << (info - 24)
    if (bytes.length - at - 1 < size) throw new Fault('F-1', bytes.length)
    const argument = size === 0 ? info : this.argument(at + 1, size)
    if (major === 7 && size === 1 && argument < 32) throw new Fault('F-2', at)
    const least = { 0: 0, 1: 24, 2: 256, 4: 65536, 8: 4294967296 }[size]
    if (major < 7 && argument < least) throw new Fault('F-4', at)
    this.at = at + 1 + size
    return { at, major, argument }
  }

  argument(at, size) {
    if (size < 8) return this.bytes.readUIntBE(at, size)
    const big = this.bytes.readBigUInt64BE(at)
    return big <= Number.MAX_SAFE_INTEGER ? Number(big) : big
  }
}
