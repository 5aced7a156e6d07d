#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peers whose copies of a feed are damaged: what is said on both sides, and what comes all the same. Usage: 44_feed_damage.py STRATA"""
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, check, run_all  # noqa: E402
from nodes import Node, lines, new_feed, wait_for  # noqa: E402

COUNT = 900
BAD = (5, 6, 450)


def damage(node, key, *blocks):
    """A byte of each of these blocks is another one in its files."""
    log = pathlib.Path(node.answer("stat", key)["path"]) / "00000000.log"
    data = bytearray(log.read_bytes())
    for block in blocks:
        at = data.index(b"block %d " % block)
        data[at + 3] ^= 1
    log.write_bytes(data)


def damaged_node(*blocks):
    node, key = new_feed(COUNT)
    damage(node, key, *blocks)
    return node, key


def ended(server):
    """What a server said on standard error until it was ended."""
    server.process.send_signal(signal.SIGTERM)
    _, err = server.process.communicate()
    check(server.process.returncode == 0, err)
    return err


def what_a_damaged_peer_cannot_give_is_named_on_both_sides():
    node, key = damaged_node(*BAD)
    for protocol in ("native", "hypercore"):
        server, copy = node.serve(key), Node()
        words = ("replicate", key, server.address, "--once", "--protocol", protocol)
        done = copy.feed(*words, "--json", status=11)
        got, error = json.loads(done.stdout), json.loads(done.stderr)["error"]
        check((got["blocks"], got["held"], got["length"], got["not_given"]) == (COUNT - len(BAD), COUNT - len(BAD), COUNT, len(BAD)), got)
        check("3 of 900 blocks are missing" in error["message"] and "5-6, 450" in error["message"] and "verify" in error["hint"], error)
        again = copy.feed(*words, status=11).stderr.decode()
        check("5-6, 450" in again, again)
        said = ended(server)
        for block in BAD:
            check(said.count(f"block {block} of feed {key[:16]} cannot be given to peers") == 1, said)
        check(said.count("\n") == len(BAD) and "00000000" in said, said)


def a_whole_peer_beside_it_gives_them():
    node, key = new_feed(COUNT)
    whole = Node(copy_of=node)
    damage(node, key, *BAD)
    with whole.serve(key) as good, node.serve(key) as bad:
        for protocol in ("native", "hypercore"):
            for peers in ((good, bad), (bad, good)):
                copy = Node()
                got = copy.answer("replicate", key, *(peer.address for peer in peers), "--once", "--protocol", protocol)
                check((got["held"], got["not_given"]) == (COUNT, 0), got)
                check(copy.blocks(key) == lines(0, COUNT) and copy.answer("verify", key), "the blocks")


def only_what_was_asked_for_is_missed():
    node, key = damaged_node(*BAD)
    with node.serve(key) as server:
        for protocol in ("native", "hypercore"):
            copy = Node()
            words = ("replicate", key, server.address, "--once", "--protocol", protocol, "--blocks")
            check(copy.answer(*words, "10-400")["not_given"] == 0, "what is whole")
            said = copy.feed(*words, "4-7", status=11).stderr.decode()
            check("2 of 900 blocks" in said and "(5-6)" in said, said)
            check(copy.answer("stat", key)["held"] == 391 + 2, "4 and 7 came")


def what_a_peer_never_had_is_not_missed():
    """--once ends when nothing that the peers have is missing here: cleared blocks, and those that a sparse copy did not ask for, are not."""
    node, key = new_feed(COUNT)
    sparse = Node()
    with node.serve(key) as server:
        sparse.answer("replicate", key, server.address, "--once", "--blocks", "100-199", "--blocks", "300")
    node.feed("clear", key, 0, 50)
    with node.serve(key) as cleared, sparse.serve(key) as part:
        for protocol in ("native", "hypercore"):
            for server, held in ((cleared, COUNT - 50), (part, 101)):
                copy = Node()
                got = copy.answer("replicate", key, server.address, "--once", "--protocol", protocol)
                check((got["length"], got["held"], got["not_given"]) == (COUNT, held, 0), got)


def who_follows_is_told_and_goes_on():
    node, key = damaged_node(*BAD)
    with node.serve(key) as server:
        copy = Node()
        following = copy.start("replicate", key, server.address, "--json")
        warning = json.loads(following.stderr.readline())["warning"]
        check("5-6, 450" in warning["message"], warning)
        node.feed("append", key, data=lines(COUNT, COUNT + 1))
        wait_for(lambda: copy.length(key) == COUNT + 1, "what is appended")
        following.send_signal(signal.SIGINT)
        out, err = following.communicate()
        check(following.returncode == 0 and json.loads(out)["not_given"] == len(BAD) and not err, (out, err))


def a_server_that_copies_on_is_told_as_well():
    node, key = damaged_node(*BAD)
    with node.serve(key) as server:
        copy = Node()
        copy.feed("replicate", key, server.address, "--once", status=11)
        relay = copy.serve("--peer", server.address, key)
        warning = relay.process.stderr.readline()
        check(f"feed {key[:16]}" in warning and "5-6, 450" in warning, warning)
        check(not ended(relay), "it is said once")


def no_wrong_proof_is_sent():
    """Nodes of the tree are others than they were: who would be told what is not so is told nothing, and all else comes."""
    node, key = new_feed(COUNT)
    tree = pathlib.Path(node.answer("stat", key)["path"]) / "tree"

    def not_given(copy, server, protocol, count, status):
        done = copy.feed("replicate", key, server.address, "--once", "--protocol", protocol, "--json", status=status)
        check(json.loads(done.stdout)["not_given"] == count, done)
        check(copy.answer("stat", key)["held"] == COUNT - count and copy.answer("verify", key), "the others, which are right")
        return done.stderr.decode()

    flip(tree, 48 * 5 + 20)  # beside blocks 0 and 1, above 2 and 3
    server = node.serve(key)
    check("(0-1)" in not_given(Node(), server, "hypercore", 2, 11), "block by block")
    not_given(Node(), server, "native", 0, 0)  # a run of all needs no node
    part = Node()
    part.feed("replicate", key, server.address, "--once", "--blocks", "0-1", status=11)
    check(part.answer("stat", key)["held"] == 0, "a run that needs it")
    said = ended(server)
    check(said.count("cannot be given to peers") == 2 and "block 0 of feed" in said and "the tree is damaged" in said, said)
    node.feed("proof", key, 0, status=8)
    check(node.feed("proof", key, 2).stdout, "what can be proven")
    flip(tree, 48 * 5 + 20)
    flip(tree, 48 * 511 + 20)  # a root
    server = node.serve(key)
    said = Node().feed("replicate", key, server.address, "--once", status=8).stderr.decode()
    check("does not prove it" in said, said)
    said = ended(server)
    check(said.count(f"the head of feed {key[:16]} cannot be proven to peers: the tree is damaged") == 1, said)


def many_damaged_blocks_do_not_flood_the_server():
    bad = range(100, 700)
    node, key = damaged_node(*bad)
    server, copy = node.serve(key), Node()
    done = copy.feed("replicate", key, server.address, "--once", status=11).stderr.decode()
    check("600 of 900 blocks" in done and "(100-699)" in done, done)
    said = ended(server)
    check(15 <= said.count("cannot be given") <= 30 and "strata feed verify" in said and said.count("\n") < 35, said)


# ---- verify ----

def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 16
    path.write_bytes(data)


def verify_names_the_place_and_its_hint_helps():
    node, key = new_feed(40, "--name", "mine")
    where = pathlib.Path(node.answer("stat", key)["path"])

    def names_it(block):
        for words in (("get", key, block), ("cat", key), ("tail", key, "-n", "40")):
            said = node.feed(*words, status=8).stderr.decode()
            check(f"block {block} cannot be read" in said and "00000000.log" in said, said)

    def bad(file, offset, block):
        done = node.feed("verify", key, "--json", status=8)
        answer, error = json.loads(done.stdout), json.loads(done.stderr)["error"]
        check((answer["file"], answer["first_bad"]) == (file, block), answer)
        check(answer["offset"] <= offset < answer["offset"] + 200, answer)
        check(f"{file}' is damaged at byte {answer['offset']}" in error["message"], error)
        return error["hint"]

    log = (where / "00000000.log").read_bytes()
    block = log.index(b"block 7 ")
    for at, number in ((3, None), (20, None), (60, None), (block, 7), (len(log) - 40, None)):
        flip(where / "00000000.log", at)
        hint = bad("00000000.log", at, number)
        check("strata feed clear" in hint if number else "strata feed backup" in hint, hint)
        if number:
            names_it(number)
        flip(where / "00000000.log", at)
    node.answer("verify", key)
    flip(where / "tree", 48 * 3 + 20)  # above blocks 0 to 3
    check("removed" in bad("tree", 48 * 3, 0), "hint")
    (where / "tree").unlink()
    (where / "head").unlink()
    node.answer("verify", key)
    node.answer("append", key, "--trust", data=lines(40, 41))  # its head is another file than it was
    flip(where / "head", 16384)
    check("removed" in bad("head", 16384, 4), "hint")
    (where / "tree").unlink()
    (where / "head").unlink()
    node.answer("verify", key)
    flip(where / "00000000.log", 60)
    done = node.feed("verify", key, status=8)
    check("nothing of it can be read" in done.stderr.decode(), done)
    flip(where / "00000000.log", 60)
    node.answer("append", key, "--trust", data=lines(41, 42))
    flip(where / "00000000.log", 100)
    check("strata feed backup" in bad("00000000.log", 100, None), "hint")
    node.answer("backup", key, "mine.feed")
    node.answer("remove", key)
    node.answer("restore", "mine.feed")
    check(node.answer("verify", key)["held"] == 42 and node.blocks(key) == lines(0, 42), "made anew")


def of_a_feed_that_cannot_be_opened_no_block_is_named():
    node, key = new_feed(40)
    node.answer("clear", key, 0, 10)
    (pathlib.Path(node.answer("stat", key)["path"]) / "head").unlink()  # what is cleared cannot be made anew from the log
    done = node.feed("verify", key, "--json", status=8)
    answer, error = json.loads(done.stdout), json.loads(done.stderr)["error"]
    check(answer == {"first_bad": None, "file": "head", "offset": 0} and "head of the feed" in error["message"], (answer, error))


sys.exit(run_all(lambda: DIR.mkdir(), [
    what_a_damaged_peer_cannot_give_is_named_on_both_sides,
    a_whole_peer_beside_it_gives_them,
    only_what_was_asked_for_is_missed,
    what_a_peer_never_had_is_not_missed,
    who_follows_is_told_and_goes_on,
    a_server_that_copies_on_is_told_as_well,
    no_wrong_proof_is_sent,
    many_damaged_blocks_do_not_flood_the_server,
    verify_names_the_place_and_its_hint_helps,
    of_a_feed_that_cannot_be_opened_no_block_is_named,
]))
