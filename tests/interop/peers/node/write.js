// Encoding (section 4): frames, what is shed where context does not fit, restamp and strip.

import { contextBytes } from './meaning.js'
import { Fault, readFrame, readValue } from './read.js'

const ITEM_FALSE = Buffer.from([0xf4])

export function head(major, argument) {
  if (argument < 24) return Buffer.from([(major << 5) | argument])
  const size = argument < 256 ? 1 : argument < 65536 ? 2 : argument < 2 ** 32 ? 4 : 8
  const bytes = Buffer.alloc(9)
  bytes[0] = (major << 5) | { 1: 24, 2: 25, 4: 26, 8: 27 }[size]
  bytes.writeBigUInt64BE(BigInt(argument) << BigInt(8 * (8 - size)), 1)
  return bytes.subarray(0, 1 + size)
}

const number = (value) => (value < 0 ? head(1, -1 - value) : head(0, value))

const text = (value) => Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
const octets = (value) => Buffer.concat([head(2, value.length), value])

export function baseFrame(kind, id, target, payload) {
  const name = typeof target === 'string' ? text(target) : number(target)
  return Buffer.concat([Buffer.from('d9d4f784', 'hex'), number(kind), number(id), name, octets(payload)])
}

// entries: [{key, encoded, item}], in any order. Throws Fault for what makes no valid frame.
export function writeFrame(kind, id, target, payload, entries = []) {
  const frame = withEntries(baseFrame(kind, id, target, payload), entries)
  readFrame(frame)
  return frame
}

export function entry(key, item) {
  return { key, encoded: typeof key === 'string' ? text(key) : head(0, key), item }
}

// The entries of a trace: undefined, false, or a context with its state.
export function traceEntries(trace, state) {
  if (trace === undefined) return []
  if (trace === false) return [entry(1, ITEM_FALSE)]
  const kept = fitState(state.split(','))
  const context = entry(1, octets(contextBytes(trace)))
  return kept.length ? [context, entry(3, text(kept.join(',')))] : [context]
}

// E-2
function fitState(members) {
  let kept = members.filter((member) => member !== '' && /^[\x20-\x7e]+$/.test(member))
  while (kept.length > 32 || kept.join(',').length > 512) kept = withoutOne(kept)
  return kept
}

function withoutOne(members) {
  const long = members.findLastIndex((member) => member.length > 128)
  return members.toSpliced(long < 0 ? members.length - 1 : long, 1)
}

// E-5, of the keys that a program gives as a trace or as they are encoded.
export function fitMap(entries, given) {
  let fitting = entries
  while (isTooBig(fitting)) {
    const state = fitting.find(({ key }) => key === 3)
    if (state && !given.has(3)) {
      const members = withoutOne(readValue(state.item).split(','))
      fitting = fitting.filter(({ key }) => key !== 3)
      if (members.length) fitting.push(entry(3, text(members.join(','))))
      continue
    }
    const next = [3, 5, 13, 1].find((key) => fitting.some((each) => each.key === key))
    if (next === undefined) break // E-6
    fitting = fitting.filter(({ key }) => key !== next)
  }
  return fitting
}

function isTooBig(entries) {
  const size = entries.reduce((sum, { encoded, item }) => sum + encoded.length + item.length, 0)
  return entries.length > 64 || size + head(5, entries.length).length > 16384
}

function withEntries(base, entries) {
  if (!entries.length) return base
  const sorted = entries.toSorted((one, two) => Buffer.compare(one.encoded, two.encoded))
  const parts = sorted.flatMap(({ encoded, item }) => [encoded, item])
  const frame = Buffer.concat([base, head(5, entries.length), ...parts])
  frame[3] = 0x85
  return frame
}

export function restamp(bytes, trace, state) {
  const frame = readFrame(bytes)
  if (frame.kind > 2) return bytes // L-3
  const others = frame.entries.filter(({ key }) => key !== 1 && key !== 3)
  let stamp = traceEntries(trace, state)
  while (isTooBig([...others, ...stamp]) && stamp.length === 2) {
    const members = withoutOne(readValue(stamp[1].item).split(','))
    stamp = traceEntries(trace, members.join(',')) // L-2
  }
  if (isTooBig([...others, ...stamp])) return bytes
  return withEntries(baseOf(bytes, frame), [...others, ...stamp])
}

export function strip(bytes) {
  const frame = readFrame(bytes)
  const even = frame.entries.find(({ key }) => typeof key === 'number' && key % 2 === 0)
  if (even) throw new Fault('X-11', even.at) // L-4
  return baseOf(bytes, frame)
}

function baseOf(bytes, frame) {
  const base = Buffer.from(bytes.subarray(0, frame.base))
  base[3] = 0x84
  return base
}
