#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of all tables of a dataset, while servers are well and while they die and hang. Usage: 51_dataset_extract.py STRATA"""
import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import instance  # noqa: E402
from instance import DIR, TOP, check, run_all, strata  # noqa: E402

SERVERS = ["n1", "n2", "n3"]
ROWS, A_TABLE = 12000, 500
SLOW = "select id, (select count(*) from generate_series(1, 8000 + id % 2)) c from {table}"  # some seconds for all of it


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}


def extract(*words, name="mini", status=0):
    done = strata("dataset", "extract", name, *words, ok=None)
    check(done.returncode == status, f"{words}: {done.returncode} and not {status}: {done.stderr.decode()}")
    return done


def start(*words, name="mini"):
    return subprocess.Popen([instance.STRATA, "-C", str(DIR), "dataset", "extract", name, *words], env=environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ids(text):
    return [int(row["id"]) for row in csv.DictReader(io.StringIO(text))]


def postmaster(server):
    return int((DIR / "pg" / server / "data/postmaster.pid").read_text().splitlines()[0])


def backends(server):
    pid = postmaster(server)
    return [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def running(server):
    """How many copies a server is sending."""
    done = strata("pg", "-s", server, "-d", "mini", "--json", "-c",
                  "select count(*) n from pg_stat_activity where query like 'begin isolation%' and state = 'active'", ok=None)
    return json.loads(done.stdout)["n"] if done.returncode == 0 else 0


def wait_for(condition, what, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return check(False, what)
        time.sleep(0.05)
    return True


def all_well():
    return all(json.loads(line)["state"] == "ok"
               for line in strata("dataset", "status", "mini", "--json", ok=None).stdout.splitlines())


def scene():
    instance.init()
    instance.add_servers(SERVERS)
    strata("up")
    (TOP / "g.csv").write_text("id,x,name\n" + "".join(f'{n},{n / 7!r},"n ""{n}"", {n % 13}"\n' for n in range(ROWS)))
    for name, replicas in (("mini", "2"), ("single", "1")):
        strata("dataset", "create", name, "--servers", "n1,n2,n3", "--replicas", replicas)
        strata("dataset", "import", name, str(TOP / "g.csv"), "--rows", str(A_TABLE))


# ---- all servers are well ----

def every_row_comes_once():
    done = extract("select * from {table}", "-o", str(TOP / "out.csv"), "--report", str(TOP / "report"), "--json")
    check(json.loads(done.stdout) == {"rows": ROWS, "tables": ROWS // A_TABLE, "retries": 0}, done.stdout)
    check(json.loads((TOP / "report").read_text()) == {"rows": ROWS, "tables": ROWS // A_TABLE, "retries": []}, "report")
    text = (TOP / "out.csv").read_text()
    check(text.splitlines()[0] == "id,x,name", text[:100])
    rows, imported = (sorted((int(r["id"]), float(r["x"]), r["name"]) for r in csv.DictReader(io.StringIO(t)))
                      for t in (text, (TOP / "g.csv").read_text()))
    check(rows == imported, "the rows as they were imported")


def rows_have_the_form_that_was_asked_for():
    text = extract('select id, name "the, ""name""", null::text nothing from {table} where id < 700').stdout.decode()
    check(text.splitlines()[0] == 'id,"the, ""name""",nothing' and len(text.splitlines()) == 701, text[:200])
    rows = [json.loads(line) for line in extract("select id, e'a\\nb' t, e'{\"k\":\\n1}'::json j from {table} where id < 700", "--format", "jsonl").stdout.splitlines()]
    check(len(rows) == 700 and rows[0].keys() == {"id", "t", "j"} and rows[0]["t"] == "a\nb" and rows[0]["j"] == {"k": 1}, rows[:2])
    empty = extract("select id from {table} where id < 0").stdout
    check(empty == b"id\n", empty)


def some_tables_and_in_order():
    text = extract("select id from {table} order by id", "--order", "--tables", "mini_1?", "--tables", "mini_2").stdout.decode()
    names = sorted([f"mini_{n}" for n in range(10, 20)] + ["mini_2"])
    expected = [n for name in names for n in range((int(name[5:]) - 1) * A_TABLE, int(name[5:]) * A_TABLE)]
    check(ids(text) == expected, "tables by name, rows as the SQL orders them")
    extract("select id from {table}", "--tables", "nope*", status=4)


def what_a_server_refuses_is_said_and_leaves_no_file():
    (TOP / "kept").write_text("before")
    done = extract("select nope from {table}", "-o", str(TOP / "kept"), status=7)
    check(b"nope" in done.stderr and (TOP / "kept").read_text() == "before", done.stderr)
    done = extract("select 1 / (id - 700) from {table}", "-o", str(TOP / "none"), status=2)
    check(b"division by zero" in done.stderr and b"'mini_2'" in done.stderr and b"server 'n" in done.stderr, done.stderr)
    done = extract("insert into {table} values (1) returning id", status=7)
    check(b"read-only" in done.stderr, done.stderr)
    extract("select 1", status=2)
    check(not (TOP / "none").exists() and not list(TOP.glob("*.part")), list(TOP.iterdir()))


def an_interrupt_leaves_no_file():
    process = start(SLOW, "-o", str(TOP / "cut"))
    wait_for(lambda: list(TOP.glob("cut.*.part")), "it begins")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    check(process.returncode == 130 and b"interrupted" in err, (process.returncode, err))
    check(not (TOP / "cut").exists() and not list(TOP.glob("*.part")), "no file")


# ---- servers that are not ----

def is_exact(process, path, report, frm):
    out, err = process.communicate()
    check(process.returncode == 0, (process.returncode, err))
    said = json.loads(pathlib.Path(report).read_text())
    check(sorted(ids(pathlib.Path(path).read_text())) == list(range(ROWS)) and said["rows"] == ROWS, f"every row once: {said}")
    check(any(retry["from"] == frm and retry["to"] and retry["reason"] for retry in said["retries"]), said)


def a_server_that_dies_costs_some_tables_again():
    process = start(SLOW, "-o", str(TOP / "dies.csv"), "--report", str(TOP / "dies.json"))
    if wait_for(lambda: running("n2"), "n2 is at work"):
        os.kill(postmaster("n2"), signal.SIGKILL)
        for pid in backends("n2")[1:]:  # its children end by themselves; who writes to nobody may take a while
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    is_exact(process, TOP / "dies.csv", TOP / "dies.json", "n2")
    wait_for(all_well, "the service to start n2 again")


def connections_that_are_cut_cost_some_tables_again():
    process = start(SLOW, "-o", str(TOP / "cut.csv"), "--report", str(TOP / "cut.json"))
    wait_for(lambda: running("n1"), "n1 is at work")
    strata("pg", "-s", "n1", "-d", "mini", "-c",
           "select pg_terminate_backend(pid) from pg_stat_activity where query like 'begin isolation%'")
    is_exact(process, TOP / "cut.csv", TOP / "cut.json", "n1")


def a_server_that_hangs_is_given_up():
    process = start(SLOW, "-o", str(TOP / "hangs.csv"), "--report", str(TOP / "hangs.json"), "--deadline", "1s")
    stopped = []
    if wait_for(lambda: running("n3"), "n3 is at work"):
        stopped = backends("n3")
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
    try:
        is_exact(process, TOP / "hangs.csv", TOP / "hangs.json", "n3")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    wait_for(all_well, "n3 to be well")


def a_table_that_nobody_has_is_named():
    process = start(SLOW, "-o", str(TOP / "lost.csv"), "--report", str(TOP / "lost.json"), "--deadline", "1s", name="single")
    stopped = []
    time.sleep(0.3)
    stopped = backends("n3")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        _, err = process.communicate()
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    check(process.returncode == 7 and b"'single_" in err and b"server 'n3'" in err, (process.returncode, err))
    said = json.loads((TOP / "lost.json").read_text())
    check(sum(retry["from"] == "n3" for retry in said["retries"]) >= 4, said)
    check(not (TOP / "lost.csv").exists() and not list(TOP.glob("*.part")), "no file")
    wait_for(all_well, "n3 to be well")


sys.exit(run_all(scene, [
    every_row_comes_once,
    rows_have_the_form_that_was_asked_for,
    some_tables_and_in_order,
    what_a_server_refuses_is_said_and_leaves_no_file,
    an_interrupt_leaves_no_file,
    a_server_that_dies_costs_some_tables_again,
    connections_that_are_cut_cost_some_tables_again,
    a_server_that_hangs_is_given_up,
    a_table_that_nobody_has_is_named,
]))
