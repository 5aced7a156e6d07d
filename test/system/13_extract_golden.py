#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every fixture file's record is its golden one (test/fixture/extract/golden).

    13_extract_golden.py               TAP
    13_extract_golden.py --regenerate  write the golden records anew from what the extractor says now; read the diff

A golden file holds the record without what differs by machine (posix_info), or the sentence for a file that has none.
"""
import hashlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

SRC = pathlib.Path(os.environ.get("SRC", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("BUILD", SRC / "build"))
FIXTURE = SRC / "test/fixture/extract"
GOLDEN = FIXTURE / "golden"
EXTRACT = BUILD / "strata-extract"
tests = bad = 0


def check(good, name, *why):
    global tests, bad
    tests += 1
    bad += not good
    for line in why if not good else ():
        print("# " + str(line).replace("\n", "\n# "))
    print(f"{'' if good else 'not '}ok {tests} - {name}")


def unique(pairs):
    keys = [k for k, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key twice in {keys}"
    return dict(pairs)


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def strict(text):
    """JSON as RFC 8259 has it: Python's own reader takes NaN as well."""
    return json.loads(text, parse_constant=no_constant, object_pairs_hook=unique)


def extract(name, *options, env=None):
    done = subprocess.run([EXTRACT, *options, name], capture_output=True, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout.decode(), done.stderr.decode().strip()


def outcome(name):
    status, out, err = extract(name)
    said = err.replace("strata-extract: ", "")
    if not out:
        return {"status": status, "said": said}, None
    record = strict(out)
    posix = record.pop("posix_info")
    if said:
        record["said"] = said
    return record, posix


def pretty(record):
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def posix_of(name):
    st = os.stat(name)
    signature = f"{name}{st.st_ino}{st.st_size}{st.st_mtime_ns // 10**9}{st.st_mtime_ns % 10**9}"

    def nano(ns):
        whole = subprocess.run(["date", "-u", "-d", f"@{ns // 10**9}", "+%Y-%m-%dT%H:%M:%S"], capture_output=True, text=True)
        fraction = f"{ns % 10**9:09d}".rstrip("0")
        return whole.stdout.strip() + ("." + fraction if fraction else "") + "Z"

    return {"inode": st.st_ino, "size": st.st_size, "mtime": nano(st.st_mtime_ns), "ctime": nano(st.st_ctime_ns),
            "file_id": hashlib.md5(signature.encode()).hexdigest()}


def golden(names):
    for name in names:
        record, posix = outcome(name)
        kept = GOLDEN / (name + ".json")
        want = kept.read_text() if kept.exists() else "(there is no golden record: --regenerate makes one)"
        check(pretty(record) == want, f"{name} gives its golden record", "got:", pretty(record), "golden:", want)
        if posix:
            check(posix == posix_of(name), f"{name} has its inode, times and id", posix, posix_of(name))
    stale = {p.name[:-5] for p in GOLDEN.glob("*.json")} - set(names)
    check(not stale, "every golden record has its file", *stale)


def statistics():
    status, out, _ = extract("ramp.tif", "--stats")
    values = [10, 20, 30, 40, 50]  # 0 is the no-data value
    mean = sum(values) / 5
    deviation = (sum((v - mean) ** 2 for v in values) / 5) ** 0.5
    band = strict(out)["geo_metadata"][0]
    check(status == 0 and band["mins"] == [10] and band["maxs"] == [50] and band["means"] == [mean]
          and abs(band["stddevs"][0] - deviation) < 1e-12 and band["sample_counts"] == [5], "statistics skip no-data", band)
    band = strict(extract("nan.tif", "--stats")[1])["geo_metadata"][0]
    check(band["sample_counts"] == [12] and band["means"] == [1.5], "statistics of a raster whose no-data value is NaN", band)
    status, _, err = extract("cut.tif", "--stats")
    check(status == 11 and err, "statistics of a cut file are a problem", status, err)


def nothing_is_left_or_fetched(before):
    check(sorted(os.listdir(".")) == before, "no file was written beside the data", set(os.listdir(".")) ^ set(before))
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen = []

        def listen():
            try:
                seen.append(server.accept()[1])
            except OSError:
                pass

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        text = pathlib.Path("network.vrt").read_text().replace("127.0.0.1:9", f"127.0.0.1:{server.getsockname()[1]}")
        pathlib.Path("fetch.vrt").write_text(text)
        status, _, err = extract("fetch.vrt", "--stats")
        check(status == 11 and not seen, "a file that names a server makes no connection", err, seen)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    status, out, err = extract("/vsicurl/http://127.0.0.1/x.tif")
    check(status == 11 and not out and "virtual file systems" in err, "paths of virtual file systems are refused", err)


def by_hand():
    status, out, _ = extract("utm.tif", "--tsv")
    path, kind, record = out.rstrip("\n").split("\t")
    check((path, kind) == ("utm.tif", "gdal") and strict(record)["filename"] == "utm.tif", "--tsv prints crawl file lines", out)
    odd = "tab\there\n\\x41\\é.tif".encode() + b"\xff"
    os.rename("pixel.tif", odd)
    done = subprocess.run([EXTRACT, "--tsv", odd], capture_output=True)
    os.rename(odd, "pixel.tif")
    check(done.stdout.startswith("tab\\x09here\\x0a\\x5cx41\\é.tif\\xff\tgdal\t{".encode()) and done.stdout.count(b"\n") == 1,
          "a path with tabs, newlines and invalid UTF-8 is escaped", done.stdout[:100])
    check(strict(done.stdout.decode().split("\t")[2])["filename"].endswith("\\xff"), "and so it is in the record")
    check(extract("no such file")[0] == 11, "a missing file is a problem")
    status, out, err = extract("utm.tif", "--rules", "no such rules")
    check(status == 4 and "no such rules" in err, "missing rules end it with 'not found'", status, err)
    check(subprocess.run([EXTRACT], capture_output=True).returncode == 2, "no file is a usage error")


def frame(kind, payload):
    return struct.pack("<I", len(payload) + 1) + kind + payload


def frames(data):
    while data:
        (length,) = struct.unpack("<I", data[:4])
        yield chr(data[4]), data[5:4 + length]
        data = data[4 + length:]


def worker():
    paths = [b"utm.tif", b"text.txt", b"stub.tif", b"cut.tif", b"levels.nc"]
    request = b"".join(frame(b"P", p) for p in paths)
    done = subprocess.run([EXTRACT, "--worker"], input=request, capture_output=True)
    kinds = "".join(kind for kind, _ in frames(done.stdout))
    check(done.returncode == 0 and kinds == "HRNXWRR", "a worker answers in order", kinds, done.stderr)
    records = [json.loads(p)["filename"] for kind, p in frames(done.stdout) if kind == "R"]
    check(records == ["utm.tif", "cut.tif", "levels.nc"], "with one record a file", records)
    done = subprocess.run([EXTRACT, "--worker"], input=request, capture_output=True, env={**os.environ, "STRATA_FAULT": "extract_record:2:kill"})
    kinds = "".join(kind for kind, _ in frames(done.stdout))
    check(done.returncode == -9 and kinds == "HR", "killed at a record, it has answered what came before", kinds, done.returncode)
    for name, request in [("a frame that is cut", b"\x08\0\0\0Put"), ("an empty frame", b"\0\0\0\0"),
                          ("a huge frame", b"\xff\xff\xff\x7fP"), ("an unknown request", frame(b"Q", b"x"))]:
        done = subprocess.run([EXTRACT, "--worker"], input=request, capture_output=True)
        check(done.returncode not in (0, -6, -11) and done.stderr, name + " ends it with a sentence", done.returncode, done.stderr)
    pathlib.Path("bad.json").write_text('{"rule_sets": [\n  {"pattern": "(" }\n]}')
    done = subprocess.run([EXTRACT, "--worker", "--rules", "bad.json"], input=b"", capture_output=True)
    kinds = list(frames(done.stdout))
    check(done.returncode == 3 and kinds[0][0] == "E" and b"rule set 1" in kinds[0][1], "bad rules are told in a frame", kinds)


def main():
    os.environ["LC_ALL"] = "C.UTF-8"
    with tempfile.TemporaryDirectory() as top:
        made = subprocess.run([FIXTURE / "make.sh", top], capture_output=True, text=True)
        if made.returncode != 0:
            print("Bail out! the fixture cannot be made: " + made.stderr)
            return 1
        os.chdir(top)
        names = sorted(os.listdir("."))
        if "--regenerate" in sys.argv:
            GOLDEN.mkdir(exist_ok=True)
            for old in GOLDEN.glob("*.json"):
                old.unlink()
            for name in names:
                (GOLDEN / (name + ".json")).write_text(pretty(outcome(name)[0]))
            return 0
        golden(names)
        statistics()
        nothing_is_left_or_fetched(names)
        by_hand()
        worker()
        os.chdir("/")
    print(f"1..{tests}")
    return bad != 0


sys.exit(main())
