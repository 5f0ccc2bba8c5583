// Brings up PLC + PDS + AppView (the reference servers, one Node process) and a throw-away
// PostgreSQL, everything on 127.0.0.1. Prints ONE line of JSON on stdout when ready; logs go
// to stderr. SIGTERM, SIGINT or (with --watch-stdin) the end of stdin stops it cleanly.
import './loopback.mjs'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import nodeModule, { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort, startPostgres } from './postgres.mjs'

const started = Date.now()
const log = (...words) => console.error(`[bluesky-net +${Date.now() - started}ms]`, ...words)
const home = process.env.FIELDFARE_BLUESKY_NET // holds node_modules; run.sh sets it
const { values: opt } = parseArgs({
  options: {
    'poll-ms': { type: 'string', default: '20' }, // how often the idle firehose looks for news
    'rate-limits': { type: 'boolean', default: false }, // production limits
    'keep-data': { type: 'boolean', default: false },
    'watch-stdin': { type: 'boolean', default: false },
  },
})
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bluesky-net-'))
fs.chmodSync(root, 0o755) // the postgres account must be able to enter it
const scratch = path.join(root, 'tmp')
fs.mkdirSync(scratch)
process.env.TMPDIR = scratch // the PDS keeps its sqlite files and blobs in os.tmpdir()
process.env.LOG_ENABLED ??= 'false' // LOG_ENABLED=true LOG_LEVEL=debug with --keep-data to read them
process.env.LOG_DESTINATION ??= path.join(root, 'servers.log') // never stdout
nodeModule.enableCompileCache?.(path.join(home, 'node_modules', '.compile-cache'))

const undo = [['data', () => opt['keep-data'] || fs.rmSync(root, { recursive: true, force: true })]]
let stopping
const stop = (why, code = 0) => {
  stopping ??= (async () => {
    log('stopping:', why)
    for (const [name, fn] of undo.reverse()) {
      try {
        // a server that will not close must not keep the rest from being stopped
        const late = sleep(5_000).then(() => log(`${name} did not stop within 5 s, going on`))
        await Promise.race([fn(), late])
      } catch (err) {
        log(`stopping ${name} failed:`, err?.message ?? err)
        code ||= 1
      }
    }
    process.exit(code)
  })()
  return stopping
}
process.on('SIGTERM', () => stop('SIGTERM'))
process.on('SIGINT', () => stop('SIGINT'))
process.on('unhandledRejection', (err) => log('unhandled rejection:', err))
if (opt['watch-stdin']) {
  process.stdin.on('end', () => stop('stdin closed')).on('error', () => stop('stdin failed'))
  process.stdin.resume()
}

async function main() {
  const postgres = startPostgres(
    path.join(root, 'pg'),
    undo,
    (why) => stopping || stop(`postgres ended (${why})`, 1),
  )
  postgres.catch(() => {}) // awaited below
  const resolve = createRequire(path.join(home, 'index.js')).resolve
  const env = await import(pathToFileURL(resolve('@atproto/dev-env')).href)
  const pg = await postgres

  const ports = { plc: await freePort(), pds: await freePort(), appview: await freePort() }
  const plc = await env.TestPlc.create({ port: ports.plc })
  undo.push(['plc', () => plc.close()])

  // mutes and notification state go through bsync
  const bsync = await env.TestBsync.create({
    apiKeys: ['bsync-api-key'],
    dbUrl: pg.url,
    dbSchema: 'bsync',
  })
  undo.push(['bsync', () => bsync.close()])
  const appviewUrl = `http://localhost:${ports.appview}`
  const bsky = await env.TestBsky.create({
    port: ports.appview,
    publicUrl: appviewUrl,
    plcUrl: plc.url,
    pdsPort: ports.pds,
    repoProvider: `ws://localhost:${ports.pds}`, // the AppView reads the PDS's firehose itself
    dbPostgresUrl: pg.url,
    dbPostgresSchema: 'appview',
    redisHost: '127.0.0.1:1', // wanted by the types, never connected to
    bsyncUrl: bsync.url,
    bsyncApiKey: 'bsync-api-key',
  })
  // dev-env leaves bsync without data planes, and updateSeen is then lost
  bsync.ctx.dataplaneClients.push(bsky.ctx.dataplane)

  const pds = await env.TestPds.create({
    port: ports.pds,
    hostname: 'localhost',
    didPlcUrl: plc.url,
    enableDidDocWithSession: true,
    inviteRequired: false,
    rateLimitsEnabled: opt['rate-limits'],
    rateLimitBypassKey: 'bypass',
    bskyAppViewUrl: bsky.url,
    bskyAppViewDid: bsky.ctx.cfg.serverDid,
    bskyAppViewCdnUrlPattern: `${appviewUrl}/img/%s/plain/%s/%s`,
  })
  undo.push(['pds', () => pds.close()])
  undo.push(['appview', () => bsky.close()]) // before the PDS it is subscribed to
  pds.ctx.sequencer.exponentialBackoff = () => sleep(Number(opt['poll-ms']))
  env.mockNetworkUtilities(pds, bsky) // resolve *.test handles at the PDS, not in DNS

  // Answers once the AppView has indexed everything that the PDS has accepted.
  const settle = async (timeout = 10_000) => {
    const until = Date.now() + timeout
    await pds.processAll()
    const last = await pds.ctx.sequencer.curr()
    await bsky.bsyncSub.processAll(await bsync.getStreamHeads(), timeout)
    if (!last) return { seq: 0 }
    for (;;) {
      await bsky.sub.processAll()
      const at = await (bsky.sub.getCursor?.() ?? bsky.sub.runner?.getCursor())
      if (at !== undefined && at >= last) return { seq: at }
      if (Date.now() > until) throw new Error(`AppView at ${at}, PDS at ${last}`)
      await sleep(5)
    }
  }
  const info = {
    pid: process.pid,
    plc: plc.url,
    pds: `http://localhost:${ports.pds}`,
    appview: appviewUrl,
    pdsDid: pds.ctx.cfg.service.did,
    handleDomain: '.test',
    adminPassword: env.ADMIN_PASSWORD,
    jwtSecret: env.JWT_SECRET, // signs the HS256 session tokens: a test can mint an expired one
    postgresPid: pg.pid,
    dataDir: root,
  }
  const control = http.createServer(async (request, response) => {
    let [status, body] = [200, info]
    try {
      if (request.method === 'POST' && request.url === '/settle') body = await settle()
      else if (request.url !== '/') [status, body] = [404, { error: 'NotFound' }]
    } catch (err) {
      ;[status, body] = [500, { error: String(err?.message ?? err) }]
    }
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    response.end(JSON.stringify(body))
  })
  control.listen(0)
  await once(control, 'listening')
  undo.push(['control', () => void control.close()])
  info.control = `http://localhost:${control.address().port}`
  info.startMs = Date.now() - started
  info.rssMb = Math.round(process.memoryUsage().rss / 1e6)
  process.stdout.write(JSON.stringify(info) + '\n')
  log('ready')
}

main().catch((err) => {
  log('could not start:', err)
  return stop('start failed', 1)
})
