#!/usr/bin/env bash
# Runs a command where cron's own places are those of a test: private_cron.sh PLACE COMMAND...
# PLACE/crontabs is the spool, PLACE/cron.d is /etc/cron.d, and nothing else of this machine's cron is seen or touched.
set -euo pipefail
place=$1
shift
if [ ! -d "$place/crontabs" ]; then
    mkdir -p "$place/cron.d" "$place/run"
    mkdir -m 1730 "$place/crontabs"
    chgrp crontab "$place/crontabs"
    : >"$place/crontab"
fi
exec unshare --mount --propagation private bash -c '
    set -e
    mount --bind "$0/crontabs" /var/spool/cron/crontabs
    mount --bind "$0/cron.d" /etc/cron.d
    mount --bind "$0/crontab" /etc/crontab
    mount --bind "$0/run" /run
    exec "$@"' "$place" "$@"
