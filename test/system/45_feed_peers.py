#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peers of the configuration: asked before a feed is appended to, and used where none are named. Usage: 45_feed_peers.py STRATA"""
import json
import pathlib
import shutil
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, TOP, check, run_all  # noqa: E402
from nodes import Node, lines, new_feed, wait_for  # noqa: E402

NOBODY = "127.0.0.1:1"


def set_peers(node, *peers, wait="30s"):
    """`wait` is long, because nothing here shall depend on how fast a peer is."""
    (node.dir / "strata.ini").write_text(f"[feeds]\npeers = {', '.join(peers)}\npeers_wait = {wait}\n")


def feed_dir(node):
    return next(node.dir.glob("feeds/??/*"))


def put_over(node, old):
    """As cp -a does: what is written over stays the same file, so nothing on the disk tells."""
    there, here = feed_dir(node), old / "feed"
    for path in here.iterdir():
        if path.is_file():
            (there / path.name).write_bytes(path.read_bytes())
    for path in there.iterdir():
        if path.is_file() and not (here / path.name).exists():
            path.unlink()
    check(node.answer("stat", feed_key(node))["confirmed"], "nothing on the disk tells")


def feed_key(node):
    return node.answer("list")["key"]


def keep(node, name):
    old = TOP / name
    shutil.rmtree(old, ignore_errors=True)
    old.mkdir()
    shutil.copytree(feed_dir(node), old / "feed")
    return old


def an_older_copy_put_over_the_feed_in_place_is_caught_before_it_forks():
    for count in (100, 0):  # an older copy may be an empty one
        node, key = new_feed(count)
        old, peer = keep(node, "old"), Node()
        node.feed("append", key, data=lines(count, 130))
        with node.serve(key) as server:
            peer.answer("replicate", key, server.address, "--once")
        with peer.serve(key) as server:
            put_over(node, old)
            set_peers(node, NOBODY, server.address)
            for words in (["append", key], ["append", key, "--trust"], ["truncate", key, 0], ["append", key, "--buffered", "--trust"]):
                done = node.feed(*words, data=b"fork\n", status=9).stderr.decode()
                check("is an old copy: others may have more of it" in done, done)
            put_over(node, old)
            done = node.feed("append", key, "--json", data=b"fork\n", status=9)
            warnings = [json.loads(line) for line in done.stderr.decode().splitlines()]
            check(f"peer {server.address} has more of feed {key[:16]}, 130 blocks in fork 0" in warnings[-2]["warning"]["message"], warnings)
            check(node.length(key) == count and not node.answer("stat", key)["confirmed"], "nothing was appended, and it stays so")
            set_peers(node, server.address)
            got = node.answer("replicate", key, "--once")  # from the peer of the configuration
            check((got["blocks"], got["length"]) == (130 - count, 130), got)
            done = node.feed("append", key, data=lines(130, 131))
            check(not done.stderr and node.blocks(key) == lines(0, 131), "it goes on from there, and no peer has more")
            check(not peer.feed("forks", key, "--json").stdout, "and nothing forked")


def a_peer_of_a_newer_fork_has_more_however_short_it_is():
    node, key = new_feed(100)
    old, peer = keep(node, "old"), Node()
    node.feed("truncate", key, 3)
    with node.serve(key) as server:
        peer.answer("replicate", key, server.address, "--once")
    with peer.serve(key) as server:
        put_over(node, old)
        set_peers(node, server.address)
        done = node.feed("append", key, data=b"fork\n", status=9).stderr.decode()
        check("3 blocks in fork 1" in done, done)
        node.answer("replicate", key, "--once")
        check(node.answer("append", key, data=b"more\n")["first"] == 3, "it goes on from there")


def a_peer_with_another_history_freezes_the_feed():
    node, key = new_feed(100)
    old, peer = keep(node, "old"), Node()
    node.feed("append", key, data=lines(100, 130))
    with node.serve(key) as server:
        peer.answer("replicate", key, server.address, "--once")
    put_over(node, old)
    node.feed("append", key, data=b"another history\n")  # nobody could be asked
    with peer.serve(key) as server:
        set_peers(node, server.address)
        done = node.feed("append", key, data=b"more\n", status=5).stderr.decode()
        check(f"peer {server.address} has another history" in done, done)
        check(len(node.feed("forks", key, "--json").stdout.splitlines()) == 1, "the proof is kept")
        check(node.answer("truncate", key, 100)["fork"] == 1, "the signer decides")


def peers_that_cannot_be_asked_are_a_warning():
    node, key = new_feed(10)
    deaf = socket.create_server(("127.0.0.1", 0))  # takes connections, and says nothing
    silent = f"127.0.0.1:{deaf.getsockname()[1]}"
    set_peers(node, NOBODY, silent, f"unix:{TOP}/nowhere", wait="1500ms")
    done = node.feed("append", key, data=lines(10, 11))
    said = done.stderr.decode().splitlines()
    check(len(said) == 3 and all("was not asked whether it has more of the feed" in line for line in said), said)
    check(any(NOBODY in line and "refused" in line for line in said) and any(silent in line and "no answer in 1.5 s" in line for line in said), said)
    check(node.blocks(key) == lines(0, 11), "it is appended")
    deaf.close()
    done = node.feed("append", key, "--json", "--quiet", data=lines(11, 12))
    check(json.loads(done.stderr.splitlines()[0])["warning"]["message"].startswith("peer "), done)
    other, _ = new_feed(1)
    with other.serve() as server:  # one that does not have the feed, and one that has just as much
        set_peers(node, server.address)
        check(not node.feed("append", key, data=lines(12, 13)).stderr, "there is nothing to warn of")
        with node.serve(key) as same:
            set_peers(node, server.address, same.address)
            check(not node.feed("append", key, data=lines(13, 14)).stderr, "nor here")


def serve_keeps_connections_to_them():
    node, key = new_feed(10)
    relay = Node()
    with node.serve(key) as server:
        relay.answer("replicate", key, server.address, "--once")
        set_peers(relay, server.address)
        with relay.serve():
            node.feed("append", key, data=lines(10, 20))
            wait_for(lambda: relay.length(key) == 20, "what is appended")
    another, key = new_feed(5)
    node.feed("replicate", key, NOBODY, "--once", status=6)  # a feed that nobody here has a block of yet
    with node.serve() as server:
        set_peers(relay, server.address)
        with relay.serve(), another.serve() as first:
            relay.answer("replicate", key, first.address, "--once")  # it comes while they are connected, and is passed on
            wait_for(lambda: node.answer("stat", key)["held"] == 5, "a feed that is new")


def what_is_no_list_of_peers_is_said():
    node, key = new_feed(1)
    said = node.feed("replicate", key, status=2).stderr.decode()
    check("no peer is named" in said and "[feeds] peers" in said, said)
    for peers in ("nonsense", f"{NOBODY}, {NOBODY}", "*:4123"):
        set_peers(node, peers)
        said = node.feed("append", key, data=b"x\n", status=3).stderr.decode()
        check("[feeds] peers" in said, said)
    check(node.length(key) == 1, "nothing was appended")


sys.exit(run_all(lambda: DIR.mkdir(), [
    an_older_copy_put_over_the_feed_in_place_is_caught_before_it_forks,
    a_peer_of_a_newer_fork_has_more_however_short_it_is,
    a_peer_with_another_history_freezes_the_feed,
    peers_that_cannot_be_asked_are_a_warning,
    serve_keeps_connections_to_them,
    what_is_no_list_of_peers_is_said,
]))
