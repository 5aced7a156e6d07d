#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the catalogue's commands print and refuse, as a person and a script meet them. Usage: 35_catalog_commands.py STRATA"""
import fcntl
import json
import pathlib
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, STRATA, TOP, check, init, run_all, strata, url  # noqa: E402

TREE = TOP / "tree"


def refused(status, *words):
    """The message of a command that fails with `status`."""
    done = strata(*words, "--json", ok=False)
    check(done.returncode == status, f"{words}: status {done.returncode} instead of {status}")
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    return error["message"] + "\n" + error["hint"]


def shard_names_are_told_apart_from_those_of_the_database():
    check("small letters" in refused(2, "catalog", "shard", "create", "Upper", "/upper"), "capital letters")
    for name in ("public", "catalog", "information_schema", "pg_temp"):
        check("the database itself" in refused(2, "catalog", "shard", "create", name, "/taken"), name)
        check("the database itself" in refused(2, "catalog", "shard", "rename", "t", name), f"rename to {name}")
    strata("catalog", "shard", "create", "other", "/other")
    told = refused(5, "catalog", "shard", "rename", "t", "other")
    check("there is a shard 'other' already" in told and "public views" not in told, told)
    told = refused(5, "catalog", "shard", "create", "other", "/another")
    check("cannot create shard 'other': it exists already, with the path '/other'\n" in told, told)
    told = refused(5, "catalog", "shard", "create", "another", "/other/")
    check("cannot create shard 'another': the path '/other' is that of shard 'other'\n" in told, told)
    strata("pg", "-c", "create schema somebodys")
    told = refused(5, "catalog", "shard", "create", "somebodys", "/another")
    check("schema \"somebodys\" already exists" in told, told)
    strata("catalog", "shard", "drop", "other")


def tables_show_a_path_as_it_is_given():
    check("bad\\xff" in strata("catalog", "ls", "t").stdout.decode(), "ls")
    shown = strata("catalog", "stat", "t", f"{TREE}/bad\\xff").stdout.decode()
    check(f"{TREE}/bad\\xff\n" in shown, shown)


def a_path_may_lead_up_as_the_kernel_takes_it():
    def ls(here, path):
        done = subprocess.run([STRATA, "-C", str(DIR), "catalog", "ls", "t", path, "--json"], capture_output=True, text=True, cwd=here)
        return {json.loads(line)["name"] for line in done.stdout.splitlines()} or done.stderr
    (TOP / "far").symlink_to(TREE / "sub")
    everything = ls(TREE, ".")
    check("a.csv" in everything and len(everything) == 3, everything)
    for here, path in ((TREE / "sub", ".."), (TREE / "sub", "../"), (TREE, "sub/../sub/.."), (TOP, "tree/sub/../../tree"), (TOP, "far/..")):
        check(ls(here, path) == everything, f"{path} in {here}: {ls(here, path)}")
    check(ls(TOP, f"{TREE}/../tree/sub") == {"b.csv"}, "what is behind the last '..' is kept")
    check("has a part '..'" in ls(TREE, "nothing/.."), ls(TREE, "nothing/.."))
    check("has no path" in ls(TREE, ".."), ls(TREE, ".."))


def a_shard_whose_root_is_a_link_is_asked_from_within():
    (TOP / "link").symlink_to(TREE)
    strata("catalog", "shard", "create", "l", str(TOP / "link"))
    strata("catalog", "crawl", "l", str(TOP / "link"))
    done = subprocess.run(["sh", "-c", f"cd '{TOP}/link/sub' && '{STRATA}' -C '{DIR}' catalog ls l ."], capture_output=True, text=True)
    check("b.csv" in done.stdout, done.stdout + done.stderr)
    done = subprocess.run([STRATA, "-C", str(DIR), "catalog", "ls", "t", ".", "--json"], capture_output=True, text=True, cwd=TREE, env={"PWD": "/nowhere"})
    check("a.csv" in done.stdout, f"a wrong PWD: {done.stdout} {done.stderr}")
    crawled = json.loads(strata("catalog", "crawl", "l", str(TREE / "sub"), "--json").stdout)
    check(crawled["files"] == 1 and crawled["added"] == 0, f"the root by its own name: {crawled}")
    check("b.csv" in strata("catalog", "ls", "l", str(TREE / "sub")).stdout.decode(), "and asked by it")
    strata("catalog", "shard", "drop", "l")


def a_link_to_the_root_of_a_shard_is_its_root():
    links = TOP / "links"
    links.mkdir()
    (links / "to").symlink_to(TREE)
    (links / "round").symlink_to("to")
    for way in (links / "to", links / "round", f"{links}/to/"):
        crawled = json.loads(strata("catalog", "crawl", "t", str(way), "--json").stdout)
        check(crawled["files"] > 1 and crawled["added"] + crawled["removed"] == 0, f"{way}: {crawled}")
        shown = strata("catalog", "ls", "t", str(way)).stdout
        check(shown == strata("catalog", "ls", "t", str(TREE)).stdout, shown)
    crawled = json.loads(strata("catalog", "crawl", "t", f"{links}/to/sub", "--json").stdout)
    check(crawled["files"] == 1 and crawled["directories"] == 1 and crawled["added"] == 0, crawled)
    (links / "away").symlink_to(TOP)
    told = refused(2, "catalog", "crawl", "t", str(links / "away"))
    check(f"'{links}/away' is not in '{TREE}', the root of shard 't'" in told, told)


def a_tree_begins_below_the_directory():
    told = refused(2, "catalog", "tree", "t", "-d", "0")
    check("from 1 to 100" in told, told)
    told = strata("catalog", "tree", "--help").stdout.decode()
    check("1 is what is in PATH itself" in told, told)


def empty_lines_of_a_crawl_file_are_skipped():
    strata("catalog", "shard", "create", "e", "/e")
    done = json.loads(strata("catalog", "ingest", "e", "-", "--json", data=b'\n/e/x\tposix\t{"type":"file"}\n\r\n\n').stdout)
    check((done["accepted"], done["rejected"]) == (1, []), done)
    check(json.loads(strata("catalog", "shard", "rename", "e", "f", "--json").stdout) == {"renamed": "e", "name": "f"}, "what a rename says")
    strata("catalog", "shard", "drop", "f")


def a_program_is_told_where_the_next_page_starts():
    seen, after = [], []
    for _ in range(5):
        done = strata("catalog", "ls", "t", "--limit", "1", "--json", *after)
        seen += [json.loads(line)["name"] for line in done.stdout.splitlines()]
        if not done.stderr:
            break
        after = ["--after", json.loads(done.stderr)["next"]]
    check(seen == ["a.csv", "bad\\xff", "sub"], seen)
    check(not strata("catalog", "ls", "t", "--limit", "1", "--json", "--quiet").stderr, "quiet")


def options_that_would_do_nothing_or_too_much_are_refused():
    crawl = ("catalog", "crawl", "t", str(TREE))
    for words in (["--kind", ""], ["--include", ""], ["--exclude", ""], ["--rules", "r.json"], ["--stats"], ["--output", ""]):
        check(len(refused(2, *crawl, *words)) > 20, words)
    check("--output" in refused(2, "catalog", "crawl", "-", str(TREE)), "no shard and no file")
    check(json.loads(strata(*crawl, "--json").stdout)["removed"] == 0, "a refused crawl removed something")


def a_crawl_of_what_is_not_there_leaves_no_trace():
    refused(4, "catalog", "crawl", "t", f"{TREE}/nothing")
    covers = [json.loads(line)["root"] for line in strata("catalog", "fresh", "t", "--json").stdout.splitlines()]
    check(covers == [str(TREE)], covers)


def how_fresh_each_kind_is_is_told():
    def crawls():
        return {row["kind"]: row for row in map(json.loads, strata("catalog", "fresh", "t", "--json").stdout.splitlines())}
    check(set(crawls()) == {"posix"}, crawls())
    strata("catalog", "crawl", "t", str(TREE))
    crawled = json.loads(strata("catalog", "shard", "stat", "t", "--json").stdout)["crawled"]
    strata("catalog", "crawl", "t", str(TREE), "--kind", "magic,checksum")
    first = crawls()
    check(set(first) == {"posix", "magic", "checksum"} and all(row["finished"] and row["root"] == str(TREE) for row in first.values()), first)
    check(first["checksum"]["result"] == {"looked": 3, "records": 3, "problems": 0}, first["checksum"])
    strata("catalog", "crawl", "t", str(TREE), "--kind", "checksum")
    check(crawls()["checksum"]["started"] > first["checksum"]["started"] and crawls()["magic"] | {"age": 0} == first["magic"] | {"age": 0}, crawls())
    check(json.loads(strata("catalog", "shard", "stat", "t", "--json").stdout)["crawled"] == crawled, "the tree was not crawled")


def a_crawl_file_can_be_the_standard_output():
    kept = TOP / "kept.tsv"
    link = TOP / "link.tsv"
    link.symlink_to(kept)
    kept.write_text("old\n")
    counts = json.loads(strata("catalog", "crawl", "-", str(TREE), "--kind", "posix,magic", "--output", str(link), "--json").stdout)
    check(counts["files"] == 3 and counts["records"] == 3, counts)
    check(link.is_symlink() and len(kept.read_text().splitlines()) == 8, "the file behind a link is made anew, not the link")
    for target in ("-", "/dev/stdout"):
        done = subprocess.run([STRATA, "catalog", "crawl", "-", str(TREE), "--output", target], capture_output=True, cwd=TOP)
        lines = [line.split(b"\t") for line in done.stdout.splitlines()]
        check(done.returncode == 0 and len(lines) == 5 and all(len(line) == 3 for line in lines), f"{target}: {done}")
    with open(TOP / "redirected.tsv", "wb") as out:
        subprocess.run([STRATA, "catalog", "crawl", "-", str(TREE), "--output", "-"], stdout=out, stderr=subprocess.DEVNULL, cwd=TOP)
    check(len((TOP / "redirected.tsv").read_bytes().splitlines()) == 5, "redirected")
    check(not (TOP / "-").exists(), "a file called -")


def a_time_may_be_so_long_ago_over_http_too():
    for query in ("since=7d", "since=7d&by=learned", "since=2020-01-01T00:00:00Z"):
        with urllib.request.urlopen(f"{url()}/api/v1/catalog/t/recent?{query}") as answer:
            check(len(json.load(answer)["items"]) >= 3, query)
    try:
        urllib.request.urlopen(f"{url()}/api/v1/catalog/t/recent?since=soon")
        check(False, "since=soon")
    except urllib.error.HTTPError as error:
        check(error.code == 400 and "duration" in json.load(error)["error"]["message"], error)


def catches_interrupts(pid):
    caught = re.search(r"SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(caught[1], 16) >> (signal.SIGINT - 1) & 1


def is_read(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0] == 0


def an_ingest_that_waits_can_be_interrupted():
    """A signal to each, as from a terminal: before the first line, and after a line was taken in."""
    for before in (b"", f'{TREE}/sent\tposix\t{{"type":"file","size":1}}\n'.encode()):
        with subprocess.Popen([STRATA, "-C", str(DIR), "catalog", "ingest", "t", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as ingest:
            ingest.stdin.write(before)
            ingest.stdin.flush()
            while ingest.poll() is None and not (catches_interrupts(ingest.pid) and is_read(ingest.stdin)):
                time.sleep(0.05)
            ingest.send_signal(signal.SIGINT)
            told = ingest.stderr.read().decode()
            check(ingest.wait() == 130 and "interrupted" in told, f"{ingest.returncode} {told}")
    check(strata("catalog", "stat", "t", f"{TREE}/sent").returncode == 0, "what was sent is kept")
    strata("catalog", "crawl", "t", str(TREE))


def scene():
    init()
    strata("up")
    (TREE / "sub").mkdir(parents=True)
    (TREE / "a.csv").write_text("1\n")
    (TREE / "sub" / "b.csv").write_text("2\n")
    pathlib.Path(bytes(TREE).decode() + "/bad\udcff").write_text("3\n")
    strata("catalog", "shard", "create", "t", str(TREE))
    strata("catalog", "crawl", "t", str(TREE))


sys.exit(run_all(scene, [shard_names_are_told_apart_from_those_of_the_database, tables_show_a_path_as_it_is_given,
                         a_path_may_lead_up_as_the_kernel_takes_it, a_shard_whose_root_is_a_link_is_asked_from_within,
                         empty_lines_of_a_crawl_file_are_skipped, a_program_is_told_where_the_next_page_starts, options_that_would_do_nothing_or_too_much_are_refused,
                         a_crawl_of_what_is_not_there_leaves_no_trace, how_fresh_each_kind_is_is_told, a_crawl_file_can_be_the_standard_output,
                         a_time_may_be_so_long_ago_over_http_too, an_ingest_that_waits_can_be_interrupted,
                         a_link_to_the_root_of_a_shard_is_its_root, a_tree_begins_below_the_directory]))
