// Records of a stream (section 5.1).

import { Fault, readFrame } from './read.js'

export const MAX_FRAME = 4194304

export function record(frame) {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(frame.length)
  return Buffer.concat([prefix, frame])
}

// feed gives {frame, bytes} or {fault} for each record that is there.
export class Records {
  constructor(maxFrame = MAX_FRAME) {
    this.maxFrame = maxFrame
    this.pieces = []
    this.size = 0
    this.over = false
  }

  feed(data) {
    if (this.over) return []
    this.pieces.push(data)
    this.size += data.length
    if (this.size < this.wanted()) return []
    let rest = this.joined()
    const items = []
    while (rest.length >= 4) {
      const length = rest.readUInt32BE()
      if (length > this.maxFrame) {
        this.over = true
        items.push({ fault: new Fault('S-2', 0) })
        break
      }
      if (rest.length < 4 + length) break
      items.push(judged(rest.subarray(4, 4 + length)))
      rest = rest.subarray(4 + length)
    }
    this.pieces = [rest]
    this.size = rest.length
    return items
  }

  // How many bytes the next record needs, as far as that is known.
  wanted() {
    if (this.pieces[0].length < 4) return 4
    const length = this.pieces[0].readUInt32BE()
    return length > this.maxFrame ? 4 : 4 + length
  }

  joined() {
    return this.pieces.length === 1 ? this.pieces[0] : Buffer.concat(this.pieces)
  }

  // The fault of input that ends now, null between two records. S-3
  end() {
    if (this.over || this.size === 0) return null
    return new Fault('S-3', Math.max(0, this.size - 4))
  }

  get unfinished() {
    return this.size > 0
  }
}

function judged(bytes) {
  try {
    return { frame: readFrame(bytes), bytes }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { fault, bytes }
  }
}
