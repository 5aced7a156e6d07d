#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Encrypted feeds between a writer, a keeper that has no key, and readers that have it. Usage: 44_feed_encrypted.py STRATA"""
import json
import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import terminal  # noqa: E402
from instance import DIR, STRATA, TOP, check, run_all  # noqa: E402

TEXT = b"the gold is under the third elm"
LINES = [TEXT, b"", b"and the map " * 300, TEXT]
names = iter(range(10**6))
PADDING = 8


def environment(**more):
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))} | more


class Node:
    """An instance of its own, of which nothing is up."""

    def __init__(self):
        self.dir = TOP / f"node{next(names)}"
        self.dir.mkdir()
        (self.dir / "strata.ini").write_text("[log]\nlevel = info\n")
        (self.dir / "strata.ini").chmod(0o600)

    def words(self, *words):
        return [STRATA, "-C", str(self.dir), *map(str, words)]

    def run(self, *words, status=0, data=b"", **env):
        done = subprocess.run(self.words(*words), env=environment(**env), capture_output=True, cwd=TOP, input=data, start_new_session=True)
        check(done.returncode == status, f"{words}: status {done.returncode} and not {status}: {done.stderr.decode()}")
        return done

    def feed(self, *words, **more):
        return self.run("feed", *words, **more).stdout

    def answer(self, *words, **more):
        return json.loads(self.run(*words, "--json", **more).stdout)

    def refused(self, *words, status, says, **more):
        """In one line and a hint, with nothing printed."""
        done = self.run(*words, status=status, **more)
        text = done.stderr.decode()
        check(says in text and text.count("\n") <= 2 and not done.stdout, f"{words}: {text} {done.stdout[:100]}")
        return text

    def blocks(self, key, *words, **more):
        """As `feed cat --framing u32` gives them."""
        data, out = self.feed("cat", key, "--framing", "u32", *words, **more), []
        while data:
            length, = struct.unpack("<I", data[:4])
            out.append(data[4:4 + length])
            data = data[4 + length:]
        return out

    def append(self, key, blocks, *words, **more):
        data = b"".join(struct.pack("<I", len(block)) + block for block in blocks)
        return self.answer("feed", "append", key, "--framing", "u32", *words, data=data, **more)

    def create(self, *words, blocks=LINES):
        key = self.answer("feed", "create", *words)["key"]
        self.append(key, blocks)
        return key

    def serve(self):
        return Server(self)

    def replicate(self, key, address):
        return self.answer("feed", "replicate", key, address, "--once")

    def has_bytes(self, text, below="."):
        return [path for path in (self.dir / below).rglob("*") if path.is_file() and text in path.read_bytes()]

    def hex(self, key="diary.reading"):
        return self.run("key", "export", key, "--hex").stdout.decode().strip()


class Server:
    def __init__(self, node):
        self.process = subprocess.Popen(node.words("feed", "serve"), env=environment(), stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[1]

    def __enter__(self):
        return self.address

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()


def file_with(text):
    path = TOP / f"file{next(names)}"
    path.write_text(text)
    path.chmod(0o600)
    return path


def scene():
    DIR.mkdir()


# ---- one node ----

def blocks_are_plain_text_to_the_writer_and_encrypted_in_its_files():
    writer = Node()
    key = writer.create("--encrypt", "--name", "diary")
    check(writer.blocks("diary") == LINES, "cat")
    check(writer.feed("get", key, 0) == TEXT and writer.feed("get", key, 1) == b"", "get")
    check(writer.feed("tail", key, "-n", 1) == TEXT + b"\n", "tail")
    raw = writer.blocks(key, "--raw")
    check([len(block) for block in raw] == [len(line) + PADDING for line in LINES], raw)
    check(all(TEXT not in block for block in raw) and raw[0] != raw[3], "the same text is twice the same bytes")
    check(writer.feed("get", key, 3, "--raw") == writer.feed("tail", key, "-n", 1, "--raw", "--framing", "whole") == raw[3], "raw")
    stat = writer.answer("feed", "stat", key)
    check(stat["encrypted"] and stat["readable"] and stat["writable"] and stat["bytes"] == sum(map(len, raw)), stat)
    check(writer.feed("verify", key), "verify")
    check(writer.has_bytes(TEXT) == [] and writer.has_bytes(bytes.fromhex(writer.hex())) == [], "something is readable")
    plain = writer.create("--name", "plain")
    check(len(writer.has_bytes(TEXT, "feeds")) == 1, "the search finds nothing")
    rows = {row["name"]: row for row in (json.loads(line) for line in writer.run("feed", "list", "--json").stdout.splitlines())}
    check(rows["diary"]["encrypted"] and rows["diary"]["readable"] and not rows["plain"]["encrypted"] and rows["plain"]["readable"], rows)
    check(writer.blocks(plain, "--raw") == LINES, "raw of what is not encrypted")


def the_reading_key_is_listed_and_shown_only_when_asked_for():
    writer = Node()
    key = writer.create("--encrypt", "--name", "diary")
    row, = [json.loads(line) for line in writer.run("key", "list", "--kind", "reading", "--json").stdout.splitlines()]
    check((row["name"], row["parent"], row["own"]) == ("diary.reading", key, True) and row["key"] != key, row)
    secret = writer.hex()
    check(len(secret) == 64 and secret not in writer.run("key", "list").stdout.decode(), secret)
    check(writer.answer("key", "export", "diary.reading", "--hex") == {"key": row["key"], "hex": secret}, "as JSON")
    for words in (("key", "export", "--public", "diary.reading"), ("key", "export", "--hex", "diary"), ("key", "export", "--hex", "--plain", "diary.reading"),
                  ("key", "new", "--kind", "reading"), ("key", "import", "--public", "0" * 64, "--name", "x", "--kind", "reading"),
                  ("key", "import", "--reading", key), ("key", "import", "--reading", key, "--public", "0" * 64)):
        writer.refused(*words, status=2, says="")
    check("cannot be read here again" in writer.refused("key", "remove", "diary.reading", status=2, says="--own"), "remove")
    for digits in ("", "12", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + " x"):
        writer.refused("key", "import", "--reading", "0" * 64, file_with(digits), status=2, says="64 hexadecimal digits")
    writer.refused("key", "import", "--reading", "nobody", file_with("0" * 64), status=4, says="nobody")


def a_block_may_be_empty_or_the_longest_and_input_large():
    writer = Node()
    key = writer.create("--encrypt", blocks=[b""])
    longest = os.urandom(15 * 1024 * 1024 - PADDING)
    check(writer.append(key, [longest])["length"] == 2, "the longest")
    writer.refused("feed", "append", key, "--framing", "whole", status=10, says="longer", data=longest + b"x")
    many = [os.urandom(1000000) for _ in range(20)]
    check(writer.append(key, many)["length"] == 22, "in batches")
    check(writer.blocks(key) == [b"", longest, *many] and len(writer.feed("get", key, 0, "--raw")) == PADDING, "they come back")
    check(writer.feed("append", key, "--framing", "whole", data=b"") and writer.feed("get", key, 22) == b"", "an empty one again")


def a_follower_gets_plain_text_as_it_comes():
    writer = Node()
    key = writer.create("--encrypt")
    tail = subprocess.Popen(writer.words("feed", "tail", "-f", "-n", 1, key), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    check(tail.stdout.readline() == TEXT + b"\n", "what is there")
    for line in (b"one more\n", b"\n", b"and another\n"):
        writer.feed("append", key, data=line)
        check(tail.stdout.readline() == line, line)
    tail.terminate()
    tail.communicate()


def a_passphrase_is_asked_for_where_there_is_something_to_decrypt():
    writer, right, wrong = Node(), file_with("right\n"), file_with("wrong\n")
    plain = writer.create("--name", "plain")
    writer.run("key", "change-passphrase", "--new-passphrase-file", right)
    key = writer.answer("feed", "create", "--encrypt", STRATA_PASSPHRASE="right")["key"]
    writer.append(key, LINES, STRATA_PASSPHRASE="right")
    check(writer.blocks(key, STRATA_PASSPHRASE="right") == writer.blocks(key, "--passphrase-file", right) == LINES, "right")
    for words in (("cat", key), ("get", key, 0), ("tail", key)):
        writer.refused("feed", *words, status=9, says="terminal")
        writer.refused("feed", *words, "--passphrase-file", wrong, status=9, says="wrong")
    check(writer.blocks(plain) == LINES and len(writer.blocks(key, "--raw")) == len(LINES), "neither needs one")
    check(writer.answer("feed", "stat", key)["readable"], "nor does stat")


def a_terminal_is_asked_once_for_both_keys():
    writer = Node()
    key = writer.create("--encrypt")
    writer.run("key", "change-passphrase", "--new-passphrase-file", file_with("right\n"))
    words = ["/bin/sh", "-c", 'echo more | "$0" "$@"', *writer.words("feed", "append", key)]
    status, shown, _ = terminal.play(words, environment(TERM="dumb"), answers=[b"right\n"] * 2)
    check(status == 0 and shown.count("passphrase of the keys: ") == 1, shown)
    check(writer.blocks(key, STRATA_PASSPHRASE="right")[-1] == b"more", "appended")


def keys_are_cut_to_a_narrow_terminal():
    """As many digits as there is room for, and never fewer than are typed; what is missed least is left away first."""
    node = Node()
    keys = [node.create("--name", name) for name in ("one", "two")]
    for columns in (80, 40):
        for words in (("feed", "list"), ("key", "list")):
            lines = terminal.show(node.words("--color", "never", *words), environment(TERM="dumb"), columns).splitlines()
            check(len(lines) >= 3 and max(map(len, lines)) <= columns, (columns, lines))
            check(all(name in " ".join(lines) for name in ("KEY", "NAME", "one", "two")), lines)
            check(all(len(line.split()[0]) >= 8 for line in lines[1:]), lines)
        check(all(any(line.startswith(key[:8]) for line in terminal.show(node.words("feed", "list"), environment(TERM="dumb"), columns).splitlines()) for key in keys), keys)


def after_a_truncation_the_same_block_is_other_bytes():
    writer, keeper = Node(), Node()
    key = writer.create("--encrypt")
    before = writer.blocks(key, "--raw")
    with writer.serve() as address:
        keeper.replicate(key, address)
        writer.feed("truncate", key, 2)
        writer.append(key, LINES[2:])
        after = writer.blocks(key, "--raw")
        check(after[:2] == before[:2] and after[2] != before[2] and after[3] != before[3], "the padding hides the fork")
        check(after[3][PADDING:] != before[3][PADDING:], "the stream is another")
        check(writer.blocks(key) == LINES, "plain text")
        keeper.replicate(key, address)
    check(keeper.blocks(key) == after, "the keeper follows")


# ---- several ----

def a_keeper_without_the_key_passes_on_what_it_cannot_read():
    writer, keeper, reader = Node(), Node(), Node()
    key = writer.create("--encrypt", "--name", "diary")
    with writer.serve() as address:
        check(keeper.replicate(key, address)["blocks"] == len(LINES), "copied")
    check(keeper.blocks(key) == writer.blocks(key, "--raw") and keeper.answer("feed", "verify", key)["first_bad"] is None, "verified as it is")
    stat = keeper.answer("feed", "stat", key)
    check(stat["encrypted"] is None and stat["readable"] and stat["held"] == len(LINES), "it cannot tell")
    check(keeper.answer("feed", "list")["encrypted"] is None and writer.answer("feed", "stat", key)["encrypted"] is True, "nor in a list")
    check(keeper.has_bytes(TEXT) == [] and keeper.has_bytes(b"and the map") == [], "something is readable")
    sealed, passphrase = TOP / "sealed.key", file_with("for the journey\n")
    writer.run("key", "export", "diary.reading", "--output", sealed, "--export-passphrase-file", passphrase)
    check(b"SEALED KEY" in sealed.read_bytes(), sealed.read_bytes())
    reader.refused("key", "import", sealed, "--export-passphrase-file", file_with("another\n"), status=9, says="passphrase")
    taken = reader.answer("key", "import", sealed, "--export-passphrase-file", passphrase)
    check((taken["kind"], taken["name"], taken["parent"]) == ("reading", "diary.reading", key), taken)
    with keeper.serve() as address:
        reader.replicate(key, address)
    check(reader.blocks(key) == LINES and reader.feed("tail", key, "-n", 1) == TEXT + b"\n", "read")
    stat = reader.answer("feed", "stat", key)
    check(stat["encrypted"] and stat["readable"] and not stat["writable"], stat)
    reader.refused("feed", "append", key, status=9, says="the key that signs", data=b"x\n")
    check(reader.has_bytes(TEXT) == [], "something is readable in the reader's files")
    keeper.run("key", "import", sealed, "--export-passphrase-file", passphrase)
    check(keeper.blocks(key) == LINES and keeper.answer("feed", "stat", key)["encrypted"], "a keeper becomes a reader")


def the_digits_of_a_key_go_through_a_file_or_standard_input():
    writer, reader, other = Node(), Node(), Node()
    key = writer.create("--encrypt", "--compat", "--name", "diary")
    with writer.serve() as address:
        for node in (reader, other):
            node.replicate(key, address)
    reader.run("key", "import", "--reading", key, file_with(writer.hex() + "\n"))
    other.run("key", "import", "--reading", key[:8], "-", "--name", "theirs", data=writer.hex().upper().encode())
    check(reader.blocks(key) == other.blocks(key) == LINES and other.hex("theirs") == writer.hex(), "read")
    refused = reader.refused("key", "import", "--reading", key, file_with("0" * 64), status=5, says="a reading key of the feed already")
    check("--own" in refused, refused)


def without_the_key_or_with_another_nothing_is_read_or_appended():
    writer, reader = Node(), Node()
    key, secret = writer.create("--encrypt", "--name", "diary"), writer.hex()
    right, wrong = file_with(secret), file_with("01" * 32)
    reader.run("key", "import", "--reading", key, right, "--name", "one")
    with writer.serve() as address:
        reader.replicate(key, address)
    for node, name in ((writer, "diary.reading"), (reader, "one")):
        node.run("key", "remove", "--own", name)
        stat = node.answer("feed", "stat", key)
        check(stat["encrypted"] and not stat["readable"], stat)
        for words in (("cat", key), ("get", key, 0), ("tail", key)):
            hint = node.refused("feed", *words, status=9, says="the feed is encrypted, and its reading key is not among the keys of this node")
            check("hint: " in hint and "key import" in hint, hint)
        check(len(node.blocks(key, "--raw")) == len(LINES), "raw")
        node.run("key", "import", "--reading", key, wrong, "--name", "wrong")
        for words in (("cat", key), ("get", key, 0), ("tail", key)):
            node.refused("feed", *words, status=9, says="is not encrypted with the reading key that is here")
        node.run("key", "remove", "--own", "wrong")
    writer.refused("feed", "append", key, status=9, says="reading key is not among", data=b"x\n")
    writer.run("key", "import", "--reading", "diary", wrong, "--name", "wrong")
    writer.refused("feed", "append", key, status=9, says="not encrypted with the reading key that is here", data=b"x\n")
    check(writer.answer("feed", "stat", key)["length"] == len(LINES), "something is appended")
    writer.run("key", "remove", "--own", "wrong")
    check(writer.answer("key", "import", "--reading", "diary", right)["name"] == "diary.reading", "it is called as before")
    check(writer.append(key, [b"again"])["length"] == len(LINES) + 1 and writer.blocks(key) == [*LINES, b"again"], "with the right one it goes on")


def a_key_of_a_feed_that_is_not_encrypted_reads_and_appends_nothing():
    writer = Node()
    key = writer.create()
    writer.run("key", "import", "--reading", key, file_with("02" * 32))
    writer.refused("feed", "cat", key, status=9, says="not encrypted with")
    writer.refused("feed", "append", key, status=9, says="not encrypted with", data=b"x\n")
    check(writer.blocks(key, "--raw") == LINES, "raw")


def a_backup_is_as_encrypted_as_the_feed_and_can_have_the_keys():
    writer, second, third = Node(), Node(), Node()
    key, passphrase = writer.create("--encrypt", "--name", "diary"), file_with("for the drawer\n")
    bare, full = TOP / "bare.feed", TOP / "full.feed"
    writer.feed("backup", "diary", bare)
    writer.feed("backup", "diary", full, "--with-key", "--export-passphrase-file", passphrase)
    for path in (bare, full):
        check(TEXT not in path.read_bytes() and bytes.fromhex(writer.hex()) not in path.read_bytes(), path)
    second.feed("restore", bare)
    check(second.answer("feed", "stat", key)["encrypted"] and second.blocks(key, "--raw") == writer.blocks(key, "--raw"), "without keys")
    second.refused("feed", "cat", key, status=9, says="reading key is not among")
    second.run("key", "import", "--reading", key, file_with(writer.hex()))
    check(second.blocks(key) == LINES, "with the reading key")
    third.feed("restore", full, "--with-key", "--export-passphrase-file", passphrase)
    check(third.blocks("diary") == LINES and third.hex() == writer.hex(), "with both keys")
    check(third.append(key, [b"more"], "--trust")["length"] == len(LINES) + 1 and third.blocks(key)[-1] == b"more", "and it goes on")


sys.exit(run_all(scene, [
    blocks_are_plain_text_to_the_writer_and_encrypted_in_its_files,
    the_reading_key_is_listed_and_shown_only_when_asked_for,
    a_block_may_be_empty_or_the_longest_and_input_large,
    a_follower_gets_plain_text_as_it_comes,
    a_passphrase_is_asked_for_where_there_is_something_to_decrypt,
    a_terminal_is_asked_once_for_both_keys,
    keys_are_cut_to_a_narrow_terminal,
    after_a_truncation_the_same_block_is_other_bytes,
    a_keeper_without_the_key_passes_on_what_it_cannot_read,
    the_digits_of_a_key_go_through_a_file_or_standard_input,
    without_the_key_or_with_another_nothing_is_read_or_appended,
    a_key_of_a_feed_that_is_not_encrypted_reads_and_appends_nothing,
    a_backup_is_as_encrypted_as_the_feed_and_can_have_the_keys,
]))
