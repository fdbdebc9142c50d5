// What extensions mean: usable values (section 3.5), and the three states of a trace (section 4.1).

import { readValue } from './read.js'

const isUint = (value) => (typeof value === 'number' || typeof value === 'bigint') && value >= 0
const isZero = (bytes) => bytes.every((byte) => byte === 0)

// {trace: undefined, false or {id, parent, flags}, state, unusable: [keys], timeout, format, even}
export function meaningOf(frame) {
  const values = new Map(frame.entries.map(({ key, item }) => [key, readValue(item)]))
  const found = { state: '', unusable: [], even: [] }
  const usable = (key, read) => {
    if (!values.has(key)) return undefined
    const value = read(values.get(key))
    if (value === undefined) found.unusable.push(key)
    return value
  }
  found.trace = usable(1, (value) => (value === false ? false : contextOf(value)))
  const state = usable(3, (value) => (found.trace ? stateOf(value) : undefined))
  found.state = state ?? ''
  found.baggage = usable(5, baggageOf)
  found.timeout = usable(7, (value) => (isUint(value) ? Math.min(Number(value), 2 ** 47) : undefined))
  found.format = usable(9, (value) => (isUint(value) && value <= 65535 ? value : undefined))
  found.fanout = usable(11, fanoutOf)
  found.creation = usable(13, (value) => contextOf(value))
  found.even = frame.entries.map(({ key }) => key).filter((key) => typeof key === 'number' && key % 2 === 0)
  return found
}

export function contextOf(value) {
  if (!Buffer.isBuffer(value) && !(value instanceof Uint8Array)) return undefined
  const bytes = Buffer.from(value)
  const version = bytes[0]
  if (bytes.length < 29 || version === 255 || (version === 0 && bytes.length > 29)) return undefined
  if (bytes[1] !== 0 || bytes[18] !== 1 || bytes[27] !== 2) return undefined
  const [id, parent] = [bytes.subarray(2, 18), bytes.subarray(19, 27)]
  if (isZero(id) || isZero(parent)) return undefined
  return { id: id.toString('hex'), parent: parent.toString('hex'), flags: bytes[28] }
}

export function contextBytes({ id, parent, flags }) {
  return Buffer.from(`0000${id}01${parent}02${flags.toString(16).padStart(2, '0')}`, 'hex')
}

export function traceparent({ id, parent, flags }) {
  return `00-${id}-${parent}-${flags.toString(16).padStart(2, '0')}`
}

export function fromTraceparent(text) {
  const [, id, parent, flags] = text.split('-')
  return { id, parent, flags: parseInt(flags, 16) }
}

function stateOf(value) {
  if (typeof value !== 'string' || value.length < 1 || value.length > 512) return undefined
  if (!/^[\x20-\x7e]*$/.test(value) || value.split(',').length > 32) return undefined
  return value
}

function baggageOf(value) {
  const pairs = value?.pairs
  if (!pairs || pairs.length > 64) return undefined
  const texts = pairs.flat()
  const size = texts.reduce((sum, text) => sum + Buffer.byteLength(String(text)), 0)
  if (texts.some((text) => typeof text !== 'string') || size > 8192) return undefined
  const keys = pairs.map(([key]) => key)
  if (keys.includes('') || new Set(keys).size < keys.length) return undefined
  return pairs
}

function fanoutOf(value) {
  if (!Array.isArray(value) || value.length < 2) return undefined
  const read = value.slice(0, 3)
  if (!read.every((part) => isUint(part) && part >= 1) || read[1] > read[0]) return undefined
  return read
}
