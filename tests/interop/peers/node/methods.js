// The methods that the conformance suite calls. A method answers, or throws RpcError; what takes time
// sets `stop`, which ends it without an answer.

import { decoder } from './connection.js'

export class RpcError extends Error {
  constructor(status, message, details, executed) {
    super(message)
    Object.assign(this, { status, details, executed })
  }
}

function body({ frame }, { format }) {
  try {
    if (format !== undefined && format !== 60) throw new Error(`content format ${format}`)
    return decoder.decode(frame.payload)
  } catch (error) {
    throw new RpcError(3, `the body is no CBOR: ${error.message}`, undefined, 0)
  }
}

export const methods = {
  'tracewire.echo': ({ frame }, { format }, answer) => answer(frame.payload, format),

  'tracewire.sleep': (call, meaning, answer) => {
    const seconds = body(call, meaning)
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= 86400)) {
      throw new RpcError(3, 'the body must be a number of seconds', undefined, 0)
    }
    const timer = setTimeout(() => answer(Buffer.alloc(0)), 1000 * seconds)
    call.stop = () => clearTimeout(timer)
  },

  'tracewire.fail': (call, meaning) => {
    const given = body(call, meaning)
    const { status, message = '', details } = typeof given === 'number' ? { status: given } : given ?? {}
    if (!Number.isInteger(status) || status < 1 || status > 16) {
      throw new RpcError(3, 'the status must be 1 to 16', undefined, 0)
    }
    throw new RpcError(status, message, details, 2)
  },
}
