#!/usr/bin/env bash
# Install what the tests need beside Python: a PostgreSQL server that is not the embedded one, the
# ODBC driver that Tableau uses, a cron daemon, and a browser with a checker of accessibility.
# On Debian and Ubuntu; elsewhere install them by other means (PostgreSQL 15 or later).
set -euo pipefail

wanted=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || wanted+=(postgresql)
compgen -G '/usr/lib/*/odbc/psqlodbcw.so' > /dev/null || wanted+=(odbc-postgresql unixodbc)
command -v cron > /dev/null || wanted+=(cron)
command -v chromium > /dev/null || wanted+=(chromium fonts-dejavu-core)
command -v npm > /dev/null || wanted+=(nodejs npm)
if [ "${#wanted[@]}" -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -qq --yes --no-install-recommends "${wanted[@]}"
fi

npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --loglevel=error
