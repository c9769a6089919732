#!/bin/sh
# Runs beside one another are tried against PostgreSQL; on Debian as root it is installed, else the one command is told.
set -eu
for program in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb; do
    if [ -x "$program" ]; then exit 0; fi
done
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo 'Installing PostgreSQL for the tests of many runs …'
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # Only the programs: no cluster of the machine's own is made or started.
    apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null
    sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    exit 0
fi
echo 'Tests of many runs need PostgreSQL: sudo apt-get install -y postgresql' >&2
exit 1
