#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""A shard that is watched is what a fresh crawl finds: under storms of several writers, overflows, a database that goes
away, kills of the watch, and for an ordinary user.

Usage: 64_catalog_watch.py STRATA. STRATA_SEED chooses the storms; in ./dev soak there are many.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

ROUNDS = 25 if crash.SOAK else 1
CHANGES = 1500 if crash.SOAK else 400
rng = random.Random(crash.SEED)
RUNNING = []  # watches: what a test that fails leaves is ended after it
LIMITS = {"inotify": "/proc/sys/fs/inotify/max_queued_events", "fanotify": "/proc/sys/fs/fanotify/max_queued_events"}


def methods():
    return ["inotify", "fanotify"] if os.geteuid() == 0 else ["inotify"]


class Watch:
    """The command, with what it says read line by line in a thread."""

    def __init__(self, at, root, *words, shard="a", start=None):
        command = at.command("catalog", "watch", shard, root, "--json", *words)
        self.at, self.root, self.shard, self.number = at, root, shard, 0
        self.process = subprocess.Popen((start or []) + command, env=crash.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd="/")
        self.events, self.said = [], ""
        RUNNING.append(self.process)
        self.readers = [threading.Thread(target=self.read_events, daemon=True), threading.Thread(target=self.read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def read_events(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def read_errors(self):
        for line in self.process.stderr:
            self.said += line

    def wait_for_event(self, *names):
        crash.wait_for(lambda: any(e["event"] in names for e in self.events) or self.process.poll() is not None, f"{names}: {self.said}")
        check(self.process.poll() is None, f"watch: {self.process.returncode} {self.said}")
        return self

    def settle(self):
        """All that happened before is in the shard: of two marks one after the other, the second is in a later batch."""
        for _ in range(2):
            self.number += 1
            mark = os.path.join(os.fsdecode(self.root), f"mark-{os.getpid()}-{self.number}")
            with open(mark, "w"):
                pass
            crash.wait_for(lambda: self.process.poll() is not None or self.at.ready() and self.at.value(
                f"select count(*) from {self.shard}.files where fi_hash = '{crash.md5(mark)}'") == "1", f"a mark: {self.said}", 600)
            check(self.process.poll() is None, f"watch: {self.process.returncode} {self.said}")
            os.unlink(mark)
        crash.wait_for(lambda: self.at.value(f"select count(*) from {self.shard}.paths where pa_path like '%/mark-%'") == "0", "marks to go", 600)

    def end(self, number=signal.SIGINT):
        RUNNING.remove(self.process)
        self.process.send_signal(number)
        self.process.wait()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode


# ---- storms ----

NAMES = [b"a", b"b", b"c", b"d", b"e", b"odd\xff\n"]


def random_path(random_, root, prefix=b""):
    names = [random_.choice(NAMES) for _ in range(random_.randrange(1, 5))]
    return os.path.join(root, *names[:-1], prefix + names[-1])


def random_change(random_, root, apart):
    """Whether it succeeds depends on what is there. Links lead down only: one with .. would lead the storm out of its tree.
    Kept `apart`, what is a directory and what is none never have the same name."""
    kind = random_.randrange(12)
    prefix = b"f" if apart and (kind in (0, 1, 2, 5, 10) or kind > 6 and random_.random() < 0.5) else b""
    path, other = random_path(random_, root, prefix), random_path(random_, root, prefix)
    if kind < 3:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(fd, b"x" * random_.randrange(100))
        os.close(fd)
    elif kind < 5:
        os.mkdir(path)
    elif kind == 5:
        os.unlink(path)
    elif kind == 6:
        shutil.rmtree(path) if random_.random() < 0.3 else os.rmdir(path)
    elif kind < 10:
        os.rename(path, other)
    elif kind == 10:
        os.symlink(random_.choice([b"a", b"b", b"c/d", b"nowhere"]), path)
    else:
        os.chmod(path, random_.choice([0o600, 0o640, 0o700, 0o750]), follow_symlinks=False) if os.chmod in os.supports_follow_symlinks \
            else os.path.islink(path) or os.chmod(path, random_.choice([0o700, 0o750]))


def blow(seed, root, changes, pause, apart):
    random_ = random.Random(seed)
    for _ in range(changes):
        try:
            random_change(random_, root, apart)
        except OSError:
            pass
        if random_.random() < pause:
            time.sleep(random_.random() * 0.02)


class Storm:
    def __init__(self, root, writers, changes=CHANGES, pause=0.1, apart=False):
        seed, self.pids = rng.random(), []
        for n in range(writers):
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                try:
                    blow(f"{seed} {n}", os.fsencode(root), changes, pause, apart)
                finally:
                    os._exit(0)
            self.pids.append(pid)

    def end(self):
        for pid in self.pids:
            os.waitpid(pid, 0)


def differs_from_fresh(at, root, what):
    """What a watch saw change has no number (scans) until a crawl comes."""
    at.call("catalog", "shard", "drop", "fresh")
    at.strata("catalog", "shard", "create", "fresh", at.top / "data")
    at.strata("catalog", "crawl", "fresh", root)
    found = crash.broken(at, "a") + [d for d in crash.shards_differ(at, "a", "fresh", at.top / "data") if not d.startswith("scans only fresh")]
    for problem in found + crash.tree_differs(at, "a", os.fsdecode(root)):
        check(False, f"{what}: {problem}")
    return bool(found)


def new_tree(at, name):
    root = at.top / "data" / name
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    at.call("catalog", "shard", "drop", "a")
    at.strata("catalog", "shard", "create", "a", root)
    return root


def storms_by(method, what="a storm", queue=None):
    for number in range(ROUNDS):
        root = new_tree(at, f"storm-{method}")
        Storm(root, 1, 300, 0).end()
        words = ("--method", method)
        before = queue and pathlib.Path(LIMITS[method]).read_text()
        try:
            if queue:  # of those who start now
                pathlib.Path(LIMITS[method]).write_text(f"{queue}\n")
            watch = Watch(at, root, *words).wait_for_event("watching")
        finally:
            if queue:
                pathlib.Path(LIMITS[method]).write_text(before)
        if not number % 2:
            watch.wait_for_event("crawled")
        storm = Storm(root, rng.choice([1, 2, 4]), pause=rng.choice([0.02, 0.1, 0.3]))
        storm.end()
        watch.settle()
        differs_from_fresh(at, root, f"{what} by {method}, round {number}")
        check(watch.end() == 0, f"Ctrl-C is a good end: {watch.process.returncode} {watch.said}")
        if crash.COUNTS["failures"]:
            return


def storms_are_followed():
    for method in methods():
        storms_by(method)


def queues_that_are_too_short_lead_to_crawls():
    if os.geteuid() != 0:
        raise crash.Skip("needs root, to make the kernel's queues short")
    for method in methods():
        storms_by(method, "overflows", queue=rng.choice([20, 100, 500]))


def a_database_that_goes_away_loses_nothing():
    for _ in range(ROUNDS):
        root = new_tree(at, "away")
        watch = Watch(at, root).wait_for_event("crawled")
        storm = Storm(root, 2, pause=0.3)
        time.sleep(rng.random())
        crash.kill(at.postmaster())
        time.sleep(rng.random())
        at.bring_back()
        storm.end()
        watch.settle()
        differs_from_fresh(at, root, "a database that was killed")
        watch.end()


def a_killed_watch_is_made_good_by_the_next():
    """But for names that are a file's and a directory's by turns: of those a killed crawl may leave what was in the directory."""
    root = new_tree(at, "killed")
    for number in range(4 * ROUNDS):
        method = rng.choice(methods())
        watch = Watch(at, root, "--method", method).wait_for_event("watching")
        storm = Storm(root, 2, pause=0.2, apart=True)
        time.sleep(rng.random())
        watch.end(signal.SIGKILL)
        storm.end()
        if number % 4 == 3:
            watch = Watch(at, root, "--method", method).wait_for_event("crawled")
            watch.settle()
            differs_from_fresh(at, root, f"killed watches, {number}")
            watch.end()


def patterns_mean_what_they_mean_to_a_crawl():
    patterns = ["--exclude", "b", "--exclude", "/c/d", "--include", "a", "--include", "d/*", "--include", "/e/c"]
    for method in methods():
        for _ in range(ROUNDS):
            root = new_tree(at, "patterns")
            Storm(root, 1, 300, 0).end()
            watch = Watch(at, root, "--method", method, "--include", "mark-*", *patterns).wait_for_event("crawled")
            Storm(root, 2).end()
            watch.settle()
            watch.end()
            have = at.rows("select pa_path, pa_type from a.paths order by 1")
            answer = at.answer("catalog", "crawl", "a", root, "--include", "mark-*", *patterns)
            check(answer["added"] + answer["removed"] == 0, f"{method}: a crawl with the same patterns finds {answer}")
            check(have == at.rows("select pa_path, pa_type from a.paths order by 1"), f"{method}: the same {len(have)} paths")
            check(len(have) > 1, f"{method}: only {have}")


def a_renamed_directory_keeps_its_records_right_after_the_crawl():
    for method in methods():
        root = new_tree(at, "renamed")
        (root / "one").mkdir()
        (root / "one/file").write_text("1")
        watch = Watch(at, root, "--method", method).wait_for_event("crawled")
        watch.settle()
        at.sql("insert into a.records (md_hash, md_type, md_json) select pa_hash, 'note', '{\"n\": 1}' from a.paths where pa_path like '%/file'")
        (root / "one").rename(root / "two")
        watch.settle()
        check(at.rows("select right(pa_path, 9) from a.paths join a.metadata on md_hash = pa_hash where md_type = 'note'") == [["/two/file"]],
              f"{method}: {at.rows('select pa_path, md_type from a.paths join a.metadata on md_hash = pa_hash')}")
        check(any(e.get("renamed") for e in watch.events), f"{method}: {watch.events}")
        watch.end()


def the_roots_end_is_told():
    for method in methods():
        for how in "moved", "removed", "unmounted":
            root = new_tree(at, "end")
            if how == "unmounted" and (os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root)], capture_output=True).returncode):
                continue
            watch = Watch(at, root, "--method", method).wait_for_event("crawled")
            if how == "moved":
                root.rename(root.with_name("elsewhere"))
            elif how == "removed":
                root.rmdir()
            else:
                check(subprocess.run(["umount", str(root)], capture_output=True).returncode == 0, "the watch does not keep it mounted")
            crash.wait_for(lambda: watch.process.poll() is not None, f"the watch of a directory that was {how} to end")
            watch.end()
            error = json.loads(watch.said)["error"]
            check(watch.process.returncode == 4 and error["code"] == "NOT_FOUND", f"{how}: {watch.process.returncode} {watch.said}")
            shutil.rmtree(root.with_name("elsewhere"), ignore_errors=True)


def an_ordinary_user_watches_by_inotify():
    """As nobody, where root runs this, with an instance of its own."""
    as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    home = at.top / "home"
    root = home / "data"
    (root / "closed").mkdir(parents=True)
    (root / "closed/inside").write_text("1")
    if as_nobody:
        for path in home, root, root / "closed", root / "closed/inside":
            os.chown(path, 65534, 65534)
    (root / "closed").chmod(0)

    def run(*words):
        return subprocess.run(as_nobody + [at.program, "-C", str(home / "i"), *map(str, words)], env=crash.environment(), capture_output=True, text=True, cwd="/")

    for words in ("init",), ("up",), ("catalog", "shard", "create", "a", root):
        done = run(*words)
        check(done.returncode == 0, f"{words}: {done.stderr}")
    dsn = run("server", "dsn", "local").stdout.strip()

    def paths():
        done = subprocess.run(as_nobody + ["psql", "-XAtq", "-d", dsn, "-c", "select pa_path from a.paths"], env=crash.environment(), capture_output=True, text=True, cwd="/")
        return done.stdout.split()

    done = run("catalog", "watch", "a", root, "--method", "fanotify")
    check(done.returncode == 9 and "hint: only root may; everybody may watch by inotify" in done.stderr, f"{done}")
    process = subprocess.Popen(as_nobody + [at.program, "-C", str(home / "i"), "catalog", "watch", "a", str(root)], env=crash.environment(), text=True, cwd="/",
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        first = process.stdout.readline()
        check(first == f"watching {root} by inotify; Ctrl-C ends it\n", f"one line: {first}")
        (root / "new").write_text("1")
        crash.wait_for(lambda: str(root / "new") in paths(), "a new file")
        check(process.poll() is None and f"{root}/closed" in paths() and f"{root}/closed/inside" not in paths(), f"{paths()}")
        check("closed" in run("catalog", "problems", "a").stdout, run("catalog", "problems", "a").stdout)
        (root / "closed").chmod(0o700)
        crash.wait_for(lambda: f"{root}/closed/inside" in paths(), "what was closed")
        (root / "closed/later").write_text("1")
        if as_nobody:
            os.chown(root / "closed/later", 65534, 65534)
        crash.wait_for(lambda: f"{root}/closed/later" in paths(), "what comes later")
        process.send_signal(signal.SIGINT)
        lines, said = process.communicate()
        counts = r"[1-9][0-9]* (added|changed|removed|renamed|problems?)"
        crawled, *batches = lines.splitlines()
        check(re.fullmatch(r"crawled: [34] added, 1 problem", crawled), f"what a crawl found is told: {crawled}")
        check(batches and all(re.fullmatch(rf"[0-9-]{{10}}T[0-9:]{{8}}Z  {counts}(, {counts})*", line) for line in batches),
              f"a line tells of what there is: {lines}")
        check(process.returncode == 0 and not re.search("denied|fanotify", said), f"{process.returncode} {said}")
    finally:
        process.kill()
        process.wait()
        run("down")


def run_all(tests):
    try:
        return crash.run_all(tests)
    finally:
        for process in RUNNING:
            process.kill()
            process.wait()


with crash.Instance() as at:
    status = run_all([storms_are_followed, queues_that_are_too_short_lead_to_crawls, a_renamed_directory_keeps_its_records_right_after_the_crawl,
                      patterns_mean_what_they_mean_to_a_crawl, the_roots_end_is_told, a_killed_watch_is_made_good_by_the_next,
                      a_database_that_goes_away_loses_nothing, an_ordinary_user_watches_by_inotify])
sys.exit(status)
