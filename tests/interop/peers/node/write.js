// Encoding (section 4): frames, what is shed where context does not fit, restamp and strip.

import { contextBytes, meaningOf } from './meaning.js'
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

function number(value) {
  const argument = typeof value === 'bigint' ? (value < 0 ? -1n - value : value) : value < 0 ? -1 - value : value
  if (argument > 2n ** 64n - 1n) throw new Fault('X-8', '?')
  return head(value < 0 ? 1 : 0, argument)
}

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

// What was shed since it was asked last, by key: members of tracestate, entries of baggage, keys.
let shed = new Map()
const count = (key, parts) => parts && shed.set(key, (shed.get(key) ?? 0) + parts)

export function takeShed() {
  const taken = [...shed].sort(([one], [other]) => one - other)
  shed = new Map()
  return taken
}

// The entries of a trace: undefined, false, or a context with its state.
export function traceEntries(trace, state) {
  if (trace === undefined) return []
  if (trace === false) return [entry(1, ITEM_FALSE)]
  const given = state === '' ? [] : state.split(',')
  const kept = fitState(given)
  count(3, given.length - kept.length)
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
      count(3, 1)
      fitting = fitting.filter(({ key }) => key !== 3)
      if (members.length) fitting.push(entry(3, text(members.join(','))))
      continue
    }
    const baggage = !state && fitting.find(({ key }) => key === 5)
    if (baggage && !given.has(5)) {
      const { pairs } = readValue(baggage.item)
      const kept = mapSize(fitting) > 16384 ? withoutLargest(pairs) : pairs.slice(0, -1)
      count(5, 1)
      fitting = fitting.filter(({ key }) => key !== 5)
      if (kept.length) fitting.push(entry(5, mapItem(kept)))
      continue
    }
    const next = [3, 5, 13, 1].find((key) => fitting.some((each) => each.key === key))
    if (next === undefined) break // E-6
    count(next, 1)
    const fanout = next === 1 && fitting.find(isDrawn)
    if (fanout) count(11, 1) // E-13
    fitting = fitting.filter((each) => each.key !== next && each !== fanout)
  }
  return fitting
}

// A fanout without recipients still to draw, which goes with its trace.
function isDrawn(each) {
  return each.key === 11 && meaningOf({ entries: [each] }).fanout?.length === 2
}

// Throws the first fault of plain values. Where encoded bytes are written in place of one, it is not looked at, but in
// keys 1 and 3 no value is plain. E-9, E-11, E-12
export function checkPlain(pairs, has) {
  for (const [key, value] of pairs) {
    checkKey(key)
    if (key === 1 || key === 3) throw new Fault('U-1', '?')
    if (key !== 5 && key !== 13 && !has.has(key)) plainEntry(key, value)
  }
}

// The entries of plain values that were checked, given as [key, value] pairs, and a creation. E-3, E-4, E-8
export function plainEntries(pairs, creation) {
  const entries = []
  for (const [key, value] of pairs) {
    if (key === 13) count(13, 1)
    else if (key !== 5) entries.push(plainEntry(key, value))
    else if (!value?.pairs) count(5, 1)
    else entries.push(...baggageEntries(value.pairs))
  }
  if (creation) entries.push(entry(13, octets(contextBytes(creation))))
  return entries
}

function checkKey(key) {
  const fits = typeof key !== 'string' || (Buffer.byteLength(key) >= 1 && Buffer.byteLength(key) <= 64)
  if (!fits) throw new Fault('X-6', '?')
  if (typeof key !== 'string' && (key < 1 || key > 0xffffffff)) throw new Fault('X-5', '?')
}

function plainEntry(key, value) {
  const written = entry(key, valueItem(value))
  const { unusable } = meaningOf({ entries: [written] })
  if (unusable.includes(key)) throw new Fault({ 7: 'U-4', 9: 'U-5', 11: 'U-6' }[key], '?')
  return written
}

// E-3
function baggageEntries(pairs) {
  const isText = (each) => typeof each === 'string'
  let kept = pairs.filter((pair) => pair.every(isText) && pair[0] !== '')
  kept = inOrder(kept)
  const size = () => kept.reduce((sum, pair) => sum + sizeOf(pair), 0)
  while (size() > 8192) kept = withoutLargest(kept)
  kept = kept.slice(0, 64)
  count(5, pairs.length - kept.length)
  return kept.length ? [entry(5, mapItem(kept))] : []
}

const sizeOf = ([key, value]) => Buffer.byteLength(key) + Buffer.byteLength(value)

// Of pairs in encoded order: of equally large ones the last goes.
function withoutLargest(pairs) {
  const most = Math.max(...pairs.map(sizeOf))
  return pairs.toSpliced(pairs.findLastIndex((pair) => sizeOf(pair) === most), 1)
}

const inOrder = (pairs) =>
  pairs.toSorted(([one], [other]) => Buffer.compare(valueItem(one), valueItem(other)))

const mapItem = (pairs) => Buffer.concat([head(5, pairs.length), ...inOrder(pairs).flat().map((each) => valueItem(each))])

function valueItem(value, depth = 0) {
  if (value === null || typeof value === 'boolean') return Buffer.from([{ false: 0xf4, true: 0xf5, null: 0xf6 }[value]])
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number' || typeof value === 'bigint') return number(value)
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) return octets(value)
  if (depth === 16) throw new Fault('X-9', '?')
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map((each) => valueItem(each, depth + 1))])
  for (const [key] of value.pairs) if (typeof key !== 'string' && key < 0) throw new Fault('X-10', '?')
  const sorted = inOrder(value.pairs)
  return Buffer.concat([head(5, sorted.length), ...sorted.flatMap(([key, each]) => [valueItem(key), valueItem(each, depth + 1)])])
}

function mapSize(entries) {
  const size = entries.reduce((sum, { encoded, item }) => sum + encoded.length + item.length, 0)
  return size + head(5, entries.length).length
}

const isTooBig = (entries) => entries.length > 64 || mapSize(entries) > 16384

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
  const before = meaningOf(frame).trace
  const moved = !before || before.id !== trace?.id
  const others = frame.entries.filter(({ key }) => key !== 1 && key !== 3).filter((each) => !(moved && isDrawn(each))) // L-6
  let stamp = traceEntries(trace, state)
  while (isTooBig([...others, ...stamp]) && stamp.length === 2) {
    const members = withoutOne(readValue(stamp[1].item).split(','))
    count(3, 1)
    stamp = traceEntries(trace, members.join(',')) // L-2
  }
  if (isTooBig([...others, ...stamp])) {
    count(1, 1)
    return bytes
  }
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
