#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peers that lie, or speak no sense, to `strata feed serve` and `replicate`: refused in one line, and nothing of it is kept. Usage: 51_liars.py STRATA"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from npm import SOAK, VERSIONS, Npm, Strata, check, install, run_all, whole  # noqa: E402

BLOCKS = 40
for each in VERSIONS:
    install(each)
npm = {version: Npm(version) for version in VERSIONS}
reader, writer = Strata("reader"), Strata("writer")
LARGE = 60000
names = (f"n{n}" for n in range(1000000))

# The lie (peer.js), the status, what is said, and how long the feed is afterwards: a head that is right may be kept.
NO_PROOF, UNSIGNED = "the proof is not one of what it says", f"the head of {BLOCKS} blocks is not signed by the feed's signer"
LIES = (
    ("block", 8, NO_PROOF, BLOCKS),
    ("longer", 8, NO_PROOF, BLOCKS),
    ("huge", 8, NO_PROOF, BLOCKS),
    ("other", 8, "the peer sent what it was not asked for", BLOCKS),
    ("node", 8, NO_PROOF, BLOCKS),
    ("size", 8, NO_PROOF, BLOCKS),
    ("short", 8, NO_PROOF, BLOCKS),
    ("root", 8, UNSIGNED, 0),
    ("bytes", 8, UNSIGNED, 0),
    ("length", 8, NO_PROOF, 0),
    ("signature", 8, UNSIGNED, 0),
    ("unsigned", 8, UNSIGNED, 0),
)
# The same for runs of blocks (peer.js), which are asked for block 3 to 9: nothing of a run that is not right is kept.
NO_RUN, NOT_ASKED = "the run of blocks does not prove what it says", "the peer sent what it was not asked for"
RUN_LIES = (
    ("block", 8, NO_RUN),
    ("proof", 8, NO_RUN),
    ("size", 8, NO_RUN),
    ("missing", 8, NO_RUN),
    ("spare", 8, NO_RUN),
    ("other", 8, NOT_ASKED),
    ("long", 8, NOT_ASKED),
    ("none", 8, NO_RUN),
    ("beyond", 8, NOT_ASKED),
    ("many", 8, NOT_ASKED),
    ("huge", 8, NO_RUN),
    ("sum", 8, NO_RUN),
    ("count", 8, NOT_ASKED),
    ("nodes", 8, NO_RUN),
    ("cut", 8, NO_RUN),
    ("empty", 8, "the peer sent a run that is none"),
    ("nothing", 8, "the peer sent an answer that is none"),
    ("endless", 10, "the peer's answers do not fit what it was asked"),
    ("nones", 10, "the peer's answers do not fit what it was asked"),
)
# What no hypercore sends, the status of who called it, and what is said.
GARBAGE = (
    ("plain", 8, "does not speak this protocol"),
    ("http", 8, "does not speak this protocol"),
    ("zeroes", 8, "does not speak this protocol"),
    ("ciphertext", 8, "was not sealed by it"),
    ("cut", 8, "an open that is cut short"),
    ("endless", 8, "an open that is cut short"),
    ("batch", 8, "a batch that is cut short"),
    ("ids", 8, "an id that is not the next"),
    ("capability", 9, "does not know the key of the feed"),
)


def lied_to(version, compat, kind, status, says, length, held=(0,)):
    peer, name = npm[version], next(names)
    made = peer("create", name=name, compat=compat, append=BLOCKS)
    reader.refuses(made["key"], peer("serve", name=name, lie=kind)["port"], status, says)
    check(peer("told", name=name) > 0, kind)
    peer("until", name=name, connections=0)  # it is not kept waiting
    stat = reader.json("stat", made["key"])
    check((stat["length"], stat["bytes"] == 0) == (length, length == 0) and stat["held"] in held, (kind, stat))
    peer("close", name=name)


# ---- who gives ----

def what_they_give_is_checked():
    for lie in LIES:
        lied_to(11, False, *lie)


def runs_of_blocks_are_checked():
    peer = npm[11]
    for compat in (False, True):
        for kind, status, says in RUN_LIES if not compat or SOAK else RUN_LIES[:1]:
            name = next(names)
            made = peer("create", name=name, compat=compat, append=BLOCKS)
            port = peer("serve", name=name, runs=kind)["port"]
            reader.refuses(made["key"], port, status, says, words=("--protocol", "native", "--blocks", "3-9"))
            check(peer("told", name=name) > 0, kind)
            peer("until", name=name, connections=0)
            stat = reader.json("stat", made["key"])
            check((stat["length"], stat["held"]) == (BLOCKS, 0), (kind, stat))
            reader.json("verify", made["key"])
            peer("close", name=name)


def the_liar_in_runs_can_be_honest():
    """Else the test above would show nothing: what it changes in a run is all that is wrong with it."""
    peer, name = npm[11], next(names)
    made = peer("create", name=name, compat=False, append=BLOCKS)
    got = reader.replicate(made["key"], peer("serve", name=name, runs="honest")["port"], words=("--once", "--protocol", "native", "--blocks", "3-9"))
    check((got["blocks"], got["protocol"]) == (7, "native"), got)
    check(b"".join(reader.run("get", made["key"], n).stdout for n in range(3, 10)) == whole(3, 10), made)
    peer("close", name=name)


def so_it_is_with_both_versions_and_kinds_of_keys():
    for version, compat in ((10, True), (10, False), (11, True)):
        for lie in LIES if SOAK else (LIES[0], LIES[10]):
            lied_to(version, compat, *lie)


def the_manifest_is_that_of_the_key():
    for version in VERSIONS:
        lied_to(version, False, "manifest", 8, "the manifest is that of another feed", 0)


def a_length_that_nobody_signed_ends_it():
    """What is signed comes before, as much as there is time for: that is right, and kept."""
    lied_to(11, False, "endless", 8, "has 9007199254740991 blocks, and does not prove it", BLOCKS, range(BLOCKS + 1))


def a_fork_that_nobody_signed_is_not_followed():
    """It says that its fork is 7, and has nothing to show for it."""
    peer, name = npm[11], next(names)
    made = peer("create", name=name, compat=False, append=BLOCKS)
    reader.refuses(made["key"], peer("serve", name=name, lie="fork")["port"], 8, "the peer says that fork 7 of the feed has 40 blocks, and does not prove it")
    stat = reader.json("stat", made["key"])
    check((stat["fork"], stat["held"]) == (0, 0), stat)
    peer("close", name=name)


def a_liar_takes_nothing_from_what_others_gave():
    """Who lies about the second half is left; the first half stays, and an honest one gives the rest."""
    peer, name, false = npm[11], next(names), next(names)
    made = peer("create", name=name, compat=True, append=100)
    port = peer("serve", name=name)["port"]
    reader.replicate(made["key"], port, words=("--once", "--protocol", "hypercore", "--blocks", "0-49"))
    peer("open", name=false, key=made["key"])
    peer("connect", name=false, port=port)
    peer("until", name=false, length=100)
    peer("download", name=false, start=0, end=100)
    reader.refuses(made["key"], peer("serve", name=false, lie="block")["port"], 8, NO_PROOF)
    check(reader.json("stat", made["key"])["held"] == 50 and reader.cat(made["key"], "--to", 50) == whole(0, 50), made)
    check(reader.replicate(made["key"], port)["blocks"] == 50, "the rest")
    check(reader.cat(made["key"]) == whole(0, 100), made)
    peer("close", name=false)
    peer("close", name=name)


# ---- who speaks no sense ----

def garbage_ends_who_called_it():
    key = npm[11]("create", name="unseen", compat=False)["key"]
    for kind, status, says in GARBAGE:
        reader.refuses(key, npm[11]("spoiler", kind=kind, key=key)["port"], status, says)
    npm[11]("close", name="unseen")


def garbage_is_no_harm_to_a_server():
    """Each such connection is closed; the one after it is served as ever."""
    peer, key = npm[11], writer.create(append=BLOCKS)
    with writer.serving(key) as server:
        before = server.memory()
        for kind, _, _ in GARBAGE * (20 if SOAK else 2):
            check(peer("spoil", port=server.port, kind=kind, key=key)["closed"], kind)
        check(server.memory() < before + 8000, (before, server.memory()))
        check(reader.replicate(key, server.port)["blocks"] == BLOCKS, "served")
    check(reader.cat(key) == whole(0, BLOCKS), key)


# ---- who asks without end ----

def asking_without_end_costs_no_memory():
    """Where the answers, of 6 GB at last, are not read, a connection's queue is 64 MiB (net/loop.h) and no more."""
    peer, key = npm[11], writer.create(append=64)
    large = b"".join(LARGE.to_bytes(4, "little") + bytes(LARGE) for _ in range(64))
    writer.run("append", key, "--framing", "u32", data=large)
    count = 1000000 if SOAK else 100000
    with writer.serving(key) as server:
        for kind in ("wants", "far", "requests", "nothing", "ranges", "extensions", "cancels", "large"):
            name, before = next(names), server.memory()
            peer("open", name=name, key=key)
            sent = peer("flood", name=name, port=server.port, kind=kind, deaf=kind == "large",
                        count=count if kind in ("wants", "requests", "large") else 20000)
            check(server.memory() < before + 32000 + (65536 if kind == "large" else 0), (kind, before, server.memory()))
            check(sent["sent"] > 1000, (kind, sent))
            peer("close", name=name)
        check(reader.replicate(key, server.port)["blocks"] == 128, "served")


TESTS = [the_liar_in_runs_can_be_honest, runs_of_blocks_are_checked, what_they_give_is_checked, so_it_is_with_both_versions_and_kinds_of_keys, the_manifest_is_that_of_the_key,
         a_length_that_nobody_signed_ends_it, a_fork_that_nobody_signed_is_not_followed,
         a_liar_takes_nothing_from_what_others_gave, garbage_ends_who_called_it, garbage_is_no_harm_to_a_server,
         asking_without_end_costs_no_memory]
sys.exit(run_all(TESTS))
