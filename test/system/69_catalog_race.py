#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two batches meet at one directory: what each of them sees of the other, in the order in which it goes wrong; and how much
batches read where all files are in one directory.

Usage: 69_catalog_race.py STRATA.
"""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

SQL = pathlib.Path(__file__).resolve().parents[2] / "src/catalog/sql"
CHILD = "'/data/d/new'"
AWAY = f"md5({CHILD})::uuid, 'directory', {CHILD}, array[md5('/data')::uuid, md5('/data/d')::uuid]"


def query(name):
    return (SQL / f"{name}.sql").read_text().rstrip().rstrip(";") + ";\n"


class Session:
    """A psql that is given one statement after the other."""

    def __init__(self, dsn):
        self.psql = subprocess.Popen(["psql", "-XAtq", "-d", dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     env=crash.environment(), text=True, cwd="/")

    def send(self, text):
        self.psql.stdin.write(text)
        self.psql.stdin.flush()

    def ask(self, text):
        self.send(text + "\n\\echo done\n")
        lines = []
        while (line := self.psql.stdout.readline().rstrip("\n")) != "done":
            check(self.psql.poll() is None and not line.startswith("ERROR"), line)
            lines.append(line)
        return lines

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


def a_number_outlives_a_batch_that_missed_the_directory():
    """One batch notes what is in a directory, with a new directory in it. Another, of what is in that one, did not
    see it yet, waits for the first to be committed, and must not forget what that noted."""
    with crash.Instance() as at:
        at.strata("catalog", "shard", "create", "s", "/data")
        at.sql("insert into s.paths (pa_hash, pa_type, pa_path, pa_parents) values (md5('/data/d')::uuid, 'directory', '/data/d', array[md5('/data')::uuid]);"
               "insert into s.scans values (md5('/data/d')::uuid, 1, 1, 1, 0, 0, 0, 0)")
        first, second = Session(at.dsn), Session(at.dsn)
        try:
            first.ask("set search_path = s, public; begin;\n"
                      f"insert into paths (pa_hash, pa_type, pa_path, pa_parents) values ({AWAY});\n"
                      "update scans set sc_print = 2;")
            second.ask("set search_path = s, public;\n" + query("stage") + "begin;\n"
                       f"insert into stage_paths (pa_hash, pa_type, pa_path, pa_parents) values ({AWAY});")
            pid = second.ask("select pg_backend_pid();")[-1]
            second.send(query("merge_scans_above") + "commit;\n")
            crash.wait_for(lambda: at.value(f"select count(*) from pg_locks where pid = {pid} and not granted") == "1", "the second to wait")
            first.ask("commit;")
            second.ask("select 1;")
            check(at.rows("select sc_print from s.scans") == [["2"]], "the number of the first batch is there")
        finally:
            first.close()
            second.close()


def files_of_one_directory_are_not_read_for_each_of_them():
    """The planner expects all files of a shard in any directory, and would rather read them all than use an index."""
    files = 3000
    with crash.Instance() as at:
        at.strata("catalog", "shard", "create", "s", "/data")

        def ingest(line):
            lines = at.top / "lines.tsv"
            lines.write_text("".join(f"/data/d/f{n}\t{line}\n" for n in range(files)))
            return at.answer("catalog", "ingest", "s", lines)

        def read():
            return int(at.value("select coalesce(sum(seq_tup_read), 0) from pg_stat_all_tables where schemaname = 's'"))

        ingest('posix\t{"type":"file","size":1}')
        at.sql("analyze s.files; analyze s.paths")
        before = read()
        check(ingest('posix\t{"type":"file","size":2}')["changed"] == files, "all are changed")
        check(ingest("-deleted\t{}")["removed"] == files, "all are removed")
        time.sleep(2)  # a server tells what it read a second later at most
        check(read() - before < 50 * files, f"{(read() - before) / files:.0f} rows read for each file")


sys.exit(crash.run_all([files_of_one_directory_are_not_read_for_each_of_them, a_number_outlives_a_batch_that_missed_the_directory]))
