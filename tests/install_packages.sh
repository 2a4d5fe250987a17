#!/usr/bin/env bash
# Install a PostgreSQL server that is not the embedded one, to be tested as an external server.
# On Debian and Ubuntu; elsewhere install PostgreSQL 15 or later by other means.
set -euo pipefail

if compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null; then
    exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -qq --yes --no-install-recommends postgresql
