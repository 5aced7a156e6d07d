#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Encrypted feeds between Strata and npm hypercore 10 and 11, unmodified: both ways, with and without a manifest. Usage: 52_encrypted.py STRATA"""
import itertools
import pathlib
import secrets
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from npm import STRATA, TOP, VERSIONS, Npm, Strata, block, check, digest, environment, install, run_all, whole  # noqa: E402

LENGTH = 70
names = (f"e{n}" for n in itertools.count())
for each in VERSIONS:
    install(each)
npm = {version: Npm(version) for version in VERSIONS}
reader, writer, keeper = Strata("reader"), Strata("writer"), Strata("keeper")


def both():
    """Versions and kinds of keys."""
    return itertools.product(VERSIONS, (True, False))


def key(instance, *words, data=b""):
    done = subprocess.run([STRATA, "-C", str(instance.dir), "key", *words], env=environment(), capture_output=True, cwd=TOP, input=data)
    check(done.returncode == 0, f"key {words}: {done.stderr.decode()}")
    return done.stdout.decode().strip()


def import_reading(instance, feed, digits):
    key(instance, "import", "--reading", feed, "-", data=digits.encode())


def export_reading(instance, name):
    return key(instance, "export", "--hex", f"{name}.reading")


def create(name, compat, append):
    """Of the writer, encrypted: its key and the reading key."""
    made = writer.create("--encrypt", "--name", name, *(("--compat",) if compat else ()), append=append)
    return made, export_reading(writer, name)


def we_read_what_they_encrypt():
    for version, compat in both():
        peer, name, digits = npm[version], next(names), secrets.token_hex(32)
        made = peer("create", name=name, compat=compat, append=LENGTH, reading=digits)
        port = peer("serve", name=name)["port"]
        for instance in (reader, keeper):
            got = instance.replicate(made["key"], port)
            check((got["blocks"], got["length"]) == (LENGTH, LENGTH), got)
            stat = instance.json("stat", made["key"])
            check((stat["root"], stat["compat"], stat["bytes"]) == (made["root"], compat, len(whole(0, LENGTH)) + 8 * LENGTH), stat)
        check(b"block" not in keeper.cat(made["key"]) and len(keeper.cat(made["key"])) == stat["bytes"], "the keeper reads it")
        import_reading(reader, made["key"], digits)
        check(reader.cat(made["key"]) == whole(0, LENGTH), f"{version} compat={compat}")
        check(reader.run("get", made["key"], 41).stdout == block(41), f"{version} compat={compat}")
        import_reading(keeper, made["key"], secrets.token_hex(32))
        check(b"not encrypted with the reading key" in keeper.run("cat", made["key"], status=9).stderr, "another key")
        peer("close", name=name)


def they_read_what_we_encrypt():
    for version, compat in both():
        peer, name, blind = npm[version], next(names), next(names)
        feed, digits = create(name, compat, LENGTH)
        stat = writer.json("stat", feed)
        with writer.serving(feed) as server:
            for copy, reading in ((name, digits), (blind, None)):
                peer("open", name=copy, key=feed, reading=reading, compat=compat)
                peer("connect", name=copy, port=server.port)
                peer("download", name=copy, start=0, any=True)
                state = peer("state", name=copy)
                check((state["length"], state["root"]) == (LENGTH, stat["root"]), (state, stat))
        check(peer("digest", name=name, start=0, end=LENGTH) == digest(0, LENGTH), f"{version} compat={compat}")
        check(peer("digest", name=blind, start=0, end=LENGTH) != digest(0, LENGTH), "without the key it reads")
        for copy in (name, blind):
            peer("close", name=copy)


def they_read_it_from_a_keeper_of_ours_that_has_no_key():
    for version, compat in both():
        peer, name = npm[version], next(names)
        feed, digits = create(name, compat, 5)
        with writer.serving(feed) as server:
            keeper.replicate(feed, server.port)
        with keeper.serving(feed) as server:
            peer("open", name=name, key=feed, reading=digits, compat=compat)
            peer("connect", name=name, port=server.port)
            peer("download", name=name, start=0, any=True)
            check(peer("digest", name=name, start=0, end=5) == digest(0, 5), f"{version} compat={compat}")
        peer("close", name=name)


def we_read_ours_from_a_keeper_of_theirs_that_has_no_key():
    for version, compat in both():
        peer, name = npm[version], next(names)
        feed, digits = create(name, compat, 5)
        with writer.serving(feed) as server:
            peer("open", name=name, key=feed)
            peer("connect", name=name, port=server.port)
            peer("download", name=name, start=0, any=True)
        import_reading(reader, feed, digits)  # before the feed is here
        reader.replicate(feed, peer("serve", name=name)["port"])
        check(reader.cat(feed) == whole(0, 5), f"{version} compat={compat}")
        peer("close", name=name)


def what_is_appended_after_a_truncation_is_read_both_ways():
    for version, compat in both():
        peer, theirs, ours, digits = npm[version], next(names), next(names), secrets.token_hex(32)
        made = peer("create", name=theirs, compat=compat, append=10, reading=digits)
        port = peer("serve", name=theirs)["port"]
        reader.replicate(made["key"], port)
        import_reading(reader, made["key"], digits)
        before = reader.run("get", made["key"], 7, "--raw").stdout
        peer("truncate", name=theirs, length=6)
        peer("append", name=theirs, count=6)
        reader.replicate(made["key"], port)
        check(reader.json("stat", made["key"])["fork"] == 1 and reader.cat(made["key"]) == whole(0, 12), f"theirs: {version} compat={compat}")
        check(reader.run("get", made["key"], 7, "--raw").stdout != before, "the fork makes no difference")
        feed, digits = create(ours, compat, 10)
        writer.run("truncate", feed, 6)
        stat = writer.append(feed, 6)
        with writer.serving(feed) as server:
            peer("open", name=ours, key=feed, reading=digits, compat=compat)
            peer("connect", name=ours, port=server.port)
            peer("until", name=ours, length=12, fork=1)
            peer("download", name=ours, start=0, any=True)
            check(stat["fork"] == 1 and peer("digest", name=ours, start=0, end=12) == digest(0, 12), f"ours: {version} compat={compat}")
        for name in (theirs, ours):
            peer("close", name=name)


sys.exit(run_all([
    we_read_what_they_encrypt,
    they_read_what_we_encrypt,
    they_read_it_from_a_keeper_of_ours_that_has_no_key,
    we_read_ours_from_a_keeper_of_theirs_that_has_no_key,
    what_is_appended_after_a_truncation_is_read_both_ways,
]))
