#!/usr/bin/env bash
# Applies SQL files in order to a throw-away PostgreSQL that listens on a socket only.
# Stops at the first error and prints it.
#
#   pg-apply.sh FILE...
set -uo pipefail

programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1)
home=$(mktemp -d /tmp/pg-apply.XXXXXX)
chmod 755 "$home"

# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
  chown postgres "$home"
  as_postgres() { runuser -u postgres -- "$@"; }
else
  as_postgres() { "$@"; }
fi

# shellcheck disable=SC2329 # the trap calls it
clean_up() {
  as_postgres "$programs/pg_ctl" -D "$home/data" -m immediate stop >/dev/null 2>&1
  rm -rf "$home"
}
trap clean_up EXIT

if ! as_postgres "$programs/initdb" -D "$home/data" -A trust -N >/dev/null 2>"$home/err"; then
  cat "$home/err"
  exit 2
fi
as_postgres "$programs/pg_ctl" -D "$home/data" -w -o "-k $home -h '' -c fsync=off" -l "$home/log" start >/dev/null || exit 2
for file in "$@"; do
  if ! as_postgres psql -X -q -v ON_ERROR_STOP=1 -h "$home" -d postgres -f - <"$file" >/dev/null 2>"$home/err"; then
    sed "s|^psql:<stdin>|$file|; s|^|$file: |" "$home/err"
    exit 1
  fi
done
