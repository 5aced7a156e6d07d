#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`strata feed serve` and `replicate` with npm hypercore 10 and 11, unmodified. Usage: 50_hypercore.py STRATA"""
import itertools
import itertools
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from npm import SOAK, VERSIONS, Npm, Strata, block, check, digest, install, run_all, whole  # noqa: E402

LENGTHS = (1, 2, 7, 64, 1000)
LONG = 20000
names = (f"c{n}" for n in itertools.count())
for each in VERSIONS:
    install(each)
npm = {version: Npm(version) for version in VERSIONS}
reader, writer = Strata("reader"), Strata("writer")


def both():
    """Versions and kinds of keys."""
    return itertools.product(VERSIONS, (True, False))


def create_words(compat):
    return ("--compat",) if compat else ()


def ours_is(instance, key, theirs, content=None):
    """Has what npm has, byte by byte."""
    stat = instance.json("stat", key)
    check((stat["length"], stat["held"], stat["fork"], stat["root"]) == (theirs["length"], theirs["length"], theirs["fork"], theirs["root"]), (stat, theirs))
    check(instance.cat(key) == (content or whole(0, theirs["length"])), key)


def theirs_is(peer, name, stat):
    state = peer("state", name=name)
    check((state["length"], state["fork"], state["root"]) == (stat["length"], stat["fork"], stat["root"]), (state, stat))
    check(peer("digest", name=name, start=0, end=stat["length"]) == digest(0, stat["length"]), name)


def copy_theirs(version, compat, length):
    peer, name = npm[version], next(names)
    made = peer("create", name=name, compat=compat, append=length)
    got = reader.replicate(made["key"], peer("serve", name=name)["port"])
    check((got["blocks"], got["length"], got["protocol"]) == (length, length, "hypercore") and got["bytes_in"] > len(whole(0, length)), got)
    ours_is(reader, made["key"], made)
    peer("close", name=name)


def copy_ours(cases):
    """One server has them all."""
    keys = [writer.create(*create_words(compat), append=length) for _, compat, length in cases]
    with writer.serving() as server:
        for (version, compat, length), key in zip(cases, keys):
            peer, name, stat = npm[version], next(names), writer.json("stat", key)
            check((stat["compat"], stat["length"]) == (compat, length), stat)
            peer("open", name=name, key=key)
            peer("connect", name=name, port=server.port)
            peer("download", name=name, start=0, any=True)
            theirs_is(peer, name, stat)
            peer("close", name=name)


# ---- every pairing ----

def we_copy_what_they_serve():
    for (version, compat), length in itertools.product(both(), LENGTHS):
        copy_theirs(version, compat, length)


def they_copy_what_we_serve():
    copy_ours([(version, compat, length) for version, compat in both() for length in LENGTHS])


def a_long_feed_is_copied():
    copy_theirs(11, False, LONG)
    if SOAK:
        for version, compat in both():
            copy_theirs(version, compat, LONG)
        copy_ours([(version, compat, LONG) for version, compat in both()])


def an_empty_feed_is_served_and_fills_later():
    """Both ways: there is nothing to copy yet, and that is no error."""
    for version, compat in both():
        peer, name, mirror = npm[version], next(names), next(names)
        made = peer("create", name=name, compat=compat)
        port = peer("serve", name=name)["port"]
        check(reader.replicate(made["key"], port)["length"] == 0, version)
        made = peer("append", name=name, count=3)
        check(reader.replicate(made["key"], port)["blocks"] == 3, version)
        ours_is(reader, made["key"], made)
        key = writer.create(*create_words(compat))
        with writer.serving(key) as server:
            peer("open", name=mirror, key=key)
            peer("connect", name=mirror, port=server.port)
            stat = writer.append(key, 3)
            peer("until", name=mirror, length=3)
            peer("download", name=mirror, start=0, end=3)
            theirs_is(peer, mirror, stat)
        peer("close", name=name)
        peer("close", name=mirror)


# ---- parts ----

def we_get_the_blocks_that_are_asked_for():
    for version, compat in both():
        peer, name = npm[version], next(names)
        made = peer("create", name=name, compat=compat, append=100)
        port = peer("serve", name=name)["port"]
        got = reader.replicate(made["key"], port, words=("--once", "--protocol", "hypercore", "--blocks", "3-9", "--blocks", "70"))
        check((got["blocks"], got["length"]) == (8, 100), got)
        stat = reader.json("stat", made["key"])
        check((stat["held"], stat["root"]) == (8, made["root"]), stat)
        for at in (3, 9, 70):
            check(reader.run("get", made["key"], at).stdout == block(at), at)
        for at in (2, 10, 69, 71, 99):
            reader.run("get", made["key"], at, status=4)
        # What we hold of it they can have from us, and no more.
        other, mirror = npm[21 - version], next(names)
        other("open", name=mirror, key=made["key"])
        with reader.serving(made["key"]) as server:
            other("connect", name=mirror, port=server.port)
            other("until", name=mirror, length=100)
            for first, last in ((3, 9), (70, 70)):
                other("download", name=mirror, start=first, end=last + 1)
                check(other("digest", name=mirror, start=first, end=last + 1) == digest(first, last + 1), first)
            check(other("held", name=mirror, end=100) == "".join(str(int(3 <= at <= 9 or at == 70)) for at in range(100)), "held")
        # The rest comes later.
        check(reader.replicate(made["key"], port)["blocks"] == 92, "the rest")
        ours_is(reader, made["key"], made)
        peer("close", name=name)
        other("close", name=mirror)


def who_holds_a_part_gives_that_part():
    """npm has some blocks of our feed only, and our reader gets these from it, and the others elsewhere."""
    for version, compat in both():
        peer, name = npm[version], next(names)
        key = writer.create(*create_words(compat), append=200)
        peer("open", name=name, key=key)
        with writer.serving(key) as server:
            peer("connect", name=name, port=server.port)
            peer("until", name=name, length=200)
            peer("download", name=name, start=20, end=30)
            peer("download", name=name, start=150, end=151)
            port = peer("serve", name=name)["port"]
            got = reader.replicate(key, port)
            check((got["length"], got["blocks"]) == (200, 11), got)
            check([reader.run("get", key, at).stdout for at in (20, 29, 150)] == [block(20), block(29), block(150)], key)
            got = reader.replicate(key, port, words=("--once", "--protocol", "hypercore", "--blocks", "25-35"))
            check(got["blocks"] == 0, got)  # it has none of those that are missing
            check(reader.replicate(key, server.port)["blocks"] == 189, "the rest")
        ours_is(reader, key, writer.json("stat", key))
        peer("close", name=name)


def two_of_theirs_have_half_each():
    """Also where one of them is slow to answer, and a third one is not there at all."""
    for compat, late, absent in ((True, 0, []), (False, 700, []), (False, 0, [1])):
        key = writer.create(*create_words(compat), append=400)
        ports = absent.copy()
        with writer.serving(key) as server:
            for version, (start, end) in zip(VERSIONS, ((0, 200), (200, 400))):
                npm[version]("open", name=key, key=key)
                npm[version]("connect", name=key, port=server.port)
                npm[version]("until", name=key, length=400)
                npm[version]("download", name=key, start=start, end=end)
                ports.append(npm[version]("serve", name=key, late=late if version == 11 else 0)["port"])
        got = reader.replicate(key, *ports)
        check((got["length"], got["blocks"]) == (400, 400), got)
        ours_is(reader, key, writer.json("stat", key))
        for version in VERSIONS:
            npm[version]("close", name=key)


def we_pass_on_between_two_of_theirs():
    """npm 10 - our serve - npm 11, and a second reader of ours: everybody ends with everything."""
    a, b = npm[10], npm[11]
    made = a("create", name="source", compat=True, append=300)
    with_all = Strata("between")
    with_all.replicate(made["key"], a("serve", name="source")["port"])
    with with_all.serving(made["key"]) as server:
        b("open", name="sink", key=made["key"])
        b("connect", name="sink", port=server.port)
        a("connect", name="source", port=server.port)
        b("download", name="sink", start=0, any=True)
        made = a("append", name="source", count=50)
        b("until", name="sink", length=350)
        b("download", name="sink", start=0, end=350)
        theirs_is(b, "sink", made)
        reader.replicate(made["key"], server.port)
    ours_is(reader, made["key"], made)
    ours_is(with_all, made["key"], made)
    a("close", name="source")
    b("close", name="sink")


# ---- while it goes on ----

def what_they_append_comes_while_we_follow():
    for version, compat in both():
        peer, name = npm[version], next(names)
        made = peer("create", name=name, compat=compat, append=5)
        follower = reader.start("replicate", made["key"], f"127.0.0.1:{peer('serve', name=name)['port']}", "--protocol", "hypercore", "--json")
        for count in (1, 10, 1, 200):
            made = peer("append", name=name, count=count)
        await_held(reader, made["key"], made["length"])
        text = follower.stop()
        check(follower.process.returncode == 0, (follower.process.returncode, text, follower.errors()))
        ours_is(reader, made["key"], made)
        peer("close", name=name)


def await_held(instance, key, length):
    """What another process copies; it may not have begun."""
    while instance.json("stat", key, status=None).get("held") != length:
        time.sleep(0.05)


def what_we_append_comes_while_they_follow():
    for version, compat in both():
        peer, name = npm[version], next(names)
        key = writer.create(*create_words(compat), append=5)
        peer("open", name=name, key=key)
        with writer.serving(key) as server:
            peer("connect", name=name, port=server.port)
            peer("until", name=name, length=5)
            for count in (1, 10, 1, 200):
                stat = writer.append(key, count)
            peer("until", name=name, length=217)
            peer("download", name=name, start=0, end=217)
            theirs_is(peer, name, stat)
        peer("close", name=name)


def a_server_that_dies_halfway_is_no_loss():
    """kill -9 while it serves: what came stays, and another one, of the other version, gives the rest."""
    for version in VERSIONS:
        key = writer.create(append=1000)
        keeper, mortal = npm[21 - version], Npm(version)
        with writer.serving(key) as server:
            for peer in (keeper, mortal):
                peer("open", name=key, key=key)
                peer("connect", name=key, port=server.port)
                peer("download", name=key, start=0, any=True)
        follower = reader.start("replicate", key, f"127.0.0.1:{mortal('serve', name=key)['port']}", "--once", "--protocol", "hypercore", "--json")
        mortal("until", name=key, connections=1)
        mortal.kill()
        follower.process.wait()
        check(follower.process.returncode in (0, 6), (follower.process.returncode, follower.errors()))
        before = reader.json("stat", key)["held"]
        if follower.process.returncode:
            check(follower.errors().count("\n") <= 2, follower.errors())
        got = reader.replicate(key, keeper("serve", name=key)["port"])
        check(got["blocks"] == 1000 - before and got["length"] == 1000, (got, before))
        ours_is(reader, key, writer.json("stat", key))
        keeper("close", name=key)


# ---- other histories ----

def they_cut_it_off_and_we_follow():
    for (version, compat), again in itertools.product(both(), (False, True)):
        peer, name = npm[version], next(names)
        made = peer("create", name=name, compat=compat, append=30)
        port = peer("serve", name=name)["port"]
        reader.replicate(made["key"], port)
        peer("truncate", name=name, length=11)
        made = peer("append", name=name, count=4, **({"from": 40} if again else {}))
        check((made["fork"], made["length"]) == (1, 15), made)
        got = reader.replicate(made["key"], port)
        # The eleven before are the same, and the four as well where they are what was cut off.
        check((got["length"], got["blocks"]) == (15, 4 if again else 0), got)
        content = whole(0, 11) + (whole(40, 44) if again else whole(11, 15))
        ours_is(reader, made["key"], made, content)
        # And who comes anew has it too.
        fresh = Strata(f"fresh{name}")
        fresh.replicate(made["key"], port)
        ours_is(fresh, made["key"], made, content)
        peer("close", name=name)


def we_cut_it_off_and_they_follow():
    """At once where they are connected, and when they come anew."""
    for version, compat in both():
        peer, name, late = npm[version], next(names), next(names)
        key = writer.create(*create_words(compat), append=30)
        for copy in (name, late):
            peer("open", name=copy, key=key)
        with writer.serving(key) as server:
            peer("connect", name=name, port=server.port)
            peer("until", name=name, length=30)
            peer("download", name=name, start=0, end=30)
            writer.run("truncate", key, 11)
            peer("until", name=name, length=11, fork=1)
            stat = writer.append(key, 4)
            peer("until", name=name, length=15, fork=1)
            peer("connect", name=late, port=server.port)
            peer("until", name=late, length=15, fork=1)
            for copy in (name, late):
                peer("download", name=copy, start=0, end=15)
                theirs_is(peer, copy, stat)
        for copy in (name, late):
            peer("close", name=copy)


def they_tell_that_ours_is_an_old_copy_before_it_is_appended_to():
    """An older one that was put over it in place; of a longer feed, and of a newer fork."""
    for version, compat in ((10, True), (11, False)):
        peer, name, ours = npm[version], next(names), Strata(f"old{version}")
        key = ours.create(*create_words(compat), append=30)
        feed = pathlib.Path(ours.json("stat", key)["path"])
        peer("open", name=name, key=key)
        for change, length, fork in ((("append", 5), 35, 0), (("truncate", 20), 20, 1)):
            before = {path: path.read_bytes() for path in feed.iterdir() if path.is_file()}
            with ours.serving(key) as server:
                peer("connect", name=name, port=server.port)
                if change[0] == "append":
                    ours.append(key, change[1])
                else:
                    ours.run("truncate", key, change[1])
                peer("until", name=name, length=length, fork=fork)
                peer("download", name=name, start=0, end=length)
            for path, content in before.items():
                path.write_bytes(content)
            port = peer("serve", name=name)["port"]
            (ours.dir / "strata.ini").write_text(f"[feeds]\npeers = 127.0.0.1:{port}\npeers_wait = 30s\n")
            said = ours.run("append", key, status=9, data=b"fork\n").stderr.decode()
            check(f"{length} blocks in fork {fork}: what is here is an old copy" in said, said)
            ours.run("replicate", key, "--once")
            stat = ours.json("stat", key)
            check((stat["length"], stat["fork"], stat["confirmed"]) == (length, fork, True), stat)
            (ours.dir / "strata.ini").write_text("[log]\nlevel = info\n")
        peer("close", name=name)


TESTS = [we_copy_what_they_serve, they_copy_what_we_serve, a_long_feed_is_copied, an_empty_feed_is_served_and_fills_later,
         we_get_the_blocks_that_are_asked_for, who_holds_a_part_gives_that_part, two_of_theirs_have_half_each,
         we_pass_on_between_two_of_theirs, what_they_append_comes_while_we_follow, what_we_append_comes_while_they_follow,
         a_server_that_dies_halfway_is_no_loss, they_cut_it_off_and_we_follow,
         we_cut_it_off_and_they_follow, they_tell_that_ours_is_an_old_copy_before_it_is_appended_to]
sys.exit(run_all(TESTS))
