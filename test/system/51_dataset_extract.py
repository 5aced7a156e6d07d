#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of all tables of a dataset, while servers are well and while they die and hang. Usage: 51_dataset_extract.py STRATA"""
import contextlib
import csv
import io
import json
import os
import pathlib
import signal
import resource
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import instance  # noqa: E402
from instance import DIR, TOP, check, run_all, strata  # noqa: E402
from rows_read import READERS  # noqa: E402

SERVERS = ["n1", "n2", "n3"]
ROWS, A_TABLE = 12000, 500
SLOW = "select id, (select count(*) from generate_series(1, 2000 + id % 2)) c from {table}"  # a second and more for all of it


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


@contextlib.contextmanager
def frozen(server):
    """All processes of the server stand still meanwhile."""
    stopped = backends(server)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def running(server, database="mini"):
    """The backends that are sending a copy."""
    rows, _ = instance.ask(server, database, "select pid from pg_stat_activity where datname = current_database() "
                           "and query like 'begin isolation%' and state = 'active'")
    return [int(pid) for pid, in rows]


def wait_for(condition, what, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return check(False, what)
        time.sleep(0.01)
    return True


def all_well():
    return all(json.loads(line)["state"] == "ok"
               for line in strata("dataset", "status", "mini", "--json", ok=None).stdout.splitlines())


def on_servers(database, sql, servers=SERVERS):
    for server in servers:
        instance.table(server, database, f"begin read write; {sql}; commit")


def scene():
    instance.init()
    instance.add_servers(SERVERS)
    strata("up")
    (TOP / "g.csv").write_text("id,x,name\n" + "".join(f'{n},{n / 7!r},"n ""{n}"", {n % 13}"\n' for n in range(ROWS)))
    lines = (TOP / "g.csv").read_text().splitlines(keepends=True)
    (TOP / "few.csv").write_text("".join(lines[:5 * A_TABLE + 1]))
    for name, replicas, file in (("mini", "2", "g.csv"), ("single", "1", "g.csv"), ("odd", "3", "few.csv")):
        strata("dataset", "create", name, "--servers", "n1,n2,n3", "--replicas", replicas)
        strata("dataset", "import", name, str(TOP / file), "--rows", str(A_TABLE))
    # what a summary says of each table: x goes from its first row to its last
    boxes = ", ".join(f"('mini_{n + 1}', {n * A_TABLE / 7}, 0, 0, {((n + 1) * A_TABLE - 1) / 7}, 1, 1, {n % 3})"
                      for n in range(ROWS // A_TABLE) if n != 20)
    on_servers("mini", f"""
        delete from summary; insert into summary (tablename, minx, miny, minz, maxx, maxy, maxz, minsnap) values {boxes};
        insert into metadata values ('position_columns', 'x, y, z');
        create role reader login password 'right'; grant pg_read_all_data to reader;
        create function may() returns boolean language plpgsql as $$begin return true; end$$""")


# ---- all servers are well ----

def every_row_comes_once():
    done = extract("select * from {table}", "-o", str(TOP / "out.csv"), "--report", str(TOP / "report"), "--json")
    check(json.loads(done.stdout) == {"rows": ROWS, "tables": ROWS // A_TABLE, "retries": 0}, done.stdout)
    columns = [{"name": "id", "type": "bigint", "oid": 20}, {"name": "x", "type": "double precision", "oid": 701},
               {"name": "name", "type": "text", "oid": 25}]
    check(json.loads((TOP / "report").read_text()) == {"rows": ROWS, "tables": ROWS // A_TABLE, "parts": ROWS // A_TABLE,
                                                       "columns": columns, "retries": []}, "report")
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


# ---- parts of tables, and some of them ----

def ranges_have_every_row_once():
    whole = sorted(extract("select id, x from {table}").stdout.splitlines()[1:])
    two = [line for line in whole if int(line.split(b",")[0]) >= ROWS - 2 * A_TABLE]
    for words, expected, parts in ((["--range-rows", "100"], whole, 4), (["--range-rows", "100", "--order"], whole, 4),
                                   (["--range-rows", "1", "--tables", "mini_2[34]"], two, 400)):
        done = extract("select id, x from {table} where {range}", "--key", "id", "--report", str(TOP / "ranges"), *words)
        said = json.loads((TOP / "ranges").read_text())
        check(sorted(done.stdout.splitlines()[1:]) == expected, f"{words}: {said}")
        check(said["tables"] == len(expected) // A_TABLE and said["parts"] >= parts * said["tables"], said)
    check([int(line.split(b",")[0]) for line in
           extract("select id, x from {table} where {range} order by id", "--key", "id", "--range-rows", "70", "--order",
                   "--tables", "mini_3").stdout.splitlines()[1:]] == list(range(2 * A_TABLE, 3 * A_TABLE)), "ranges in their order")
    # keys that are null, few, far apart and not where the statistics say
    sql = "update {t} set id = case when id % 5 = 0 then null when id % 5 = 1 then -id - 9000000000000000000 else id end"
    on_servers("odd", sql.replace("{t}", "odd_1") + "; analyze odd_1; update odd_2 set id = null; update odd_3 set id = 7; "
               "update odd_4 set id = id + 1000000 where id % 2 = 0; create unique index on odd_5 (id)")
    for words in (["--key", "id"], []):
        done = extract("select name from {table} where {range}", "--range-rows", "90", *words, "--report", str(TOP / "ranges"), name="odd")
        names = [row["name"] for row in csv.DictReader(io.StringIO(done.stdout.decode()))]
        check(sorted(names) == sorted(f'n "{n}", {n % 13}' for n in range(5 * A_TABLE)), f"{words}: {len(names)} names")
        parts = json.loads((TOP / "ranges").read_text())["parts"]
        check(parts > 15 if words else parts == 4 + 6, f"{words}: {parts} parts")  # 2, 3: nothing to cut; without a key: only odd_5 has one
    done = extract("select id from {table} where {range}", "--key", "x", status=2)
    check(b"has no integer column 'x'" in done.stderr, done.stderr)
    extract("select id from {table}", "--key", "id", status=2)


def a_box_chooses_tables_and_its_mark_rows():
    def inside(low, high):
        return [n for n in range(ROWS) if low <= n / 7 < high]

    done = extract("select id, 0.5 y, 0 z from {table} where {box}".replace("{box}", "x >= 300 and x < 500.25"), "--box", "300,0,0:500.25,1,1",
                   "--report", str(TOP / "box"))
    check(sorted(ids(done.stdout.decode())) == inside(300, 500.25) and b"rows outside of it come too" in done.stderr, done.stderr)
    check(json.loads((TOP / "box").read_text())["tables"] == 5, "4 tables, and the one without a summary")
    done = extract("select id from (select *, 0.5 y, 0 z from {table}) t where {box}", "--box", "300,0,0:500.25,1,1")
    check(sorted(ids(done.stdout.decode())) == inside(300, 500.25) and done.stderr == b"", done.stderr)
    done = extract("select id from (select *, 0.5 y, 1 z from {table}) t where {box}", "--box", "300,0,0:500.25,1,1")
    check(ids(done.stdout.decode()) == [], "below the second corner")
    text = extract("select id from {table}", "--where-summary", "minsnap = 1 and tablename < 'mini_2'").stdout.decode()
    check(sorted(ids(text)) == [n for t in (10, 13, 16) for n in range(t * A_TABLE, (t + 1) * A_TABLE)], len(ids(text)))
    extract("select id from {table}", "--where-summary", "false", status=4)
    done = extract("select id from {table}", "--where-summary", "nope = 1", status=7)
    check(b"nope" in done.stderr, done.stderr)
    done = extract("select id from {table}", "--where-summary", "true); delete from summary; select (true", status=7)
    check(b"multiple commands" in done.stderr, done.stderr)
    for words in (["--box", "1,2:3,4,5"], ["--box", "1,2,3:0,4,5"]):
        extract("select id from {table}", *words, status=2)
    done = extract("select id from {table} where {box}", status=2)
    check(b"--box" in done.stderr, done.stderr)


# ---- formats ----

KINDS = """select nullif(id, 11500) i8, nullif(id::int, 11501) i4, nullif((id % 100)::smallint, 2) i2, nullif((id / 4.0)::real, 2876) f4,
    nullif(id / 7.0::float8, 11505 / 7.0::float8) f8, case when id <> 11506 then id % 2 = 0 end b, case when id <> 11507 then TEXT end t,
    (id / 3.0)::numeric(20, 6) "n ""&<'", date '2020-01-01' + id::int d from {table}"""


def kinds_of(n, text):
    import datetime
    return (None if n == 11500 else n, None if n == 11501 else n, None if n % 100 == 2 else n % 100, None if n == 11504 else n / 4,
            None if n == 11505 else n / 7, None if n == 11506 else n % 2 == 0, None if n == 11507 else text(n),
            f"{n / 3:.6f}", str(datetime.date(2020, 1, 1) + datetime.timedelta(n)))


def rows_in_each_format_are_read_by_others():
    tables = ["--tables", "mini_2[34]", "--range-rows", "150", "--key", "id", "--memory", "256K"]
    sql = KINDS + " where {range}"
    plain, any_text = ("'n' || id", lambda n: f"n{n}"), ("'ä€😀' || repeat('x', (id % 300)::int)", lambda n: "ä€😀" + "x" * (n % 300))
    expected = {text: sorted((kinds_of(n, text[1]) for n in range(11000, 12000)), key=repr) for text in (plain, any_text)}
    for name in ("fits", "hdf5", "votable"):
        text = plain if name == "fits" else any_text
        path = TOP / f"kinds.{name}"
        extract(sql.replace("TEXT", text[0]), "--format", name, "-o", str(path), *tables)
        rows = READERS[name](str(path))
        # an empty text stands for a null where the format has none
        said = [tuple(None if i == 6 and value == "" else value for i, value in enumerate(row)) for row in rows]
        check(sorted(said, key=repr) == expected[text], f"{name}: {[(a, b) for a, b in zip(sorted(said, key=repr), expected[text]) if a != b][:2]} {len(said)}")
        streamed = extract(sql.replace("TEXT", text[0]), "--format", name, "--order", *tables).stdout
        extract(sql.replace("TEXT", text[0]), "--format", name, "--order", "-o", str(path), *tables)
        check(streamed == path.read_bytes() or name == "hdf5", f"{name}: the same through a pipe")
        empty = TOP / f"empty.{name}"
        extract("select id, name, x from {table} where false", "--format", name, "-o", str(empty))
        check(READERS[name](str(empty)) == [], f"{name}: no rows")
    rows = READERS["jsonl"](TOP / "k.jsonl") if extract(sql.replace("TEXT", any_text[0]), "--format", "jsonl", "-o", str(TOP / "k.jsonl"), *tables) else []
    numbers = [(*row[:7], f"{row[7]:.6f}", row[8]) for row in rows]
    check(sorted(numbers, key=repr) == expected[any_text], "jsonl")


def binary_is_what_postgresql_reads():
    path = TOP / "all.pgcopy"
    extract(KINDS.replace("TEXT", "name"), "--format", "binary", "-o", str(path), "--report", str(TOP / "binary"))
    rows = READERS["binary"](path)
    check(sorted(struct.unpack(">q", row[0])[0] for row in rows if row[0]) == [n for n in range(ROWS) if n != 11500], len(rows))
    columns = ", ".join(f"c{i} {column['type']}" for i, column in enumerate(json.loads((TOP / "binary").read_text())["columns"]))
    path.chmod(0o644)
    done = strata("pg", "-s", "n1", "-d", "postgres", "--json", "-c",
                  f"create temp table t ({columns}); copy t from '{path}' (format binary); select count(*) n, sum(c1) s, count(c6) t from t")
    check(json.loads(done.stdout.splitlines()[-1]) == {"n": ROWS, "s": ROWS * (ROWS - 1) // 2 - 11501, "t": ROWS - 1}, done.stdout)


def what_a_format_cannot_have_is_refused():
    for name, sql, why in (("fits", "select 'ä' t from {table}", b"ASCII"), ("fits", "select id \"ä\" from {table}", b"ASCII"),
                           ("fits", "select (-32768)::int2 i from {table}", b"stands for null"), ("hdf5", "select id a, id a from {table}", b"twice")):
        done = extract(sql, "--format", name, "-o", str(TOP / "refused"), status=2)
        check(why in done.stderr and not (TOP / "refused").exists() and not list(TOP.glob("*.part")), done.stderr)


def one_table_is_asked_in_any_format():
    done = strata("dataset", "query", "mini", "mini_2", "select id, x from {table} order by id limit 2", "--format", "csv")
    check(done.stdout == f"id,x\n500,{500 / 7!r}\n501,{501 / 7!r}\n".encode(), done.stdout)
    strata("dataset", "query", "mini", "mini_2", "select id from {table}", "--format", "fits", "-o", str(TOP / "q.fits"))
    check(READERS["fits"](str(TOP / "q.fits")) == [(n,) for n in range(500, 1000)], "the rows of a table")
    done = strata("dataset", "query", "mini", "nope", "select 1 from {table}", "--format", "csv", ok=False)
    check(done.returncode == 4 and b"'nope'" in done.stderr, done.stderr)


# ---- bounds ----

def memory_has_a_bound():
    """Fifty megabytes in four tables, of which memory may hold one."""
    sql = "select id, g, repeat(md5(g::text), 10) t from {table}, generate_series(1, 75) g"
    words = [instance.STRATA, "-C", str(DIR), "dataset", "extract", "mini", sql, "--tables", "mini_[1-4]", "--order"]
    most = {}
    # A child's peak begins with what its parent has: a small one asks.
    ask = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    for memory in ("1M", "1G"):
        done = subprocess.run([sys.executable, "-IS", "-c", ask, *words, "--memory", memory, "-o", str(TOP / memory), "--spool", str(TOP)],
                              env=environment(), capture_output=True)
        check(done.returncode == 0, done.stderr)
        most[memory] = int(done.stdout or 0) / 1024
    check((TOP / "1M").stat().st_size > 47e6 and (TOP / "1M").read_bytes() == (TOP / "1G").read_bytes(), "the same rows")
    check(0 < most["1M"] < 40 and most["1G"] > most["1M"] + 10, f"megabytes: {most}")
    for memory in most:
        (TOP / memory).unlink()


def a_disk_that_is_full_is_said():
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

    sql = "select id, repeat('x', 1000) t from {table}"
    words = [instance.STRATA, "-C", str(DIR), "dataset", "extract", "mini", sql]
    done = subprocess.run([*words, "--spool", str(TOP), "--memory", "1K"], env=environment(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, preexec_fn=limited)
    check(done.returncode == 6 and f"in '{TOP}'".encode() in done.stderr and b"too large" in done.stderr, done.stderr)
    for name in ("csv", "fits", "hdf5", "votable"):
        done = subprocess.run([*words, "-o", str(TOP / "large"), "--format", name], env=environment(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, preexec_fn=limited)
        check(done.returncode == 6 and not (TOP / "large").exists() and not list(TOP.glob("*.part")), (name, done.returncode, done.stderr))
    with open("/dev/full", "wb") as full:
        done = subprocess.run(words, env=environment(), stdout=full, stderr=subprocess.PIPE)
    check(done.returncode == 6 and b"No space left" in done.stderr, done.stderr)


# ---- servers that are not ----

def a_server_that_cannot_is_passed_over():
    """Its disk full, no connections left, another password; and the same everywhere, which is said."""
    env = {**environment(), "STRATA_DATASET_MINI_USER": "reader", "PGPASSWORD": "right"}

    def ask(server):
        done = subprocess.run([instance.STRATA, "-C", str(DIR), "dataset", "extract", "mini", "select id from {table} where public.may()",
                               "--report", str(TOP / "passed"), "--quiet"], env=env, capture_output=True)
        said = json.loads((TOP / "passed").read_text())
        if server:
            check(done.returncode == 0 and sorted(ids(done.stdout.decode())) == list(range(ROWS)), (done.returncode, done.stderr))
            check({retry["from"] for retry in said["retries"]} == {server}, said)
        return done, said

    on_servers("mini", "create or replace function may() returns boolean language plpgsql as "
               "$$begin raise 'the disk is full' using errcode = '53100'; end$$", ["n1"])
    said = ask("n1")[1]
    check("the disk is full" in said["retries"][0]["reason"], said)
    on_servers("mini", "create or replace function may() returns boolean language plpgsql as $$begin return true; end$$; "
               "alter role reader connection limit 0", ["n1"])
    said = ask("n1")[1]
    check("too many connections" in said["retries"][0]["reason"], said)
    on_servers("mini", "alter role reader connection limit -1", ["n1"])
    for servers in (["n2"], SERVERS):
        for server in servers:
            hba = DIR / "pg" / server / "data/pg_hba.conf"
            if "reader" not in hba.read_text():
                hba.write_text("local all reader scram-sha-256\n" + hba.read_text())
            on_servers("mini", "alter role reader password 'other'; select pg_reload_conf()", [server])
        done, said = ask("n2") if len(servers) == 1 else (None, None)
    done = subprocess.run([instance.STRATA, "-C", str(DIR), "dataset", "extract", "mini", "select id from {table}"], env=env, capture_output=True)
    check(done.returncode == 7 and b"password authentication failed" in done.stderr and b"server 'n" in done.stderr, done.stderr)


def a_copy_on_a_server_that_nobody_knows_is_said():
    on_servers("single", "update table_db_mapping set nodename = 'nowhere' where tablename = 'single_1'")
    done = extract("select id from {table}", status=7, name="single")
    check(b"'single_1'" in done.stderr and b"[dataset single]" in done.stderr, done.stderr)
    on_servers("single", "update table_db_mapping set nodename = 'n1' where tablename = 'single_1'")
    text = extract("select id from {table}", name="single").stdout.decode()
    check(sorted(ids(text)) == list(range(ROWS)), "all is there again")


def a_statement_may_compute_for_longer_than_the_deadline():
    done = extract("select id from {table}, (select pg_sleep(4)) s", "--tables", "mini_[1-6]", "--deadline", "2s", "--report",
                   str(TOP / "computes"), "--connections", "1")
    check(len(ids(done.stdout.decode())) == 6 * A_TABLE and json.loads((TOP / "computes").read_text())["retries"] == [],
          (TOP / "computes").read_text())


def a_statement_whose_process_is_stuck_is_asked_of_another_copy():
    process = start(SLOW, "-o", str(TOP / "stuck.csv"), "--report", str(TOP / "stuck.json"), "--deadline", "2s")
    stuck = []
    try:
        if wait_for(lambda: stuck.extend(running("n2")[:1]) or stuck, "n2 is at work"):
            os.kill(stuck[0], signal.SIGSTOP)
        is_exact(process, TOP / "stuck.csv", TOP / "stuck.json", "n2")
        check("though its server answers" in (TOP / "stuck.json").read_text(), (TOP / "stuck.json").read_text())
    finally:
        for pid in stuck:
            os.kill(pid, signal.SIGCONT)


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


def a_table_that_moved_since_is_asked_for_where_it_is():
    """The reader is stopped in the middle, and the tables that it comes to last go elsewhere meanwhile."""
    where = {row["table"]: row["server"] for row in map(json.loads, strata("dataset", "copies", "single", "--json").stdout.splitlines())}
    last = sorted(where)[-2:]
    process = start(SLOW, "--connections", "1", "-o", str(TOP / "moved.csv"), "--report", str(TOP / "moved.json"), name="single")
    wait_for(lambda: running("n1", "single") and running("n2", "single") and running("n3", "single"), "it runs")
    os.kill(process.pid, signal.SIGSTOP)
    to = {table: next(server for server in SERVERS if server != where[table]) for table in last}
    try:
        for table in last:
            strata("dataset", "move", "single", table, where[table], to[table])
    finally:
        os.kill(process.pid, signal.SIGCONT)
    _, err = process.communicate()
    check(process.returncode == 0, err)
    said = json.loads((TOP / "moved.json").read_text())
    check(sorted(ids((TOP / "moved.csv").read_text())) == list(range(ROWS)), "every row once")
    check({(r["table"], r["from"], r["to"]) for r in said["retries"]} == {(t, where[t], to[t]) for t in last}, said["retries"])


def connections_that_are_cut_cost_some_tables_again():
    process = start(SLOW, "-o", str(TOP / "cut.csv"), "--report", str(TOP / "cut.json"))
    wait_for(lambda: running("n1"), "n1 is at work")
    instance.table("n1", "mini", "select pg_terminate_backend(pid) from pg_stat_activity where query like 'begin isolation%'")
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


def a_query_of_a_server_that_hangs_is_answered_by_another():
    first = {row["server"]: row["table"] for row in map(json.loads, strata("dataset", "copies", "mini", "--json").stdout.splitlines())}
    for words, ends in ((("select count(*) n, pg_sleep(2) s from {table} where id >= 0",), True),
                        (("select x, case when id % 500 > 490 then pg_sleep(2) end s from {table} order by id",), False)):
        process = subprocess.Popen([instance.STRATA, "-C", str(DIR), "dataset", "query", "mini", first["n3"], *words, "--deadline", "1s", "--json"],
                                   env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        asked = []
        wait_for(lambda: asked.extend(server for server in SERVERS if instance.table(server, "mini", "select from pg_stat_activity where "
                                      "wait_event = 'PgSleep' and pid <> pg_backend_pid()")) or asked, "a server is at work")
        with frozen(asked[0]):
            out, err = process.communicate()
        lines = [json.loads(line) for line in out.splitlines()]
        if ends:
            check(process.returncode == 0 and lines == [{"n": A_TABLE, "s": ""}], (process.returncode, out, err))
        else:
            check(process.returncode == 7 and b"not all" in err and b"says nothing" in err, (process.returncode, len(lines), err))
        wait_for(all_well, "the server to be well")


def pump(frm, to):
    try:
        while data := frm.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def carry(listener, path):
    """Whatever comes to a port goes to a server's socket."""
    while True:
        try:
            client = listener.accept()[0]
        except OSError:
            return
        server = socket.socket(socket.AF_UNIX)
        server.connect(path)
        for pair in ((client, server), (server, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def a_server_whose_network_is_cut_is_given_up():
    """The client has a network of its own, where n3 is at the other end of a cable."""
    def ip(*words):
        return subprocess.run(["ip", *words], capture_output=True).returncode == 0

    space, cable = f"strata{os.getpid()}", f"st{os.getpid()}"
    if os.geteuid() != 0 or not shutil.which("ip") or not ip("netns", "add", space):
        return print("# no network namespaces here")
    try:
        check(ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space) and
              ip("addr", "add", "10.213.77.1/30", "dev", cable) and ip("link", "set", cable, "up") and
              ip("-n", space, "addr", "add", "10.213.77.2/30", "dev", "eth0") and ip("-n", space, "link", "set", "eth0", "up"), "a cable")
        listener = socket.create_server(("10.213.77.1", 0))
        threading.Thread(target=carry, args=(listener, str(DIR / "run/n3/.s.PGSQL.5432")), daemon=True).start()
        far = TOP / "far"
        far.mkdir()
        for name in SERVERS[:2]:
            words = strata("server", "dsn", name).stdout.decode().strip()
            (far / name).write_text(f"[server {name}]\ndsn = {words}\n")
        (far / "strata.ini").write_text("".join((far / name).read_text() for name in SERVERS[:2]) +
                                        f"[server n3]\ndsn = host=10.213.77.1 port={listener.getsockname()[1]} user=postgres dbname=postgres\n"
                                        "[dataset mini]\nservers = n1, n2, n3\n")
        process = subprocess.Popen(["ip", "netns", "exec", space, instance.STRATA, "-C", str(far), "dataset", "extract", "mini", SLOW, "-o",
                                    str(TOP / "net.csv"), "--report", str(TOP / "net.json"), "--deadline", "2s"], env=environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: running("n3") or process.poll() is not None, "n3 is at work")
        check(ip("link", "set", cable, "down"), "cut")
        is_exact(process, TOP / "net.csv", TOP / "net.json", "n3")
        check("it has answered nothing" in (TOP / "net.json").read_text(), (TOP / "net.json").read_text())
        listener.close()
    finally:
        ip("netns", "del", space)
        ip("link", "del", cable)


def a_table_that_nobody_has_is_named():
    process = start(SLOW, "-o", str(TOP / "lost.csv"), "--report", str(TOP / "lost.json"), "--deadline", "1s", name="single")
    wait_for(lambda: running("n3", "single"), "n3 is at work")
    with frozen("n3"):
        _, err = process.communicate()
    check(process.returncode == 7 and b"'single_" in err and b"server 'n3'" in err, (process.returncode, err))
    said = json.loads((TOP / "lost.json").read_text())
    check(sum(retry["from"] == "n3" for retry in said["retries"]) >= 4, said)
    check(not (TOP / "lost.csv").exists() and not list(TOP.glob("*.part")), "no file")
    wait_for(all_well, "n3 to be well")


sys.exit(run_all(scene, [
    every_row_comes_once,
    rows_have_the_form_that_was_asked_for,
    some_tables_and_in_order,
    ranges_have_every_row_once,
    a_box_chooses_tables_and_its_mark_rows,
    rows_in_each_format_are_read_by_others,
    binary_is_what_postgresql_reads,
    what_a_format_cannot_have_is_refused,
    one_table_is_asked_in_any_format,
    memory_has_a_bound,
    a_disk_that_is_full_is_said,
    a_statement_may_compute_for_longer_than_the_deadline,
    what_a_server_refuses_is_said_and_leaves_no_file,
    an_interrupt_leaves_no_file,
    a_copy_on_a_server_that_nobody_knows_is_said,
    a_server_that_cannot_is_passed_over,
    a_statement_whose_process_is_stuck_is_asked_of_another_copy,
    a_server_that_dies_costs_some_tables_again,
    a_table_that_moved_since_is_asked_for_where_it_is,
    connections_that_are_cut_cost_some_tables_again,
    a_server_that_hangs_is_given_up,
    a_query_of_a_server_that_hangs_is_answered_by_another,
    a_server_whose_network_is_cut_is_given_up,
    a_table_that_nobody_has_is_named,
]))
