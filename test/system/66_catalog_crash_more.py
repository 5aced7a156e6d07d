#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""Two crawls of one shard at once, and readers of files, killed anywhere: the next crawl makes the catalogue that of a fresh one.

Usage: 66_catalog_crash_more.py STRATA. STRATA_CRASH_ROUNDS says how many rounds of each: 100 in ./dev soak, a few otherwise.
"""
import os
import pathlib
import random
import shutil
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

ROUNDS = int(os.environ.get("STRATA_CRASH_ROUNDS") or (100 if crash.SOAK else 2))
rng = random.Random(crash.SEED + 2)


def same_as_fresh(at, root, what, *kinds):
    """The next crawl of `a` ends well, and gives what a fresh one gives."""
    done = at.call("catalog", "crawl", "a", root, *kinds, text=True)
    check(done.returncode == 0, f"after {what}: the next crawl: {done.returncode} {done.stderr}")
    at.call("catalog", "shard", "drop", "b")
    at.strata("catalog", "shard", "create", "b", at.top / "data")
    at.strata("catalog", "crawl", "b", root, *kinds)
    for problem in crash.broken(at, "a") + crash.shards_differ(at, "a", "b", at.top / "data") + crash.tree_differs(at, "a", os.fsdecode(root)):
        check(False, f"after {what}: {problem}")


# ---- two crawls ----

def end_of(crawl, allowed):
    said = crawl.communicate()[1].decode()
    check(crawl.returncode in allowed, f"a crawl beside another: {crawl.returncode} {said}")
    return crawl.returncode


def two_crawls_of_one_shard_at_once_agree():
    """The second waits for a first load, and says that the shard is busy when that takes long."""
    with crash.Instance() as at:
        tree = crash.Tree(at.top / "data/tree", crash.SEED, 2500 if crash.SOAK else 400)
        at.strata("catalog", "shard", "create", "a", at.top / "data/tree")
        for number in range(ROUNDS + 1):
            if number % 4 == 1:
                at.strata("catalog", "shard", "truncate", "a")
            for _ in range(rng.choice([30, 150])):
                tree.change()
            below = sorted(entry.path for entry in os.scandir(tree.root) if entry.is_dir(follow_symlinks=False))
            roots = [tree.root, rng.choice(below)] if number % 3 == 2 else [tree.root, tree.root]
            crawls = [at.start("catalog", "crawl", "a", root) for root in roots]
            killed = rng.sample(crawls, rng.choice([0, 1, 2])) if number else []
            for crawl in killed:
                time.sleep(rng.random() * 0.4)
                crawl.kill()
            ends = [end_of(crawl, (0, 5, 7, -9)) for crawl in crawls]
            what = f"two crawls {'of one tree' if roots[0] == roots[1] else 'of a tree and a part of it'} that ended with {ends}"
            print(f"# round {number + 1}: {what}", flush=True)
            same_as_fresh(at, tree.root, what)
        for problem in crash.refresh_differs(at, "a"):
            check(False, f"refresh --full: {problem}")


# ---- refresh --full ----

def content(at):
    return at.sql("select di_hash, di_count, di_size from a.directories order by di_hash")


def a_refresh_that_is_killed_has_changed_nothing():
    with crash.Instance() as at:
        tree = crash.Tree(at.top / "data/tree", crash.SEED, 2500 if crash.SOAK else 400)
        at.strata("catalog", "shard", "create", "a", at.top / "data/tree")
        at.strata("catalog", "crawl", "a", tree.root)
        for fault in [f"{point}:1:{how}" for point in crash.points("refresh_") for how in ("kill", "EIO")] + [None] * ROUNDS:
            at.sql("update a.directories set di_count = 7, di_size = 1")
            before = content(at)
            refresh = at.start("catalog", "refresh", "a", "--full", fault=fault)
            if not fault:
                time.sleep(rng.random() * 0.3)
                (refresh.kill if rng.random() < 0.5 else lambda: [crash.kill(pid) for pid in at.backends()[:1]])()
            said = refresh.communicate()[1].decode()
            check(refresh.returncode in (6, 7, -9) or not fault and refresh.returncode == 0, f"{fault}: {refresh.returncode} {said}")
            at.bring_back()
            crash.wait_for(lambda: at.value("select count(*) from pg_stat_activity where query like '%refresh%' and state = 'active' and pid <> pg_backend_pid()") == "0",
                           "the server to have ended it")
            check(content(at) == before or not fault, f"{fault}: a part of it is there")
            at.strata("catalog", "refresh", "a", "--full")
            for problem in crash.broken(at, "a") + crash.refresh_differs(at, "a") + crash.tree_differs(at, "a", os.fsdecode(tree.root)):
                check(False, f"after {fault or 'a kill'}: {problem}")


# ---- readers of files ----

def geotiff(path, x, y):
    """One band of 4 by 4 bytes in degrees, a pixel each."""
    keys = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)
    scale, tie = struct.pack("<3d", 1, 1, 0), struct.pack("<6d", 0, 0, 0, x, y, 0)
    entries = [(256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 0), (277, 3, 1, 1), (278, 4, 1, 4),
               (279, 4, 1, 16), (33550, 12, 3, 16), (33922, 12, 6, 40), (34735, 3, 16, 88)]
    start = 8 + 2 + 12 * len(entries) + 4
    body = bytes(16) + scale + tie + struct.pack("<16H", *keys)
    data = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    for tag, kind, count, value in entries:
        here = start + value if tag in (273, 33550, 33922, 34735) else value
        data += struct.pack("<HHII", tag, kind, count, here)
    path.write_bytes(data + struct.pack("<I", 0) + body)


def children(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rsplit(")")[-1].split()[1]) == pid:
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def reads(pid):
    """Has it said its hello? It confines itself just before."""
    try:
        return "\nSeccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_some(at, crawl, until):
    """Readers of the crawl, mostly while they read, until then."""
    count = 0
    while time.monotonic() < until and crawl.poll() is None:
        for pid in children(crawl.pid):
            if rng.random() < (0.3 if reads(pid) else 0.02):
                try:
                    os.kill(pid, signal.SIGKILL)
                    count += 1
                except ProcessLookupError:
                    pass
        time.sleep(rng.random() * 0.05)
    return count


def readers_that_are_killed_lose_no_file():
    """A file whose reader is killed is read again, in the same crawl or the next."""
    extract = pathlib.Path(crash.STRATA).parent / "strata-extract"
    with crash.Instance() as at:
        shutil.copy(extract, at.top / "strata-extract")
        root = at.top / "data/tree"
        root.mkdir(parents=True)
        files = 1500 if crash.SOAK else 150
        for number in range(files):
            (root / f"{number % 7}").mkdir(exist_ok=True)
            geotiff(root / f"{number % 7}/{number}.tif", number % 340 - 170, number % 150 - 70)
        at.strata("catalog", "shard", "create", "a", root)
        kinds = "--kind", "posix,gdal"
        for number in range(ROUNDS):
            if number:
                for changed in rng.sample(range(files), files // 2):
                    geotiff(root / f"{changed % 7}/{changed}.tif", rng.randrange(-170, 170), rng.randrange(-70, 80))
            crawl = at.start("catalog", "crawl", "a", root, *kinds)
            crash.wait_for(lambda: children(crawl.pid) or crawl.poll() is not None, "a reader to start")
            count = kill_some(at, crawl, time.monotonic() + (60 if number % 2 == 0 else rng.random()))
            if number % 2:
                crawl.kill()
            end = end_of(crawl, (0, 6, -9))  # 6: readers that are killed before their first word, again and again
            what = f"{count} readers killed, the crawl ended with {end}"
            print(f"# round {number + 1}: {what}", flush=True)
            if end == 0:
                missing = at.value(f"select count(*) from a.files where fi_name like '%.tif' and fi_hash not in (select po_hash from a.datasets) "
                                   "and fi_hash not in (select pr_hash from (select md5(pr_path)::uuid pr_hash from a.problems) p)")
                check(missing == "0", f"{what}: {missing} files are neither there nor a problem")
            same_as_fresh(at, root, what, *kinds)
            check(at.value("select count(*) from a.datasets") == str(files), f"{what}: {at.value('select count(*) from a.datasets')} datasets")
            check(at.call("catalog", "problems", "a", "--json").stdout == b"", f"{what}: no problem is left")


sys.exit(crash.run_all([two_crawls_of_one_shard_at_once_agree, a_refresh_that_is_killed_has_changed_nothing, readers_that_are_killed_lose_no_file]))
