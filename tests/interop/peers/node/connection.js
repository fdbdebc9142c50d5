// One connection (section 7): what is heard, answered and refused, and how it ends.

import { Decoder, Encoder } from 'cbor-x'

import { meaningOf } from './meaning.js'
import { methods, RpcError } from './methods.js'
import { KIND, readValue } from './read.js'
import { MAX_FRAME, Records, record } from './stream.js'
import { entry, head, writeFrame } from './write.js'

const STATUS = {
  OK: 0, CANCELLED: 1, INVALID_ARGUMENT: 3, DEADLINE_EXCEEDED: 4, RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12, INTERNAL: 13, UNAVAILABLE: 14,
}
const NO = 0, MAYBE = 1, YES = 2
const LONGEST_ERROR = 4096
const MOST_WAITING = 16 * MAX_FRAME
const encoder = new Encoder({ useRecords: false, variableMapSize: true, mapsAsObjects: false, tagUint8Array: false })
export const decoder = new Decoder({ useRecords: false, mapsAsObjects: true })

export class Connection {
  constructor(socket, { mode, limits, received }) {
    Object.assign(this, { socket, mode, limits, received })
    this.records = new Records()
    this.state = 'open'
    this.requests = new Map()
    this.accepted = []
    this.greeted = this.met = false
    this.read = this.cancels = this.invalid = this.strikes = this.lastId = 0
    this.lastPing = -Infinity
    this.theirMax = MAX_FRAME
    this.began = null
    socket.on('data', (data) => this.hear(data))
    socket.on('end', () => this.ended())
    socket.on('error', () => {})
    socket.on('close', () => this.abandon())
  }

  hear(data) {
    if (this.state === 'failed' || this.state === 'closed') return
    const now = Date.now()
    let began = this.began ?? now
    for (const item of this.records.feed(data)) {
      if (this.state === 'failed') return
      this.judge(item, began)
      began = now
    }
    this.watch(this.records.unfinished ? began : null)
    for (const call of this.accepted.splice(0)) this.start(call)
    this.settle()
  }

  // A record that is not finished in time is a connection error. C-26
  watch(began) {
    if (began === this.began) return
    clearTimeout(this.watching)
    this.began = began
    if (began === null) return
    const left = began + 1000 * this.limits.recordSeconds - Date.now()
    this.watching = setTimeout(() => this.fault(STATUS.RESOURCE_EXHAUSTED, 'a record took too long'), left)
  }

  judge({ frame, fault, bytes }, began) {
    if (this.mode === 'both' && bytes && !beginsLikeFrame(bytes)) return this.received(bytes, null)
    if (fault) return this.hearInvalid(fault)
    if (frame.kind !== KIND.ping) this.strikes = 0
    if (this.mode === 'both' && !this.met && !this.introduces(frame)) return
    this.greet()
    const even = meaningOf(frame).even
    if (even.length && frame.kind > KIND.notification) return // G-11
    const hearers = [
      () => this.hearRequest(frame, began, even), () => {}, () => even.length || this.hearNotification(frame),
      () => this.hearHello(frame), () => this.hearGoaway(), () => this.hearCancel(frame.id), () => this.hearPing(frame.id), () => {},
    ]
    hearers[frame.kind]?.() // G-13
  }

  // Of a stranger in mode both: envelopes and a hello. G-16
  introduces(frame) {
    if (frame.kind === KIND.notification && frame.target === '') return true
    this.met = frame.kind === KIND.hello && readHello(frame.payload) !== null
    return this.met
  }

  hearInvalid({ rule, kind, id }) {
    if (rule === 'S-2') return this.fault(STATUS.RESOURCE_EXHAUSTED, 'a record is too long')
    if (kind === KIND.request && id && this.requests.has(id)) return this.fault(STATUS.INVALID_ARGUMENT, `${id} is in flight`)
    if (++this.invalid === 16) return this.fault(STATUS.INVALID_ARGUMENT, 'the 16th invalid record')
    if (kind !== KIND.request || !id) return
    this.read++
    this.refuse(id, STATUS.INVALID_ARGUMENT, `it breaks ${rule}`)
  }

  hearRequest(frame, began, even) {
    const { id } = frame
    if (this.requests.has(id)) return this.fault(STATUS.INVALID_ARGUMENT, `${id} is in flight`)
    this.read++
    if (this.state !== 'open') return this.refuse(id, STATUS.UNAVAILABLE, 'the connection is closing')
    if (even.length) return this.refuse(id, STATUS.UNIMPLEMENTED, `keys that are not understood: ${even.join(', ')}`, even)
    const { timeout } = meaningOf(frame)
    const expires = timeout === undefined ? Infinity : began + timeout / 1000
    if (timeout === 0 || expires <= Date.now()) return this.refuse(id, STATUS.DEADLINE_EXCEEDED, 'it is too late')
    if (this.requests.size >= this.limits.inFlight) return this.refuse(id, STATUS.RESOURCE_EXHAUSTED, 'too many calls')
    this.lastId = Math.max(this.lastId, id)
    const call = { id, frame, expires, cause: null, stop: null }
    this.requests.set(id, call)
    this.accepted.push(call)
  }

  hearNotification(frame) {
    if (meaningOf(frame).timeout === 0) return
    if (frame.target === '') this.received(frame.payload, frame)
  }

  hearHello(frame) {
    const hello = this.heardHello ? null : readHello(frame.payload)
    if (hello === null) return // C-10
    this.heardHello = true
    this.theirMax = hello[3]
  }

  hearGoaway() {
    if (this.state === 'open') this.state = 'leaving'
  }

  hearCancel(id) {
    if (++this.cancels > this.read) return this.fault(STATUS.RESOURCE_EXHAUSTED, 'more cancels than requests')
    this.stop(this.requests.get(id), STATUS.CANCELLED)
  }

  hearPing(id) {
    const now = Date.now()
    if (now - this.lastPing < 1000 && ++this.strikes === 3) return this.fault(STATUS.RESOURCE_EXHAUSTED, 'too many pings')
    this.lastPing = now
    this.write(writeFrame(KIND.pong, id, 0, Buffer.alloc(0)))
  }

  start(call) {
    if (call.cause !== null) return this.fail(call, new RpcError(call.cause, 'it was cancelled', undefined, NO))
    if (Number.isFinite(call.expires)) {
      const left = Math.min(2 ** 31 - 1, call.expires - Date.now())
      call.timer = setTimeout(() => this.stop(call, STATUS.DEADLINE_EXCEEDED), left)
    }
    const method = methods[call.frame.target]
    if (!method) return this.fail(call, new RpcError(STATUS.UNIMPLEMENTED, `no method ${call.frame.target}`, undefined, NO))
    try {
      method(call, meaningOf(call.frame), (payload, format) => this.answer(call, payload, format))
    } catch (error) {
      this.fail(call, error instanceof RpcError ? error : new RpcError(STATUS.INTERNAL, 'it failed'))
    }
  }

  // Ends a handler; its response follows. C-16
  stop(call, status) {
    if (!call || call.cause !== null) return
    call.cause = status
    if (!call.stop) return
    call.stop()
    this.fail(call, new RpcError(status, 'it was cancelled', undefined, MAYBE))
  }

  answer(call, payload, format) {
    const entries = format === undefined ? [] : [entry(9, head(0, format))]
    const response = writeFrame(KIND.response, call.id, STATUS.OK, payload, entries)
    if (response.length > this.theirMax) return this.fail(call, new RpcError(STATUS.RESOURCE_EXHAUSTED, 'too long', undefined, YES))
    this.end(call, response)
  }

  fail(call, error) {
    this.end(call, writeFrame(KIND.response, call.id, error.status, errorBody(error)))
  }

  end(call, response) {
    clearTimeout(call.timer)
    this.requests.delete(call.id)
    if (this.state === 'failed' || this.state === 'closed') return
    this.write(response)
    this.settle()
  }

  refuse(id, status, message, details) {
    const body = errorBody(new RpcError(status, message, details, NO))
    this.write(writeFrame(KIND.response, id, status, body))
  }

  // Hello is the first thing that is said, and not before a frame was accepted. C-9
  greet() {
    if (this.greeted) return
    this.greeted = true
    const hello = new Map([[0, 2], [1, []], [2, [3, 4, 5, 6, 7]], [3, MAX_FRAME], [4, 'node']])
    this.write(writeFrame(KIND.hello, 0, 0, encoder.encode(hello)))
  }

  write(frame) {
    if (this.state === 'failed' || this.state === 'closed') return
    this.socket.write(record(frame))
    if (this.socket.writableLength > MOST_WAITING) this.socket.destroy() // C-26
  }

  // A connection error. C-20
  fault(status, text) {
    if (this.state === 'failed' || this.state === 'closed') return
    const said = new Map([[0, this.lastId], [1, status], [2, text]])
    if (this.greeted) this.write(writeFrame(KIND.goaway, 0, 0, encoder.encode(said))) // else in silence: G-3
    this.state = 'failed'
    this.abandon()
    this.socket.end()
    setTimeout(() => this.socket.destroy(), 1000)
  }

  ended() {
    if (this.state === 'failed') return this.socket.destroy()
    this.state = 'finishing'
    this.settle()
  }

  settle() {
    if (!['leaving', 'finishing'].includes(this.state) || this.requests.size) return
    this.state = 'closed'
    this.watch(null)
    this.socket.end()
    this.socket.resume()
    setTimeout(() => this.socket.destroy(), 1000).unref()
  }

  // Handlers whose response nobody will read.
  abandon() {
    this.watch(null)
    for (const call of this.requests.values()) {
      clearTimeout(call.timer)
      call.stop?.()
    }
    this.requests.clear()
  }
}

const beginsLikeFrame = (bytes) => ['d9d4f784', 'd9d4f785'].includes(bytes.toString('hex', 0, 4))

function readHello(payload) {
  try {
    const pairs = readValue(payload)?.pairs
    const fields = {}
    for (const [key, value] of pairs.toReversed()) fields[key] = value // of duplicates the first
    const uints = (list) => Array.isArray(list) && list.every((each) => typeof each === 'number' && each >= 0)
    const good = fields[0] >= 0 && uints(fields[1]) && uints(fields[2]) && typeof fields[0] === 'number' &&
      typeof fields[3] === 'number' && fields[3] >= 65536 &&
      (fields[4] === undefined || (typeof fields[4] === 'string' && Buffer.byteLength(fields[4]) <= 64))
    return good ? fields : null
  } catch {
    return null
  }
}

function errorBody({ message, details, executed }) {
  const fields = new Map([[0, message]])
  if (details !== undefined) fields.set(1, details)
  if (executed !== undefined) fields.set(2, executed)
  let body = encoder.encode(fields)
  if (body.length <= LONGEST_ERROR) return body
  fields.delete(1)
  fields.set(0, message.slice(0, LONGEST_ERROR / 4)).set(3, true)
  return encoder.encode(fields)
}
