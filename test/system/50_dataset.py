#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""Datasets over three embedded servers, from the command line. Usage: 50_dataset.py STRATA"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import instance  # noqa: E402
from instance import DIR, check, run_all, strata  # noqa: E402

SERVERS = ["n1", "n2", "n3"]
SOAK = os.environ.get("STRATA_SOAK") == "1"
seed = int(os.environ.get("STRATA_SEED", random.randrange(1 << 30)))
rng = random.Random(seed)
print(f"# STRATA_SEED={seed}")


def rows(*words, status=0):
    done = strata("dataset", *words, "--json", ok=None)
    check(done.returncode == status, f"{words}: {done.returncode} and not {status}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(status, says, *words):
    done = strata("dataset", *words, "--json", ok=None)
    error = json.loads(done.stderr)["error"] if done.returncode else {"message": "nothing is wrong"}
    check(done.returncode == status and says in error["message"] + error.get("hint", ""), f"{words}: {done.returncode} {error}")


def sql(server, database, text):
    """The first column of what a statement gives, as text, or its error."""
    return instance.value(server, database, text)


def states(name="mini"):
    done = strata("dataset", "status", name, "--json", ok=None)
    return [json.loads(line)["state"] for line in done.stdout.splitlines()], done.returncode


def are(*expected, status=0):
    found = states()
    check(found == (list(expected), status), found)


def wait_for(condition, what):
    until = time.monotonic() + 120
    while not condition():
        if time.monotonic() > until:
            check(False, what)
            return
        time.sleep(0.1)


def scene():
    instance.init()
    instance.add_servers(SERVERS)
    strata("up")


def what_cannot_be_a_dataset_is_said():
    refused(2, "--servers", "create", "mini")
    refused(2, "'n9'", "create", "mini", "--servers", "n1,n9")
    refused(2, "there twice", "create", "mini", "--servers", "n1,n2,n1")
    refused(2, "no servers", "create", "mini", "--servers", "")
    refused(2, "4 copies", "create", "mini", "--servers", "n1,n2,n3", "--replicas", "4")
    refused(2, "is not a name", "create", "Mini", "--servers", "n1")
    refused(2, "is not a name", "create", "mini;drop", "--servers", "n1")
    refused(4, "no dataset 'mini'", "status", "mini")
    check(rows("list") == [] and "[dataset" not in (DIR / "strata.ini").read_text(), "nothing was made")
    check(sql("n1", "postgres", "select count(*) from pg_database where datname = 'mini'") == "0", "nor a database")


def a_dataset_is_one_database_on_every_server():
    made = rows("create", "mini", "--servers", "n1,n2,n3", "--replicas", "2")
    check(made == [{"name": "mini", "database": "mini", "servers": 3, "replicas": 2}], made)
    found = rows("list")
    check(found == [{"name": "mini", "database": "mini", "servers": "n1,n2,n3"}], found)
    check(strata("config", "check", ok=True).returncode == 0, "strata.ini is right")
    tables = "select string_agg(relname, ' ' order by relname) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    said = {sql(server, "mini", tables) for server in SERVERS}
    check(len(said) == 1 and all(name in min(said) for name in ("table_db_mapping", "metadata", "snap_redshift", "treesummary", "summary")), said)
    for server in SERVERS:
        check(sql(server, "mini", "select metavalue from metadata where metakey = 'replicas'") == "2", server)
    are("ok", "ok", "ok")
    refused(5, "already", "create", "mini", "--servers", "n1")


def a_dataset_on_a_server_that_is_not_there_is_told():
    text = (DIR / "strata.ini").read_text()
    (DIR / "strata.ini").write_text(text + "[dataset lost]\nservers = n1, n8\n")
    said = strata("config", "check", ok=False).stdout.decode()
    check("'lost'" in said and "'n8'" in said, said)
    refused(3, "'n8'", "status", "lost")
    check(states() == (["ok"] * 3, 0), "the others are well")
    (DIR / "strata.ini").write_text(text)


def a_create_that_was_cut_off_is_done_again():
    text = (DIR / "strata.ini").read_text()
    (DIR / "strata.ini").write_text(text[:text.index("[dataset mini]")])
    check(rows("list") == [] and rows("create", "mini", "--servers", "n1,n2,n3", "--replicas", "2")[0]["servers"] == 3, "done again")


def a_database_that_is_something_else_is_left_alone():
    sql("n2", "postgres", "create database taken")
    sql("n2", "taken", "create table mine (n int)")
    refused(5, "no dataset's", "create", "taken", "--servers", "n1,n2")
    check(sql("n2", "taken", "select count(*) from mine") == "0" and len(rows("list")) == 1, "left alone")


def servers_that_disagree_are_told():
    sql("n2", "mini", "begin; insert into data_table values ('tree_1'); insert into table_db_mapping values ('tree_1', 'n2', true, true); commit")
    are("behind", "ok", "behind", status=11)
    for server in ("n1", "n3"):
        sql(server, "mini", "insert into table_db_mapping values ('tree_1', 'n1', true, true)")
    got, status = states()
    check(status == 11 and sorted(got) in (["differs", "differs", "ok"], ["differs", "ok", "ok"]), got)
    said = rows("verify", "mini", status=8)
    check(said and all("mapping was changed alone" in row["problem"] for row in said if row["table"] is None), said)
    for server in SERVERS:
        sql(server, "mini", "begin; delete from data_table; delete from table_db_mapping; commit")
    are("ok", "ok", "ok")
    check("without an active copy" in sql("n1", "mini", "insert into data_table values ('t')"), "a table without a copy")
    sql("n3", "mini", "set session_replication_role = replica; insert into table_db_mapping values ('x', 'n3', true, true)")
    are("ok", "ok", "damaged", status=11)
    check(rows("verify", "mini", status=8) == [{"table": None, "server": "n3", "problem": "its mapping is not what it noted of it"}], "damaged")
    sql("n3", "mini", "set session_replication_role = replica; delete from table_db_mapping")
    are("ok", "ok", "ok")


# ---- rows ----

ROWS, A_TABLE = 2300, 300


def write_csv(name, rows=ROWS):
    with open(instance.TOP / name, "w") as out:
        out.write("Id,x,name\n" + "".join(f'{n},{n / 7!r},"row ""{n}""\n, {n % 13}"\n' for n in range(rows)))
    return str(instance.TOP / name)


COPIES = """select json_object_agg(tablename, (xpath('/row/c/text()', query_to_xml(format(
    'select count(*) || '' '' || sum(hashtext(t::text)::bigint) c from %I t', tablename), false, true, '')))[1]::text) from loaded_copy"""


def copies(dataset):
    """Which servers have each table, and what is in each copy: rows, and a sum over all of them."""
    out = {}
    for server in SERVERS:
        for name, found in json.loads(sql(server, dataset, COPIES) or "{}").items():
            out.setdefault(name, {})[server] = found
    return out


MAPPING = """select concat_ws(' ', epoch, checksum, (select json_object_agg(tablename || ' ' || nodename, isactive order by tablename, nodename)
    from table_db_mapping)) from mapping_state where checksum = public.mapping_checksum()"""


def is_whole(dataset, rows, what):
    """Every row once, two equal copies of each table on different servers."""
    found = copies(dataset)
    check(len(found) == -(-rows // A_TABLE), f"{what}: {sorted(found)}")
    check(all(len(copy) == 2 and len(set(copy.values())) == 1 for copy in found.values()), f"{what}: {found}")
    check(sum(int(next(iter(copy.values())).split()[0]) for copy in found.values()) == rows, f"{what}: {found}")
    ids = []
    for server in SERVERS:
        here = [f"select id from {name}" for name, copy in found.items() if min(copy) == server]
        ids += [int(id_) for id_, in instance.table(server, dataset, " union all ".join(here))] if here else []
    check(sorted(ids) == list(range(rows)), f"{what}: not every row once")
    said = {sql(server, dataset, MAPPING) for server in SERVERS}
    check(len(said) == 1 and min(said), f"{what}: servers disagree: {said}")
    left = sum(int(sql(server, dataset, "select count(*) from pg_prepared_xacts")) for server in SERVERS)
    check(left == 0, f"{what}: {left} prepared transactions")


def rows_of(dataset, table, text):
    return rows("query", dataset, table, text)


def csv_files_become_tables_on_several_servers():
    file = write_csv("g.csv")
    made = rows("import", "mini", file, "--open", "--rows", str(A_TABLE))
    check(made == [{"tables": 8, "rows": ROWS, "tables_before": 0}], made)
    is_whole("mini", ROWS, "an import")
    are("ok", "ok", "ok")
    ids = [row["id"] for row in rows("extract", "mini", "select id from {table}", "--format", "jsonl")]
    check(sorted(ids) == list(range(ROWS)), "a query of each table has every row once")
    by_server = {server: sum(server in copy for copy in copies("mini").values()) for server in SERVERS}
    check(max(by_server.values()) - min(by_server.values()) <= 1, f"evenly: {by_server}")
    check(rows_of("mini", "mini_2", "select id, x, name from {table} order by id limit 1") ==
          [{"id": A_TABLE, "x": A_TABLE / 7, "name": f'row "{A_TABLE}"\n, {A_TABLE % 13}'}], "a row as it was")
    check(rows("import", "mini", file, "--open", "--rows", str(A_TABLE)) == [{"tables": 0, "rows": 0, "tables_before": 8}], "again")
    more = write_csv("more.csv", 10)
    refused(5, "'mini_1' already", "import", "mini", more)
    check(rows("import", "mini", more, "--open", "--prefix", "more_")[0]["tables"] == 1, "another name")


def what_cannot_be_imported_is_said_and_makes_nothing():
    bad = instance.TOP / "bad.csv"
    bad.write_text("id,x\n" + "1,2\n" * 1500 + "one,2\n")
    refused(2, "row", "import", "mini", str(bad), "--prefix", "bad_")
    refused(4, "bad_1", "query", "mini", "bad_1", "select 1 from {table}")
    bad.write_text("id,x\n" + "1,2\n" * 1500 + "3,2\n")
    check(rows("import", "mini", str(bad), "--prefix", "bad_", "--open")[0]["rows"] == 1501, "the file is mended")
    check(rows_of("mini", "bad_1", "select count(*) n, max(id) m from {table}") == [{"n": 1501, "m": 3}], "its rows")
    bad.write_text("id,x\n" + "1,2\n" * 1500 + "one,2\n")
    bad.write_text("id,y\n1,2\n")
    refused(2, "has a column", "import", "mini", str(instance.TOP / "more.csv"), str(bad))
    refused(4, "nothing.csv", "import", "mini", "nothing.csv")
    empty, more = instance.TOP / "empty.csv", str(instance.TOP / "more.csv")
    empty.write_text("Id,x,name\n")
    refused(2, "empty.csv' has no rows", "import", "mini", str(empty), "--prefix", "none_")
    check(sql("n1", "mini", "select metavalue from metadata where metakey = 'state'") != "sealed", "and it stays open")
    done = strata("dataset", "import", "mini", str(empty), more, "--prefix", "some_", "--open", "--json")
    check(json.loads(done.stdout) == {"tables": 1, "rows": 10, "tables_before": 0} and b"empty.csv' has no rows" in done.stderr, done)
    check(rows_of("mini", "some_1", "select id, x from {table} order by id limit 1") == [{"id": 0, "x": 0}], "its types are the others'")
    refused(4, "no dataset", "import", "none", str(bad))


def a_query_is_for_one_table_and_reads_only():
    refused(2, "{table}", "query", "mini", "mini_1", "select 1")
    refused(4, "'mini_99'", "query", "mini", "mini_99", "select 1 from {table}")
    done = strata("dataset", "query", "mini", "mini_1", "delete from {table}", ok=False)
    check(b"read-only" in done.stderr, done.stderr)
    for more in ("set default_transaction_read_only = off; delete from {table}", "select 1 from {table}; commit; delete from {table}"):
        done = strata("dataset", "query", "mini", "mini_1", more, ok=False)
        check(b"multiple commands" in done.stderr and rows_of("mini", "mini_1", "select count(*) n from {table}") == [{"n": A_TABLE}], done.stderr)
    done = strata("dataset", "query", "mini", "mini_1", "select id, name from {table} where id < 2 order by 1", ok=True)
    check(b"ID" in done.stdout and b'row "1"' in done.stdout, done.stdout)


def copies_that_differ_are_named():
    found = [row for row in rows("copies", "mini") if row["table"].startswith("mini_")]
    check(len(found) == 16 and sum(row["rows"] for row in found if row["primary"]) == ROWS, found)
    check(all(row["active"] and row["bytes"] > 8192 for row in found), found)
    for table in {row["table"] for row in found}:
        two = [row for row in found if row["table"] == table]
        check(len(two) == 2 and two[0]["hash"] == two[1]["hash"] and sum(row["primary"] for row in two) == 1, two)
    check(len({row["hash"] for row in found}) == 8, "tables of other rows have other hashes")
    check(rows("verify", "mini") == [], "all are right")
    other = next(row for row in found if row["table"] == "mini_4" and not row["primary"])
    sql(other["server"], "mini", "update mini_4 set x = x + 1 where id = 1000")
    check(rows("verify", "mini", status=8) == [{"table": "mini_4", "server": other["server"], "problem": "its rows are not those of the primary copy"}], "other rows")
    sql(other["server"], "mini", "update mini_4 set x = 1000 / 7.0::float8 where id = 1000")
    check(rows("verify", "mini") == [], "right again, in another order")
    sql(other["server"], "mini", "drop table mini_4")
    said = rows("verify", "mini", status=11)
    check(len(said) == 1 and "mini_4" in said[0]["problem"], said)
    check(len([row for row in rows("copies", "mini", status=11) if row["hash"] is None]) == 1, "copies")


def an_import_that_is_killed_anywhere_goes_on():
    file = write_csv("k.csv", 700)
    words = [instance.STRATA, "-C", str(DIR), "dataset", "import", "killed", file, "--rows", str(A_TABLE), "--prefix", "t", "--open"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}
    rows("create", "killed", "--servers", "n1,n2,n3", "--replicas", "2")
    points = ("dataset_table_added", "place_prepared", "dataset_copy_filled", "dataset_tables_filled", "place_committed")
    for point in points if SOAK else rng.sample(points, 2):
        for nth in range(1, 7) if SOAK else (rng.randrange(1, 5),) if point.startswith("place") else (1,):
            for server in SERVERS:  # as it was made
                sql(server, "killed", "begin; delete from data_table; delete from table_db_mapping; delete from loaded_copy; commit")
            done = subprocess.run(words, env=clean | {"STRATA_FAULT": f"{point}:{nth}:kill"}, capture_output=True)
            check(done.returncode in (-signal.SIGKILL, 0, 6), f"{point}:{nth}: {done}")
            check(rows("import", "killed", file, "--rows", str(A_TABLE), "--prefix", "t", "--open")[0]["tables"] >= 0, "goes on")
            is_whole("killed", 700, f"{point}:{nth}")
            if SOAK:
                check(states("killed") == (["ok"] * 3, 0), f"{point}:{nth}: {states('killed')}")
            if instance.failures:
                return


def a_sealed_dataset_is_only_read():
    sql("n2", "mini", "create role guest; grant select, insert on mini_1 to guest")
    file = str(instance.TOP / "g.csv")
    done = rows("import", "mini", file, "--rows", str(A_TABLE))
    check(done == [{"tables": 0, "rows": 0, "tables_before": 8}], f"an import that finds all there: {done}")
    instance.forget_connections()
    for server in SERVERS:
        check("read-only" in sql(server, "mini", "insert into metadata values ('a', 'b')"), server)
        check(sql(server, "mini", "select metavalue from metadata where metakey = 'state'") == "sealed", server)
    check(sql("n2", "mini", "select has_table_privilege('guest', 'mini_1', 'insert')") == "f", "nobody else may write")
    check(sql("n2", "mini", "select has_table_privilege('guest', 'mini_1', 'select')") == "t", "but read")
    refused(5, "unseal", "import", "mini", str(instance.TOP / "k.csv"), "--prefix", "z")
    check(rows("import", "mini", file, "--rows", str(A_TABLE))[0]["tables_before"] == 8, "again, sealed")
    done = strata("dataset", "unseal", "mini", "--json", ok=True)
    check(json.loads(done.stdout) == {"name": "mini", "state": "open"} and b"unsealed dataset=mini" in done.stderr, done)
    instance.forget_connections()
    check(" by " in sql("n3", "mini", "select metavalue from metadata where metakey = 'unsealed'"), "noted")
    check("is unsealed by" in "".join(file.read_text(errors="replace") for file in (DIR / "log/pg-n1").iterdir()), "in the server's log")
    check(sql("n1", "mini", "begin; insert into metadata values ('a', 'b'); rollback; select 1") == "1", "written again")
    check(rows("seal", "mini") == rows("seal", "mini") == [{"name": "mini", "state": "sealed"}], "sealed twice")
    instance.forget_connections()
    check(sql("n1", "mini", "show default_transaction_read_only") == "on", "sealed")


def any_server_is_enough_to_ask():
    pid = int((DIR / "pg/n1/data/postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    got, status = states()
    check(len(got) == 3 and got[1:] == ["ok", "ok"] and got[0] in ("down", "ok"), got)
    wait_for(lambda: states() == (["ok"] * 3, 0), "the service to start the server again")


sys.exit(run_all(scene, [
    what_cannot_be_a_dataset_is_said,
    a_dataset_is_one_database_on_every_server,
    a_dataset_on_a_server_that_is_not_there_is_told,
    a_create_that_was_cut_off_is_done_again,
    a_database_that_is_something_else_is_left_alone,
    servers_that_disagree_are_told,
    csv_files_become_tables_on_several_servers,
    what_cannot_be_imported_is_said_and_makes_nothing,
    a_query_is_for_one_table_and_reads_only,
    copies_that_differ_are_named,
    an_import_that_is_killed_anywhere_goes_on,
    a_sealed_dataset_is_only_read,
    any_server_is_enough_to_ask,
]))
