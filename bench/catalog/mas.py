#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The MAS API's speed: mas.py BUILD DATA [--runs N] [--growth]

DATA holds gdal.tsv.gz (path, type and JSON of 200,000 files) and queries.tsv (class, path, operation, JSON of parameters).
Loads them into a scratch cluster, asks every query on a connection of its own, once to warm up and then in N runs (default 5),
and prints for each class, as medians of the runs: the median and 95th percentile in milliseconds, the CPU of service and
server together in milliseconds a request, the target for the median and whether it is met, and what the original took. Then
requests a second and CPU at 8 connections that stay open, where wrk is installed; and the service's memory, while eight
clients read large answers slowly and at its highest.

With --growth the same queries are asked again after 120,000 files more were loaded that none of them finds, in 100 more
coordinate systems: 300,000 datasets of the names asked for that lie elsewhere, and 20,000 of other names that cover the world.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
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
TARGET = {"small_1month": 2, "small_notime": 25, "large_1month": 30, "drill200_1year": 3, "nogeom_1month": 60,
          "timestamps_cold": 15, "extents": 2, "list_sub": 1, "generate_layers": 5}
TARGET_CPU, TARGET_RATE, TARGET_MB = 0.9, 1500, 60
LUA = """local urls = {}
for line in io.lines("%s") do urls[#urls + 1] = line end
local n = 0
request = function() n = n %% #urls + 1 return wrk.format("GET", urls[n]) end
"""
ROOT = "/g/data/xx1"


def target(path, operation, params):
    quoted = (f"&{key}={urllib.parse.quote(value, safe='(),:')}" for key, value in params.items())
    return f"{path or '/'}?{operation}{''.join(quoted)}"


def cpu_ms(pids):
    total = 0
    for pid in pids:
        for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(thread.read_text().split()[0])
            except OSError:
                pass
    return total / 1e6


def status_mb(pid, key):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024


def verdict(value, wanted, larger=False):
    if wanted is None:
        return ""
    return f"{wanted:g}: {'met' if (value >= wanted if larger else value <= wanted) else 'MISSED'}"


class Service:
    def __init__(self, build, server):
        self.server = server
        self.process = subprocess.Popen([build / "bench/catalog/mas_serve", f"host={server.dir} user=postgres dbname=mas",
                                         "127.0.0.1:0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = urllib.parse.urlparse(self.process.stdout.readline().strip())
        self.pid = self.process.pid

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def pids(self):
        rows = self.server.rows("select pid from pg_stat_activity where datname = 'mas' and pid <> pg_backend_pid()")
        return [self.pid] + [int(row[0]) for row in rows]

    def ask(self, url):
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port)
        start = time.perf_counter()
        connection.request("GET", url)
        reply = connection.getresponse()
        body = reply.read()
        took = time.perf_counter() - start
        connection.close()
        if reply.status != 200:
            raise SystemExit(f"{url}: {body[:200]}")
        return took * 1000, len(body)


def read_queries(path):
    classes = {}
    for line in path.read_text().splitlines():
        kind, place, operation, params = line.split("\t")
        classes.setdefault(kind, []).append(target(place, operation, json.loads(params)))
    return classes


def run_class(service, urls, runs):
    """Median of the runs of: median, 95th percentile, CPU a request, bytes a request."""
    for url in urls:
        service.ask(url)
    pids, results = service.pids(), []
    for _ in range(runs):
        before = cpu_ms(pids)
        asked = [service.ask(url) for url in urls]
        cpu = (cpu_ms(pids) - before) / len(urls)
        times = sorted(took for took, _ in asked)
        results.append((times[len(times) // 2], times[len(times) * 95 // 100], cpu, sum(size for _, size in asked) / len(urls)))
    return [statistics.median(column) for column in zip(*results)]


def measure_classes(service, classes, runs, before=None):
    ratio = "  before  before CPU" if before else ""
    print(f"{'class':<16} {'n':>4} {'p50':>8} {'p95':>8} {'CPU':>8} {'KB':>8}  {'target p50':<12} {'original':>9}{ratio}")
    results = {}
    for kind, urls in classes.items():
        p50, p95, cpu, size = results[kind] = run_class(service, urls, runs)
        again = ""
        if before:
            again = f" {before[kind][0]:>7.2f} {before[kind][2]:>11.2f}"
            if before[kind][3] != size and "extents" not in kind and "time" not in kind and "list" not in kind:
                again += "  OTHER ANSWERS"
        print(f"{kind:<16} {len(urls):>4} {p50:>8.2f} {p95:>8.2f} {cpu:>8.2f} {size / 1024:>8.0f}  "
              f"{verdict(p50, TARGET.get(kind)):<12} {ORIGINAL.get(kind, 0):>9}{again}", flush=True)
    return results


def measure_rate(service, urls):
    if not shutil.which("wrk"):
        print("no wrk: requests a second are left out")
        return
    with tempfile.TemporaryDirectory() as top:
        pathlib.Path(top, "urls").write_text("\n".join(urls) + "\n")
        pathlib.Path(top, "wrk.lua").write_text(LUA % f"{top}/urls")
        command = ["wrk", "-t1", "-c8", "-s", f"{top}/wrk.lua", service.url.geturl()]
        subprocess.run(command + ["-d2s"], check=True, capture_output=True)
        pids = service.pids()
        before = cpu_ms(pids)
        out = subprocess.run(command + ["-d10s"], check=True, capture_output=True, text=True).stdout
        count = int(out.split(" requests in")[0].split()[-1])
        rate, cpu = float(out.split("Requests/sec:")[1].split()[0]), (cpu_ms(pids) - before) / count
    if "Non-2xx" in out:
        raise SystemExit(out)
    print(f"8 connections: {rate:.0f} requests/s ({verdict(rate, TARGET_RATE, True)}), "
          f"CPU {cpu:.2f} ms a request ({verdict(cpu, TARGET_CPU)})", flush=True)


def measure_streams(service, url):
    """Memory while eight clients read the answer of `url` in about two seconds."""
    size, peak, clients = service.ask(url)[1], 0, []
    for _ in range(8):
        client = socket.create_connection((service.url.hostname, service.url.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        clients.append(client)
    while clients:
        clients = [client for client in clients if client.recv(65536)]
        peak = max(peak, status_mb(service.pid, "VmRSS"))
        time.sleep(65536 * 2 / size)
    print(f"memory while eight answers of {size / 1e6:.1f} MB stream: {peak:.0f} MB ({verdict(peak, TARGET_MB)})", flush=True)


# ---- rows that no query finds ----

WKT = ('PROJCS["{name}",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
       'UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER'
       '["central_meridian",{lon}],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER'
       '["false_northing",0],UNIT["metre",1]]')
WGS84 = ('GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG",'
         '"6326"]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]',
         "+proj=longlat +datum=WGS84 +no_defs ")


def other_system(number):
    lon = -170 + 3.4 * number
    return (WKT.format(name=f"system {number}", lon=lon),
            f"+proj=tmerc +lat_0=0 +lon_0={lon} +k=0.9996 +x_0=500000 +y_0=0 +datum=WGS84 +units=m +no_defs ")


def other_records(count, rnd):
    """North of the equator, where no mask is; a sixth covers the world under other names."""
    systems = [other_system(number) for number in range(100)]
    for number in range(count):
        if number % 6 == 0:
            names, system, corner, far = [f"world{number % 10}"], WGS84, (-180, -90), (180, 90)
        else:
            names, system = rnd.choice((["red", "nir", "B04"], ["phot_veg", "bare_soil", "ta"])), rnd.choice(systems)
            corner = (rnd.randrange(200000, 700000), rnd.randrange(1000000, 8000000))
            far = (corner[0] + 100000, corner[1] + 100000)
        (x0, y0), (x1, y1) = corner, far
        path = f"{ROOT}/other/{number % 500}/{number}.nc"
        stamp = f"{rnd.randrange(2001, 2024)}-{rnd.randrange(1, 13):02}-{rnd.randrange(1, 29):02}T00:00:00Z"
        sets = [{"ds_name": f'NETCDF:"{path}":{name}', "namespace": name, "array_type": "Int16", "raster_count": 1,
                 "timestamps": [stamp], "geotransform": [x0, 25, 0, y1, 0, -25], "proj_wkt": system[0], "proj4": system[1],
                 "polygon": f"POLYGON (({x0} {y0},{x0} {y1},{x1} {y1},{x1} {y0},{x0} {y0}))", "nodata": -999} for name in names]
        yield f"{path}\tgdal\t{json.dumps({'filename': path, 'file_type': 'netCDF', 'geo_metadata': sets})}\n"


def load(build, server, lines):
    command = [build / "bench/catalog/mas_load", f"host={server.dir} user=postgres dbname=postgres", "xx1", ROOT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as loader:
        loader.stdin.writelines(lines)
        loader.stdin.close()
        if loader.wait():
            raise SystemExit("mas_load failed")
    server.sql("vacuum analyze", "mas")


def main():
    words = argparse.ArgumentParser(usage="mas.py BUILD DATA [--runs N] [--growth]")
    words.add_argument("build", type=pathlib.Path)
    words.add_argument("data", type=pathlib.Path)
    words.add_argument("--runs", type=int, default=5)
    words.add_argument("--growth", action="store_true")
    words = words.parse_args()
    classes = read_queries(words.data / "queries.tsv")
    with pg.Scratch(shared_buffers="1500MB", maintenance_work_mem="256MB", max_wal_size="4GB") as server:
        with subprocess.Popen(["gzip", "-dc", words.data / "gdal.tsv.gz"], stdout=subprocess.PIPE, text=True) as lines:
            load(words.build, server, lines.stdout)
        service = Service(words.build, server)
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, medians of {words.runs} runs")
        first = measure_classes(service, classes, words.runs)
        cpu = first["small_1month"][2]
        print(f"small_1month on connections of their own: CPU {cpu:.2f} ms a request ({verdict(cpu, TARGET_CPU)})")
        measure_rate(service, classes["small_1month"])
        measure_streams(service, max(classes["medium_notime"], key=lambda url: service.ask(url)[1]))
        high = status_mb(service.pid, "VmHWM")
        print(f"memory at its highest: {high:.0f} MB ({verdict(high, TARGET_MB)})", flush=True)
        if words.growth:
            load(words.build, server, other_records(120000, random.Random(1)))
            print(f"load {os.getloadavg()[0]:.1f}, with 320,000 datasets more in 100 more coordinate systems")
            searches = {kind: urls for kind, urls in classes.items() if "?intersects" in urls[0]}
            measure_classes(service, searches, words.runs, first)
        service.close()


main()
