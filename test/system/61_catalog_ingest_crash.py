#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""Ingests that are killed and started again: everything is there once. Usage: 61_catalog_ingest_crash.py STRATA"""
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

ROUNDS = int(os.environ.get("STRATA_CRASH_ROUNDS") or (100 if crash.SOAK else 3))
rng = random.Random(crash.SEED + 1)
ROOT = "/g/data/xx1"
UTM = ('PROJCS["WGS 84 / UTM zone %dS",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
       'UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",%d],'
       'PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",10000000],UNIT["metre",1],'
       'AUTHORITY["EPSG","%d"]]')


def gdal_record(path, rng):
    """A record as the original's crawler writes it: some variables in one UTM zone with some stamps."""
    zone, x, y = rng.randint(49, 56), rng.randint(2, 7) * 100000.0, rng.randint(61, 88) * 100000.0
    stamps = [f"{rng.randint(2001, 2023)}-0{rng.randint(1, 9)}-{rng.randint(10, 28)}T00:00:00Z" for _ in range(rng.choice([1, 1, 12]))]
    ring = ((x, y), (x, y - 109800), (x + 109800, y - 109800), (x + 109800, y), (x, y))
    bands = [{"ds_name": f'NETCDF:"{path}":{name}', "namespace": name, "array_type": "Int16", "raster_count": len(stamps),
              "timestamps": sorted(stamps), "x_size": 10980, "y_size": 10980, "geotransform": [x, 10, 0, y, 0, -10],
              "polygon": "POLYGON ((" + ",".join(f"{a:f} {b:f}" for a, b in ring) + "))", "proj_wkt": UTM % (zone, 6 * zone - 183, 32700 + zone),
              "proj4": f"+proj=utm +zone={zone} +south +datum=WGS84 +units=m +no_defs ", "nodata": 0,
              "axes": [{"name": "time", "params": None, "strides": [1], "shape": [len(stamps)], "grid": "default"}]}
             for name in rng.sample(["red", "nir", "swir1", "B04"], rng.randint(1, 3))]
    return {"filename": path, "file_type": "netCDF", "geo_metadata": bands}


def line(path, type, record):
    return f"{path}\t{type}\t{json.dumps(record, separators=(',', ':'))}\n"


def generate(file, seed, posix, gdal):
    """Posix and gdal lines of files in some directories; gives the numbers of paths, records and datasets to be there."""
    rng, paths, datasets = random.Random(seed), {ROOT}, 0
    with open(file, "w") as out:
        out.write(line(ROOT, "posix", {"type": "directory", "size": 4096}))
        for n in range(posix):
            dir = f"{ROOT}/d{n % 97}"
            if dir not in paths and rng.random() < 0.5:
                out.write(line(dir, "posix", {"type": "directory", "size": 4096, "mode": "drwxr-x---"}))
            paths |= {dir, f"{dir}/f{n}"}
            out.write(line(f"{dir}/f{n}", "posix", {"type": "file", "size": rng.randrange(10**6), "mode": "-rw-r--r--", "inode": n}))
            if n < gdal:
                record = gdal_record(f"{dir}/f{n}", rng)
                datasets += len(record["geo_metadata"])
                out.write(line(f"{dir}/f{n}", "gdal", record))
    return len(paths), datasets


def counts(at, shard):
    return tuple(int(at.value(f"select count(*) from {shard}.{table}")) for table in ("paths", "datasets"))


def disturb(at, file, shard, seconds, number, first):
    if number % 2 == 0:
        point = rng.choice(crash.points(*(("batch_", "bulk_") if first else ("batch_",))))
        nth = 1 if point.startswith("bulk_") else rng.choice([1, 1, 2])
        what = f"{point}:{nth}:{rng.choice(['kill', 'kill', 'EIO', 'ENOSPC'])}"
        process = at.start("catalog", "ingest", shard, file, fault=what)
    else:
        what = ["killed", "interrupted", "without its backend", "without the cluster"][(number // 2 + crash.SEED) % 4]
        process = at.start("catalog", "ingest", shard, file)
        time.sleep(rng.random() * seconds)
        if what == "killed":
            process.kill()
        elif what == "interrupted":
            process.send_signal(signal.SIGINT)
        else:
            victims = at.backends() if what == "without its backend" else [at.postmaster()]
            for victim in victims[-1:]:
                crash.kill(victim)
    said = process.communicate()[1].decode()
    check(process.returncode in (0, -9, -2, 6, 7, 130), f"{what}: status {process.returncode}: {said}")
    return f"{what} ({process.returncode})"


def a_killed_ingest_is_completed_by_the_next():
    with crash.Instance() as at:
        file = at.top / "records.tsv"
        whole = generate(file, crash.SEED, 30000 if crash.SOAK else 1500, 3000 if crash.SOAK else 300)
        began = time.monotonic()
        at.strata("catalog", "shard", "create", "model", ROOT)
        at.strata("catalog", "ingest", "model", file)
        seconds = time.monotonic() - began
        check(counts(at, "model") == whole, f"{counts(at, 'model')}, not {whole}")
        for problem in crash.broken(at, "model"):
            check(False, f"a first ingest: {problem}")
        at.strata("catalog", "shard", "drop", "model")
        at.strata("catalog", "shard", "create", "a", ROOT)
        for number in range(ROUNDS):
            first = rng.random() < 0.6
            if first:
                at.strata("catalog", "shard", "truncate", "a")
            else:
                whole = generate(file, rng.randrange(1 << 30), 1500, 300)  # other facts of the same files
            what = disturb(at, file, "a", seconds, number, first)
            what += ", the first load" if first else ""
            print(f"# round {number + 1}: {what}", flush=True)
            at.bring_back()
            done = at.call("catalog", "ingest", "a", file, text=True)
            check(done.returncode == 0, f"after {what}: {done.returncode} {done.stderr}")
            check(counts(at, "a") == whole, f"after {what}: {counts(at, 'a')}, not {whole}")
            for problem in crash.broken(at, "a"):
                check(False, f"after {what}: {problem}")
            again = at.answer("catalog", "ingest", "a", file)
            check(again["added"] + again["changed"] + again["removed"] == 0, f"after {what}: nothing to do: {again}")
        for problem in crash.refresh_differs(at, "a"):
            check(False, f"refresh --full: {problem}")


def ingest(at, shard, text):
    done = at.call("catalog", "ingest", shard, "-", "--json", input=text.encode())
    check(done.returncode == 0, f"{done.returncode} {done.stderr}")


def file_lines(*names, size=10):
    return "".join(line(name, "posix", {"type": "file", "size": size}) for name in names)


def removals_and_renames_count_in_a_first_load_as_well():
    with crash.Instance() as at:
        for shard in "first", "later":
            root = f"/{shard}"
            at.strata("catalog", "shard", "create", shard, root)
            if shard == "later":
                ingest(at, shard, file_lines(f"{root}/before"))
            ingest(at, shard, file_lines(*(f"{root}/d/f{n}" for n in range(5)), f"{root}/e/x")
                   + line(f"{root}/d/f0", "-deleted", {}) + line(f"{root}/d/f0", "-deleted", {}) + line(f"{root}/d/none", "-deleted", {})
                   + line(f"{root}/d/g", "-renamed", {"from": f"{root}/d/f1"})
                   + file_lines(f"{root}/d/g", f"{root}/d/f1", size=7)
                   + line(f"{root}/h", "-renamed", {"from": f"{root}/e"}) + line(f"{root}/h", "-deleted", {}))
            names = at.value(f"select string_agg(pa_path, ' ' order by pa_path) from {shard}.paths where pa_type = 'file'")
            expected = [f"{root}/d/{n}" for n in ("f1", "f2", "f3", "f4", "g")]
            check(names.split() == ([f"{root}/before"] if shard == "later" else []) + expected, f"{shard}: {names}")
            for problem in crash.broken(at, shard) + crash.refresh_differs(at, shard):
                check(False, f"{shard}: {problem}")
            check(at.value(f"select di_size from {shard}.directories where di_name = 'd'") == "44", "bytes")


def the_last_record_of_a_path_counts_however_far_apart():
    with crash.Instance() as at:
        at.strata("catalog", "shard", "create", "a", "/a")
        ingest(at, "a", file_lines("/a/x"))
        names = [f"/a/d/f{n}" for n in range(21000)]
        text = "".join(file_lines(*names[n::7], f"/a/x{n}", size=n + 1) + file_lines(*names[n::7][:200], "/a/x0", size=100 + n) for n in range(7))
        ingest(at, "a", text + file_lines(*names[:50], "/a/x", size=5000))
        check(at.value("select count(*) || ' ' || sum(fi_size) from a.files where fi_name in (select 'f' || n from generate_series(0, 49) n)")
              == "50 250000", "the later size")
        check(at.value("select fi_size from a.files where fi_name = 'x0'") == "106", "the later size of one")
        for problem in crash.broken(at, "a"):
            check(False, problem)


sys.exit(crash.run_all([a_killed_ingest_is_completed_by_the_next, removals_and_renames_count_in_a_first_load_as_well,
                        the_last_record_of_a_path_counts_however_far_apart]))
