#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of a dataset from C and C++, and from one database alone that was dumped and restored. Usage: 55_dataset_library.py STRATA"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import instance  # noqa: E402
from instance import DIR, STRATA, TOP, check, run_all, strata  # noqa: E402

SRC = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = pathlib.Path(STRATA).parent / "src/api"
ROWS, A_TABLE = 1200, 300


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))} | {"LD_LIBRARY_PATH": str(LIBRARY)}


def build(compiler, source, program, *libraries):
    done = subprocess.run([compiler, "-O0", "-Wall", "-Wextra", "-I", SRC / "include", "-I", "/usr/include/postgresql", SRC / source, "-o", TOP / program,
                           "-L", LIBRARY, "-lstrata", *libraries], capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)


def run(program, *words, status=0):
    done = subprocess.run([TOP / program, *map(str, words)], env=environment(), capture_output=True, text=True)
    check(done.returncode == status, f"{program} {words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def dsn(server, database):
    text = strata("server", "dsn", server).stdout.decode().strip()
    return text.replace("dbname='postgres'", f"dbname='{database}'").replace("dbname=postgres", f"dbname={database}")


def scene():
    instance.init()
    instance.add_servers(["n1", "n2", "n3"])
    strata("up")
    (TOP / "g.csv").write_text("id,x,name\n" + "".join(f'{n},{n / 7!r},"n {n % 13}"\n' for n in range(ROWS)))
    strata("dataset", "create", "mini", "--servers", "n1,n2", "--replicas", "2")
    strata("dataset", "import", "mini", str(TOP / "g.csv"), "--rows", str(A_TABLE), "--open")


def the_example_asks_every_table():
    build(shutil.which("cc") or "gcc", "docs/example/dataset.c", "dataset", "-Werror")
    lines = run("dataset", DIR, "mini", "x", "50").stdout.splitlines()
    below = [n for n in range(ROWS) if n / 7 < 50]
    check([line.split()[0] for line in lines] == ["mini_1", "mini_2", "mini_3", "mini_4"], lines)
    check(sum(int(line.split()[1]) for line in lines) == len(below), lines)
    check(abs(sum(float(line.split()[2]) for line in lines) - sum(n / 7 for n in below)) < 1, lines)
    check("no dataset 'nope'" in run("dataset", DIR, "nope", "x", "1", status=4).stderr, "no such dataset")


def the_library_does_what_its_header_says():
    build(shutil.which("cc") or "gcc", "test/system/c_api_dataset.c", "library", "-Werror")
    check(run("library", DIR).stdout == "", "all is so")


def who_uses_soci_has_a_session_by_a_table_s_name():
    build("g++", "test/system/soci_dataset.cpp", "soci", "-lsoci_core", "-lsoci_postgresql", "-lpq")
    check(run("soci", DIR).stdout == "", "all is so")


def a_database_stands_alone():
    strata("dataset", "drop-copy", "mini", "mini_2", "n2")
    strata("dataset", "seal", "mini")
    bin_dir = sorted(pathlib.Path("/usr/lib/postgresql").iterdir())[-1] / "bin"
    dump = subprocess.run([bin_dir / "pg_dump", "-Fc", "-d", dsn("n1", "mini")], env=environment(), capture_output=True)
    check(dump.returncode == 0, dump.stderr)
    strata("pg", "-s", "n3", "-d", "postgres", "-c", "create database mini template template0")
    restored = subprocess.run([bin_dir / "pg_restore", "--exit-on-error", "-d", dsn("n3", "mini")], env=environment(), capture_output=True, input=dump.stdout)
    check(restored.returncode == 0, restored.stderr)
    other = TOP / "other"  # an instance that knows the other cluster alone, under the name that the mapping has
    other.mkdir()
    (other / "strata.ini").write_text(f"[server n1]\ndsn = {dsn('n3', 'postgres')}\n[dataset mini]\nservers = n1\n[database]\nserver = n1\n")
    (other / "strata.ini").chmod(0o600)
    ask = lambda *words: subprocess.run([STRATA, "-C", str(other), "dataset", *words, "--json"], env=environment(), capture_output=True, text=True)  # noqa: E731
    done = ask("status", "mini")
    check([json.loads(line)["state"] for line in done.stdout.splitlines()] == ["ok"], done)
    done = ask("extract", "mini", "select id from {table}", "--format", "jsonl")
    check(sorted(json.loads(line)["id"] for line in done.stdout.splitlines()) == list(range(ROWS)), done.stderr)
    done = ask("drop-copy", "mini", "mini_1", "n1")
    check(done.returncode == 5 and "is on n1,n2" in done.stderr, "it knows that it is one of two")
    done = ask("server", "remove", "mini", "n2", "--lost")
    check(done.returncode == 4, done)


sys.exit(run_all(scene, [
    the_example_asks_every_table,
    the_library_does_what_its_header_says,
    who_uses_soci_has_a_session_by_a_table_s_name,
    a_database_stands_alone,
]))
