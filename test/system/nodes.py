# SPDX-License-Identifier: Apache-2.0
"""Instances of which nothing is up, each with feeds of its own, and servers of these.

    from instance import DIR, TOP, check, run_all
    from nodes import Node, lines, new_feed
"""
import itertools
import json
import os
import shutil
import signal
import subprocess
import time

from instance import STRATA, TOP, check

names = itertools.count()


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}


class Node:
    """An instance of its own, of which nothing is up."""

    def __init__(self, copy_of=None):
        self.dir = TOP / f"node{next(names)}"
        if copy_of:
            shutil.copytree(copy_of.dir, self.dir)
            return
        self.dir.mkdir()
        (self.dir / "strata.ini").write_text("[log]\nlevel = info\n")
        (self.dir / "strata.ini").chmod(0o600)

    def words(self, *words):
        return [STRATA, "-C", str(self.dir), "feed", *map(str, words)]

    def feed(self, *words, status=0, data=b""):
        done = subprocess.run(self.words(*words), env=environment(), capture_output=True, cwd=TOP, input=data)
        check(done.returncode == status, f"feed {words}: status {done.returncode} and not {status}: {done.stderr.decode()}")
        return done

    def answer(self, *words, **more):
        return json.loads(self.feed(*words, "--json", **more).stdout)

    def key(self, *words, **env):
        done = subprocess.run([STRATA, "-C", str(self.dir), "key", *map(str, words), "--json"], env=environment() | env, capture_output=True, cwd=TOP)
        check(done.returncode == 0, done)
        return json.loads(done.stdout)

    def start(self, *words, stderr=subprocess.PIPE):
        return subprocess.Popen(self.words(*words), env=environment(), stdout=subprocess.PIPE, stderr=stderr, cwd=TOP, text=True)

    def serve(self, *words):
        return Server(self, words)

    def length(self, key):
        return self.answer("stat", key)["length"]

    def length_so_far(self, key):
        """None as long as there is no such feed."""
        done = subprocess.run(self.words("stat", key, "--json"), env=environment(), capture_output=True, cwd=TOP)
        check(done.returncode in (0, 4), done)
        return json.loads(done.stdout)["length"] if done.returncode == 0 else None

    def blocks(self, key):
        return self.feed("cat", key).stdout


class Server:
    def __init__(self, node, words):
        self.process = node.start("serve", *words)
        line = self.process.stdout.readline()
        check(line.startswith("listening "), f"serve: {line!r} {'' if line else self.process.stderr.read()}")
        self.address = line.split()[1] if line else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate()
        if number == signal.SIGTERM:
            check(self.process.returncode == 0, f"serve ended with {self.process.returncode}: {err}")
        return out


def wait_for(condition, what):
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.05)
    return check(False, f"never came: {what}")


def lines(first, end):
    return "".join(f"block {i} {'x' * (i % 90)}\n" for i in range(first, end)).encode()


def new_feed(count, *words):
    node = Node()
    key = node.answer("create", *words)["key"]
    if count:
        node.feed("append", key, "--buffered", data=lines(0, count))
    return node, key
