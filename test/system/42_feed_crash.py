#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""Feeds whose writer is killed at any moment or between any two steps, and on a disk that is full. Usage: 42_feed_crash.py STRATA"""
import contextlib
import itertools
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import SOAK, STRATA, Skip, check

top = pathlib.Path(tempfile.mkdtemp(prefix="strata-feed-", dir="/tmp"))
rng = random.Random(crash.SEED)


def new_instance(dir):
    dir.mkdir()
    (dir / "strata.ini").write_text("[log]\nlevel = info\n")
    (dir / "strata.ini").chmod(0o600)
    return dir


def command(dir, *words):
    return [STRATA, "-C", str(dir), "feed", *map(str, words)]


def call(dir, *words, fault=None, data=b""):
    return subprocess.run(command(dir, *words), env=crash.environment(fault), input=data, capture_output=True)


def answer(dir, *words, data=b""):
    done = call(dir, *words, "--json", data=data)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.returncode} {done.stderr.decode()}")
    return json.loads(done.stdout)


def blocks_of(dir, name):
    return call(dir, "cat", name).stdout.decode().splitlines()


def feeds(dir):
    return [json.loads(row)["name"] for row in call(dir, "list", "--json").stdout.splitlines()]


def framed(block):
    return struct.pack("<I", len(block)) + block


def line(number):
    """Of any length up to some pages, so that batches end anywhere in a block of the disk."""
    return f"{number} " + "x" * (number * 7919 % 9000)


# ---- at any moment ----

def kill_while_appending(dir, name, care, length):
    """One writer that is told one batch after another and is killed at some time; gives the feed's length."""
    writer = subprocess.Popen(command(dir, "append", name, "--live", "--json", *care), env=crash.environment(), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    told, next_number = length, length
    for _ in range(rng.randrange(1, 12)):  # batches that are waited for
        batch = rng.randrange(1, 30)
        writer.stdin.write("".join(line(n) + "\n" for n in range(next_number, next_number + batch)).encode())
        writer.stdin.flush()
        next_number += batch
        while told < next_number:
            told = json.loads(writer.stdout.readline())["length"]
    more = rng.randrange(0, 200)  # and some of which it is not known how far they came
    try:
        os.set_blocking(writer.stdin.fileno(), False)
        os.write(writer.stdin.fileno(), "".join(line(n) + "\n" for n in range(next_number, next_number + more)).encode())
    except BlockingIOError:
        pass
    for _ in range(rng.randrange(0, 40000)):
        pass
    writer.kill()
    rest = writer.stdout.read()
    writer.stdin.close()
    writer.wait()
    writer.stdout.close()
    for text in rest.decode().splitlines():
        if text.endswith("}"):
            told = max(told, json.loads(text)["length"])
    found = blocks_of(dir, name)
    check(len(found) >= told, f"{len(found)} blocks, {told} were told")
    # What was sent last may be cut off by the kill: then its last line is a part of one, which nobody may see as a whole.
    check(all(found[n] == line(n) for n in range(len(found))), "a block is not what was appended")
    verified = call(dir, "verify", name, "--json")
    check(verified.returncode == 0 and json.loads(verified.stdout)["length"] == len(found), verified)
    return len(found)


def kills(care):
    dir = new_instance(top / f"kill{len(care)}")
    answer(dir, "create", "--name", "log")
    length = 0
    for _ in range(200 if SOAK else 10):
        length = kill_while_appending(dir, "log", care, length)
    check(length > 0, "nothing was appended")


def what_was_told_is_there_after_a_kill():
    kills([])


def what_was_told_is_there_after_a_kill_buffered_too():
    kills(["--buffered"])


# ---- between any two steps ----

def a_kill_between_two_steps_leaves_all_of_a_batch_or_nothing():
    dir = new_instance(top / "steps")
    batch = "".join(line(n) + "\n" for n in range(30)).encode()
    for point in crash.points("feed_block", "feed_batch", "feed_segment", "feed_truncate", "feed_tree"):
        for nth in (1, 2, 3) if point not in ("feed_truncate_put",) else (1,):
            name = f"{point}-{nth}"
            answer(dir, "create", "--name", name)
            answer(dir, "append", name, data=b"first\n")
            if point == "feed_truncate_put":
                done = call(dir, "truncate", name, 0, fault=f"{point}:{nth}:kill")
                states = (["first"],)
            elif point == "feed_segment_begun":
                done = call(dir, "append", name, "--framing", "whole", fault=f"{point}:1:kill", data=b"x" * 1000)  # not passed: one segment
                check(done.returncode == 0, done)
                continue
            else:
                done = call(dir, "append", name, fault=f"{point}:{nth}:kill", data=batch)
                states = (["first"], ["first"] + batch.decode().splitlines())
            check(done.returncode in (-9, 0), f"{name}: {done.returncode} {done.stderr}")
            check(blocks_of(dir, name) in states, f"{name}: torn")
            check(call(dir, "verify", name).returncode == 0, f"{name}: verify")
            before = blocks_of(dir, name)
            answer(dir, "append", name, data=b"after\n")
            check(blocks_of(dir, name) == before + ["after"], f"{name}: afterwards")


def a_kill_while_a_segment_is_begun_leaves_what_was_told():
    dir = new_instance(top / "segment")
    answer(dir, "create", "--name", "long")
    block = os.urandom(1 << 20) * 12
    for _ in range(5):
        answer(dir, "append", "long", "--framing", "whole", "--buffered", data=block)
    done = call(dir, "append", "long", "--framing", "whole", fault="feed_segment_begun:kill", data=block)
    check(done.returncode == -9, done.returncode)
    check(answer(dir, "verify", "long")["length"] == 5, "five")
    check(answer(dir, "append", "long", "--framing", "whole", data=block)["length"] == 6 and answer(dir, "stat", "long")["segments"] == 2, "six")
    answer(dir, "verify", "long")


def a_failure_between_two_steps_is_told_and_nothing_is_appended():
    dir = new_instance(top / "failures")
    answer(dir, "create", "--name", "log")
    for point in ("feed_block_put", "feed_batch_written", "feed_batch_synced"):
        for error in ("EIO", "ENOSPC"):
            done = call(dir, "append", "log", "--json", fault=f"{point}:{error}", data=b"a\nb\n")
            check(done.returncode == 6 and "nothing is appended" in json.loads(done.stderr)["error"]["message"], done)
            check(answer(dir, "verify", "log")["length"] == 0, point)
    check(answer(dir, "append", "log", data=b"a\nb\n")["length"] == 2, "afterwards")


def a_kill_while_a_feed_is_made_leaves_no_key_without_one():
    dir = new_instance(top / "made")

    def keys():
        done = subprocess.run([STRATA, "-C", str(dir), "key", "list", "--json"], env=crash.environment(), capture_output=True)
        return [json.loads(row)["name"] for row in done.stdout.splitlines()]

    encrypted = []
    for point in crash.points("feed_key", "feed_made", "feed_noted", "feed_placed", "feed_batch", "feed_segment", "feed_tree"):
        done = call(dir, "create", "--encrypt", "--name", point, fault=f"{point}:kill")
        check(done.returncode == -9, f"{point}: {done.returncode}")
        made = point in feeds(dir)
        check(made == (point == "feed_placed"), point)
        answer(dir, "create", "--name", "another" if made else point)
        encrypted += [point] if made else []
        check(sorted(keys()) == sorted(feeds(dir) + [f"{name}.reading" for name in encrypted]), f"{point}: {keys()}")
        answer(dir, "append", point, data=b"first\n")


# ---- a full disk ----

@contextlib.contextmanager
def small_disk(name, megabytes):
    disk = top / name
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk], capture_output=True).returncode != 0:
        raise Skip("a small file system cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def fill(disk, leave=0):
    """Take all of a disk but so many pages."""
    for number in itertools.count():
        free = os.statvfs(disk).f_bavail - leave
        if free <= 0:
            return
        try:
            (disk / f"filler{number}").write_bytes(b"x" * 4096 * free)
        except OSError:
            pass


def make_room(disk):
    for filler in disk.glob("filler*"):
        filler.unlink()


def says_that_it_is_full(done):
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    return check(done.returncode == 6 and "No space left" in error["message"] and "\n" not in error["message"], done)


def a_kill_while_blocks_are_cleared_gives_their_space_back_later():
    dir = new_instance(top / "cleared")
    for point in crash.points("feed_clear", "feed_batch", "feed_tree"):
        for nth in (1, 2):
            name = f"{point}-{nth}"
            answer(dir, "create", "--name", name)
            answer(dir, "append", name, "--framing", "u32", data=b"".join(framed(bytes([n]) * 20000) for n in range(40)))
            before = answer(dir, "stat", name)
            done = call(dir, "clear", name, 0, 30, fault=f"{point}:{nth}:kill")
            check(done.returncode in (-9, 0), f"{name}: {done.returncode} {done.stderr}")
            check(answer(dir, "verify", name)["held"] in (10, 40), name)
            answer(dir, "clear", name, 0, 30)
            after = answer(dir, "stat", name)
            check(after["held"] == 10 and after["disk"] < before["disk"] - 29 * 20000, f"{name}: {before} {after}")
            check(not (pathlib.Path(after["path"]) / "clearing").exists(), name)
            answer(dir, "verify", name)


def a_full_disk_keeps_what_was_appended():
    with small_disk("disk", 6) as disk:
        dir = new_instance(disk / "i")
        answer(dir, "create", "--name", "log")
        length, done = 0, None
        while length < 100:
            done = call(dir, "append", "log", "--framing", "whole", "--json", data=bytes([length]) * 300000)
            if done.returncode != 0:
                break
            length = json.loads(done.stdout)["length"]
        check(0 < length < 100 and says_that_it_is_full(done), done)
        check(answer(dir, "verify", "log")["length"] == length, "what was appended")
        (disk / "rest").touch()
        subprocess.run(["sh", "-c", f"head -c 6M /dev/zero > {disk}/rest"], capture_output=True)
        done = call(dir, "create", "--name", "more", "--json")
        check(done.returncode == 6 and f"'{dir}" in json.loads(done.stderr)["error"]["message"], done)
        (disk / "rest").unlink()
        answer(dir, "clear", "log", 0, length // 2)
        check(answer(dir, "append", "log", data=b"there is room again\n")["length"] == length + 1, "room again")
        check(answer(dir, "verify", "log")["length"] == length + 1, "afterwards")


def a_full_disk_clears_nothing_by_halves():
    """However many pages are left: what is said to be held is there, and what is cleared gives its space back at last."""
    with small_disk("clear", 20) as disk:
        for leave in range(8):
            dir = new_instance(disk / f"i{leave}")
            answer(dir, "create", "--name", "log")
            answer(dir, "append", "log", "--framing", "u32", data=b"".join(framed(bytes([n]) * 20000) for n in range(40)))
            before = answer(dir, "stat", "log")
            fill(disk, leave)
            done = call(dir, "clear", "log", 0, 30, "--json")
            check(done.returncode == 0 or says_that_it_is_full(done), done)
            check(answer(dir, "verify", "log")["length"] == 40, "whole while the disk is full")
            held = answer(dir, "stat", "log")["held"]
            check(held == 10 if done.returncode == 0 else held in (10, 40), f"{leave}: {held} of 40")
            make_room(disk)
            answer(dir, "clear", "log", 0, 30)
            after = answer(dir, "stat", "log")
            check(after["held"] == 10 and after["disk"] < before["disk"] - 29 * 20000, f"{leave}: {before} {after}")
            check(answer(dir, "append", "log", data=b"more\n")["length"] == 41 and answer(dir, "verify", "log")["held"] == 11, "afterwards")
            shutil.rmtree(dir)


def a_full_disk_restores_a_feed_or_none():
    source = new_instance(top / "source")
    answer(source, "create", "--name", "log")
    answer(source, "append", "log", "--framing", "u32", data=b"".join(framed(bytes([n % 256]) * 20000) for n in range(300)))
    answer(source, "backup", "log", top / "log.feed")
    with small_disk("restore", 20) as disk:
        dir = new_instance(disk / "i")
        answer(dir, "create", "--name", "other")
        for leave in (0, 2, 5, 10, 100, 1000):
            fill(disk, leave)
            done = call(dir, "restore", top / "log.feed", "--json")
            says_that_it_is_full(done)
            make_room(disk)
            check(feeds(dir) == ["other"] and not list((dir / "feeds/new").iterdir()), f"{leave}: {feeds(dir)}")
        check(answer(dir, "restore", top / "log.feed")["held"] == 300 and answer(dir, "verify", "log")["held"] == 300, "with room")


def a_full_disk_ends_a_copy_that_goes_on_later():
    source = new_instance(top / "given")
    key = answer(source, "create", "--name", "log")["key"]
    answer(source, "append", "log", "--framing", "u32", data=b"".join(framed(bytes([n % 256]) * 20000) for n in range(300)))
    server = subprocess.Popen(command(source, "serve", key), env=crash.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    address = server.stdout.readline().decode().split()[1]
    try:
        with small_disk("copy", 20) as disk:
            for protocol in ("native", "hypercore"):
                for leave in (12, 40, 100, 1000):
                    dir = new_instance(disk / f"{protocol}{leave}")
                    call(dir, "replicate", key, "127.0.0.1:1", "--once")  # this node has a key, and the feed its place
                    fill(disk, leave)
                    # With and without --once: a full disk is no matter of the peer, so it is not called again and again.
                    for words in (["--once"], []):
                        done = call(dir, "replicate", key, address, "--protocol", protocol, "--json", *words)
                        says_that_it_is_full(done)
                        check(call(dir, "verify", key).returncode == 0, f"{protocol} {leave}: verify")
                    make_room(disk)
                    held = answer(dir, "stat", key)["held"]
                    check(answer(dir, "replicate", key, address, "--once")["blocks"] == 300 - held, f"{protocol} {leave}: the rest of {held}")
                    check(answer(dir, "verify", key)["held"] == 300, f"{protocol} {leave}: afterwards")
                    shutil.rmtree(dir)
    finally:
        server.terminate()
        server.communicate()


class Forked:
    """A feed that was truncated and appended to, served; and a copy of what it was before, as often as one likes."""

    def __init__(self, name):
        self.top = top / name
        self.top.mkdir()

    def __enter__(self):
        source, self.before = new_instance(self.top / "source"), new_instance(self.top / "before")
        self.key = answer(source, "create", "--name", "log")["key"]
        answer(source, "append", "log", data="".join(line(n) + "\n" for n in range(600)).encode())
        with self.serving(source):
            answer(self.before, "replicate", self.key, self.address, "--once")
        self.old = blocks_of(source, "log")
        answer(source, "truncate", "log", 333)
        answer(source, "append", "log", data="".join("new " + line(n) + "\n" for n in range(333, 700)).encode())
        self.new = blocks_of(source, "log")
        self.server = self.serving(source)
        self.server.__enter__()
        return self

    def __exit__(self, *why):
        self.server.__exit__(*why)

    @contextlib.contextmanager
    def serving(self, source):
        server = subprocess.Popen(command(source, "serve", self.key), env=crash.environment(), stdout=subprocess.PIPE)
        try:
            self.address = server.stdout.readline().decode().split()[1]
            yield
        finally:
            server.terminate()
            server.communicate()

    def copy(self, dir):
        shutil.copytree(self.before, dir)
        return dir

    def words(self, *words):
        return ["replicate", self.key, self.address, "--once", *words]

    def check(self, dir, what):
        """What was the feed before, or what it becomes; and then all of that."""
        stat = answer(dir, "stat", self.key)
        check(call(dir, "verify", self.key).returncode == 0, f"{what}: verify")
        held = call(dir, "cat", "--held", self.key).stdout.decode().splitlines()
        of = self.old if stat["fork"] == 0 else self.new
        check(len(held) == stat["held"] and set(held) <= set(of), f"{what}: {stat}")
        check(stat["fork"] == 1 or held == self.old, f"{what}: {stat} is not what it was")
        answer(dir, *self.words())
        check(blocks_of(dir, self.key) == self.new and answer(dir, "verify", self.key)["fork"] == 1, f"{what}: afterwards")
        shutil.rmtree(dir)
        return stat["fork"], stat["held"]


def a_copy_that_is_killed_while_it_follows_a_fork_is_the_old_or_the_new():
    with Forked("kill") as forked:
        for point in crash.points("feed_block", "feed_batch", "feed_truncate", "feed_tree"):
            for nth in (1, 2, 3):
                dir = forked.copy(top / f"{point}-{nth}")
                done = call(dir, *forked.words("--protocol", rng.choice(["native", "hypercore"])), fault=f"{point}:{nth}:kill")
                check(done.returncode in (-9, 0), f"{point}:{nth}: {done.returncode} {done.stderr}")
                forked.check(dir, f"{point}:{nth}")
        seen = set()
        for n in range(60 if SOAK else 6):
            dir = forked.copy(top / f"at{n}")
            copy = subprocess.Popen(command(dir, *forked.words()), env=crash.environment(), stdout=subprocess.DEVNULL)
            time.sleep(rng.random() * 0.15)
            copy.kill()
            copy.wait()
            seen.add(forked.check(dir, f"kill {n}"))
        print(f"# forks and blocks that were left: {sorted(seen)}")


def a_full_disk_stops_a_copy_that_follows_a_fork():
    with Forked("full") as forked, small_disk("fork", 20) as disk:
        for leave in (0, 2, 5, 10, 40, 100):
            dir = forked.copy(disk / f"i{leave}")
            fill(disk, leave)
            done = call(dir, *forked.words("--json"))
            check(done.returncode == 0 or says_that_it_is_full(done), done)
            check(call(dir, "verify", forked.key).returncode == 0, f"{leave}: verify on the full disk")
            make_room(disk)
            forked.check(dir, f"{leave} pages")


try:
    status = crash.run_all([
        what_was_told_is_there_after_a_kill,
        what_was_told_is_there_after_a_kill_buffered_too,
        a_kill_between_two_steps_leaves_all_of_a_batch_or_nothing,
        a_kill_while_a_segment_is_begun_leaves_what_was_told,
        a_failure_between_two_steps_is_told_and_nothing_is_appended,
        a_kill_while_a_feed_is_made_leaves_no_key_without_one,
        a_kill_while_blocks_are_cleared_gives_their_space_back_later,
        a_full_disk_keeps_what_was_appended,
        a_full_disk_clears_nothing_by_halves,
        a_full_disk_restores_a_feed_or_none,
        a_full_disk_ends_a_copy_that_goes_on_later,
        a_copy_that_is_killed_while_it_follows_a_fork_is_the_old_or_the_new,
        a_full_disk_stops_a_copy_that_follows_a_fork,
    ])
finally:
    shutil.rmtree(top, ignore_errors=True)
sys.exit(status)
