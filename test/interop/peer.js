// SPDX-License-Identifier: Apache-2.0
/*
 * npm hypercore that does what it is told:  node peer.js MODULES DIRECTORY
 *
 * MODULES has node_modules with hypercore, DIRECTORY is for what it stores. A command is a line of JSON on standard input,
 * [number, verb, {...}]; the answer is one on standard output, [number, result] or [number, null, message], when it is done.
 * Several may be under way at once. It ends with its standard input.
 */
'use strict'
const crypto = require('crypto')
const net = require('net')
const path = require('path')
const readline = require('readline')

const [modules, directory] = process.argv.slice(2).map((name) => path.resolve(name))
const load = (name) => require(path.join(modules, 'node_modules', name))
const Hypercore = load('hypercore')
const crypt = load('hypercore-crypto')
const { keyPair, discoveryKey } = crypt
const caps = load('hypercore/lib/caps')
const c = load('compact-encoding')
const flat = load('flat-tree')
const SecretStream = load('@hyperswarm/secret-stream')
const Protomux = load('protomux')
const cores = new Map() // by name: { core, sockets, lie }
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// As block() of npm.py.
const block = (number) => Buffer.from(`block ${number} ` + 'q'.repeat(number % 60))

function blocks (start, end) {
  return Array.from({ length: end - start }, (_, at) => block(start + at))
}

async function state (it) {
  const { core, sockets } = it
  const ended = core.length === 0 || await core.has(core.length - 1) // else treeHash() of 11 gets that block
  return {
    key: core.key.toString('hex'),
    length: core.length,
    fork: core.fork,
    contiguous: core.contiguousLength,
    root: ended ? (await core.treeHash()).toString('hex') : null,
    connections: sockets.size
  }
}

// ---- connections ----

function replicate (it, socket, initiator, runs) {
  socket.setNoDelay(true)
  const stream = it.core.replicate(initiator)
  if (runs) lieInRuns(it, stream, runs)
  const end = () => { it.sockets.delete(socket); socket.destroy() }
  it.sockets.add(socket)
  it.streams.add(stream)
  stream.on('error', end)
  stream.on('close', () => it.streams.delete(stream))
  socket.on('error', () => {})
  socket.on('close', () => { end(); stream.destroy() })
  socket.pipe(stream).pipe(socket)
}

function listen (onSocket) {
  return new Promise((resolve) => {
    const server = net.createServer(onSocket)
    server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port }))
  })
}

function dial (port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}

// ---- lies: what is wrong with a message of npm's replication before it is sent ----

const flip = (bytes) => { const copy = Buffer.from(bytes); copy[copy.length >> 1] ^= 1; return copy }
const some = (nodes, change) => nodes.map((node, at) => at === 0 ? { ...node, ...change(node) } : node)

const lies = {
  block: { wireData: (m) => m.block && { ...m, block: { ...m.block, value: flip(m.block.value) } } },
  longer: { wireData: (m) => m.block && { ...m, block: { ...m.block, value: Buffer.concat([m.block.value, Buffer.alloc(1)]) } } },
  huge: { wireData: (m) => m.block && { ...m, block: { ...m.block, value: Buffer.alloc(16000000) } } },
  other: { wireData: (m) => m.block && { ...m, block: { ...m.block, index: m.block.index + 1 } } },
  node: { wireData: (m) => m.block && { ...m, block: { ...m.block, nodes: some(m.block.nodes, (n) => ({ hash: flip(n.hash) })) } } },
  size: { wireData: (m) => m.block && { ...m, block: { ...m.block, nodes: some(m.block.nodes, (n) => ({ size: n.size + 1 })) } } },
  short: { wireData: (m) => m.block && { ...m, block: { ...m.block, nodes: m.block.nodes.slice(1) } } },
  root: { wireData: (m) => m.upgrade && { ...m, upgrade: { ...m.upgrade, nodes: some(m.upgrade.nodes, (n) => ({ hash: flip(n.hash) })) } } },
  bytes: { wireData: (m) => m.upgrade && { ...m, upgrade: { ...m.upgrade, nodes: some(m.upgrade.nodes, (n) => ({ size: 2 ** 53 - 1 })) } } },
  length: { wireData: (m) => m.upgrade && { ...m, upgrade: { ...m.upgrade, length: m.upgrade.length + 1 } } },
  signature: { wireData: (m) => m.upgrade && { ...m, upgrade: { ...m.upgrade, signature: flip(m.upgrade.signature) } } },
  unsigned: { wireData: (m) => m.upgrade && { ...m, upgrade: { ...m.upgrade, signature: Buffer.alloc(0) } } },
  manifest: { wireData: (m) => m.manifest && { ...m, manifest: { ...m.manifest, signers: [{ ...m.manifest.signers[0], publicKey: flip(m.manifest.signers[0].publicKey) }] } } },
  fork: { wireSync: (m) => ({ ...m, fork: m.fork + 7 }) },
  endless: { wireSync: (m) => ({ ...m, length: 2 ** 53 - 1 }) }
}

function lie (it, kind) {
  it.told = 0
  it.core.on('peer-add', (peer) => {
    for (const [wire, change] of Object.entries(lies[kind])) {
      const send = peer[wire].send
      peer[wire].send = function (message) {
        const changed = change(message)
        it.told += !!changed
        return send.call(this, changed || message)
      }
    }
  })
}

// ---- lies on 'strata/run', which npm does not speak (docs/format/replication.md) ----

const encoded = (...numbers) => Buffer.concat(numbers.map((number) => c.encode(c.uint, number)))

// The tree over all blocks of a feed of block()s; its roots, and what a run needs beside its blocks below them.
function node (index) {
  if (index % 2 === 0) return { size: block(index / 2).length, hash: crypt.data(block(index / 2)) }
  const [left, right] = flat.children(index)
  const [one, other] = [{ index: left, ...node(left) }, { index: right, ...node(right) }]
  return { size: one.size + other.size, hash: crypt.parent(one, other) }
}

function outside (index, first, end) {
  const [from, to] = flat.spans(index)
  if (to < 2 * first || from >= 2 * end) return [node(index)]
  if (from >= 2 * first && to < 2 * end) return []
  return flat.children(index).flatMap((child) => outside(child, first, end))
}

function honestRun (id, first, end, length) {
  const touched = flat.fullRoots(2 * length).filter((root) => { const [from, to] = flat.spans(root); return to >= 2 * first && from < 2 * end })
  return { id, fork: 0, first, count: end - first, nodes: touched.flatMap((root) => outside(root, first, end)), blocks: blocks(first, end) }
}

function putRun ({ id, fork, first, count, nodes, blocks, lengths }) {
  return Buffer.concat([encoded(id, fork, first, count, nodes.length), ...nodes.flatMap((n) => [encoded(n.size), n.hash]),
    encoded(...(lengths || blocks.map((bytes) => bytes.length))), ...blocks])
}

// What is answered to a request: messages with what each is, 1 a run or 2 none.
const runLies = {
  honest: (ask, length) => [[1, putRun(honestRun(ask.id, ask.first, ask.end, length))]],
  block: (ask, length) => { const run = honestRun(ask.id, ask.first, ask.end, length); run.blocks[0] = flip(run.blocks[0]); return [[1, putRun(run)]] },
  proof: (ask, length) => { const run = honestRun(ask.id, ask.first, ask.first + 3, length); run.nodes[0].hash = flip(run.nodes[0].hash); return [[1, putRun(run)]] },
  size: (ask, length) => { const run = honestRun(ask.id, ask.first, ask.first + 3, length); run.nodes[0].size++; return [[1, putRun(run)]] },
  missing: (ask, length) => { const run = honestRun(ask.id, ask.first, ask.first + 3, length); run.nodes.pop(); return [[1, putRun(run)]] },
  spare: (ask, length) => { const run = honestRun(ask.id, ask.first, ask.first + 3, length); run.nodes.push(run.nodes[0]); return [[1, putRun(run)]] },
  other: (ask, length) => [[1, putRun(honestRun(ask.id, ask.first + 20, ask.end + 20, length))]],
  long: (ask, length) => [[1, putRun(honestRun(ask.id, ask.first, ask.end + 10, length))]],
  none: (ask) => [[1, putRun({ id: ask.id, fork: 0, first: ask.first, count: 0, nodes: [], blocks: [] })]],
  beyond: (ask, length) => [[1, putRun({ ...honestRun(ask.id, ask.first, ask.end, length), count: length + 1 - ask.first, lengths: Array(length + 1 - ask.first).fill(0), blocks: [] })]],
  many: (ask) => [[1, putRun({ id: ask.id, fork: 0, first: 0, count: 100000, nodes: [], lengths: Array(100000).fill(0), blocks: [] })]],
  huge: (ask, length) => { const run = honestRun(ask.id, ask.first, ask.end, length); return [[1, putRun({ ...run, lengths: run.blocks.map(() => 2 ** 53 - 1) })]] },
  sum: (ask, length) => { const run = honestRun(ask.id, ask.first, ask.end, length); return [[1, putRun({ ...run, lengths: run.blocks.map((bytes, at) => bytes.length + (at ? 0 : 1)) })]] },
  count: (ask) => [[1, Buffer.concat([encoded(ask.id, 0, ask.first), Buffer.alloc(9, 255)])]],
  nodes: (ask) => [[1, Buffer.concat([encoded(ask.id, 0, ask.first, ask.end - ask.first), Buffer.alloc(9, 255), Buffer.alloc(100000)])]],
  cut: (ask, length) => [[1, putRun(honestRun(ask.id, ask.first, ask.end, length)).subarray(0, 30)]],
  empty: () => [[1, Buffer.alloc(0)]],
  nothing: () => [[2, Buffer.alloc(0)]],
  // Nobody asked for these, of which 3000 are sent.
  endless: () => ({ flood: (at) => [1, putRun({ id: 1000 + at, fork: 0, first: 0, count: 1, nodes: [], blocks: [Buffer.alloc(1000)] })] }),
  nones: () => ({ flood: (at) => [2, encoded(1000 + at)] })
}

function lieInRuns (it, stream, kind) {
  const mux = stream.noiseStream.userData
  const id = it.core.discoveryKey
  const handshake = { preencode (state, m) { state.end += 33 }, encode (state, m) { state.buffer[state.start++] = 1; c.fixed32.encode(state, m) }, decode (state) { state.start = state.end } }
  it.told = it.told || 0
  mux.pair({ protocol: 'strata/run', id }, () => {
    const types = [null, null, null]
    const answer = async (bytes) => {
      const state = { start: 0, end: bytes.length, buffer: bytes }
      const [number, , first, end] = [0, 0, 0, 0].map(() => c.uint.decode(state))
      const answers = runLies[kind]({ id: number, first, end }, it.core.length)
      it.told++
      for (let at = 0; answers.flood && at < 3000 && !stream.destroyed; at++) {
        const [type, payload] = answers.flood(at)
        types[type].send(payload)
        if (at % 100 === 99) await sleep(0)
      }
      if (!answers.flood) for (const [type, payload] of answers) types[type].send(payload)
    }
    const channel = mux.createChannel({ protocol: 'strata/run', id, handshake, onopen () {} })
    types[0] = channel.addMessage({ encoding: c.raw, onmessage: answer })
    types[1] = channel.addMessage({ encoding: c.raw })
    types[2] = channel.addMessage({ encoding: c.raw })
    channel.open(caps.replicate(false, it.core.key, mux.stream.handshakeHash))
  })
}

// ---- what no hypercore sends ----

const varint = (number) => number < 0xfd ? [number] : [0xfd, number & 0xff, number >> 8]
const control = (type, ...bytes) => Buffer.from([0, type, ...bytes])
const open = (id, key, protocol, capability) => control(1, id, ...varint(protocol.length), ...Buffer.from(protocol), 32, ...discoveryKey(key),
  1, ...capability)

const garbage = {
  // before or instead of the handshake
  plain: async (socket) => { socket.write(crypto.randomBytes(100000)); socket.end() },
  http: async (socket) => { socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n') },
  zeroes: async (socket) => { socket.write(Buffer.alloc(100000)) },
  // after it
  ciphertext: async (socket, noise) => { await noise.opened; socket.write(Buffer.concat([Buffer.from([100, 0, 0]), crypto.randomBytes(100)])) },
  control: async (socket, noise) => { await noise.opened; noise.write(control(9)) },
  cut: async (socket, noise) => { await noise.opened; noise.write(control(1, 1, 15)) },
  endless: async (socket, noise) => { await noise.opened; noise.write(control(1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255)) },
  batch: async (socket, noise) => { await noise.opened; noise.write(control(0, 1, 100, 1, 2)) },
  ids: async (socket, noise, key) => { await noise.opened; noise.write(open(200, key, 'hypercore/alpha', crypto.randomBytes(32))) },
  capability: async (socket, noise, key) => { await noise.opened; noise.write(open(1, key, 'hypercore/alpha', crypto.randomBytes(32))) },
  noise: async (socket, noise) => {
    await noise.opened
    for (let i = 0; i < 1000 && !socket.destroyed; i++) noise.write(crypto.randomBytes(1 + i % 200))
  }
}

// Says how the other one ended it.
function spoil (socket, kind, key, initiator) {
  return new Promise((resolve) => {
    const wrapped = ['plain', 'http', 'zeroes'].includes(kind) ? null : new SecretStream(initiator, socket)
    if (wrapped) {
      wrapped.on('error', () => {})
      wrapped.on('close', () => socket.destroy())
    } else {
      socket.resume()
    }
    socket.on('error', () => {})
    socket.on('close', () => resolve({ closed: true }))
    garbage[kind](socket, wrapped, key).catch(() => {})
  })
}

/*
 * COUNT messages of a kind, as fast as the other one takes them, and a sync with an echo at the end. With `deaf` what comes is not
 * read meanwhile, and it ends when nothing is taken any more.
 */
const floods = {
  wants: (peer, at) => peer.wireWant.send({ start: at % 1000 * 32, length: 2 ** 21 }),
  far: (peer, at) => peer.wireWant.send({ start: 2 ** 40 + at * 2 ** 21, length: 2 ** 21 }),
  requests: (peer, at) => peer.wireRequest.send({ id: 1 + at, fork: 0, block: { index: at % 64, nodes: 0 }, hash: null, seek: null, upgrade: null, manifest: false, priority: 0 }),
  large: (peer, at) => peer.wireRequest.send({ id: 1 + at, fork: 0, block: { index: 64 + at % 64, nodes: 0 }, hash: null, seek: null, upgrade: null, manifest: false, priority: 0 }),
  nothing: (peer, at) => peer.wireRequest.send({ id: 1 + at, fork: 0, block: { index: 2 ** 40 + at, nodes: 0 }, hash: null, seek: null, upgrade: null, manifest: false, priority: 0 }),
  ranges: (peer, at) => peer.wireRange.send({ drop: false, start: 2 * at, length: 1 }),
  extensions: (peer, at) => peer.wireExtension.send({ name: 'name-' + at, message: Buffer.alloc(100) }),
  cancels: (peer, at) => peer.wireCancel.send({ request: at }),
  syncs: (peer, at) => peer.wireSync.send({ fork: 0, length: 1 + at, remoteLength: 0, canUpgrade: true, uploading: true, downloading: true, hasManifest: false, allowPush: false })
}

async function flood (it, port, kind, count, deaf) {
  const socket = await dial(port)
  let closed = false
  socket.on('close', () => { closed = true })
  const added = new Promise((resolve) => it.core.once('peer-add', resolve))
  replicate(it, socket, true)
  const peer = await added
  let stuck = 0; let sent = 0
  if (deaf) { socket.unpipe(); socket.pause() }
  for (; sent < count && !closed && stuck < 40; sent++) {
    floods[kind](peer, sent)
    if (sent % 500 === 499) await sleep(0)
    const before = socket.bytesWritten - socket.writableLength
    while (!closed && stuck < 40 && (socket.writableLength > 1e6 || peer.stream.rawStream.writableLength > 1e6)) {
      await sleep(50)
      stuck = socket.bytesWritten - socket.writableLength === before ? stuck + 1 : 0
    }
  }
  return { sent, closed, stuck: stuck === 40 }
}

// ---- verbs ----

const verbs = {
  // With `reading`, 64 digits, it is encrypted.
  async create ({ name, compat, append, reading }) {
    const pair = keyPair()
    const core = new Hypercore(path.join(directory, name), {
      ...(compat
        ? { keyPair: pair, compat: true, key: pair.publicKey }
        : { keyPair: pair, compat: false, manifest: { version: 1, quorum: 1, signers: [{ publicKey: pair.publicKey }] } }),
      ...(reading && { encryptionKey: Buffer.from(reading, 'hex') })
    })
    await core.ready()
    cores.set(name, { core, sockets: new Set(), streams: new Set() })
    return verbs.append({ name, count: append || 0 })
  },
  // Version 11 has to be told of an encrypted one that it has a manifest: with the keys it makes when that comes it reads nothing.
  async open ({ name, key, reading, compat }) {
    const core = new Hypercore(path.join(directory, name), Buffer.from(key, 'hex'), reading && { encryptionKey: Buffer.from(reading, 'hex'), compat })
    await core.ready()
    cores.set(name, { core, sockets: new Set(), streams: new Set() })
    return verbs.state({ name })
  },
  async append ({ name, count, from }) { // `from`: the blocks of that number on, instead of those that have their place
    const { core } = cores.get(name)
    if (count) await core.append(blocks(from ?? core.length, (from ?? core.length) + count))
    return verbs.state({ name })
  },
  async truncate ({ name, length }) {
    await cores.get(name).core.truncate(length)
    return verbs.state({ name })
  },
  async clear ({ name, start, end }) {
    await cores.get(name).core.clear(start, end)
    return verbs.state({ name })
  },
  state: ({ name }) => state(cores.get(name)),
  // Bit by bit what is held of the first blocks.
  async held ({ name, end }) {
    let out = ''
    for (let at = 0; at < end; at++) out += await cores.get(name).core.has(at) ? '1' : '0'
    return out
  },
  async digest ({ name, start, end }) {
    const hash = crypto.createHash('sha256')
    for (let at = start; at < end; at++) hash.update(await cores.get(name).core.get(at, { wait: false }))
    return hash.digest('hex')
  },
  // With `late` it says nothing for so many milliseconds; `runs` is a lie on 'strata/run'.
  serve ({ name, lie: kind, late, runs }) {
    const it = cores.get(name)
    if (kind) lie(it, kind)
    return listen((socket) => late ? setTimeout(replicate, late, it, socket, false) : replicate(it, socket, false, runs))
  },
  async connect ({ name, port, lie: kind }) {
    const it = cores.get(name)
    if (kind) lie(it, kind)
    replicate(it, await dial(port), true)
    return {}
  },
  // Get blocks from whoever is connected.
  async download ({ name, start, end, any }) {
    const { core } = cores.get(name)
    await core.update({ wait: true })
    await core.download({ start, end: any ? core.length : end }).done()
    return verbs.state({ name })
  },
  // Wait until it is so far.
  async until ({ name, length, fork, contiguous, connections }) {
    for (;;) {
      const { core, sockets } = cores.get(name)
      if ((length === undefined || core.length === length) && (fork === undefined || core.fork === fork) &&
          (contiguous === undefined || core.contiguousLength === contiguous) && (connections === undefined || sockets.size === connections)) {
        return verbs.state({ name })
      }
      await sleep(10)
    }
  },
  told: async ({ name }) => cores.get(name).told,
  async close ({ name }) {
    const { core, sockets } = cores.get(name)
    for (const socket of sockets) socket.destroy()
    await core.close()
    cores.delete(name)
    return {}
  },
  flood: ({ name, port, kind, count, deaf }) => flood(cores.get(name), port, kind, count, deaf),
  // Garbage to a server, or from one that is connected to.
  async spoil ({ port, kind, key }) { return spoil(await dial(port), kind, Buffer.from(key, 'hex'), true) },
  spoiler ({ kind, key }) { return listen((socket) => spoil(socket, kind, Buffer.from(key, 'hex'), false)) }
}

process.on('uncaughtException', (error) => console.error(`# npm: ${error.stack}`))
const lines = readline.createInterface({ input: process.stdin })
lines.on('close', () => process.exit(0))
lines.on('line', async (line) => {
  const [number, verb, what] = JSON.parse(line)
  try {
    console.log(JSON.stringify([number, await verbs[verb](what)]))
  } catch (error) {
    console.log(JSON.stringify([number, null, String(error.message)]))
  }
})
