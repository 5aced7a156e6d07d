#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What commands about feeds say when something is not as it should be. Usage: 44_feed_messages.py STRATA"""
import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, TOP, check, run_all  # noqa: E402
from nodes import Node, environment, lines, new_feed, wait_for  # noqa: E402


def an_address_is_named_once():
    node, key = new_feed(3)
    with node.serve(key) as server:
        copy = Node()
        for address in ("127.0.0.1:1", f"unix:{TOP}/nobody"):
            done = copy.feed("replicate", key, address, server.address, "--once")
            said = next(line for line in done.stdout.decode().splitlines() if "cannot connect" in line)
            check(said.count(address) == 1, said)
            said = copy.feed("replicate", key, address, "--once", status=6).stderr.decode()
            check(said.count(address) == 1, said)
    server = node.start("serve", "--peer", "127.0.0.1:1", key)
    check(server.stdout.readline().startswith("listening"), "listening")
    said = server.stdout.readline()
    check(said.count("127.0.0.1:1") == 1 and "cannot connect" in said, said)
    server.terminate()
    server.communicate()


def a_socket_in_a_directory_that_is_not_there_says_so():
    node, key = new_feed(0)
    said = node.feed("serve", "--listen", f"unix:{TOP}/nodir/x", status=6).stderr.decode()
    check("No such file or directory" in said and f"{TOP}/nodir/x" in said, said)
    (TOP / "file").write_text("")
    said = node.feed("serve", "--listen", f"unix:{TOP}/file/x", status=6).stderr.decode()
    check("Not a directory" in said, said)


def who_reached_nobody_spoke_no_protocol():
    _, key = new_feed(0)
    copy = Node()
    following = copy.start("replicate", key, f"unix:{TOP}/nobody", "--json")
    wait_for(lambda: copy.length_so_far(key) == 0, "the feed is noted")
    following.send_signal(signal.SIGINT)
    out, err = following.communicate()
    check(following.returncode == 0 and json.loads(out)["protocol"] is None, (out, err))


def a_damaged_key_does_not_hide_the_feed():
    node, key = new_feed(3)
    for part in (node.dir / "keys").rglob("*"):
        if part.is_file() and part.name != "root":
            data = bytearray(part.read_bytes())
            data[len(data) // 2] ^= 1
            part.write_bytes(data)
    done = node.feed("stat", key, "--json", status=0)
    stat = json.loads(done.stdout)
    check(stat["length"] == 3 and stat["writable"] is None, stat)
    check("damaged" in json.loads(done.stderr)["warning"]["message"], done.stderr)
    check(b"length" in node.feed("stat", key).stdout, "for people")


def what_is_appended_and_cannot_be_told_is_said_to_be_appended():
    node, key = new_feed(3)
    for words in ((), ("--live",)):
        length = node.length(key)
        with open("/dev/full", "wb") as full:
            done = subprocess.run(node.words("append", key, *words), env=environment(), stdout=full, stderr=subprocess.PIPE, cwd=TOP, input=b"a\nb\n")
        said = done.stderr.decode()
        check(done.returncode == 6 and "2 blocks are appended" in said and "No space left" in said, said)
        check(node.length(key) == length + 2, "they are")


def a_name_is_that_of_a_feed():
    node, key = new_feed(3)
    node.feed("backup", key, "some.feed")
    said = Node().feed("restore", "some.feed", "--name", "-x", status=2).stderr.decode()
    check("a feed cannot be called '-x'" in said, said)


sys.exit(run_all(lambda: DIR.mkdir(), [
    an_address_is_named_once,
    a_socket_in_a_directory_that_is_not_there_says_so,
    who_reached_nobody_spoke_no_protocol,
    a_damaged_key_does_not_hide_the_feed,
    what_is_appended_and_cannot_be_told_is_said_to_be_appended,
    a_name_is_that_of_a_feed,
]))
