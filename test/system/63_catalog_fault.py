#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The catalogue beside readers, without disk or connections, and in the hands of a user who makes mistakes.

Usage: 63_catalog_fault.py STRATA
"""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check


class Reader:
    """A transaction that has read something and stays open, and so keeps its locks."""

    def __init__(self, sql):
        self.psql = subprocess.Popen(["psql", "-XAtq", "-d", at.dsn], env=crash.environment(), text=True, cwd="/",
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.psql.stdin.write(f"begin;\n{sql};\n")
        self.psql.stdin.flush()
        self.psql.stdout.readline()

    def end(self):
        self.psql.stdin.write("commit;\n\\q\n")
        self.psql.stdin.close()
        self.psql.stdout.close()
        self.psql.wait()


def refused(status, *words, input=None, hint=True):
    """The call ends with the status and one error, a sentence and mostly a hint."""
    done = at.call(*words, "--json", input=input)
    text = done.stderr.decode()
    try:
        error = json.loads(text)["error"]
    except ValueError:
        error = {}
    check(done.returncode == status and error.get("message") and (error.get("hint") or not hint),
          f"{' '.join(map(str, words))}: {done.returncode} {text} {done.stdout.decode()[:300]}")
    return error


def get(path):
    try:
        with urllib.request.urlopen(at.url + path) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def changing_a_shard_keeps_no_reader_of_others_waiting():
    for shard in "b", "c":
        at.strata("catalog", "shard", "create", shard, f"/{shard}")
        at.strata("catalog", "ingest", shard, "-", input=f'/{shard}/x\tposix\t{{"type":"file","size":1}}\n'.encode().decode())
    at.strata("catalog", "shard", "truncate", "c")
    changes = (("shard", "create", "e", "/e"), ("shard", "truncate", "b"), ("shard", "rename", "b", "bb"), ("shard", "drop", "bb"),
               ("ingest", "c", at.top / "c.tsv"))
    (at.top / "c.tsv").write_text("".join(f'/c/{n}\tposix\t{{"type":"file","size":1}}\n' for n in range(100)))
    for change in changes:
        long = Reader("select (select count(*) from public.paths) + (select count(*) from public.files) + (select count(*) from a.paths)")
        process = at.start("catalog", *change)
        for n in range(12):
            # Longer than the change waits for a lock at a time: who still waits then, waits for the long reader.
            read = at.sql("set lock_timeout = '4s'; select count(*) from public.paths; select count(*) from public.files; select count(*) from a.files")
            check(len(read.split()) == 3, f"{change}: another reader waits")
            time.sleep(0.05)
        if change[0] == "ingest":  # needs nobody's leave
            check(process.wait() == 0, f"{change}: {process.returncode} {process.stderr.read().decode()}")
        else:
            check(process.poll() is None, f"{change} waits for the long reader: {process.returncode}")
        long.end()
        check(process.wait() == 0, f"{change}: {process.returncode} {process.stderr.read().decode()}")
        process.stderr.close()
    check(at.value("select count(*) from public.files where fi_name ~ '^[0-9]+$'") == "100", "all there")
    check(crash.broken(at, "c") == [], f"{crash.broken(at, 'c')}")


DEAD = "select coalesce(sum(n_tup_upd + n_tup_del), 0) from pg_stat_user_tables where schemaname = 'a'"  # vacuumed since or not


def twenty_crawls_leave_few_dead_rows():
    tree.change()
    at.strata("catalog", "crawl", "a", tree.root)
    before, rows = int(at.value(DEAD)), int(at.value("select count(*) from a.paths"))
    for _ in range(20):
        at.strata("catalog", "crawl", "a", tree.root)
    still = int(at.value(DEAD)) - before
    check(still <= 20 * 10, f"{still} rows written anew by crawls that find nothing")
    changed, changing = 0, 20 if crash.SOAK else 8
    for _ in range(changing):
        for _ in range(5):
            with open(tree.some_file(), "ab") as file:
                file.write(b"x")
        answer = at.answer("catalog", "crawl", "a", tree.root)
        changed += answer["added"] + answer["changed"] + answer["removed"]
    dead = int(at.value(DEAD)) - before - still
    # Of a path: its row, its record; of the directories above: counts; and the directory's number.
    check(dead <= changing * 10 + changed * 25, f"{dead} rows written anew for {changed} changes")
    check(dead < changing * rows, f"{dead} rows written anew, of {rows}")
    at.sql("vacuum a.paths; vacuum a.files; vacuum a.records; vacuum a.directories")


def without_the_database_it_says_so_and_replies_503():
    check(get("/readyz") == 200 and get(f"/api/v1/catalog/a/ls?path={tree.root.decode()}") == 200, "ready")
    at.local_conf("work_mem = much\n")  # so that it cannot start again
    crash.kill(at.postmaster())
    crash.wait_for(lambda: not at.ready(), "the database to be gone")
    check(get("/readyz") == 503, f"not ready: {get('/readyz')}")
    for what in "ls", "stat", "find", "du":
        status = get(f"/api/v1/catalog/a/{what}?path={tree.root.decode()}")
        check(status == 503, f"{what}: {status}")
    check(get("/healthz") == 200, "the service itself is well")
    refused(7, "catalog", "crawl", "a", tree.root)
    refused(7, "catalog", "ingest", "a", "-", input=b"")
    at.local_conf("")
    at.bring_back()
    crash.wait_for(lambda: get("/readyz") == 200, "the service to be ready")
    check(get(f"/api/v1/catalog/a/ls?path={tree.root.decode()}") == 200, "answers")
    at.strata("catalog", "crawl", "a", tree.root)
    check(crash.tree_differs(at, "a", os.fsdecode(tree.root)) == [], "nothing lost")


@contextlib.contextmanager
def on_a_small_disk(files, size):
    """Files of the cluster, which is down and up again, on a small file system of their own; back where they were in the end."""
    if os.geteuid() != 0:
        raise crash.Skip("needs root, to mount a small file system")
    small, spare = at.top / "small", files.with_name(f"{files.name}-spare")
    small.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=755", "tmpfs", str(small)], capture_output=True).returncode:
        raise crash.Skip("cannot mount a file system here")
    try:
        at.strata("down")
        subprocess.run(["cp", "-a", str(files), str(small / "files")], check=True)
        files.rename(spare)
        files.mkdir()
        subprocess.run(["mount", "--bind", str(small / "files"), str(files)], check=True)
        at.up()
        yield small
    finally:
        at.call("down")
        subprocess.run(["umount", str(files)], capture_output=True)
        if spare.exists():  # what was written since is kept
            if (small / "files").exists():
                subprocess.run(["cp", "-a", f"{small}/files/.", str(files)], check=True)
            shutil.rmtree(spare)
        subprocess.run(["umount", str(small)], capture_output=True)
        at.up()


def fill_up(small, left):
    """Takes all space but so many megabytes."""
    space = os.statvfs(small)
    with open(small / "filler", "wb") as out:
        os.posix_fallocate(out.fileno(), 0, max(1 << 20, space.f_bavail * space.f_frsize - (left << 20)))
    return small / "filler"


def many_lines(size, number):
    lines = at.top / f"many-{size}.tsv"
    with open(lines, "w") as out:
        for n in range(number):
            out.write(f'/c/many{size}/{n % 50}/{"x" * 100}{n}\tposix\t{{"type":"file","size":{size},"inode":{n}}}\n')
    return lines


def ingest_on_a_full_disk(small, left, size, number):
    """It stops, and goes on when there is space."""
    lines, count = many_lines(size, number), f"select count(*) from c.files where fi_size = {size}"
    before = int(at.value(count))
    filler = fill_up(small, left)
    done = at.call("catalog", "ingest", "c", lines, "--json", text=True)
    check(done.returncode in (6, 7), f"status {done.returncode} on a full disk: {done.stderr} {done.stdout}")
    filler.unlink()
    at.bring_back()
    again = at.answer("catalog", "ingest", "c", lines)
    check(again["lines"] == number and at.value(count) == str(number + before), f"all there: {again}")
    check(crash.broken(at, "c") == [], f"{crash.broken(at, 'c')}")


def crawl_on_a_full_disk(small, left, number):
    """Of many paths: it stops within, and the next goes on."""
    root = at.top / "data/many"
    for n in range(number):
        if n % 500 == 0:
            (root / f"{n // 500}").mkdir(parents=True)
        (root / f"{n // 500}/{'x' * 100}{n}").touch()
    at.strata("catalog", "shard", "create", "m", root)
    filler = fill_up(small, left)
    done = at.call("catalog", "crawl", "m", root, "--json", text=True)
    check(done.returncode in (6, 7), f"status {done.returncode} on a full disk: {done.stderr} {done.stdout}")
    filler.unlink()
    at.bring_back()
    at.strata("catalog", "crawl", "m", root)
    check(crash.broken(at, "m") == [], f"{crash.broken(at, 'm')}")
    check(crash.tree_differs(at, "m", str(root)) == [], "nothing lost")


def a_full_disk_stops_it_and_space_lets_it_go_on():
    with on_a_small_disk(at.dir / "pg/local", 400) as small:
        ingest_on_a_full_disk(small, 6, 1, 15000)
        crawl_on_a_full_disk(small, 6, 8000)


def a_full_log_stops_it_and_space_lets_it_go_on():
    """The server ends itself when there is no room for its write-ahead log."""
    at.local_conf("max_wal_size = 160MB\nmin_wal_size = 32MB\n")  # it keeps no files of the log to use again
    with on_a_small_disk(at.dir / "pg/local/data/pg_wal", 500) as small:
        for _ in range(8):
            at.sql("select pg_switch_wal(); checkpoint")
        ingest_on_a_full_disk(small, 2, 2, 45000)
        filler = fill_up(small, 2)
        done = at.call("catalog", "crawl", "a", tree.root, text=True)
        check(done.returncode in (0, 6, 7), f"status {done.returncode} with a full log: {done.stderr}")
        filler.unlink()
        at.bring_back()
        at.strata("catalog", "crawl", "a", tree.root)
        check(crash.tree_differs(at, "a", os.fsdecode(tree.root)) == [], "nothing lost")
    at.local_conf("")


def mistakes_get_a_sentence_and_a_status():
    for words in (("crawl",), ("crawl", "a"), ("ingest",), ("ingest", "a"), ("crawl", "a", "/", "--kind", "nothing"), ("crawl", "a", "/", "--depth", "-1"),
                  ("crawl", "a", "/", "--threads", "x"), ("crawl", "a", "/", "--nonsense"), ("refresh",), ("shard", "create", "x"),
                  ("shard", "create", "Bad name", "/x"), ("shard", "create", "pg_x", "/x"), ("shard", "create", "x", "a\x01b/../.."),
                  ("crawl", "a", "/usr")):
        done = at.call("catalog", *words, text=True)
        check(done.returncode == 2 and done.stderr.strip() and done.stdout == "", f"{words}: {done.returncode} {done.stderr} {done.stdout}")
    for words in (("crawl", "none", "/"), ("ingest", "none", "-"), ("refresh", "none"), ("shard", "drop", "none"), ("shard", "stat", "none"),
                  ("shard", "truncate", "none")):
        refused(4, "catalog", *words, input=b"")
    refused(4, "catalog", "ingest", "a", at.top / "missing", hint=False)
    refused(4, "catalog", "crawl", "a", os.path.join(tree.root, b"missing"), hint=False)
    refused(6, "catalog", "ingest", "a", at.top, hint=False)
    refused(5, "catalog", "shard", "create", "a", "/another", hint=False)
    done = at.call("catalog", "ingest", "a", "-", "--json", input=b"/elsewhere/x\tposix\t{}\nno tabs\n" + tree.root + b"/plain\tposix\t{\"type\"\n\xff\xfe\0\n")
    answer = json.loads(done.stdout)
    check(done.returncode == 11 and [r["line"] for r in answer["rejected"]] == [1, 2, 3, 4] and answer["lines"] == 4, f"{done.returncode} {done.stdout}")
    cut = at.call("catalog", "ingest", "a", "-", "--json", input=b"\x1f\x8b\x08\x00")
    check(cut.returncode == 8, f"a cut gzip file: {cut.returncode} {cut.stderr}")


def an_unreadable_file_is_refused():
    if os.geteuid() == 0:
        closed = at.top / "closed.tsv"
        closed.write_text("")
        closed.chmod(0)
        done = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat", str(closed)], capture_output=True)
        check(done.returncode != 0, "root reads everything, nobody does not")
    else:
        closed = at.top / "closed.tsv"
        closed.write_text("")
        closed.chmod(0)
        refused(6, "catalog", "ingest", "a", closed, hint=False)


def output_fits_where_it_goes():
    for columns in "40", "200":
        done = subprocess.run(at.command("catalog", "crawl", "a", tree.root), env=crash.environment(COLUMNS=columns), capture_output=True, cwd="/")
        check(done.returncode == 0 and b"\x1b" not in done.stdout + done.stderr and b"\r" not in done.stderr, f"in a pipe: {done.stderr}")
    done = subprocess.run(at.command("catalog", "shard", "list"), env=crash.environment(COLUMNS="40"), capture_output=True, text=True, cwd="/")
    check(done.returncode == 0 and "a" in done.stdout, done.stdout)
    shell = " ".join(f"'{word}'" for word in at.command("catalog", "shard", "list"))
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {shell} | true; {shell} >/dev/full"], capture_output=True, text=True, cwd="/",
                          env=crash.environment())
    check(done.returncode == 6 and done.stderr, f"a full device: {done.returncode} {done.stderr}")


def ctrl_c_keeps_what_is_done():
    at.strata("catalog", "shard", "truncate", "a")
    for _ in range(10):
        process = at.start("catalog", "crawl", "a", tree.root, "--rate", "100")
        crash.wait_for(lambda: at.value("select count(*) from a.crawls where cr_finished is null") != "0", "the crawl to begin")
        process.send_signal(signal.SIGINT)
        text = process.communicate()[1].decode()
        if process.returncode == 130:
            break
    said = [line for line in text.splitlines() if not line.startswith("crawling ")]  # progress
    check(process.returncode == 130 and len(said) <= 2 and "stopped" in text, f"{process.returncode}: {text}")
    at.strata("catalog", "crawl", "a", tree.root)
    check(crash.tree_differs(at, "a", os.fsdecode(tree.root)) == [] and crash.broken(at, "a") == [], "the next crawl completes it")


with crash.Instance() as at:
    tree = crash.Tree(at.top / "tree", crash.SEED, 500)
    at.strata("catalog", "shard", "create", "a", at.top / "tree")
    at.strata("catalog", "crawl", "a", tree.root)
    status = crash.run_all([changing_a_shard_keeps_no_reader_of_others_waiting, twenty_crawls_leave_few_dead_rows,
                            without_the_database_it_says_so_and_replies_503,
                            mistakes_get_a_sentence_and_a_status, an_unreadable_file_is_refused, output_fits_where_it_goes,
                            ctrl_c_keeps_what_is_done, a_full_disk_stops_it_and_space_lets_it_go_on,
                            a_full_log_stops_it_and_space_lets_it_go_on])
sys.exit(status)
