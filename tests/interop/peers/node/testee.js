// A codec testee of generation 2; spec/testee.md says what is asked and answered.

import { createInterface } from 'node:readline'

import { fromTraceparent, meaningOf, traceparent } from './meaning.js'
import { Fault, KIND, readFrame, readLoosely } from './read.js'
import { Records } from './stream.js'
import { checkPlain, fitMap, plainEntries, restamp, strip, takeShed, traceEntries, writeFrame } from './write.js'

const given = (word) => Buffer.from(word === '-' ? '' : word, 'hex')
const told = (bytes) => bytes.toString('hex') || '-'
const traces = { undecided: undefined, 'not-sampled': false }
const trace = (word) => (word in traces ? traces[word] : fromTraceparent(word))
const fault = ({ rule, offset }) => `${rule}@${offset}`
const BASE = 'd9d4f7850001616140'

// The base frame's faults come first, as it is made alone, then those of plain values (E-14). A key that is given
// both ways is written as it is encoded, and key 1 in place of the trace's state too (E-11).
function encoded([kind, id, target, payload], context, state, pairs, creation, keys) {
  const name = target[0] === 't' ? given(target.slice(1)).toString() : Number(target)
  const base = [Number(kind), Number(id), name, given(payload)]
  writeFrame(...base)
  if (pairs.length) checkPlain(pairs, keysOf(keys))
  const raw = keys === '-' ? [] : readFrame(given(BASE + keys)).entries
  const has = new Set(raw.map(({ key }) => key))
  const plain = pairs.filter(([key]) => !has.has(key))
  const others = [...raw, ...plainEntries(plain, has.has(13) ? undefined : creation)]
  const stamp = has.has(1) ? [] : traceEntries(trace(context), has.has(3) ? '' : given(state).toString())
  return `frame ${told(writeFrame(...base, fitMap([...others, ...stamp], has)))}`
}

// What is given as encoded bytes, be it a key or none.
const keysOf = (keys) => new Set(keys === '-' ? [] : readLoosely(given(keys)).pairs.map(([key]) => key))

const answers = {
  hello: () => 'testee 1 2 node',
  decode(data) {
    const { kind, id, target, payload, keys } = readFrame(given(data))
    const name = typeof target === 'string' ? `t${Buffer.from(target).toString('hex')}` : target
    return `valid ${kind} ${id} ${name} ${told(payload)} ${told(keys)}`
  },
  encode: (kind, id, target, payload, context, state, keys) =>
    encoded([kind, id, target, payload], context, state, [], undefined, keys),
  plain(kind, id, target, payload, context, state, creation, values, keys) {
    const pairs = values === '-' ? [] : readLoosely(given(values)).pairs
    const created = creation === '-' ? undefined : trace(creation)
    return encoded([kind, id, target, payload], context, state, pairs, created, keys)
  },
  shed(command, ...words) {
    takeShed()
    const said = answers[command](...words)
    const parts = takeShed().map((each) => each.join(':'))
    return said.startsWith('frame') ? `shed ${parts.join(',') || '-'}` : said
  },
  meaning(data) {
    const { trace, state, unusable } = meaningOf(readFrame(given(data)))
    const said = trace === undefined ? 'undecided' : trace ? traceparent(trace) : 'not-sampled'
    return `meaning ${said} ${told(Buffer.from(state))} ${unusable.join(',') || '-'}`
  },
  restamp: (data, context, state) => `frame ${told(restamp(given(data), trace(context), given(state).toString()))}`,
  strip: (data) => `frame ${told(strip(given(data)))}`,
  unwrap(mode, understood, data) {
    const bytes = given(data)
    const begins = ['d9d4f784', 'd9d4f785'].includes(bytes.subarray(0, 4).toString('hex'))
    if (mode === 'bare' || (mode === 'both' && !begins)) return `bare ${told(bytes)}`
    const frame = readFrame(bytes)
    if (frame.kind !== KIND.notification) throw new Fault('M-3', 4)
    if (frame.target !== '') throw new Fault('M-3', 6)
    const known = understood.split(',')
    const even = frame.entries.find(({ key }) => typeof key === 'number' && key % 2 === 0 && !known.includes(`${key}`))
    if (even) throw new Fault('X-11', even.at)
    return `envelope ${told(frame.payload)} ${told(frame.keys)}`
  },
  stream(max, ...pieces) {
    const records = new Records(Number(max))
    const items = pieces.flatMap((piece) => records.feed(given(piece)))
    const said = items.map((item) => (item.fault ? `!${fault(item.fault)}` : told(item.bytes)))
    const end = records.end()
    return ['items', ...said, end ? `!${fault(end)}` : 'end'].join(' ')
  },
}

function answer(line) {
  const [command, ...words] = line.split(' ')
  if (!answers[command] || (command === 'shed' && !answers[words[0]])) return 'unsupported'
  try {
    return answers[command](...words)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return ['encode', 'plain'].some((each) => line.startsWith(each) || line.startsWith(`shed ${each}`)) ? `refused ${error.rule}` : `invalid ${error.rule} ${error.offset}`
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${answer(line)}\n`)
