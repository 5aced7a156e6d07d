#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The MAS API's speed: mas.py BUILD DATA

DATA holds gdal.tsv.gz (path, type and JSON of 200,000 files) and queries.tsv (class, path, operation, JSON of parameters).
Loads them into a scratch cluster, asks every query on a fresh connection after all of them once, and prints for each class
the median and 95th percentile in milliseconds beside the original's median; then, where wrk is installed, requests a second
at 8 connections. Times are the client's; CPU is that of service and server together.
"""
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "test/system"))
import pg  # noqa: E402

ORIGINAL = {"small_1month": 41.7, "small_notime": 141.9, "small_exact": 41.4, "medium_1month": 48.7, "medium_notime": 284.7,
            "large_1month": 324.5, "large_1day": 179.4, "nogeom_1month": 712, "drill200_1year": 23.4, "timestamps_cold": 299,
            "timestamps_warm": 13.5, "list_root": 0.30, "list_sub": 46.3, "generate_layers": 278, "extents": 3770}
LUA = """local urls = {}
for line in io.lines("%s") do urls[#urls + 1] = line end
local n = 0
request = function() n = n %% #urls + 1 return wrk.format("GET", urls[n]) end
"""


def target(path, operation, params):
    quoted = (f"&{key}={urllib.parse.quote(value, safe='(),:')}" for key, value in params.items())
    return f"{path or '/'}?{operation}{''.join(quoted)}"


def cpu_ms(pids):
    ticks = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def children(server, service):
    rows = server.rows("select pid from pg_stat_activity where datname = 'mas' and pid <> pg_backend_pid()")
    return [service.pid] + [int(row[0]) for row in rows]


def ask(address, url):
    connection = http.client.HTTPConnection(address.hostname, address.port)
    start = time.perf_counter()
    connection.request("GET", url)
    reply = connection.getresponse()
    body = reply.read()
    took = time.perf_counter() - start
    connection.close()
    if reply.status != 200:
        raise SystemExit(f"{url}: {body[:200]}")
    return took * 1000, len(body)


def main():
    build, data = map(pathlib.Path, sys.argv[1:3])
    classes = {}
    for line in (data / "queries.tsv").read_text().splitlines():
        kind, path, operation, params = line.split("\t")
        classes.setdefault(kind, []).append(target(path, operation, json.loads(params)))
    with pg.Scratch(shared_buffers="1500MB", maintenance_work_mem="256MB", max_wal_size="4GB") as server:
        dsn = f"host={server.dir} user=postgres dbname="
        with subprocess.Popen(["gzip", "-dc", data / "gdal.tsv.gz"], stdout=subprocess.PIPE) as lines:
            subprocess.run([build / "bench/catalog/mas_load", dsn + "postgres", "xx1", "/g/data/xx1"], stdin=lines.stdout, check=True)
        server.sql("vacuum", "mas")
        service = subprocess.Popen([build / "bench/catalog/mas_serve", dsn + "mas", "127.0.0.1:0"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        address = urllib.parse.urlparse(service.stdout.readline().strip())
        print(f"{'class':<16} {'n':>4} {'p50':>8} {'p95':>8} {'CPU':>8} {'KB':>8} {'original p50':>13}")
        for kind, urls in classes.items():
            for url in urls:
                ask(address, url)
            pids = children(server, service)
            before = cpu_ms(pids)
            took = [ask(address, url) for url in urls]
            cpu = (cpu_ms(pids) - before) / len(urls)
            times = sorted(t for t, _ in took)
            print(f"{kind:<16} {len(urls):>4} {times[len(times) // 2]:>8.2f} {times[len(times) * 95 // 100]:>8.2f} {cpu:>8.2f} "
                  f"{sum(n for _, n in took) / len(took) / 1024:>8.0f} {ORIGINAL.get(kind, 0):>13}", flush=True)
        if shutil.which("wrk"):
            with tempfile.TemporaryDirectory() as top:
                pathlib.Path(top, "urls").write_text("\n".join(classes["small_1month"]) + "\n")
                pathlib.Path(top, "wrk.lua").write_text(LUA % f"{top}/urls")
                subprocess.run(["wrk", "-t1", "-c8", "-d10s", "--latency", "-s", f"{top}/wrk.lua", address.geturl()], check=True)
        peak = [line for line in pathlib.Path(f"/proc/{service.pid}/status").read_text().splitlines() if "VmHWM" in line]
        print("service", *peak)
        service.stdin.close()
        service.wait()


main()
