// A throw-away PostgreSQL in a folder: nothing durable, loopback only, gone with this process.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

export const freePort = async () => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function programs() {
  if (process.env.PG_BIN) return process.env.PG_BIN
  const base = '/usr/lib/postgresql'
  const found = (fs.existsSync(base) ? fs.readdirSync(base) : [])
    .filter((version) => fs.existsSync(`${base}/${version}/bin/initdb`))
    .sort((a, b) => Number(b) - Number(a))
  if (found.length) return `${base}/${found[0]}/bin`
  return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim()
}

const run = async (program, args, options) => {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  return code
}

// Resolves to {url, pid} when it answers. `undo` gets its entry before that, so that a stop
// during start-up finds it; `ended(why)` is called when the server ends for whatever reason.
export async function startPostgres(dir, undo, ended) {
  const bin = programs()
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
  const options = { cwd: dir, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  if (process.getuid() === 0) {
    // PostgreSQL refuses to run as root: use the account that Debian's package makes
    options.uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }))
    options.gid = Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'utf8' }))
    fs.chownSync(dir, options.uid, options.gid)
  }
  const initdb = ['-D', dir, '-U', 'pg', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  const code = await run(path.join(bin, 'initdb'), initdb, options)
  if (code !== 0) throw new Error(`initdb ended with ${code}`)
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: 60,
    shared_buffers: '32MB',
    log_min_messages: 'fatal',
    log_min_error_statement: 'panic',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // setpriv: PostgreSQL shuts down even if this process is killed
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'INT', path.join(bin, 'postgres'), '-D', dir, ...flags],
    { ...options, stdio: ['ignore', 'ignore', 'inherit'], detached: true },
  )
  const exited = once(child, 'exit')
  exited.then(([code, signal]) => ended(code ?? signal))
  undo.push([
    'postgres',
    async () => {
      child.kill('SIGINT') // fast shutdown
      await exited
    },
  ])
  const ask = ['-q', '-h', '127.0.0.1', '-p', `${port}`, '-U', 'pg', '-d', 'postgres']
  for (let tries = 0; (await run(path.join(bin, 'pg_isready'), ask, options)) !== 0; tries++) {
    if (tries > 300 || child.exitCode !== null) throw new Error('postgres did not become ready')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { url: `postgresql://pg@127.0.0.1:${port}/postgres`, pid: child.pid }
}
