# SPDX-License-Identifier: Apache-2.0
#
# pg.sh -- one scratch PostgreSQL cluster for a shell test; the same as test/pg.h for C and pg.py for Python
#
#     . "$(dirname "$0")/pg.sh"
#     pg_start                        # sets PGHOST, PGUSER, PGDATABASE and PG_TOP (a directory for the test)
#     psql -Atc 'select 1'
#
# It is stopped and removed when the shell exits, also by a signal. As root it runs as the user `postgres`.
# A test that sets its own trap on EXIT calls pg_stop in it.

pg_bin() {
    ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -1 | grep . || pg_config --bindir
}

pg_as() { # runs a command as the account that PostgreSQL runs under
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups --no-new-privs env -u PGHOST -u PGUSER LC_ALL=C.UTF-8 "$@"
    else
        env -u PGHOST -u PGUSER LC_ALL=C.UTF-8 "$@"
    fi
}

pg_start() {
    PG_TOP=$(mktemp -d /tmp/strata-pg-XXXXXX) && chmod 711 "$PG_TOP" && mkdir -m 700 "$PG_TOP/pg" || exit 1
    PG_BIN=$(pg_bin)
    trap pg_stop EXIT
    trap 'exit 130' INT TERM HUP
    [ "$(id -u)" != 0 ] || chown postgres "$PG_TOP/pg"
    cd / # the account may not be able to enter where the caller is
    pg_as "$PG_BIN/initdb" -D "$PG_TOP/pg/data" -U postgres -A trust --no-sync --locale=C.UTF-8 --encoding=UTF8 \
        --no-instructions >"$PG_TOP/initdb.log" 2>&1 || { cat "$PG_TOP/initdb.log"; echo "Bail out! initdb"; exit 1; }
    pg_as "$PG_BIN/pg_ctl" -D "$PG_TOP/pg/data" -s -w -t 60 -l "$PG_TOP/pg/log" -o "-c listen_addresses='' \
        -c unix_socket_directories='$PG_TOP/pg' -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c jit=off -c timezone=UTC -c max_wal_size=1GB" start ||
        { cat "$PG_TOP/pg/log"; echo "Bail out! PostgreSQL did not start"; exit 1; }
    cd "$OLDPWD"
    PGHOST=$PG_TOP/pg PGUSER=postgres PGDATABASE=postgres PGPORT=5432
    export PGHOST PGUSER PGDATABASE PGPORT PG_TOP
}

pg_stop() {
    [ -n "${PG_TOP:-}" ] || return 0
    cd /
    pg_as "$PG_BIN/pg_ctl" -D "$PG_TOP/pg/data" -s -w -m immediate stop >/dev/null 2>&1
    rm -rf "$PG_TOP"
    PG_TOP=
}
