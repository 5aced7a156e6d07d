// SPDX-License-Identifier: Apache-2.0
// npm_bench.js MODULES append DIR COUNT BYTES BATCH | serve DIR | pull DIR PORT KEY: as feed_bench.c, of unmodified npm hypercore
const path = require('path')
const net = require('net')
const [modules, what, dir, ...rest] = process.argv.slice(2)
const Hypercore = require(path.join(modules, 'hypercore'))

const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e6 }
const now = () => Number(process.hrtime.bigint()) / 1e9
const report = (blocks, began, used, more) => console.log(JSON.stringify({
  blocks, seconds: now() - began, cpu: cpu() - used, rss_kb: process.resourceUsage().maxRSS, ...more }))

async function append ([count, bytes, batch]) {
  const core = new Hypercore(dir)
  await core.ready()
  const blocks = []
  for (let i = 0; i < count; i++) { const b = Buffer.alloc(+bytes); b.writeUInt32LE(i); blocks.push(b) }
  const used = cpu(), began = now()
  if (+batch === 1) for (const b of blocks) await core.append(b)
  else for (let at = 0; at < blocks.length; at += +batch) await core.append(blocks.slice(at, at + +batch))
  report(+count, began, used)
  await core.close()
}

async function serve () {
  const core = new Hypercore(dir)
  await core.ready()
  const server = net.createServer(socket => {
    socket.setNoDelay(true)
    const stream = core.replicate(false)
    stream.on('error', () => {})
    socket.on('error', () => {})
    socket.pipe(stream).pipe(socket)
  })
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({
    address: `127.0.0.1:${server.address().port}`, key: core.key.toString('hex') })))
  process.on('SIGTERM', () => { report(core.length, 0, 0); process.exit(0) })
}

async function pull ([address, key]) {
  const core = new Hypercore(dir, Buffer.from(key, 'hex'))
  await core.ready()
  const used = cpu(), began = now()
  const socket = net.connect(+address.split(':')[1], '127.0.0.1')
  socket.setNoDelay(true)
  const stream = core.replicate(true)
  stream.on('error', () => {})
  socket.on('error', () => {})
  socket.pipe(stream).pipe(socket)
  await core.update({ wait: true })
  await core.download({ start: 0, end: core.length }).done()
  report(core.contiguousLength, began, used, { wire: socket.bytesRead + socket.bytesWritten, bytes: core.byteLength })
  socket.destroy()
  await core.close()
  process.exit(0)
}

({ append, serve, pull })[what](rest).catch(error => { console.error(error.message); process.exit(1) })
