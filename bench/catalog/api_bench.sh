#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# api_bench.sh STRATA [DIRECTORIES]: how long answers of the plain API take, on a made shard of eleven paths a directory
# (450000 unless given: 5 million paths). The peer, for the same questions, is a recursive query over plain text paths.
set -eu
strata=$(realpath "$1"); dirs=${2:-450000}; here=$(realpath "$(dirname "$0")")
top=$(mktemp -d /tmp/strata-bench-XXXXXX); chmod 711 "$top"
trap '"$strata" -C "$top/i" down >/dev/null 2>&1; rm -rf "$top"' EXIT
"$strata" init "$top/i" >/dev/null
"$strata" -C "$top/i" up >/dev/null
"$strata" -C "$top/i" catalog shard create big /big >/dev/null
dsn=$("$strata" -C "$top/i" server dsn local | head -1)
{ echo "set role mas; set search_path = big, public; set work_mem = '256MB'; set maintenance_work_mem = '512MB';"
  cat "$here/api_fill.sql"; } | psql "$dsn" -q -v dirs="$dirs" >/dev/null
exec 3<"$top/i/run/http.url"; read -r url <&3
python3 - "$url/api/v1/catalog/big/" <<'PY'
import http.client, sys, time, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.netloc)
print(f"{'p50 ms':>8} {'p95 ms':>8}  question")
for ask in ("ls?path=/big/p5/g3/y1&limit=100", "ls?path=/big/p5/g3/y1&sort=size&limit=100", "stat?path=/big/p5/g3", "du?path=/big",
            "du?path=/big/p5/g3", "du?path=/big/p5&depth=1", "find?name=f1000_3.h5", "find?name=f1000_*", "find?min_size=90M&limit=20",
            "find?user=u3&type=file&limit=100", "find?since=2020-07-01&until=2020-07-02&limit=100",
            "find?sha256=" + "00" * 32, "recent?limit=20", "tree?path=/big/p5/g3&depth=1"):
    took = []
    for _ in range(200):
        start = time.perf_counter()
        connection.request("GET", url.path + ask)
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - start) * 1000)
        assert answer.status == 200, (ask, answer.status)
    took.sort()
    print(f"{took[100]:8.2f} {took[190]:8.2f}  {ask}")
PY
psql "$dsn" -q <<'SQL'
set role mas; set search_path = big, public;
create unlogged table plain as select pa_path path from paths;
create index on plain (path text_pattern_ops);
analyze plain;
\timing on
\echo peer: du of /big/p5/g3 by a sum over text paths
select count(*), sum(fi_size) from plain join files on fi_hash = md5(path)::uuid where path like '/big/p5/g3/%';
SQL
