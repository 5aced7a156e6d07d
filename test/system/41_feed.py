#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands about feeds as a user meets them, on an instance without a database of which nothing is up. Usage: 41_feed.py STRATA"""
import base64
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, STRATA, TOP, check, run_all  # noqa: E402

HEX = re.compile(r"[0-9a-f]{64}")


def environment(**more):
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))} | more


def feed(*words, status=0, data=b"", quiet=True, **env):
    """Runs `strata feed ...`; holds the exit status, and that only failures say something on standard error."""
    done = subprocess.run([STRATA, "-C", str(DIR), "feed", *map(str, words)], env=environment(**env), capture_output=True, cwd=TOP, input=data)
    check(done.returncode == status, f"feed {words}: status {done.returncode} and not {status}: {done.stderr.decode()}")
    check(not quiet or bool(done.stderr) == (status != 0), f"feed {words}: {done.stderr.decode()}")
    return done


def answer(*words, **more):
    return json.loads(feed(*words, "--json", **more).stdout)


def lines(*words, **more):
    return [json.loads(line) for line in feed(*words, "--json", **more).stdout.splitlines()]


def refused(*words, status, says, **more):
    text = feed(*words, status=status, **more).stderr.decode()
    check(says in text and text.startswith("strata: ") and text.count("\n") <= 2, f"feed {words}: {text}")
    error = json.loads(feed(*words, "--json", status=status, **more).stderr)["error"]
    check(says in error["message"] + (error["hint"] or ""), error)
    return text


def scene():
    DIR.mkdir()
    (DIR / "strata.ini").write_text("[log]\nlevel = info\n")
    (DIR / "strata.ini").chmod(0o600)


def cat(name, *words):
    return feed("cat", name, "--framing", "whole", *words).stdout


# ---- making and filling ----

def a_feed_is_created_appended_to_and_read():
    made = answer("create", "--name", "notes")
    check(set(answer("create", "by-word")) == set(made) and answer("stat", "by-word")["name"] == "by-word", "a name without its option")
    answer("remove", "by-word")
    check(set(made) == {"key", "discovery_key", "length", "fork"} and HEX.fullmatch(made["key"]) and HEX.fullmatch(made["discovery_key"]), made)
    check((made["length"], made["fork"]) == (0, 0), made)
    first = answer("append", made["key"], data=b"a\n\nb\nc")
    check(set(first) == {"first", "length", "root"} and (first["first"], first["length"]) == (0, 4), first)
    check(feed("cat", "notes").stdout == b"a\n\nb\nc\n", "lines")
    check(cat("notes") == b"abc", "whole")
    check(feed("cat", made["key"][:4], "--from", 2, "--to", 3).stdout == b"b\n", "a part")
    check(feed("get", "notes", 3).stdout == b"c", "get")
    stat = answer("stat", "notes")
    check((stat["key"], stat["name"], stat["length"], stat["held"], stat["bytes"]) == (made["key"], "notes", 4, 4, 3), stat)
    check(stat["root"] == first["root"] and stat["writable"] and not stat["cleared"] and stat["segments"] == 1 and stat["disk"] > 0, stat)
    directory = DIR / "feeds" / made["discovery_key"][:2] / made["discovery_key"]
    check(stat["path"] == str(directory) and directory.stat().st_mode & 0o777 == 0o700, stat)
    again = answer("append", "notes", data=b"d\n")
    check((again["first"], again["length"]) == (4, 5) and again["root"] != first["root"], again)


def every_framing_gives_back_what_it_took():
    key = answer("create", "--compat")["key"]
    check(answer("stat", key)["compat"], "compat")
    blocks = [b"", b"x" * 70000, bytes(range(256)), b"two\nlines\n", b"\xff\xfe"]
    framed = b"".join(struct.pack("<I", len(block)) + block for block in blocks)
    check(answer("append", key, "--framing", "u32", data=framed)["length"] == 5, "u32")
    check(feed("cat", key, "--framing", "u32").stdout == framed, "u32")
    check(answer("append", key, "--framing", "whole", data=b"all\nof it\n")["length"] == 6, "whole")
    check(answer("append", key, "--framing", "whole", data=b"")["length"] == 7, "an empty one")
    check(answer("append", key, data=b"")["length"] == 7, "no line is no block")
    blocks += [b"all\nof it\n", b""]
    rows = lines("cat", key)
    check([row["block"] for row in rows] == list(range(7)) and [row["bytes"] for row in rows] == [len(b) for b in blocks], rows)
    check([row["text"].encode() if "text" in row else base64.b64decode(row["base64"]) for row in rows] == blocks, rows)
    check("base64" in rows[4] and "text" not in rows[4], rows[4])
    for number, block in enumerate(blocks):
        check(feed("get", key, number).stdout == block, number)


def input_that_is_cut_off_or_too_long_is_refused_whole():
    key = answer("create")["key"]
    refused("append", key, "--framing", "u32", status=2, says="byte 10, in the middle of the block that begins at byte 8", data=b"\4\0\0\0abcd\3\0")
    refused("append", key, "--framing", "u32", status=2, says="nothing is appended", data=b"\1\0\0\0a\3\0\0\0bc")
    refused("append", key, "--framing", "u32", status=10, says="at byte 5", data=b"\1\0\0\0a" + struct.pack("<I", 1 << 30))
    refused("append", key, "--framing", "whole", status=10, says="longer", data=b"x" * (15 * 1024 * 1024 + 1))
    refused("append", key, status=10, says="longer", data=b"a\n" + b"x" * (15 * 1024 * 1024 + 1))
    check(answer("stat", key)["length"] == 0, "something is appended")
    check(answer("append", key, "--framing", "whole", data=b"x" * (15 * 1024 * 1024))["length"] == 1, "the longest")


def large_input_goes_in_batches_and_those_before_a_failure_stay():
    key = answer("create")["key"]
    block = struct.pack("<I", 1000000) + b"x" * 1000000
    done = feed("append", key, "--framing", "u32", "--json", status=11, data=block * 20 + b"\5\0\0\0a")
    kept = json.loads(done.stdout)
    check(kept["first"] == 0 and 0 < kept["length"] < 20 and kept["length"] % 8 == 0, kept)
    check(f"{kept['length']} blocks are appended" in json.loads(done.stderr)["error"]["message"], done.stderr)
    check(answer("stat", key)["length"] == kept["length"], kept)
    many = b"".join(b"%d\n" % n for n in range(300000))
    check(answer("append", key, "--buffered", data=many)["length"] == kept["length"] + 300000, "many")
    check(feed("cat", key, "--from", kept["length"]).stdout == many, "many")


# ---- wrong lines ----

def a_wrong_line_is_a_usage_error_and_a_wrong_key_is_not_found():
    for words in ((), ("append",), ("cat",), ("get", "notes"), ("get", "notes", "x"), ("get", "notes", "-1"), ("create", "--name", "-x"),
                  ("create", "--name", ""), ("create", ""), ("create", "--", "-x"), ("cat", "notes", "--framing", "words"), ("cat", "notes", "--from", "-1"), ("stat",), ("nothing",)):
        done = feed(*words, status=2)
        check(done.stderr.startswith(b"strata: ") or words == (), done.stderr)
    for words in (("cat", "nobody"), ("append", "nobody"), ("stat", "0" * 64), ("get", "nobody", 0), ("get", "notes", 99)):
        refused(*words, status=4, says="")
    refused("cat", "12", status=4, says="at least 4 digits")
    check(b"the feed's length)\n" in feed("cat", "--help", COLUMNS="200").stdout, "a default that nobody would type")
    refused("create", "--name", "notes", status=5, says="already")
    refused("create", "notes", status=5, says="already")
    refused("create", "other", "--name", "another", status=2, says="one name")
    refused("create", "one", "two", status=2, says="does not take")
    done = subprocess.run([STRATA, "-C", str(TOP / "none"), "feed", "list"], env=environment(), capture_output=True)
    check(done.returncode == 4, done.stderr)


def the_list_has_them_all_the_oldest_first():
    rows = lines("list", "--lengths")
    check(rows[0]["name"] == "notes" and rows[0]["length"] == rows[0]["held"] == 5, rows[0])
    check(sorted(row["created"] for row in rows) == [row["created"] for row in rows], "order")
    check([row["key"] for row in lines("list")] == [row["key"] for row in rows], "the same")
    narrow = feed("list", COLUMNS="40").stdout.decode().splitlines()
    check(narrow[0].startswith("KEY") and len(narrow) == len(rows) + 1, narrow[:2])


def names_are_completed():
    done = subprocess.run([STRATA, "-C", str(DIR), "completion", "feeds"], env=environment(), capture_output=True)
    check(done.returncode == 0 and b"notes\n" in done.stdout and len(done.stdout.splitlines()) == len(lines("list")), done)


def output_can_be_cut_off():
    done = subprocess.run(["bash", "-c", f"set -o pipefail; '{STRATA}' -C '{DIR}' feed cat {lines('list')[3]['key']} | head -c 5 >/dev/null"],
                          env=environment(), capture_output=True)
    check(done.returncode == 128 + signal.SIGPIPE and not done.stderr, done)


def closed_standard_descriptors_are_not_taken_for_files():
    key = answer("create")["key"]

    def run(closed, *words):
        line = "exec " + " ".join(f"{fd}>&-" for fd in closed) + f"; exec '{STRATA}' -C '{DIR}' feed \"$@\""
        return subprocess.run(["bash", "-c", line, "bash", *words], env=environment(), capture_output=True, stdin=subprocess.DEVNULL)

    for closed in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)):
        check(run(closed, "create").returncode == (6 if 1 in closed else 0), closed)
        check(run(closed, "append", key).returncode == (6 if {0, 1} & set(closed) else 0), closed)
        check(run(closed, "truncate", key, "7").returncode == 2, closed)
        check(run(closed, "truncate", key, "0").returncode == (6 if 1 in closed else 0), closed)
    check(b"Bad file descriptor" in run((0,), "append", key).stderr and b"cannot print" in run((1,), "append", key).stderr, "messages")
    answer("append", key, data=b"a\n")
    check(answer("verify", key)["length"] == 1 and len(lines("list", "--lengths")) > 6, "files that were printed into")


# ---- following, checking, taking away ----

class Following:
    """`strata feed tail -f` of a feed."""

    def __init__(self, name, *words):
        self.process = subprocess.Popen([STRATA, "-C", str(DIR), "feed", "tail", "-f", "--json", name, *words], env=environment(),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def next(self):
        return json.loads(self.process.stdout.readline())["text"]

    def end(self, number):
        self.process.send_signal(number)
        out, err = self.process.communicate()
        return self.process.returncode, out, err.decode()


def who_follows_sees_what_another_appends():
    answer("create", "--name", "followed")
    answer("append", "followed", data=b"1\n2\n3\n")
    check(feed("tail", "followed", "-n", 2).stdout == b"2\n3\n", "tail")
    check(feed("tail", "followed", "-n", 0).stdout == b"", "nothing")
    follower = Following("followed", "-n", "1")
    check(follower.next() == "3", "the last")
    for number in range(4, 20):
        answer("append", "followed", *(["--buffered"] if number % 2 else []), data=b"%d\n" % number)
        check(follower.next() == str(number), number)
    check(follower.end(signal.SIGINT)[0] == 130, "Ctrl-C")
    follower = Following("followed", "-n", "1")
    check(follower.next() == "19", "it is there before the next is appended")
    live = subprocess.Popen([STRATA, "-C", str(DIR), "feed", "append", "--live", "--json", "followed"], env=environment(), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    for number in range(3):
        live.stdin.write(b"live %d\n" % number)
        live.stdin.flush()
        check(json.loads(live.stdout.readline())["length"] == 20 + number, "live")
        check(follower.next() == f"live {number}", "live")
    refused("append", "followed", status=7, says=f"another process writes to the feed in '{answer('stat', 'followed')['path']}'", data=b"x\n")
    live.stdin.close()
    check(live.wait() == 0, "live")
    live.stdout.close()
    check(follower.end(signal.SIGTERM)[:2] == (130, b""), "SIGTERM")


def who_follows_is_told_of_truncations_and_goes_on():
    answer("create", "--name", "shrinking")
    answer("append", "shrinking", data=b"".join(b"%d\n" % n for n in range(20)))
    for _ in range(2):
        fork = answer("stat", "shrinking")["fork"]
        follower = Following("shrinking", "-n", "1")
        other = subprocess.Popen([STRATA, "-C", str(DIR), "feed", "tail", "-f", "-n", "1", "shrinking"], env=environment(),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(follower.next() in ("19", "new 24") and other.stdout.readline() in (b"19\n", b"new 24\n"), "the last, so both follow")
        answer("truncate", "shrinking", 15)
        check(json.loads(follower.process.stderr.readline()) == {"truncated": 15, "fork": fork + 1}, "truncated")
        check(other.stderr.readline() == b"the feed was truncated to 15 (fork %d)\n" % (fork + 1), "for people")
        answer("append", "shrinking", data=b"fifteen\n")
        check(follower.next() == "fifteen", "what comes now")
        # All of this before it looks again: shorter, longer than ever, and shorter once more.
        follower.process.send_signal(signal.SIGSTOP)
        answer("truncate", "shrinking", 5)
        answer("append", "shrinking", data=b"".join(b"new %d\n" % n for n in range(5, 30)))
        answer("truncate", "shrinking", 25)
        follower.process.send_signal(signal.SIGCONT)
        check(json.loads(follower.process.stderr.readline()) == {"truncated": 5, "fork": fork + 3}, "truncated twice")
        check([follower.next() for _ in range(20)] == [f"new {n}" for n in range(5, 25)], "all that is new")
        check(follower.end(signal.SIGINT)[:2] == (130, b""), "Ctrl-C")
        other.send_signal(signal.SIGINT)
        out, err = other.communicate()
        check(other.returncode == 130 and out.startswith(b"fifteen\n") and b"new 24\n" in out and b"strata: " in err, (out, err))


def who_follows_ends_when_nobody_reads():
    follower = subprocess.Popen([STRATA, "-C", str(DIR), "feed", "tail", "-f", "followed"], env=environment(), stdout=subprocess.PIPE)
    follower.stdout.readline()
    follower.stdout.close()
    check(follower.wait() in (0, -signal.SIGPIPE), follower.returncode)


def an_interrupted_append_says_how_far_it_went():
    answer("create", "--name", "stopped")
    process = subprocess.Popen([STRATA, "-C", str(DIR), "feed", "append", "--live", "stopped"], env=environment(), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"a\nb\nhalf")
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    check(process.returncode == 130 and b"2 blocks are appended, and the feed has 2" in err, err)
    check(feed("cat", "stopped").stdout == b"a\nb\n", "stopped")


def a_damaged_block_is_found():
    answer("create", "--name", "damaged")
    for number in range(20):
        answer("append", "damaged", "--buffered", data=b"block %d is here\n" % number)
    stat = answer("stat", "damaged")
    check(answer("verify", "damaged") == {"key": stat["key"], "length": 20, "held": 20, "fork": 0, "root": stat["root"], "first_bad": None}, "good")
    log = pathlib.Path(stat["path"]) / "00000000.log"
    good = log.read_bytes()
    log.write_bytes(good.replace(b"block 13 is", b"block 13 was"[:11]))
    done = feed("verify", "damaged", "--json", status=8)
    bad = json.loads(done.stdout)
    check(bad["first_bad"] == 13 and bad["file"] == log.name and bad["offset"] < good.index(b"block 13 is"), bad)
    check(json.loads(done.stderr)["error"]["code"] == "CORRUPT", done)
    check(feed("cat", "damaged", "--to", 13).stdout.count(b"\n") == 13, "the ones before")
    feed("get", "damaged", 13, status=8)
    check(feed("get", "damaged", 14).stdout == b"block 14 is here", "the ones behind")
    says = json.loads(done.stderr)["error"]["hint"]
    check("strata feed clear damaged 13" in says and "strata feed replicate" in says, says)
    feed("backup", "damaged", "damaged.feed", status=8)
    check(not (TOP / "damaged.feed").exists() and not list(TOP.glob("*.part")), "half a backup")
    log.write_bytes(good)
    answer("verify", "damaged")


def cleared_blocks_are_not_held_and_truncated_ones_are_gone():
    answer("create", "--name", "short")
    answer("append", "short", data=b"".join(b"%0100d\n" % n for n in range(1000)))
    before = answer("stat", "short")
    done = answer("clear", "short", 100, 900)
    after = answer("stat", "short")
    check((done["cleared"], done["held"], after["held"], after["length"]) == (800, 200, 200, 1000) and after["cleared"], after)
    check(after["root"] == before["root"] and after["disk"] == done["disk"], after)
    check(answer("clear", "short", 0)["cleared"] == 1 and answer("clear", "short", 0)["cleared"] == 0, "one")
    refused("get", "short", 500, status=4, says="not held here")
    refused("cat", "short", status=4, says="--held")
    check(len(lines("cat", "short", "--held")) == 199, "held")
    answer("verify", "short")
    refused("clear", "short", 5, 5000, status=2, says="1000 blocks")
    feed("clear", "short", "x", status=2)
    done = answer("truncate", "short", 50)
    check((done["length"], done["fork"]) == (50, 1), done)
    refused("truncate", "short", 51, status=2, says="50 blocks")
    check(answer("append", "short", data=b"again\n")["length"] == 51 and answer("stat", "short")["fork"] == 1, "again")
    answer("verify", "short")


def a_backup_comes_back_elsewhere_and_is_not_appended_to_unasked():
    other = TOP / "other"
    other.mkdir()
    (other / "strata.ini").write_text("")
    (other / "strata.ini").chmod(0o600)

    def there(*words, status=0, data=b"", **env):
        done = subprocess.run([STRATA, "-C", str(other), "feed", *words, "--json"], env=environment(**env), capture_output=True, cwd=TOP, input=data,
                              start_new_session=True)
        check(done.returncode == status, f"{words}: {done.returncode} {done.stderr}")
        return json.loads(done.stdout or done.stderr or "null")

    made = answer("backup", "short", "short.feed")
    check(made["blocks"] == answer("stat", "short")["held"] and made["with_key"] is False, made)
    refused("backup", "short", "short.feed", status=5, says="--force")
    answer("backup", "short", "short.feed", "--force")
    for path in ("/dev/null", TOP, ""):
        refused("backup", "short", path, "--force", status=2, says="no file")
    refused("restore", "short.feed", status=5, says="there already")
    refused("restore", "nothing.feed", status=4, says="nothing.feed")
    there("restore", "short.feed", "--with-key", status=4, STRATA_EXPORT_PASSPHRASE="x")
    back = there("restore", "short.feed")
    here = answer("stat", "short")
    stat = there("stat", "short")
    check([back[k] for k in ("key", "length", "fork", "root")] == [here[k] for k in ("key", "length", "fork", "root")], back)
    check(stat["held"] == here["held"] and not stat["confirmed"] and not stat["writable"], stat)
    there("verify", "short")
    there("append", "short", status=9, data=b"x\n")
    check(there("remove", "short") == {"removed": here["key"]}, "remove")
    there("stat", "short", status=4)

    answer("backup", "short", "key.feed", "--with-key", STRATA_EXPORT_PASSPHRASE="open sesame")
    there("restore", "key.feed", "--with-key", status=9, STRATA_EXPORT_PASSPHRASE="open barley")
    check(not list((other / "feeds").glob("??/*")), "a feed after a wrong passphrase")
    there("restore", "key.feed", "--with-key", "--name", "mine", STRATA_EXPORT_PASSPHRASE="open sesame")
    error = there("append", "mine", status=9, data=b"x\n")["error"]
    check("--trust" in error["hint"] and "strata feed replicate" in error["hint"], error)
    there("truncate", "mine", "3", status=9)
    there("append", "mine", "--trust", data=b"x\n")
    check(there("append", "mine", data=b"y\n")["length"] == here["length"] + 2 and there("stat", "mine")["confirmed"], "trusted")

    pipe = subprocess.run([STRATA, "-C", str(DIR), "feed", "backup", "notes", "-"], env=environment(), capture_output=True)
    there("restore", "-", data=pipe.stdout[:-1], status=8)
    there("restore", "-", data=pipe.stdout + b"x", status=8)
    there("restore", "-", data=pipe.stdout + b"x" * 1000000, status=8)
    there("restore", "-", data=b"#!/bin/sh\n", status=8)
    check(there("restore", "-", data=pipe.stdout)["name"] == "notes", "through a pipe")
    check(not list((other / "feeds/new").iterdir()), "something is left")


def feeds_are_read_where_nothing_can_be_written():
    only = TOP / "only"
    only.mkdir()
    (only / "strata.ini").write_text("")
    (only / "strata.ini").chmod(0o600)
    script = """
        "$0" -C "$1" feed create --encrypt --name diary && echo secret | "$0" -C "$1" feed append diary || exit 1
        mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
        "$0" -C "$1" feed cat diary && "$0" -C "$1" feed stat diary && "$0" -C "$1" feed list && "$0" -C "$1" feed verify diary &&
            "$0" -C "$1" feed backup diary - | wc -c
        echo more | "$0" -C "$1" feed append diary
        echo "status $?"
    """
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script, STRATA, str(only)], env=environment(), capture_output=True, cwd=TOP)
    if done.returncode in (1, 77) and b"strata: " not in done.stderr:
        return print("# a directory cannot be made read-only here: " + done.stderr.decode().strip())
    check(b"\nsecret\n" in done.stdout and b"first bad  -" in done.stdout and done.stdout.endswith(b"\nstatus 6\n"), done)
    check(done.stderr.count(b"strata: ") == 1 and b"Read-only file system" in done.stderr, done.stderr)


def a_removed_feed_is_gone_and_its_key_stays():
    key = answer("create", "--name", "gone")["key"]
    check(answer("remove", "gone") == {"removed": key}, "remove")
    refused("remove", "gone", status=4, says="gone")
    refused("cat", key, status=4, says=key)
    done = subprocess.run([STRATA, "-C", str(DIR), "key", "list", "--own", "--json"], env=environment(), capture_output=True)
    check(b'"name":"gone"' in done.stdout, done)
    answer("create", "--name", "gone")


if __name__ == "__main__":
    sys.exit(run_all(scene, [
        a_feed_is_created_appended_to_and_read,
        every_framing_gives_back_what_it_took,
        input_that_is_cut_off_or_too_long_is_refused_whole,
        large_input_goes_in_batches_and_those_before_a_failure_stay,
        a_wrong_line_is_a_usage_error_and_a_wrong_key_is_not_found,
        the_list_has_them_all_the_oldest_first,
        who_follows_sees_what_another_appends,
        who_follows_is_told_of_truncations_and_goes_on,
        who_follows_ends_when_nobody_reads,
        an_interrupted_append_says_how_far_it_went,
        a_damaged_block_is_found,
        cleared_blocks_are_not_held_and_truncated_ones_are_gone,
        a_backup_comes_back_elsewhere_and_is_not_appended_to_unasked,
        feeds_are_read_where_nothing_can_be_written,
        a_removed_feed_is_gone_and_its_key_stays,
        names_are_completed,
        closed_standard_descriptors_are_not_taken_for_files,
        output_can_be_cut_off,
    ]))
