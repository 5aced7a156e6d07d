#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proofs of single blocks, made beside a feed and checked without one. Usage: 46_feed_proof.py STRATA"""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, STRATA, TOP, check, run_all  # noqa: E402
from nodes import Node, environment, lines, new_feed  # noqa: E402


def check_proof(*words, status=0, data=None):
    """Where there is no instance."""
    done = subprocess.run([STRATA, "-C", "/nowhere", "feed", "check-proof", *map(str, words)], env=environment(), capture_output=True, cwd=TOP, input=data)
    check(done.returncode == status, f"{words}: status {done.returncode} and not {status}: {done.stderr.decode()}")
    return done


def a_block_is_proven_to_whoever_has_the_key_alone():
    for words in ((), ("--compat",)):
        node, key = new_feed(50, *words)
        copy = Node()
        with node.serve(key) as server:
            copy.answer("replicate", key, server.address, "--once", "--blocks", "7")
        for who in (node, copy):
            proof = who.feed("proof", key, 7).stdout
            got = json.loads(check_proof("-", "--key", key, "--json", data=proof).stdout)
            block = lines(7, 8).rstrip(b"\n")
            check((got["key"], got["block"], got["length"], got["fork"], got["bytes"]) == (key, 7, 50, 0, len(block)), got)
            check(got["root"] == who.answer("verify", key)["root"], "the roots")
            check(check_proof("-", "--block", data=proof).stdout == block, "the block")
        copy.feed("proof", key, 8, status=4)
        node.feed("proof", key, 50, status=4)


def what_was_changed_or_is_of_another_feed_proves_nothing():
    node, key = new_feed(50)
    node.feed("proof", key, 20, "-o", "twenty")
    node.feed("proof", key, 20, "-o", "twenty", status=5)
    node.feed("proof", key, 21, "-o", "twenty", "--force")
    check(json.loads(check_proof("twenty", "--json").stdout)["block"] == 21, "replaced")
    proof = (TOP / "twenty").read_bytes()
    changed = proof.replace(b"block 21", b"block 20")
    check(changed != proof, "the block is in it")
    for data in (changed, proof[:-1], proof + b"x", b"", b"nothing of the kind"):
        said = check_proof("-", status=8, data=data).stderr.decode()
        check("'-' proves nothing: " in said, said)
    check_proof("twenty", "--key", "0" * 64, status=5)
    check_proof("twenty", "--key", "short", status=2)
    check_proof("nowhere", status=4)


sys.exit(run_all(lambda: DIR.mkdir(), [
    a_block_is_proven_to_whoever_has_the_key_alone,
    what_was_changed_or_is_of_another_feed_proves_nothing,
]))
