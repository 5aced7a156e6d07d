#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feeds between instances: served, copied, followed, interrupted, restored and forked. Usage: 42_feed_replicate.py STRATA"""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, TOP, check, run_all  # noqa: E402
from nodes import Node, lines, new_feed, wait_for  # noqa: E402

SOAK = os.environ.get("STRATA_SOAK") == "1"
rng = random.Random(int(os.environ.get("STRATA_SEED", 20261130)))


# ---- copying ----

def a_copy_is_the_feed_by_either_protocol():
    for count in (0, 1, 3000):
        for words in ((), ("--compat",)):
            node, key = new_feed(count, *words)
            with node.serve(*([] if count == 1 else [key])) as server:
                for protocol, used in (("auto", "native"), ("native", "native"), ("hypercore", "hypercore")):
                    copy = Node()
                    got = copy.answer("replicate", key, server.address, "--once", "--protocol", protocol)
                    check({"blocks", "bytes_in", "bytes_out", "protocol"} <= set(got), got)
                    check(got["blocks"] == count and got["protocol"] == used, got)
                    check(copy.blocks(key) == node.blocks(key), "the blocks")
                    check(copy.answer("verify", key), "verify")
                    if count == 3000 and protocol == "auto":
                        check(got["bytes_in"] + got["bytes_out"] < 1.15 * len(lines(0, count)), f"on the wire: {got}")
                    again = copy.answer("replicate", key, server.address, "--once")
                    check(again["blocks"] == 0, again)
                    refused = copy.feed("append", key, data=b"mine\n", status=9).stderr.decode()
                    check("not among the keys" in refused, refused)
                    stat = copy.feed("stat", key, "--json")
                    check(not json.loads(stat.stdout)["writable"] and not stat.stderr, f"a copy is nothing to warn of: {stat}")


def a_restored_feed_is_ones_own_again():
    """It is served and appended to at the same time, as one that was made here; else the server would write to it as to a copy."""
    node, key = new_feed(3, "--name", "mine")
    (TOP / "words").write_text("open sesame\n")
    (TOP / "words").chmod(0o600)
    exported = ("--export-passphrase-file", TOP / "words")
    node.answer("backup", "mine", "mine.feed")
    node.answer("backup", "mine", "mine.key", "--with-key", *exported)
    node.key("export", "mine", "--output", "signer", *exported)

    def appends_while_served(node, *words):
        with node.serve(key, *words):
            length = node.length(key)
            check(node.answer("append", key, *words, data=b"more\n")["length"] == length + 1, "beside a server")

    node.key("change-passphrase", "--new-passphrase-file", TOP / "words")
    node.answer("remove", "mine")
    node.answer("restore", "mine.feed")  # its key is here still, and no passphrase is asked for
    node.feed("append", key, data=b"more\n", status=9)
    node.answer("append", key, "--trust", "--passphrase-file", TOP / "words", data=b"more\n")
    appends_while_served(node, "--passphrase-file", TOP / "words")
    with_key, later = Node(), Node()
    with_key.answer("restore", "mine.key", "--with-key", *exported)
    with with_key.serve(key):
        with_key.answer("append", key, "--trust", data=b"more\n")
    later.answer("restore", "mine.feed")
    with later.serve(key):
        later.feed("append", key, data=b"more\n", status=7)  # a copy that the server goes on copying
    later.key("import", "signer", *exported)
    later.answer("append", key, "--trust", data=b"more\n")  # and from now on it is its own
    appends_while_served(later)


def who_follows_a_copy_waits_for_blocks_that_come_later():
    node, key = new_feed(20)
    copy = Node()
    with node.serve(key) as server:
        copy.answer("replicate", key, server.address, "--once", "--blocks", "0-9")
        tail = copy.start("tail", "-f", "-n", "15", key)
        check([tail.stdout.readline() for _ in range(5)] == lines(5, 10).decode().splitlines(True), "those that are here")
        copy.answer("replicate", key, server.address, "--once", "--blocks", "11-19")
        copy.answer("replicate", key, server.address, "--once")
        check([tail.stdout.readline() for _ in range(10)] == lines(10, 20).decode().splitlines(True), "those that came, in order")
        node.answer("append", key, data=lines(20, 22))
        copy.answer("replicate", key, server.address, "--once")
        check([tail.stdout.readline() for _ in range(2)] == lines(20, 22).decode().splitlines(True), "longer")
        node.answer("truncate", key, 8)
        node.answer("append", key, data=lines(50, 52))
        copy.answer("replicate", key, server.address, "--once")
        said = tail.stderr.readline()
        check(said == "the feed was truncated to 8 (fork 1)\n", said)
        check([tail.stdout.readline() for _ in range(2)] == lines(50, 52).decode().splitlines(True), "of the new fork")
    tail.send_signal(signal.SIGTERM)
    check(tail.communicate()[0] == "" and tail.returncode == 130, tail.returncode)


def some_blocks_only_and_over_a_unix_socket():
    node, key = new_feed(200)
    with node.serve("--listen", f"unix:{TOP}/socket", key) as server:
        copy = Node()
        check(copy.answer("replicate", key, server.address, "--once", "--blocks", "3-9", "--blocks", "150")["blocks"] == 8, "eight blocks")
        stat = copy.answer("stat", key)
        check((stat["length"], stat["held"]) == (200, 8), stat)
        check(copy.feed("get", key, 5).stdout == lines(5, 6).rstrip(b"\n"), "get")
        copy.feed("get", key, 50, status=4)
        with copy.serve("--peer", server.address):  # which follows the feed, and gets no block that nobody asked for
            node.feed("append", key, data=lines(200, 201))
            wait_for(lambda: copy.length(key) == 201, "the longer feed")
            check(copy.answer("stat", key)["held"] == 8, "the eight")
        check(copy.answer("replicate", key, server.address, "--once")["blocks"] == 193, "the rest")
        check(copy.blocks(key) == node.blocks(key), "all of it")
        with copy.serve("--peer", server.address):
            node.feed("append", key, data=lines(201, 202))
            wait_for(lambda: copy.answer("stat", key)["held"] == 202, "a copy of all of it is filled again")


def what_is_appended_comes_as_it_is_appended_and_from_copies_too():
    node, key = new_feed(10)
    middle, last = Node(), Node()
    with node.serve(key) as server:
        middle.answer("replicate", key, server.address, "--once")
        with middle.serve("--peer", server.address) as relay:
            following = last.start("replicate", key, relay.address, "--json")
            wait_for(lambda: last.length_so_far(key) == 10, "the first ten blocks")
            for end in (11, 50, 400):
                node.feed("append", key, data=lines(node.length(key), end))
                wait_for(lambda: last.length(key) == end, f"{end} blocks through a copy")
            following.send_signal(signal.SIGINT)
            out, err = following.communicate()
            check(following.returncode == 0 and json.loads(out)["length"] == 400, f"{following.returncode} {out} {err}")
    check(last.blocks(key) == node.blocks(key), "the blocks")


def a_connection_that_is_lost_is_made_again():
    node, key = new_feed(10)
    address = f"unix:{TOP}/again"
    server = node.serve("--listen", address, key)
    copy = Node()
    following = copy.start("replicate", key, address)
    wait_for(lambda: copy.length_so_far(key) == 10, "ten blocks")
    server.end(signal.SIGKILL)
    node.feed("append", key, data=lines(10, 20))
    with node.serve("--listen", address, key):
        wait_for(lambda: copy.length(key) == 20, "twenty blocks, from the next server")
        following.send_signal(signal.SIGINT)
        following.communicate()
        check(following.returncode == 0, following.returncode)


def a_copy_that_is_killed_goes_on_where_it_was():
    node, key = new_feed(20000)
    copy = Node()
    with node.serve(key) as server:
        for _ in range(40 if SOAK else 5):
            part = copy.start("replicate", key, server.address, "--protocol", rng.choice(["native", "hypercore"]))
            time.sleep(rng.random() * 0.25)
            part.kill()
            part.communicate()
            if (copy.dir / "feeds").is_dir() and copy.feed("list").stdout:
                copy.feed("verify", key)
        copy.answer("replicate", key, server.address, "--once")
    check(copy.blocks(key) == node.blocks(key), "the blocks")


def once_gives_what_the_peer_misses():
    """The one that has more calls: to a copy that is behind or of an older fork, to one that lacks some blocks; and each has what the other has not."""
    node, key = new_feed(3000)
    behind, part, left, right = Node(), Node(), Node(), Node()
    with node.serve(key) as server:
        behind.answer("replicate", key, server.address, "--once")
        for copy, blocks in ((part, "10-20"), (left, "0-999"), (right, "1000-2999")):
            copy.answer("replicate", key, server.address, "--once", "--blocks", blocks)
            copy.feed("replicate", key, "127.0.0.1:1", "--once", status=6)  # all of it is wanted from now on
    with left.serve(key) as server:
        check(right.answer("replicate", key, server.address, "--once")["blocks"] == 1000, "what was missing here")
    for copy in (left, right):
        check(copy.answer("stat", key)["held"] == 3000 and copy.blocks(key) == node.blocks(key), "both have all of it")
    node.feed("append", key, data=lines(3000, 9000))
    for protocol, copy in (("native", behind), ("hypercore", part), ("native", part), ("hypercore", behind)):
        with copy.serve(key) as server:
            got = node.answer("replicate", key, server.address, "--once", "--protocol", protocol)
        stat = copy.answer("stat", key)
        check((got["blocks"], stat["held"], stat["fork"]) == (0, node.length(key), node.answer("stat", key)["fork"]), f"{protocol}: {got} {stat}")
        check(copy.blocks(key) == node.blocks(key), "the blocks")
        node.feed("truncate", key, 2000)
        node.feed("append", key, data=lines(0, 4000))


# ---- who does not have it, or is no peer ----

def what_cannot_be_had_is_said_in_one_line():
    node, key = new_feed(3)
    other = "0" * 64
    copy = Node()

    def says(text, status, *words):
        done = copy.feed("replicate", *words, status=status)
        said = done.stderr.decode()
        check(text in said and said.startswith("strata: ") and said.count("\n") <= 2, said)

    with node.serve(key) as server:
        says("does not have the feed", 4, other, server.address, "--once")
    says("refused", 6, key, "127.0.0.1:1", "--once")
    says("there is no feed", 4, "nothing-here", "127.0.0.1:1", "--once")
    copy.feed("replicate", key, "nonsense", "--once", status=2)
    copy.feed("replicate", key, "127.0.0.1:1", "--once", "--blocks", "9-3", status=2)


def garbage_ends_the_connection_and_nothing_else():
    copy = Node()
    key = "1" * 64
    for reply in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 200, b"\x20\0\0" + b"\xff" * 32, bytes(rng.randrange(256) for _ in range(5000))):
        listener = socket.create_server(("127.0.0.1", 0))

        def answer():
            peer, _ = listener.accept()
            peer.sendall(reply)
            peer.close()

        thread = threading.Thread(target=answer)
        thread.start()
        done = copy.feed("replicate", key, f"127.0.0.1:{listener.getsockname()[1]}", "--once", status=8)
        check(done.stderr.decode().count("\n") == 1, done.stderr)
        thread.join()
        listener.close()
    node, key = new_feed(50)
    with node.serve(key) as server:
        host, port = server.address.split(":")
        for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100000, b"", b"\x20\0\0" + b"\1" * 32):
            with socket.create_connection((host, int(port))) as peer:
                try:
                    peer.sendall(junk)
                except OSError:
                    pass
        check(copy.answer("replicate", key, server.address, "--once")["blocks"] == 50, "it still serves")


# ---- old copies, and forks ----

def an_old_copy_is_caught_before_it_forks_the_feed():
    node, key = new_feed(100)
    copy, old = Node(), Node(copy_of=node)
    node.feed("append", key, data=lines(100, 130))
    with node.serve(key) as server:
        copy.answer("replicate", key, server.address, "--once")
    check(not old.answer("stat", key)["confirmed"], "it was copied")
    old.feed("append", key, data=b"fork\n", status=9)
    (next(old.dir.glob("feeds/??/*")) / "origin").unlink()  # as in a snapshot of the whole disk: nothing tells
    check(old.answer("stat", key)["confirmed"], "nothing tells")
    with copy.serve(key) as server:
        with old.serve("--peer", server.address, key):
            wait_for(lambda: not old.answer("stat", key)["confirmed"], "the old copy is told that it is one")
        said = old.feed("append", key, data=b"fork\n", status=9).stderr.decode()
        check("hint" in said, said)
        check(old.answer("replicate", key, server.address, "--once")["blocks"] == 30, "the rest")
    check(old.answer("stat", key)["confirmed"], "confirmed")
    check(old.answer("append", key, data=b"more\n")["first"] == 130, "it goes on from there")


def a_copied_store_is_compared_with_a_peer_before_it_is_appended_to():
    """Brought back beside the store that is gone, or over the newer one, with nobody told; also where only an import made it writable."""
    node, key = new_feed(100)
    first = Node(copy_of=node)
    feed = next(node.dir.glob("feeds/??/*"))
    node.feed("append", key, data=lines(100, 130))
    peer = Node()
    with node.serve(key) as server:
        peer.answer("replicate", key, server.address, "--once")
    old = next(first.dir.glob("feeds/??/*"))
    for path in feed.iterdir():  # as rsync -a --delete: what differs is put in its place by a rename
        if not (old / path.name).exists():
            path.unlink()
        elif path.read_bytes() != (old / path.name).read_bytes():
            shutil.copy2(old / path.name, feed / "brought-back")
            (feed / "brought-back").rename(path)
    for words in (["append", key], ["truncate", key, 50], ["append", key, "--buffered"]):
        check(b"--trust" in node.feed(*words, data=b"fork\n", status=9).stderr, words)
    check(node.length(key) == 100 and not node.answer("stat", key)["confirmed"], "nothing was appended")
    with peer.serve(key) as server:
        check(node.answer("replicate", key, server.address, "--once")["blocks"] == 30, "the rest")
    check(node.answer("append", key, data=b"more\n")["first"] == 130 and node.answer("stat", key)["confirmed"], "it goes on")
    node.feed("append", key, data=b"more\n")
    moved = Node(copy_of=node)
    moved.feed("append", key, data=b"more\n", status=9)
    moved.feed("append", key, "--trust", data=b"more\n")
    moved.feed("append", key, data=b"more\n")
    check(Node(copy_of=peer).answer("stat", key)["confirmed"], "a copy of a feed of somebody else")


def two_histories_are_proven_and_frozen_until_the_signer_decides():
    node, key = new_feed(100)
    copy, old = Node(), Node(copy_of=node)
    node.feed("append", key, data=lines(100, 130))
    with node.serve(key) as server:
        copy.answer("replicate", key, server.address, "--once")
    old.feed("append", key, "--trust", data=b"another history\n")
    check(not old.feed("forks", key, "--json").stdout, "nobody knows yet")
    with copy.serve(key) as server:
        said = old.feed("replicate", key, server.address, "--once", status=5).stderr.decode()
        check("another history" in said, said)
        proofs = [json.loads(line) for line in old.feed("forks", key, "--json").stdout.splitlines()]
        check(len(proofs) == 1 and proofs[0]["fork"] == 0 and proofs[0]["root_here"] != proofs[0]["root_there"], proofs)
        old.feed("append", key, data=b"more\n", status=5)
        check(old.answer("truncate", key, 100)["fork"] == 1, "the signer decides")
        old.feed("append", key, data=b"the history that counts\n")
        with old.serve(key) as other:
            copy.feed("stat", key)
    with old.serve(key) as server:
        copy.answer("replicate", key, server.address, "--once")
    check(copy.blocks(key) == old.blocks(key), "peers follow")
    check(copy.answer("stat", key)["fork"] == 1, "the newer fork")


def who_serves_for_a_program_warns_of_forks_and_old_copies_too():
    node, key = new_feed(100)
    old, forked = Node(copy_of=node), Node(copy_of=node)
    node.feed("append", key, data=lines(100, 130))
    forked.feed("append", key, "--trust", data=b"another history\n")
    with node.serve(key) as server:
        for second, said in ((old, "more of feed"), (forked, "another history")):
            for words in ((), ("--json",), ("--quiet",)):
                with open(TOP / "said", "w+") as stderr:
                    process = Node(copy_of=second).start("serve", "--peer", server.address, *words, key, stderr=stderr)
                    wait_for(lambda: (TOP / "said").read_text().endswith("\n"), said)
                    process.send_signal(signal.SIGTERM)
                    process.communicate()
                line = (TOP / "said").read_text()
                check(said in (json.loads(line)["warning"]["message"] if words == ("--json",) else line), line)


def what_no_peer_has_alone_comes_from_two():
    node, key = new_feed(600)
    halves = [Node(), Node()]
    with node.serve(key) as server:
        for half in halves:
            half.answer("replicate", key, server.address, "--once")
    halves[0].feed("clear", key, 0, 400)
    halves[1].feed("clear", key, 300, 600)
    last = Node()
    with halves[0].serve(key) as one, halves[1].serve(key) as other:
        check(last.answer("replicate", key, one.address, "--once")["blocks"] == 200, "what one has")
        following = last.start("replicate", key, one.address, other.address)
        wait_for(lambda: last.answer("stat", key)["held"] == 500, "what both have")
        following.send_signal(signal.SIGINT)
        following.communicate()
    with node.serve(key) as server:
        check(last.answer("replicate", key, server.address, "--once")["blocks"] == 100, "the rest")
    check(last.blocks(key) == node.blocks(key), "all of it")


sys.exit(run_all(lambda: DIR.mkdir(), [
    a_copy_is_the_feed_by_either_protocol,
    a_restored_feed_is_ones_own_again,
    who_follows_a_copy_waits_for_blocks_that_come_later,
    some_blocks_only_and_over_a_unix_socket,
    what_is_appended_comes_as_it_is_appended_and_from_copies_too,
    once_gives_what_the_peer_misses,
    a_connection_that_is_lost_is_made_again,
    a_copy_that_is_killed_goes_on_where_it_was,
    what_cannot_be_had_is_said_in_one_line,
    garbage_ends_the_connection_and_nothing_else,
    an_old_copy_is_caught_before_it_forks_the_feed,
    a_copied_store_is_compared_with_a_peer_before_it_is_appended_to,
    two_histories_are_proven_and_frozen_until_the_signer_decides,
    who_serves_for_a_program_warns_of_forks_and_old_copies_too,
    what_no_peer_has_alone_comes_from_two,
]))
