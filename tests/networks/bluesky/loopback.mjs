// Import this before the servers: keeps everything in this process on 127.0.0.1.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

// The servers call listen(port), which would bind every interface.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  const [a, b] = args
  if (a !== null && typeof a === 'object') {
    if (a.port !== undefined && !a.host) args[0] = { ...a, host: '127.0.0.1' }
  } else if (/^\d+$/.test(String(a)) && typeof b !== 'string') {
    args.splice(1, 0, '127.0.0.1')
  }
  return listen.apply(this, args)
}

const isLocal = (name) =>
  !name || net.isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')
const offline = (name) => {
  console.error('refused to look up', name)
  return Object.assign(new Error(`offline test network: ${name}`), { code: 'ENOTFOUND' })
}
const lookup = dns.lookup
dns.lookup = (name, ...rest) =>
  isLocal(name) ? lookup(name, ...rest) : void rest.at(-1)(offline(name))
dns.promises.resolveTxt = async (name) => {
  throw offline(name)
}
dns.setDefaultResultOrder('ipv4first')
syncBuiltinESMExports()
