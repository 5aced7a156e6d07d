#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/example/feed.c, compiled and run as its reader would, and beside the commands. Usage: 43_c_api.py STRATA"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, STRATA, TOP, check, run_all  # noqa: E402

SRC = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = pathlib.Path(STRATA).parent / "src/api"


def run(*words, status=0, program="feed"):
    env = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_")} | {"LD_LIBRARY_PATH": str(LIBRARY)}
    done = subprocess.run([TOP / program, *map(str, words)], env=env, capture_output=True, text=True)
    check(done.returncode == status, f"feed {words}: status {done.returncode} and not {status}: {done.stderr}")
    return done


def strata(*words):
    env = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_")}
    return subprocess.run([STRATA, "-C", str(DIR), *words], env=env, capture_output=True, text=True, check=True).stdout


def scene():
    DIR.mkdir()
    (DIR / "strata.ini").write_text("[log]\nlevel = info\n")
    (DIR / "strata.ini").chmod(0o600)


def compile_program(source, program):
    compiler = shutil.which("cc") or "gcc"
    done = subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-I", SRC / "include", source, "-o", TOP / program, "-L", LIBRARY, "-lstrata"],
                          capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)


def the_example_compiles_without_a_warning():
    compile_program(SRC / "docs/example/feed.c", "feed")


def it_makes_a_feed_and_goes_on_with_it():
    check(re.fullmatch(r"[0-9a-f]{64} has 2 blocks:\n0 hello\n1 world\n", run(DIR, "hello", "world").stdout), "two words")
    check(run(DIR, "again").stdout.endswith("has 3 blocks:\n0 hello\n1 world\n2 again\n"), "and one more")
    check(strata("feed", "cat", "example") == "hello\nworld\nagain\n", "the commands have the same feed")


def it_copies_what_the_commands_serve():
    key = run(DIR).stdout.split()[0]
    server = subprocess.Popen([STRATA, "-C", str(DIR), "feed", "serve"], stdout=subprocess.PIPE, text=True)
    address = server.stdout.readline().split()[1]
    copied = run(TOP / "copy", "--from", address, key)
    check(copied.stdout == run(DIR).stdout, copied.stdout)
    server.terminate()
    server.communicate()
    failed = run(TOP / "copy2", "--from", address, key, status=6)
    check("refused" in failed.stderr and failed.stderr.count("\n") == 1, failed.stderr)


def an_encrypted_feed_is_written_copied_and_read_with_its_reading_key():
    compile_program(SRC / "test/system/c_api_encrypted.c", "encrypted")
    key, reading = run("write", DIR, "hello", "", "elm", program="encrypted").stdout.split()
    check(strata("feed", "cat", "diary") == "hello\n\nelm\n" and strata("key", "export", "diary.reading", "--hex").strip() == reading, "the commands read it")
    server = subprocess.Popen([STRATA, "-C", str(DIR), "feed", "serve"], stdout=subprocess.PIPE, text=True)
    address = server.stdout.readline().split()[1]
    lines = run("read", TOP / "reader", address, key, reading, program="encrypted").stdout.splitlines()
    server.terminate()
    server.communicate()
    check(lines[0] == "plain" and [len(line) // 2 for line in lines[1:4]] == [13, 8, 11], lines)
    check(lines[4:] == ["encrypted", b"hello".hex(), "", b"elm".hex()], lines)
    strata("key", "remove", "--own", "diary.reading")
    failed = run("read", DIR, key, status=1, program="encrypted")
    check(failed.stdout == "unreadable\n" and "get: DENIED the feed is encrypted" in failed.stderr, failed)


def many_threads_append_to_one_feed():
    compile_program(SRC / "test/system/c_api_threads.c", "threads")
    for kind in "plain", "encrypted":
        lines = [line.split() for line in run(DIR, kind, kind, 8, 40, program="threads").stdout.splitlines()]
        blocks = strata("feed", "cat", kind).splitlines()
        check(len(lines) == 320 and len(blocks) == 640, f"{len(lines)} appends, {len(blocks)} blocks")
        for thread, number, first in lines:
            check(blocks[int(first):int(first) + 2] == [f"{thread} {number} a", f"{thread} {number} b"], f"{thread} {number} is at {first}")
        for thread in range(8):
            places = [int(first) for of, number, first in lines if int(of) == thread]
            check(places == sorted(places) and len(places) == 40, f"thread {thread} is in order")


def blocks_are_proven_and_backups_made_and_restored():
    compile_program(SRC / "test/system/c_api_care.c", "care")
    key = run(DIR).stdout.split()[0]
    proof, backup, other = TOP / "one.proof", TOP / "example.feed", TOP / "other"
    run("prove", DIR, "example", 1, proof, program="care")
    got = run("check", "-", proof, program="care").stdout.splitlines()
    check(got == ["1 3 0 world", key], got)
    check(strata("feed", "check-proof", "--block", str(proof)) == "world", "the commands check it, too")
    proof.write_bytes(proof.read_bytes().replace(b"world", b"sword"))
    check("CORRUPT" in run("check", "-", proof, status=1, program="care").stderr, "changed")
    check("NOT_FOUND" in run("prove", DIR, "example", 3, proof, status=1, program="care").stderr, "no such block")
    run("backup", DIR, "example", backup, program="care")
    check(run("restore", other, backup, "again", program="care").stdout == key + "\n", "restored")
    check("CONFLICT" in run("restore", other, backup, "once more", status=1, program="care").stderr, "it is there")
    shutil.copytree(DIR / "keys", other / "keys", dirs_exist_ok=True)
    check("DENIED the feed was restored" in run("append", other, "again", "x", status=1, program="care").stderr, "it may be old")
    check(run("trust", other, "again", program="care").stdout == "0 1\n", "trusted")
    check(run("append", other, "again", "x", program="care").stdout == "3\n", "appended to")


def peers_are_asked_and_damage_is_told():
    shutil.copytree(DIR, TOP / "longer")
    longer = TOP / "longer"
    run("trust", longer, "example", program="care")
    run("append", longer, "example", "one more", program="care")
    server = subprocess.Popen([TOP / "care", "serve", longer], env=os.environ | {"LD_LIBRARY_PATH": str(LIBRARY)},
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = server.stdout.readline().strip()
    (DIR / "strata.ini").write_text(f"[log]\nlevel = info\n[nobody knows this]\nkey = value\n[feeds]\npeers = {address}\npeers_wait = 30s\n")
    for peer in ((), (address,)):  # that of strata.ini, and one that the program has
        failed = run("append", DIR, "example", "fork", *peer, status=1, program="care").stderr
        check("4 blocks in fork 0: what is here is an old copy" in failed and "DENIED" in failed, failed)
    (DIR / "strata.ini").write_text("[log]\nlevel = info\n")
    run("trust", DIR, "example", program="care")
    warned = run("append", DIR, "example", "another history", "127.0.0.1:1", program="care").stderr
    check(warned.startswith("warning: peer 127.0.0.1:1 was not asked") and warned.count("\n") == 1, warned)
    failed = run("append", DIR, "example", "more", address, status=1, program="care").stderr
    check("another history of feed" in failed and "CONFLICT" in failed, failed)
    check(run("forks", DIR, "example", program="care").stdout == "0 4 4 4 1\n", "the proof")
    log = next(path for path in longer.glob("feeds/*/*/00000000.log") if b"world" in path.read_bytes())
    log.write_bytes(log.read_bytes().replace(b"world", b"sword"))
    key = run(longer, status=8).stdout.split()[0]
    run(TOP / "damaged", "--from", address, key, status=11)
    _, warned = server.communicate("")
    check("block 1 of feed" in warned and "cannot be given to peers" in warned, warned)


def a_server_with_peers_serves_many_feeds_and_passes_over_damaged_ones():
    many, copy = TOP / "many", TOP / "copies"
    run("many", many, 80, program="care")
    (many / "strata.ini").write_text("[feeds]\npeers = 127.0.0.1:1\n")
    (many / "strata.ini").chmod(0o600)
    rows = [json.loads(line) for line in subprocess.run([STRATA, "-C", str(many), "feed", "list", "--json"], capture_output=True, text=True, check=True).stdout.splitlines()]
    keys = {row["name"]: row["key"] for row in rows}
    damaged = next(row["discovery_key"] for row in rows if row["name"] == "f7")
    for name in ("00000000.log", "head"):
        (many / "feeds" / damaged[:2] / damaged / name).write_bytes(b"x" * 1000)
    server = subprocess.Popen([STRATA, "-C", str(many), "feed", "serve"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = server.stdout.readline().split()[1]
    for name in ("f0", "f79"):
        check(run(copy, "--from", address, keys[name]).stdout.endswith(f"has 1 blocks:\n0 {name}\n"), name)
    server.terminate()
    said = server.communicate()[1]
    check(f"feed {keys['f7'][:16]} is not served: " in said and said.count("is not served") == 1, said)


def what_is_wrong_is_said_with_the_status_of_the_commands():
    check("usage" in run(status=2).stderr, "usage")
    failed = run("/dev/null/nowhere", status=6)
    check(failed.stderr.startswith("feed: "), failed.stderr)


def nothing_but_the_header_is_seen_from_outside():
    symbols = subprocess.run(["nm", "-D", "--defined-only", LIBRARY / "libstrata.so"], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in symbols.splitlines()}
    declared = set(re.findall(r"\b(strata_[a-z_]+)\(", (SRC / "include/strata.h").read_text()))
    check(names == declared, f"exported {sorted(names - declared)}, missing {sorted(declared - names)}")


sys.exit(run_all(scene, [
    the_example_compiles_without_a_warning,
    it_makes_a_feed_and_goes_on_with_it,
    it_copies_what_the_commands_serve,
    an_encrypted_feed_is_written_copied_and_read_with_its_reading_key,
    many_threads_append_to_one_feed,
    blocks_are_proven_and_backups_made_and_restored,
    peers_are_asked_and_damage_is_told,
    a_server_with_peers_serves_many_feeds_and_passes_over_damaged_ones,
    what_is_wrong_is_said_with_the_status_of_the_commands,
    nothing_but_the_header_is_seen_from_outside,
]))
