#!/usr/bin/env bash
# Install what the tests need beside Python: a C compiler, a PostgreSQL server that is not the
# embedded one, the ODBC driver that Tableau uses, a cron daemon, PgBouncer, a browser, and the npm
# packages of tests/npm.
# On Debian and Ubuntu; elsewhere install them by other means (PostgreSQL 15 or later).
set -euo pipefail
cd "$(dirname "$0")"

wanted=()
command -v cc > /dev/null || wanted+=(gcc libc6-dev)
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || wanted+=(postgresql)
compgen -G '/usr/lib/*/odbc/psqlodbcw.so' > /dev/null || wanted+=(odbc-postgresql unixodbc)
command -v cron > /dev/null || wanted+=(cron)
[ -x /usr/sbin/pgbouncer ] || command -v pgbouncer > /dev/null || wanted+=(pgbouncer)
command -v chromium > /dev/null || wanted+=(chromium fonts-dejavu-core)
command -v npm > /dev/null || wanted+=(npm)
if [ "${#wanted[@]}" -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -qq --yes --no-install-recommends "${wanted[@]}"
fi

# npm writes the file last: it is as new as the last installation.
if [ npm/package-lock.json -nt npm/node_modules/.package-lock.json ]; then
    (cd npm && npm ci --loglevel=error)
fi
