#!/bin/sh
# Installs PostgreSQL's server programs if they are missing, for tests that start their own servers. Creates and
# starts no cluster. Searches the same places as testkit/src/postgres/binaries.rs.
#
# PG_BIN        the directory of the programs; with it, nothing is installed
# PG_SEARCH     replaces /usr/lib/postgresql/*/bin (for the tests of this script)
# PG_ETC        replaces /etc/postgresql-common (for the tests of this script)
set -eu

search=${PG_SEARCH-/usr/lib/postgresql/*/bin}
etc=${PG_ETC-/etc/postgresql-common}

has_server() {
    [ -x "$1/postgres" ] && [ -x "$1/initdb" ] && [ -x "$1/psql" ]
}

find_server() {
    if [ -n "${PG_BIN:-}" ]; then
        has_server "$PG_BIN" && echo "$PG_BIN"
        return
    fi
    newest=
    # Unquoted, so that the pattern is expanded. `sort -V` sorts 9 before 10.
    for dir in $(printf '%s\n' $search | sort -V); do
        if has_server "$dir"; then newest=$dir; fi
    done
    if [ -z "$newest" ]; then
        old_ifs=$IFS
        IFS=:
        for dir in $PATH; do
            if [ -z "$newest" ] && has_server "$dir"; then newest=$dir; fi
        done
        IFS=$old_ifs
    fi
    [ -n "$newest" ] && echo "$newest"
}

if dir=$(find_server); then
    echo "PostgreSQL server programs: $dir"
    exit 0
fi

if [ -n "${PG_BIN:-}" ]; then
    echo "error: PG_BIN is $PG_BIN, which does not have all of postgres, initdb and psql" >&2
    exit 1
fi

if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: the tests need PostgreSQL's server programs (postgres, initdb, psql) in" >&2
    echo "$search or in PATH, or in the directory that PG_BIN names. Install the PostgreSQL server" >&2
    echo "package of this system (its service need not run), and try again." >&2
    exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "error: installing the package postgresql needs root, and there is no sudo" >&2
        exit 1
    fi
    as_root=sudo
fi

install_package() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$1"
}

echo "No PostgreSQL server programs found: installing the package postgresql"
$as_root apt-get update
# First the package that creates clusters, then the setting that it must not, then the server.
install_package postgresql-common
conf=$etc/createcluster.conf
if [ -f "$conf" ]; then
    $as_root cp -p "$conf" "$conf.before-tests"
    trap '$as_root mv "$conf.before-tests" "$conf"' EXIT
fi
# If the setting is there twice, the last one counts.
echo "create_main_cluster = false" | $as_root tee -a "$conf" >/dev/null
install_package postgresql

if dir=$(find_server); then
    echo "PostgreSQL server programs: $dir"
else
    echo "error: the package postgresql is installed, but its programs are not in $search" >&2
    exit 1
fi
