#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""A tree changes, a crawl of it is killed anywhere; after the next crawl the catalogue is that of a fresh one.

Usage: 60_catalog_crash.py STRATA. STRATA_CRASH_ROUNDS says how many kills: 100 in ./dev soak, a few otherwise.
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

ROUNDS = int(os.environ.get("STRATA_CRASH_ROUNDS") or (100 if crash.SOAK else 3))
rng = random.Random(crash.SEED)


def fault_named(first):
    """Of a crawl, and of a first load where it is one."""
    kinds = ("batch_", "crawl_") + (("bulk_", "bulk_") if first else ())
    kind = rng.choice(kinds)
    point = rng.choice(crash.points(kind))
    return f"{point}:{'1' if kind == 'bulk_' else rng.choice('11123')}:{rng.choice(['kill', 'kill', 'EIO', 'ENOSPC'])}"


def kill_at(process, seconds, number=signal.SIGKILL):
    time.sleep(seconds)
    if process.poll() is None:
        process.send_signal(number)


def kill_crawler(at, process, moment):
    kill_at(process, moment)


def interrupt_crawler(at, process, moment):
    kill_at(process, moment, signal.SIGINT)


def kill_backend(at, process, moment):
    time.sleep(moment)
    backends = at.backends()
    if backends:
        crash.kill(rng.choice(backends))


def kill_postmaster(at, process, moment):
    time.sleep(moment)
    crash.kill(at.postmaster())


def kill_service(at, process, moment):
    time.sleep(moment)
    crash.kill(at.service())


def kill_everything(at, process, moment):
    server, service = at.postmaster(), at.service()
    time.sleep(moment)
    crash.kill(service)
    crash.kill(server)
    process.kill()


KILLS = [kill_crawler, kill_crawler, interrupt_crawler, kill_backend, kill_postmaster, kill_service, kill_everything]


def disturbed_crawl(at, shard, root, seconds, number, first):
    """One crawl that something happens to; gives what was done and the crawl's exit status."""
    if number % 2 == 0:
        what = fault_named(first)
        process = at.start("catalog", "crawl", shard, root, fault=what)
    else:
        act = KILLS[(number // 2 + crash.SEED) % len(KILLS)]
        what = act.__name__
        process = at.start("catalog", "crawl", shard, root)
        act(at, process, rng.random() * seconds)
    said = "".join(re.split(r"(?:WARNING|DETAIL|HINT):  .*\n", process.communicate()[1].decode()))  # libpq's own, while it connects
    if process.returncode not in (0, -9, -2):
        check(process.returncode in (6, 7, 130), f"{what}: the crawl ended with {process.returncode}: {said}")
        said = [line for line in said.splitlines() if line and not line.startswith(("crawling ", "waiting "))]  # progress
        check(1 <= len(said) <= 2 and said[0].startswith("strata: "), f"{what}: one error and a hint: {said}")
    return what, process.returncode


def compare(at, tree, what):
    at.bring_back()
    done = at.call("catalog", "crawl", "a", tree.root, text=True)
    check(done.returncode == 0, f"after {what}: the next crawl: {done.returncode} {done.stderr}")
    at.call("catalog", "shard", "drop", "b")
    at.strata("catalog", "shard", "create", "b", at.top / "data")
    at.strata("catalog", "crawl", "b", tree.root)
    for problem in crash.broken(at, "a") + crash.shards_differ(at, "a", "b", at.top / "data") + crash.tree_differs(at, "a", os.fsdecode(tree.root)):
        check(False, f"after {what}: {problem}")


def the_catalogue_equals_a_fresh_crawl_after_every_kill():
    with crash.Instance() as at:
        tree = crash.Tree(at.top / "data/tree", crash.SEED, 4000 if crash.SOAK else 900)
        at.strata("catalog", "shard", "create", "a", at.top / "data/tree")
        began = time.monotonic()
        what, status = disturbed_crawl(at, "a", tree.root, 0.5, 2 * rng.randrange(2), True)
        seconds = max(0.3, time.monotonic() - began)
        compare(at, tree, f"a first crawl with {what} ({status})")
        for number in range(ROUNDS):
            first = rng.random() < 0.2
            if first:
                at.strata("catalog", "shard", "truncate", "a")
            for _ in range(rng.choice([3, 30, 150])):
                tree.change()
            still = threading.Event()

            def change_on():
                while not still.wait(0.003):
                    tree.change()

            during = threading.Thread(target=change_on)
            if rng.random() < 0.3:
                during.start()
            try:
                what, status = disturbed_crawl(at, "a", tree.root, seconds, number, first)
            finally:
                still.set()
                if during.ident:
                    during.join()
            print(f"# round {number + 1}: {what}, status {status}", flush=True)
            compare(at, tree, what)
        for problem in crash.refresh_differs(at, "a"):
            check(False, f"refresh --full: {problem}")
        again = at.answer("catalog", "crawl", "a", tree.root)
        check(again["added"] + again["removed"] == 0 and again["changed"] <= 1, f"nothing to do but the root's access time: {again}")
        again = at.answer("catalog", "crawl", "a", tree.root, "--incremental")
        check(again["added"] + again["removed"] == 0, f"nothing to do by times: {again}")
        check(at.value("select count(*) from a.crawls where cr_finished is null") == "0", "no crawl is left open")


sys.exit(crash.run_all([the_catalogue_equals_a_fresh_crawl_after_every_kill]))
