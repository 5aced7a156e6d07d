#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feeds that are there and not noted: feeds/meta was lost, damaged, or is an older one. Usage: 44_feed_adopt.py STRATA"""
import json
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, check, run_all  # noqa: E402
from nodes import Node, lines, new_feed  # noqa: E402


def rows(node, *words, **more):
    return [json.loads(line) for line in node.feed(*words, "--json", **more).stdout.splitlines()]


def a_node():
    """One with two feeds of its own, of which one is encrypted and has no name, and a copy of somebody else's."""
    node = Node()
    mine, secret = node.answer("create", "--name", "mine")["key"], node.answer("create", "--encrypt")["key"]
    other, theirs = new_feed(7)
    with other.serve(theirs) as server:
        node.answer("replicate", theirs, server.address, "--once", "--name", "theirs")
    for key in (mine, secret):
        node.answer("append", key, data=lines(0, 3))
    return node, mine, secret, theirs


def told(node):
    """That there are feeds which are not listed, and how many."""
    done = node.feed("list", "--json")
    message = json.loads(done.stderr)["warning"]["message"]
    check("strata feed adopt" in message, message)
    return int(message.split()[0])


def feeds_whose_notes_are_lost_are_taken_in_again():
    node, mine, secret, theirs = a_node()
    before = {row["key"]: row for row in rows(node, "list")}
    (node.dir / "feeds" / "meta").unlink()
    check(rows(node, "list") == [] and told(node) == 3, "list")
    said = node.feed("stat", "mine", status=4).stderr.decode()
    check("hint: " in said and "strata feed adopt" in said, said)
    check("3 feeds" in node.feed("list").stderr.decode(), "for people")
    taken = {row["key"]: row for row in rows(node, "adopt")}
    check(set(taken) == {mine, secret, theirs}, taken)
    check((taken[mine]["name"], taken[theirs]["name"]) == ("mine", None), "the key of a feed is called as the feed was")
    done = node.feed("list", "--json")
    after = {row["key"]: row for row in map(json.loads, done.stdout.splitlines())}
    check(not done.stderr and after == before | {theirs: before[theirs] | {"name": None, "created": after[theirs]["created"]}} |
          {key: before[key] | {"created": after[key]["created"]} for key in (mine, secret)}, after)
    check(node.answer("append", "mine", data=b"more\n")["length"] == 4, "one's own goes on, without a question")
    check(node.blocks(secret) == lines(0, 3) and node.answer("verify", theirs)["held"] == 7, "and the others are read")
    check(rows(node, "adopt") == [], "nothing is left")
    with node.serve("mine"):  # it is one's own: somebody else may append
        check(node.answer("append", "mine", data=b"more\n")["length"] == 5, "beside a server")


def damaged_notes_are_an_error_and_what_can_be_read_of_them_stays():
    node, mine, secret, theirs = a_node()
    meta = node.dir / "feeds" / "meta"
    data = bytearray(meta.read_bytes())
    data[32 + 20] ^= 1  # of the first change
    meta.write_bytes(data)
    for words in (("list",), ("stat", mine), ("create",)):
        done = node.feed(*words, "--json", status=8)
        error = json.loads(done.stderr)["error"]
        check("damaged" in error["message"] and "strata feed adopt" in error["hint"], error)
    done = node.feed("adopt", "--json")
    taken = [json.loads(line) for line in done.stdout.splitlines()]
    check([(row["key"], row["name"]) for row in taken] == [(mine, "mine")], taken)
    warning = json.loads(done.stderr)["warning"]["message"]
    aside, = (node.dir / "feeds").glob("meta.damaged*")
    check(str(aside) in warning and aside.read_bytes() == bytes(data), warning)
    names = {row["key"]: row["name"] for row in rows(node, "list")}
    check(names == {mine: "mine", secret: None, theirs: "theirs"}, names)


def notes_that_say_nothing_are_an_error_as_well():
    node, mine, secret, theirs = a_node()
    for content in (b"", b"\0" * 500, b"something else altogether, of some length"):
        meta = node.dir / "feeds" / "meta"
        meta.write_bytes(content)
        node.feed("list", status=8)
        check({row["key"] for row in rows(node, "adopt")} == {mine, secret, theirs}, content)


def older_notes_are_completed():
    node, key = new_feed(1, "--name", "first")
    meta = node.dir / "feeds" / "meta"
    old = meta.read_bytes()
    second = node.answer("create", "--name", "second")["key"]
    meta.write_bytes(old)
    check([row["name"] for row in rows(node, "list")] == ["first"] and told(node) == 1, "one")
    server = node.serve()  # all that are noted
    server.process.terminate()
    out, err = server.process.communicate()
    check("strata feed adopt" in err, err)
    check([(row["key"], row["name"]) for row in rows(node, "adopt")] == [(second, "second")], "the other")


def a_name_that_is_taken_meanwhile_is_not_given_twice():
    node, first = new_feed(1, "--name", "same")
    (node.dir / "feeds" / "meta").unlink()
    other, key = new_feed(1)
    with other.serve(key) as server:
        node.answer("replicate", key, server.address, "--once", "--name", "same")
    check([(row["key"], row["name"]) for row in rows(node, "adopt")] == [(first, None)], "no name")


def what_is_no_feed_is_named_and_the_others_are_taken():
    node, mine, secret, theirs = a_node()
    feeds = node.dir / "feeds"
    path = {key: pathlib.Path(node.answer("stat", key)["path"]) for key in (mine, secret, theirs)}
    (feeds / "meta").unlink()
    for part in path[secret].glob("*.log"):
        part.write_bytes(b"no log")
    (path[secret] / "head").unlink()
    moved = path[theirs].with_name(path[theirs].name[:2] + "0" * 62)
    shutil.copytree(path[theirs], moved)
    (feeds / path[mine].parent.name / "notes.txt").write_text("not a feed")
    done = node.feed("adopt", "--json", status=11)
    check({json.loads(line)["key"] for line in done.stdout.splitlines()} == {mine, theirs}, done.stdout)
    said = done.stderr.decode()
    check(path[secret].name in said and moved.name in said and "2 of 4" in said, said)
    check(told(node) == 2, "they are still there")


sys.exit(run_all(lambda: DIR.mkdir(), [
    feeds_whose_notes_are_lost_are_taken_in_again,
    damaged_notes_are_an_error_and_what_can_be_read_of_them_stays,
    notes_that_say_nothing_are_an_error_as_well,
    older_notes_are_completed,
    a_name_that_is_taken_meanwhile_is_not_given_twice,
    what_is_no_feed_is_named_and_the_others_are_taken,
]))
