#!/bin/sh
# Installs if needed (see setup.sh), then becomes start.mjs; arguments are passed on.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
node=$("$here/setup.sh")
FIELDFARE_BLUESKY_NET=${FIELDFARE_BLUESKY_NET:-${XDG_CACHE_HOME:-$HOME/.cache}/fieldfare/bluesky-net}
export FIELDFARE_BLUESKY_NET
exec "$node" "$here/start.mjs" "$@"
