#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A MAS database of the original's schema, taken over from the command line. Usage: 64_import_mas.py STRATA"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import pg
import template

STRATA = str(pathlib.Path(sys.argv[1]).resolve())
FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixture" / "mas" / "original.sql"
TOP = pathlib.Path(tempfile.mkdtemp(prefix="strata-import-", dir="/tmp"))
TOP.chmod(0o711)
DIR = TOP / "instance"
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}
tests, failures = 0, 0


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        print(f"# {pathlib.Path(__file__).name}:{sys._getframe(1).f_lineno}: {what}", flush=True)
    return bool(condition)


def run(test, *arguments):
    global tests
    before = failures
    test(*arguments)
    tests += 1
    print(f"{'ok' if failures == before else 'not ok'} {tests} - {test.__name__}", flush=True)


def strata(*words):
    return subprocess.run([STRATA, "-C", str(DIR), *words], env=ENV, capture_output=True, text=True, cwd="/")


def rows(*words):
    return [json.loads(line) for line in strata(*words, "--json").stdout.splitlines()]


def import_mas(*words, status=0):
    done = strata("catalog", "import-mas", *words, "--json")
    check(done.returncode == status, f"{words}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout) if done.stdout else json.loads(done.stderr)["error"]


def error(status, code, *words):
    found = import_mas(*words, status=status)
    check(found.get("code") == code, f"{found}")
    return found.get("message", "")


def mas(path, **query):
    url = (DIR / "run/http.url").read_text().strip()
    with urllib.request.urlopen(f"{url}{path}?{urllib.parse.urlencode(query)}") as reply:
        return json.load(reply)


def what_cannot_be_taken_is_said(old, server):
    check("connection" in error(7, "DB", f"host={TOP} dbname=mas"), "nobody listens there")
    check('"nowhere" does not exist' in error(7, "DB", old.replace("dbname=mas", "dbname=nowhere")), "no such database")
    check("is no MAS database" in error(4, "NOT_FOUND", old.replace("dbname=mas", "dbname=postgres")), "no MAS database")
    error(2, "USAGE", "host=x nonsense=1")
    check("no shard 'ls9'" in error(4, "NOT_FOUND", old, "--shard", "ls9"), "no such shard")
    check("'old-one'" in error(2, "USAGE", old, "--shard", "old-one"), "a code that cannot be a shard's")
    check("'old-one'" in error(2, "USAGE", old) and rows("catalog", "shard", "list") == [], "before anything is taken")
    server.sql("create role stranger login", "mas")
    error(9, "DENIED", old + " user=stranger", "--shard", "ls8")
    check("needs DSN" in error(2, "USAGE"), "no database at all")


def one_shard_comes_with_all_it_has(old, server):
    taken = import_mas(old, "--shard", "ls8", status=11)
    check((taken["shards"], taken["records"], taken["bare_paths"], taken["cached_answers"]) == (1, 9, 1, 2), f"{taken}")
    bad = taken["rejected"]
    check([r["path"] for r in bad] == ["/g/data/ls8/2015/bad.tif"] and bad[0]["type"] == "gdal", f"{bad}")
    check({s["name"]: s["path"] for s in rows("catalog", "shard", "list")} == {"ls8": "/g/data/ls8"}, "the shard")
    names = [row["path"] for row in rows("catalog", "find", "ls8", "--type", "file", "--sort", "path")]
    check(names == [f"/g/data/ls8/2015/{n}" for n in ("a.tif", "bad.tif", "bare.txt", "own.tif")], f"{names}")
    link = rows("catalog", "stat", "ls8", "/g/data/ls8/latest")[0]
    check(link["type"] == "link" and link["target"] == "2015", f"{link}")
    du = rows("catalog", "du", "ls8")[0]
    check(du["files"] == 4 and du["size"] == 6000, f"{du}")
    kinds = [row["type"] for row in rows("catalog", "meta", "ls8", "/g/data/ls8/2015/a.tif")]
    check(sorted(kinds) == ["gdal", "netcdf", "posix"], f"{kinds}")


def the_mas_api_answers_at_once(old, server):
    box = "POLYGON ((147.2 -36.2,147.3 -36.2,147.3 -36.3,147.2 -36.3,147.2 -36.2))"
    found = mas("/g/data/ls8", intersects="", metadata="gdal", srs="EPSG:4326", wkt=box)["gdal"]
    check(sorted(d["file_path"].rsplit("/")[-1] for d in found) == ["a.tif", "own.tif"], f"{found}")
    stamps = mas("/g/data/ls8", timestamps="")["timestamps"]
    check(stamps == ["2015-02-22T10:48:49.000Z", "2015-03-01T00:00:00.000Z"], f"{stamps}")
    cached = mas("/g/data/ls8", get_ows_cache="", query="wms_getcaps_/g/data/ls8")
    check(cached == {"value": {"layers": []}}, f"{cached}")


def interrupted_it_keeps_what_it_has(old, server):
    """Stopped in the middle of `era`: another session holds its table, so that it cannot be over before."""
    with subprocess.Popen(["psql", "-XAtq", "-d", "mas"], env=server.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as holder:
        holder.stdin.write("begin; lock table era.metadata in access exclusive mode; select 1;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        took = subprocess.Popen([STRATA, "-C", str(DIR), "catalog", "import-mas", old, "--shard", "era", "--json"], env=ENV,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")
        while not rows("catalog", "shard", "list")[0]["name"] == "era":
            time.sleep(0.05)
        took.send_signal(signal.SIGINT)
        holder.stdin.write("commit;\n")
        holder.stdin.close()
        said = took.communicate()[1]
    check(took.returncode == 130 and json.loads(said)["error"]["code"] == "INTERRUPTED", f"{took.returncode} {said}")


def repeated_it_goes_on_and_then_changes_nothing(old, server):
    taken = import_mas(old, "--shard", "era")
    check(taken["records"] == 30000, f"{taken}")
    du = rows("catalog", "du", "era")[0]
    check(du["files"] == 30000 and du["size"] == 300000, f"{du}")
    for shard in "era", "ls8":
        again = import_mas(old, "--shard", shard, status=11 if shard == "ls8" else 0)
        check((again["added"], again["changed"]) == (0, 0), f"{again}")
    the_mas_api_answers_at_once(old, server)


def a_shard_with_another_root_is_a_conflict(old, server):
    server.sql("update shards set sh_path = '/g/data/elsewhere' where sh_code = 'ls8'", "mas")
    check("'/g/data/elsewhere'" in error(5, "CONFLICT", old, "--shard", "ls8"), "names both")


def progress_is_lines_where_there_is_no_terminal(old, server):
    done = strata("catalog", "import-mas", old, "--shard", "era")
    check(done.returncode == 0 and "\r" not in done.stderr and "records  " in done.stdout, f"{done.stdout} {done.stderr}")
    check(strata("-q", "catalog", "import-mas", old, "--shard", "era").stderr == "", "quiet")


try:
    with pg.Scratch() as server:
        server.sql("create database mas")
        server.script(FIXTURE, "mas")
        dsn = f"host={server.dir} dbname=mas user=postgres"
        template.instance(DIR, STRATA)
        check(strata("up").returncode == 0, "up")
        for test in (what_cannot_be_taken_is_said, one_shard_comes_with_all_it_has, the_mas_api_answers_at_once,
                     interrupted_it_keeps_what_it_has, repeated_it_goes_on_and_then_changes_nothing,
                     a_shard_with_another_root_is_a_conflict, progress_is_lines_where_there_is_no_terminal):
            run(test, dsn, server)
finally:
    strata("down")
    shutil.rmtree(TOP, ignore_errors=True)
print(f"1..{tests}")
sys.exit(failures != 0)
