// A live peer of generation 2. `node peer.js [both] URL` listens on tcp://host:port, unix:///path or
// a bare path, and serves tracewire.echo, tracewire.sleep and tracewire.fail. For its lines on stdin
// and stdout see ../README.md. RECORD_SECONDS and IN_FLIGHT change its limits.

import { createServer, createConnection } from 'node:net'
import { createInterface } from 'node:readline'

import { Connection } from './connection.js'
import { fromTraceparent, meaningOf, traceparent } from './meaning.js'
import { KIND } from './read.js'
import { record } from './stream.js'
import { traceEntries, writeFrame } from './write.js'

const url = process.argv.at(-1)
const mode = process.argv.includes('both') ? 'both' : 'framed'
const limits = {
  inFlight: Number(process.env.IN_FLIGHT ?? 1000),
  recordSeconds: Number(process.env.RECORD_SECONDS ?? 30),
}
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`)
const told = (bytes) => Buffer.from(bytes).toString('hex') || '-'

function received(body, frame) {
  if (!frame) return say('received', 'bare', told(body), 'none')
  const { trace } = meaningOf(frame)
  const said = trace === undefined ? 'undecided' : trace ? traceparent(trace) : 'not-sampled'
  say('received', 'framed', told(body), said)
}

const server = createServer({ allowHalfOpen: true }, (socket) => new Connection(socket, { mode, limits, received }))
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
const [, host, port] = url.match(/^tcp:\/\/(.+):(\d+)$/) ?? []
const path = url.replace(/^unix:\/\//, '')
server.listen(host ? { host, port: Number(port) } : { path }, () => {
  const at = server.address()
  say('listening', host ? `tcp://${at.address}:${at.port}` : url)
})

function send(to, dialect, body, trace) {
  const bytes = Buffer.from(body === '-' ? '' : body, 'hex')
  const context = trace.startsWith('00-') ? fromTraceparent(trace) : trace === 'not-sampled' ? false : undefined
  const message = dialect === 'framed' ? writeFrame(KIND.notification, 0, '', bytes, traceEntries(context, '')) : bytes
  const socket = createConnection({ path: to }, () => socket.end(record(message), () => say('sent', told(bytes))))
  socket.on('error', (error) => say('dropped', error.code)).resume()
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(' ')
  if (command === 'send') send(...words)
}
process.exit(0)
