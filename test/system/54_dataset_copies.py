#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""Copies of a dataset's tables are made, moved, repaired and dropped, and commands for it killed. Usage: 54_dataset_copies.py STRATA"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import instance  # noqa: E402
from instance import DIR, TOP, check, run_all, strata  # noqa: E402

SERVERS = ["n1", "n2", "n3", "n4"]
ROWS, A_TABLE = 1500, 300
TABLES = [f"mini_{n}" for n in range(1, ROWS // A_TABLE + 1)]
SOAK = os.environ.get("STRATA_SOAK") == "1"
seed = int(os.environ.get("STRATA_SEED", random.randrange(1 << 30)))
rng = random.Random(seed)
print(f"# STRATA_SEED={seed}")


def environment(**more):
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))} | more


def rows(*words, status=0):
    done = strata("dataset", *words, "--json", ok=None)
    check(done.returncode == status, f"{words}: {done.returncode} and not {status}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(status, says, *words):
    done = strata("dataset", *words, "--json", ok=None)
    error = json.loads(done.stderr)["error"] if done.returncode else {"message": "nothing is wrong"}
    check(done.returncode == status and says in error["message"] + error.get("hint", ""), f"{words}: {done.returncode} {error}")


def sql(server, text):
    """The first column of the first row, as text, or the error."""
    return instance.value(server, "mini", text)


def mapping(table=None):
    """{table: {server: (active, primary)}} as one server has it."""
    out = {}
    for name, server, active, is_primary in instance.table("n2", "mini", "select tablename, nodename, isactive, isprimary from table_db_mapping"):
        out.setdefault(name, {})[server] = (active == "t", is_primary == "t")
    return out[table] if table else out


def primary(table):
    return next(server for server, (_, is_primary) in mapping(table).items() if is_primary)


def other(table):
    return next(server for server, (_, is_primary) in mapping(table).items() if not is_primary)


def without(table, among=("n1", "n2", "n3")):
    return next(server for server in among if server not in mapping(table))


def has_states(**expected):
    done = strata("dataset", "status", "mini", "--json", ok=None)
    found = {row["server"]: row["state"] for row in map(json.loads, done.stdout.splitlines())}
    check({server: found.get(server) for server in expected} == expected, found)
    return found


# Of a server: which mapping it has, its copies' rows, and what is in the way.
STATE = """select concat_ws(' ', epoch, checksum, public.mapping_checksum()),
    (select json_object_agg(m.tablename, s.rows || ' ' || s.hash) from table_db_mapping m, copy_state(m.tablename) s where m.nodename = '{server}'),
    (select string_agg(relname, ' ') from pg_class c where relkind = 'r' and (relnamespace = 'staging'::regnamespace or relnamespace = 'public'::regnamespace
        and relname like 'mini%' and not exists (select from table_db_mapping m where m.tablename = relname and m.nodename = '{server}'))),
    (select string_agg(gid, ' ') from pg_prepared_xacts)
    from mapping_state"""


def is_well(what, copies=2):
    """Nothing too much, nothing missing, every row once in equal copies; and all servers agree."""
    now, agreed, found, ids = mapping(), set(), {}, []
    check(sorted(now) == sorted(TABLES), f"{what}: {now}")
    check(all(len(where) == copies and all(active for active, _ in where.values()) for where in now.values()), f"{what}: {now}")
    for server in re.search(r"\[dataset mini\]\nservers = (.*)", (DIR / "strata.ini").read_text())[1].split(", "):
        version, here, left, prepared = instance.table(server, "mini", STATE.replace("{server}", server))[0]
        agreed.add(version)
        check(not left and not prepared, f"{what}: {server} has {left} {prepared}")
        for table, state in json.loads(here or "{}").items():
            found.setdefault(table, []).append(state)
        primaries = [f"select id from {table}" for table, where in now.items() if where.get(server, (0, 0))[1]]
        ids += [int(id_) for id_, in instance.table(server, "mini", " union all ".join(primaries))] if primaries else []
    check(len(agreed) == 1 and len(set(agreed.pop().split()[1:])) == 1, f"{what}: servers disagree")
    check(all(len(states) == copies and len(set(states)) == 1 for states in found.values()), f"{what}: copies differ: {found}")
    check(sorted(ids) == list(range(ROWS)), f"{what}: not every row once")
    if SOAK:
        is_said_to_be_well(what)


def is_said_to_be_well(what):
    """The same from the commands that look for it; gc refuses where servers disagree."""
    check(rows("gc", "mini", "--dry-run") == [], f"{what}: leftovers")
    check(rows("verify", "mini") == [], f"{what}: copies differ")
    ids = [row["id"] for row in rows("extract", "mini", "select id from {table}", "--format", "jsonl")]
    check(sorted(ids) == list(range(ROWS)), f"{what}: not every row once")


def scene():
    instance.init()
    instance.add_servers(SERVERS)
    strata("up")
    (TOP / "g.csv").write_text("id,x,name\n" + "".join(f'{n},{n / 7!r},"n {n % 13}"\n' for n in range(ROWS)))
    strata("dataset", "create", "mini", "--servers", "n1,n2,n3", "--replicas", "2")
    strata("dataset", "import", "mini", str(TOP / "g.csv"), "--rows", str(A_TABLE), "--open")


# What a table is but for its rows.
SHAPE = """select md5(concat_ws('|', (select string_agg(pg_get_indexdef(indexrelid), ';' order by 1) from pg_index where indrelid = t),
    (select string_agg(conname || pg_get_constraintdef(oid), ';' order by 1) from pg_constraint where conrelid = t),
    (select relacl::text || coalesce(reloptions::text, '') || pg_get_userbyid(relowner) from pg_class where oid = t), obj_description(t, 'pg_class'),
    (select string_agg(concat_ws(',', attname, format_type(atttypid, atttypmod), attnotnull, attgenerated, attacl,
        (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = attrelid and adnum = attnum),
        col_description(t, attnum)), ';' order by attnum) from pg_attribute where attrelid = t and attnum > 0 and not attisdropped)))
    || ' ' || (select count(*) from pg_index where indrelid = t) from (select 'public.mini_1'::regclass::oid t) s"""


def a_copy_is_made_with_all_that_the_table_has():
    for server in SERVERS:
        instance.table(server, "postgres", "create role guest; create role writer")
    sql(primary("mini_1"), """alter table mini_1 add primary key (id), add constraint "a check" check (x >= 0), alter name set not null,
        alter name type varchar(40) collate "C", add "Twice x" float8 generated always as (x * 2) stored, add gone int, set (fillfactor = 80);
        alter table mini_1 drop gone; alter table mini_1 alter name set default 'it''s';
        create unique index "By name, id" on mini_1 using btree (name desc, id) include (x) where id > 5; create index on mini_1 (lower(name));
        grant select on mini_1 to guest with grant option; grant update (x) on mini_1 to writer, public;
        comment on table mini_1 is 'tree one'; comment on column mini_1.x is 'kpc/h'""")
    target = without("mini_1")
    check(rows("replicate", "mini", "mini_1", target) == [{"table": "mini_1", "server": target, "outcome": "done"}], "made")
    shape = sql(primary("mini_1"), SHAPE)
    check(shape.endswith(" 3") and sql(target, SHAPE) == shape, f"{shape} and {sql(target, SHAPE)}")
    check(mapping("mini_1")[target] == (True, False), mapping("mini_1"))
    check(rows("replicate", "mini", "mini_1", target)[0]["outcome"] == "as it was", "again")
    check(rows("verify", "mini", status=8) != [], "the second copy was left behind")
    done = {(row["table"], row["server"]): row["outcome"] for row in rows("recopy", "mini")}
    second = next(server for server in mapping("mini_1") if server not in (target, primary("mini_1")))
    check(done.pop(("mini_1", second)) == "done" and set(done.values()) == {"as it was"}, done)
    check(sql(second, SHAPE) == shape, "the same shape")
    rows("drop-copy", "mini", "mini_1", target)
    is_well("a copy made and dropped")
    is_said_to_be_well("a copy made and dropped")


def what_cannot_be_done_is_said():
    refused(4, "no table 'mini_9'", "replicate", "mini", "mini_9", "n1")
    refused(4, "'n4'", "replicate", "mini", "mini_1", "n4")
    refused(4, "no copy", "move", "mini", "mini_1", without("mini_1"), primary("mini_1"))
    refused(5, "already", "move", "mini", "mini_1", primary("mini_1"), other("mini_1"))
    refused(4, "'n4'", "recopy", "mini", "--server", "n4")
    refused(4, "'nope'", "recopy", "mini", "nope")
    refused(2, "--every", "recopy", "mini", "mini_1", "--every", "1d")
    one, two = primary("mini_2"), other("mini_2")
    check(rows("deactivate", "mini", "mini_2", one)[0]["outcome"] == "done", "deactivated")
    check(mapping("mini_2") == {one: (False, False), two: (True, True)}, f"the primary copy is one that is read: {mapping('mini_2')}")
    refused(5, "without an active copy", "deactivate", "mini", "mini_2", two)
    refused(5, "without an active copy", "drop-copy", "mini", "mini_2", two)
    sql(one, "update mini_2 set x = 0 where id = 301")
    refused(8, "recopy", "activate", "mini", "mini_2", one)
    check(rows("recopy", "mini", "mini_2") == [{"table": "mini_2", "server": one, "outcome": "done"}], "made anew")
    check(mapping("mini_2")[one] == (False, False), "and not read, as before")
    check(rows("activate", "mini", "mini_2", one)[0]["outcome"] == "done", "and now it is")
    check(rows("activate", "mini", "mini_2", one)[0]["outcome"] == "as it was", "twice")
    is_well("after what was refused")


def copies_that_are_wrong_are_made_anew():
    sql(other("mini_3"), "delete from mini_3 where id % 2 = 0")
    sql(other("mini_4"), "drop table mini_4")
    done = {row["table"]: row["outcome"] for row in rows("recopy", "mini")}
    check(done == {table: "done" if table in ("mini_3", "mini_4") else "as it was" for table in TABLES}, done)
    is_well("a recopy")
    wrong = primary("mini_5")
    right = other("mini_5")
    sql(wrong, "update mini_5 set x = -1")
    check(rows("recopy", "mini", "mini_5", "--from", right)[0]["server"] == wrong and primary("mini_5") == right, "the other one is right")
    check(sql(wrong, "select count(*) from mini_5 where x < 0") == "0", "and was copied")
    check({row["outcome"] for row in rows("recopy", "mini", "--all")} == {"done"}, "all of them")
    is_well("a recopy of all")
    there = other("mini_1")
    for server in ("n1", "n2", "n3"):
        sql(server, f"update table_db_mapping set nodename = 'n0' where tablename = 'mini_1' and nodename = '{there}'")
    said = {(row["table"], row["server"]): row["outcome"] for row in rows("recopy", "mini", status=11)}
    check("'n0'" in said.pop(("mini_1", "n0")) and set(said.values()) == {"as it was"}, "a copy on a server that nobody knows")
    for server in ("n1", "n2", "n3"):
        sql(server, f"update table_db_mapping set nodename = '{there}' where nodename = 'n0'")
    is_well("named again")


def a_copy_moves_and_readers_that_began_before_see_all_rows():
    source, target = primary("mini_1"), without("mini_1")
    check(rows("move", "mini", "mini_1", source, target)[0]["outcome"] == "done", "moved")
    check(target in mapping("mini_1") and source not in mapping("mini_1") and primary("mini_1") == target, mapping("mini_1"))
    check("does not exist" in sql(source, "select 1 from mini_1"), "dropped")
    is_well("a move")
    there = other("mini_2")
    reader = subprocess.Popen(["psql", "-XAtq", instance.dsn(there, "mini")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
    reader.stdin.write("begin isolation level repeatable read; select count(*) from mini_1;\n" if there in mapping("mini_1")
                       else "begin isolation level repeatable read; select 1;\n")
    reader.stdin.flush()
    reader.stdout.readline()
    check(rows("recopy", "mini", "mini_2", "--all")[0]["outcome"] == "done", "made anew under an older snapshot")
    out, _ = reader.communicate("select count(*) from mini_2;\n")
    check(out.strip() == str(A_TABLE), f"a reader with an older snapshot has {out!r} rows")


def servers_that_disagree_are_made_to_agree():
    before = mapping()
    sql("n3", "update table_db_mapping set isactive = isactive; insert into metadata values ('only', 'n3')")
    has_states(n1="behind", n2="behind", n3="ok")
    refused(5, "strata dataset repair", "replicate", "mini", "mini_1", "n1")
    check(sorted(row["server"] for row in rows("repair", "mini")) == ["n1", "n2"], "two were behind")
    check(mapping() == before and sql("n1", "select metavalue from metadata where metakey = 'only'") == "n3", "with all that is said")
    check(rows("repair", "mini") == [], "nothing to do")
    for server, x in (("n1", "a"), ("n2", "b")):
        sql(server, f"begin; insert into data_table (tablename) values ('{x}'); insert into table_db_mapping values ('{x}', 'n1', true, true); commit")
    check("differs" in has_states(n3="behind").values(), "two differ")
    refused(5, "--from", "repair", "mini")
    check(sorted(row["server"] for row in rows("repair", "mini", "--from", "n3")) == ["n1", "n2"], "n3 is right")
    check(mapping() == before and has_states(n1="ok", n2="ok", n3="ok"), "as before")
    sql("n2", "set session_replication_role = replica; delete from table_db_mapping where tablename = 'mini_1'")
    has_states(n2="damaged")
    check([row["server"] for row in rows("repair", "mini")] == ["n2"] and mapping() == before, "the damaged one")
    is_well("repairs")


def tables_that_nobody_maps_are_found():
    target = without("mini_3")
    done = subprocess.run([instance.STRATA, "-C", str(DIR), "dataset", "replicate", "mini", "mini_3", target],
                          env=environment(STRATA_FAULT="copying_taken:1:kill"), capture_output=True)
    check(done.returncode == -signal.SIGKILL, done)
    sql("n1", "create table scratch (n int)")
    found = {(row["server"], row["table"]): row for row in rows("gc", "mini", "--dry-run", status=11)}
    check(set(found) == {(target, "mini_3"), ("n1", "scratch")}, found)
    check(found[target, "mini_3"]["kind"] == "unmapped" and found["n1", "scratch"]["kind"] == "unknown", found)
    found = {row["table"]: row["dropped"] for row in rows("gc", "mini", status=11)}
    check(found == {"mini_3": True, "scratch": False}, found)
    check("does not exist" in sql(target, "select 1 from mini_3") and sql("n1", "select count(*) from scratch") == "0", "dropped, and not")
    sql("n1", "drop table scratch")
    is_well("gc")


def servers_come_and_go():
    refused(4, "'n9'", "server", "add", "mini", "n9")
    refused(5, "already", "server", "add", "mini", "n1")
    check(rows("server", "add", "mini", "n4") == [{"name": "mini", "servers": "n1,n2,n3,n4"}], "added")
    check("n1, n2, n3, n4" in (DIR / "strata.ini").read_text() and strata("config", "check", ok=True), "in strata.ini")
    has_states(n1="ok", n2="ok", n3="ok", n4="ok")
    plan = rows("rebalance", "mini")[0]
    check(not plan["moved"] and any(move["to"] == "n4" for move in plan["moves"]), plan)
    is_well("a plan")
    moved = rows("rebalance", "mini", "--yes")[0]
    check(moved["moves"] == plan["moves"], moved)
    check(all(server["after"] for server in moved["servers"]) and "n4" in str(mapping()), moved)
    spread = [max(server[when] for server in moved["servers"]) - min(server[when] for server in moved["servers"]) for when in ("before", "after")]
    check(spread[1] < spread[0] / 2, moved)
    is_well("a rebalance")
    refused(5, "drain", "server", "remove", "mini", "n2")
    moved = rows("server", "drain", "mini", "n2")[0]
    check({move["from"] for move in moved["moves"]} == {"n2"}, moved)
    check(rows("server", "remove", "mini", "n2") == [{"name": "mini", "servers": "n1,n3,n4"}], "removed")
    refused(4, "'n2'", "server", "remove", "mini", "n2")
    check(rows("server", "add", "mini", "n2")[0]["servers"] == "n1,n3,n4,n2", "back, with an old mapping")
    is_well("a server that came back")
    is_said_to_be_well("a server that came back")


def a_lost_server_is_removed():
    pid = int((DIR / "pg/n4/data/postmaster.pid").read_text().splitlines()[0])
    refused(4, "'n7'", "server", "remove", "mini", "n7", "--lost")
    os.kill(pid, signal.SIGSTOP)
    try:
        check(rows("server", "remove", "mini", "n4", "--lost") == [{"name": "mini", "servers": "n1,n3,n2"}], "removed")
    finally:
        os.kill(pid, signal.SIGCONT)
    short = [table for table, where in mapping().items() if len(where) == 1]
    check(short and "n4" not in str(mapping()), mapping())
    for table in short:
        rows("replicate", "mini", table, without(table))
    is_well("a lost server")


# ---- written ----

def deactivated(*words):
    done = rows("exec", "mini", *words, status=11)
    check(all(row["why"] for row in done[0]["deactivated"]), f"each with a reason: {done}")
    return done[0]["rows"], [row["server"] for row in done[0]["deactivated"]]


def what_is_written_is_the_same_in_all_copies():
    check(rows("exec", "mini", "mini_2", "update {table} set x = x + 0.5 where id < 310") == [{"rows": 10, "copies": 2, "deactivated": []}], "update")
    check(rows("exec", "mini", "mini_2", "insert into {table} values (9001, 1, 'a'), (9002, 2, E'; end; drop table mini_2 --')")[0]["rows"] == 2, "insert")
    check(rows("exec", "mini", "mini_2", "with gone as (delete from {table} where id > 9000 returning 1) select from gone; -- all")[0]["copies"] == 2, "delete")
    check({sql(server, "select written from data_table where tablename = 'mini_2'") for server in ("n1", "n2", "n3")} == {"3"}, "counted everywhere")
    is_well("writing")


def what_differs_from_server_to_server_is_refused():
    sql(primary("mini_2"), "create sequence counter")
    before = [row["hash"] for row in rows("copies", "mini")]
    volatile = [("random()", "update {table} set x = random()"), ("clock_timestamp()", "update {table} set name = clock_timestamp()"),
                ("nextval", "update {table} set id = nextval('counter')"), ("gen_random_uuid", "insert into {table} select 1, 2, gen_random_uuid()")]
    for says, text in (*(volatile if SOAK else rng.sample(volatile, 1)), ("now()", "delete from {table} where now() > '2020-01-01'"),
                       ("current_timestamp", "update {table} set name = current_date"),
                       ("ctid", "delete from {table} where ctid = '(0,1)'"), ("mini_", "update {table} set x = (select count(*) from mini_3)"),
                       ("changes no rows", "select * from {table}"), ("INSERT", "truncate {table}"), ("multiple commands", "delete from {table}; delete from {table}"),
                       ("multiple commands", "delete from {table}; end; drop table mini_3; --")):
        done = strata("dataset", "exec", "mini", "mini_2", text, ok=False)
        check(done.returncode in (2, 4, 7) and says.encode() in done.stderr, f"{text}: {done.returncode} {done.stderr.decode()}")
    done = strata("dataset", "exec", "mini", "mini_2", "update {table} set name = current_setting('data_directory')", ok=False)
    check(done.returncode == 5 and b"does not do the same" in done.stderr, done.stderr.decode())
    sql(other("mini_2"), "create table again as select * from mini_2 order by id desc; truncate mini_2; insert into mini_2 select * from again; drop table again")
    done = strata("dataset", "exec", "mini", "mini_2", "delete from {table} where id in (select id from {table} limit 3)", ok=False)
    check(done.returncode == 5 and b"nothing has changed" in done.stderr, done.stderr.decode())
    refused(2, "error", "exec", "mini", "mini_2", "update {table} set x = 'error'")
    refused(4, "'mini_99'", "exec", "mini", "mini_99", "delete from {table}")
    sql(primary("mini_2"), "drop sequence counter")
    check([row["hash"] for row in rows("copies", "mini")] == before and mapping("mini_2")[other("mini_2")][0], "nothing has changed")


def a_copy_that_cannot_follow_is_not_read_any_more():
    one, two = {table: primary(table) for table in TABLES}, {table: other(table) for table in TABLES}
    sql(two["mini_3"], "update mini_3 set x = 0 where id = 600")
    check(deactivated("mini_3", "update {table} set name = 'b' where id = 601") == (1, [two["mini_3"]]), "it was different before")
    sql(two["mini_2"], "alter table mini_2 add constraint small check (x < 1000)")
    check(deactivated("mini_2", "update {table} set x = 2000 where id = 301") == (1, [two["mini_2"]]), "it refuses what the others take")
    sql(one["mini_4"], "alter table mini_4 add constraint small check (x < 3000)")
    check(deactivated("mini_4", "update {table} set x = 4000 where id = 901") == (1, [one["mini_4"]]), "the primary one refuses")
    check(primary("mini_4") == two["mini_4"], mapping("mini_4"))
    sql(one["mini_5"], """create function no() returns trigger language plpgsql as $$ begin raise 'not here'; end $$;
        create constraint trigger no after update on mini_5 deferrable initially deferred for each row execute function no()""")
    check(deactivated("mini_5", "update {table} set x = 86 where id = 1201") == (1, [one["mini_5"]]), "it cannot prepare")
    done = {row["table"]: row["outcome"] for row in rows("recopy", "mini")}
    check(done == {table: "as it was" if table == "mini_1" else "done" for table in TABLES}, f"made anew: {done}")
    for table, server in (("mini_2", two), ("mini_3", two), ("mini_4", one), ("mini_5", one)):
        rows("activate", "mini", table, server[table])
    refused(5, "on", "exec", "mini", "mini_3", "update {table} set id = id where name <> current_setting('data_directory') and current_setting('data_directory') like '%n" + one["mini_3"][1] + "/%'")
    rows("seal", "mini")
    refused(5, "unseal", "exec", "mini", "mini_3", "delete from {table}")
    check(rows("recopy", "mini", "mini_3", "--all")[0]["outcome"] == "done", "copies are still kept right")
    rows("unseal", "mini")
    is_well("copies that could not follow")


def what_is_killed_while_it_is_written_is_in_all_copies_or_none():
    for point in ("place_prepared", "place_committed"):
        for nth in (1, 2, 3) if SOAK else (rng.randrange(1, 4),):
            done = subprocess.run([instance.STRATA, "-C", str(DIR), "dataset", "exec", "mini", "mini_4", "update {table} set x = x + 1"],
                                  env=environment(STRATA_FAULT=f"{point}:{nth}:kill"), capture_output=True)
            check(done.returncode == -signal.SIGKILL, done)
            rows("exec", "mini", "mini_4", "update {table} set x = x where id = 900")
            is_well(f"exec {point}:{nth}")


def the_service_makes_copies_anew():
    check(rows("recopy", "mini", "--every", "1s") == [{"every": 1000000}], "planned")
    sql(other("mini_1"), "update mini_1 set x = x + 1")
    os.kill(int(json.loads(strata("status", "--json").stdout.splitlines()[0])["pid"]), signal.SIGHUP)
    until = time.monotonic() + 120
    state = lambda: {sql(server, "select hash from copy_state('mini_1')") for server in mapping("mini_1")}  # noqa: E731
    while len(state()) > 1 and time.monotonic() < until:
        time.sleep(0.1)
    check(rows("verify", "mini") == [], "made anew")
    check(rows("recopy", "mini", "--every", "0s") == [{"every": 0}], "not any more")
    check("recopied dataset=mini" in (DIR / "log/strata.log").read_text(), "logged")


# ---- killed ----

POINTS = ("place_prepared", "place_committed", "copying_filled", "copying_taken", "copy_mapped", "recopy_inactive", "mapping_brought", "server_filled")


def killable():
    """A command that changes something, and what makes that so."""
    kind = rng.choice(["recopy", "move", "drain"])
    table = rng.choice(TABLES)
    if kind == "recopy":
        sql(other(table), f"update {table} set x = x + 1 where id % 7 = 0")
        return ["recopy", "mini", *rng.choice([[table], []])]
    if kind == "move":
        return ["move", "mini", table, rng.choice([primary(table), other(table)]), without(table)]
    return ["rebalance", "mini", "--yes"]


def finish(words, what):
    done = strata("dataset", *words, "--json", ok=None)
    check(done.returncode == 0, f"{what}: {words}: {done.stderr.decode()}")
    is_well(what)


def a_command_that_is_killed_at_any_step_is_finished_by_the_next():
    steps = [("recopy", point) for point in POINTS[:4] + POINTS[5:6]] + [("move", point) for point in POINTS[:5]]
    for kind, point in steps if SOAK else rng.sample(steps, 2):
        for nth in (1,) if "place" not in point else (1, 2, 3) if SOAK else (rng.randrange(1, 4),):
            table = rng.choice(TABLES)
            if kind == "recopy":
                sql(other(table), f"update {table} set x = x + 1 where id % 7 = 0")
            line = ["recopy", "mini", table] if kind == "recopy" else ["move", "mini", table, rng.choice([primary(table), other(table)]), without(table)]
            done = subprocess.run([instance.STRATA, "-C", str(DIR), "dataset", *line], env=environment(STRATA_FAULT=f"{point}:{nth}:kill"),
                                  capture_output=True)
            check(done.returncode in (-signal.SIGKILL, 0) and (nth > 1 or done.returncode), f"{line} {point}:{nth}: {done}")
            finish(line, f"{line} {point}:{nth}")
            if instance.failures:
                return


def changes_of_servers_are_finished_too():
    check(rows("server", "add", "mini", "n4")[0]["servers"].endswith(",n4"), "the lost server is back, with what it had")
    check({row["server"] for row in rows("gc", "mini")} == {"n4"} and rows("gc", "mini") == [], "which goes")
    rows("server", "remove", "mini", "n4")
    kills = [(["server", "add", "mini", "n4"], "server_filled"), (["server", "add", "mini", "n4"], "place_committed"), (["repair", "mini"], "mapping_brought")]
    for line, point in kills if SOAK else rng.sample(kills, 1):
        if line[0] == "repair":
            sql("n3", "update table_db_mapping set isactive = isactive")
        done = subprocess.run([instance.STRATA, "-C", str(DIR), "dataset", *line], env=environment(STRATA_FAULT=f"{point}:1:kill"), capture_output=True)
        check(done.returncode == -signal.SIGKILL, f"{line} {point}: {done}")
        finish(line, f"{line} {point}")
        if line[0] == "server":
            rows("server", "remove", "mini", "n4")


def a_command_that_is_killed_at_random_is_finished_by_the_next():
    for round_ in range(200 if SOAK else 10):
        line = killable()
        process = subprocess.Popen([instance.STRATA, "-C", str(DIR), "dataset", *line], env=environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.02, 0.5))
        process.kill()
        process.wait()
        done = strata("dataset", *line, "--json", ok=None)
        check(done.returncode == 0 or line[0] == "move" and b"no copy" in done.stderr, f"{round_}: {line}: {done.stderr.decode()}")
        if line[0] not in ("recopy", "rebalance"):  # what was moved may be moved already, or need not be any more
            strata("dataset", "gc", "mini")
        is_well(f"{round_}: {line}")
        if instance.failures:
            return
    is_said_to_be_well("kills")


sys.exit(run_all(scene, [
    a_copy_is_made_with_all_that_the_table_has,
    what_cannot_be_done_is_said,
    copies_that_are_wrong_are_made_anew,
    a_copy_moves_and_readers_that_began_before_see_all_rows,
    servers_that_disagree_are_made_to_agree,
    tables_that_nobody_maps_are_found,
    servers_come_and_go,
    a_lost_server_is_removed,
    what_is_written_is_the_same_in_all_copies,
    what_differs_from_server_to_server_is_refused,
    a_copy_that_cannot_follow_is_not_read_any_more,
    what_is_killed_while_it_is_written_is_in_all_copies_or_none,
    the_service_makes_copies_anew,
    a_command_that_is_killed_at_any_step_is_finished_by_the_next,
    changes_of_servers_are_finished_too,
    a_command_that_is_killed_at_random_is_finished_by_the_next,
]))
