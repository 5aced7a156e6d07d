#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# soak
"""Feeds whose writer is killed at any moment or between any two steps, and on a disk that is full. Usage: 42_feed_crash.py STRATA"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

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
    for _ in range(200 if SOAK else 20):
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

def a_full_disk_keeps_what_was_appended():
    disk = top / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], capture_output=True).returncode != 0:
        raise Skip("a small file system cannot be mounted here")
    try:
        dir = new_instance(disk / "i")
        answer(dir, "create", "--name", "log")
        length, done = 0, None
        while length < 100:
            done = call(dir, "append", "log", "--framing", "whole", "--json", data=bytes([length]) * 300000)
            if done.returncode != 0:
                break
            length = json.loads(done.stdout)["length"]
        error = json.loads(done.stderr)["error"]
        check(0 < length < 100 and done.returncode == 6 and "No space left" in error["message"], done)
        check(answer(dir, "verify", "log")["length"] == length, "what was appended")
        check(call(dir, "create", "--name", "more").returncode in (0, 6), "create")
        answer(dir, "clear", "log", 0, length // 2)
        check(answer(dir, "append", "log", data=b"there is room again\n")["length"] == length + 1, "room again")
        check(answer(dir, "verify", "log")["length"] == length + 1, "afterwards")
    finally:
        subprocess.run(["umount", disk], check=True)


try:
    status = crash.run_all([
        what_was_told_is_there_after_a_kill,
        what_was_told_is_there_after_a_kill_buffered_too,
        a_kill_between_two_steps_leaves_all_of_a_batch_or_nothing,
        a_kill_while_a_segment_is_begun_leaves_what_was_told,
        a_failure_between_two_steps_is_told_and_nothing_is_appended,
        a_kill_while_a_feed_is_made_leaves_no_key_without_one,
        a_full_disk_keeps_what_was_appended,
    ])
finally:
    shutil.rmtree(top, ignore_errors=True)
sys.exit(status)
