#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that has no connection free: commands wait and go on, the watch too, the service says 503 and serves from those it has.

Usage: 65_catalog_connections.py STRATA
"""
import concurrent.futures
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

GDAL = ('{"filename":"%s","file_type":"GTiff","geo_metadata":[{"ds_name":"%s","namespace":"red","array_type":"Byte","raster_count":1,'
        '"timestamps":["2015-02-22T10:48:49Z"],"x_size":10,"y_size":10,"geotransform":[147,0.01,0,-36,0,-0.01],'
        '"polygon":"POLYGON ((147 -36,147 -36.1,147.1 -36.1,147.1 -36,147 -36))","proj_wkt":"","proj4":"+proj=longlat +datum=WGS84 +no_defs"}]}')


class Refused(Exception):
    pass


class Session:
    """A connection of the superuser's that does nothing, by the protocol itself: a psql would be a process each."""

    def __init__(self):
        dsn = dict(re.findall(r"(\w+)='?([^' ]*)'?", at.dsn))
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{dsn['host']}/.s.PGSQL.{dsn.get('port', 5432)}")
        words = "".join(f"{key}\0{value}\0" for key, value in (("user", dsn.get("user", "postgres")), ("database", "mas"))).encode() + b"\0"
        self.socket.sendall(struct.pack("!ii", 8 + len(words), 3 << 16) + words)
        self.read = self.socket.makefile("rb")
        self.answer()

    def answer(self):
        """What fields the rows have, until the server is ready again."""
        rows = []
        while True:
            kind = self.read.read(1)
            if not kind:
                raise Refused("gone")
            body = self.read.read(struct.unpack("!i", self.read.read(4))[0] - 4)
            if kind == b"E":
                self.close()
                raise Refused(body)
            if kind == b"K":
                self.pid = struct.unpack("!i", body[:4])[0]
            if kind == b"D":
                rows.append(body[6:].decode())
            if kind == b"Z":
                return rows

    def sql(self, text):
        data = text.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!i", 4 + len(data)) + data)
        return self.answer()

    def close(self):
        self.read.close()
        self.socket.close()


class Full:
    """All connections are taken but `free`, until the end of the block or release(); with `alone`, also those that others had."""

    def __init__(self, free=0, alone=False):
        self.free, self.alone = free, alone

    def fill(self):
        while True:
            try:
                self.held.append(Session())
            except Refused as refused:
                check(b"53300" in refused.args[0], f"{refused}")
                return

    def others(self, what):
        ours = ",".join(str(session.pid) for session in self.held)
        return self.held[0].sql(f"select {what} from pg_stat_activity where backend_type = 'client backend' and pid not in ({ours})")

    def __enter__(self):
        self.held = []
        self.fill()
        while self.alone and self.others("pg_terminate_backend(pid)"):  # they come back, but we are many
            self.fill()
        for session in self.held[len(self.held) - self.free:]:
            session.close()
            self.held.remove(session)
        crash.wait_for(lambda: len(self.held) + len(self.others("pid")) <= CONNECTIONS - self.free, "connections to be free")
        return self

    def release(self):
        for session in self.held:
            session.close()
        self.held = []

    def __exit__(self, *_):
        self.release()


class Command:
    """A command, with what it says on standard error read by a thread."""

    def __init__(self, *words):
        self.process = at.start("catalog", *words)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.decode())

    def waits(self):
        return any(line.startswith("waiting for the database, ") for line in self.lines)

    def wait_or_end(self):
        crash.wait_for(lambda: self.waits() or self.process.poll() is not None, f"the command: {self.lines}")
        return self.waits()

    def end(self):
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()
        return self.process.returncode

    def said(self):
        return [line for line in self.lines if not re.match("(crawling|ingesting|waiting)\\b", line)]


def patience(text):
    """Of the commands from now on."""
    (at.dir / "strata.ini").write_text(ini + (f"\n[database]\npatience = {text}\n" if text else ""))


def resumed(what, free, *words):
    """The command waits for a connection at some point, and ends well when there are some again."""
    with Full(free) as full:
        command = Command(*words)
        waited = command.wait_or_end()
        check(not waited or command.process.poll() is None, f"{what} with {free} free: {command.lines}")
        full.release()
        check(command.end() == 0, f"{what} with {free} free: {command.process.returncode} {command.lines}")
        check(command.said() == [], f"{what} says: {command.lines}")
        return waited


def a_crawl_waits_for_connections_and_goes_on():
    for free in 0, 2, 5:
        for _ in range(30):
            tree.change()
        if free == 2:
            at.strata("catalog", "shard", "truncate", "a")
        waited = resumed("a crawl", free, "crawl", "a", tree.root)
        check(waited or free > 2, f"it has to wait with {free} free")
        found = crash.tree_differs(at, "a", os.fsdecode(tree.root)) + crash.broken(at, "a")
        check(found == [], f"with {free} free: {found}")


def an_ingest_waits_for_connections_and_goes_on():
    for free in 0, 3:
        lines = at.top / "lines.tsv"
        paths = [f"/g/{free}/{n}" for n in range(300)]
        lines.write_text("".join(f'{path}\tposix\t{{"type":"file","size":1}}\n{path}\tgdal\t{GDAL % (path, path)}\n' for path in paths)
                         + f'/g/{free}/moved\t-renamed\t{{"from":"/g/{free}/0"}}\n')
        waited = resumed("an ingest", free, "ingest", "g", lines)
        check(waited or free > 2, f"it has to wait with {free} free")
        check(at.value(f"select count(*) || ' ' || sum(di_datasets) from g.files, g.directories where di_name = '{free}' and fi_parent = di_hash") ==
              f"300 {300 * 300}", f"with {free} free")
        check(crash.broken(at, "g") == [], f"with {free} free: {crash.broken(at, 'g')}")


def what_waits_in_vain_says_how_long():
    try:
        with Full():
            for limit, said in ("1s", "waited for 1.0 s: "), ("0s", "cannot connect"):
                patience(limit)
                command = Command("crawl", "a", tree.root)
                check(command.end() == 7 and said in command.said()[0], f"{limit}: {command.process.returncode} {command.lines}")
                check(command.waits() == (limit == "1s") and (limit == "0s" or command.said()[1].startswith("hint: ")), f"{limit}: {command.lines}")
            patience("1s")
            done = at.call("catalog", "shard", "list", "--json", text=True)
            check(done.returncode == 7 and json.loads(done.stderr)["error"]["code"] == "BUSY", f"{done.returncode} {done.stderr}")
    finally:
        patience(None)


def ctrl_c_ends_the_waiting():
    with Full(2):
        command = Command("crawl", "a", tree.root)
        check(command.wait_or_end(), f"it waits: {command.lines}")
        command.process.send_signal(signal.SIGINT)
        check(command.end() == 130 and len(command.said()) == 1 and "stopped while waiting" in command.said()[0],
              f"{command.process.returncode} {command.lines}")
    at.strata("catalog", "crawl", "a", tree.root)


class Plain(crash.Tree):
    """A watch is told of a change of a file under one of its names only."""

    def add_hard_link(self):
        pass


def a_watch_waits_for_connections_and_loses_nothing():
    root, names = at.top / "watched", (time.monotonic_ns() for _ in iter(int, 1))

    def settle():
        """A file that the crawl finds, and one after it that only the watch can."""
        for _ in range(2):
            mark = root / f"mark-{next(names)}"
            mark.write_text("1")
            crash.wait_for(lambda: command.process.poll() is not None or
                           at.value(f"select count(*) from w.files where fi_hash = '{crash.md5(str(mark))}'") == "1", f"{mark}: {command.lines}")
        check(command.process.poll() is None, f"it watches: {command.lines}")

    plain = Plain(root, crash.SEED, 200)
    at.strata("catalog", "shard", "create", "w", root)
    with Full():
        command = Command("watch", "w", root)
        check(command.wait_or_end(), f"a watch that starts: {command.lines}")
    settle()
    with Full(alone=True) as full:
        for _ in range(60):
            plain.change()
        time.sleep(1)
        for _ in range(60):
            plain.change()
        full.release()
    settle()
    command.process.send_signal(signal.SIGINT)
    check(command.end() == 0, f"{command.process.returncode} {command.lines}")
    found = crash.tree_differs(at, "w", str(root)) + crash.broken(at, "w")
    check(found == [], f"{found}")


def get(path):
    """Status, Retry-After."""
    try:
        with urllib.request.urlopen(at.url + path) as reply:
            reply.read()
            return reply.status, reply.headers["Retry-After"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"]


def the_service_answers_from_what_it_has_and_503_without():
    paths = [f"/api/v1/catalog/a/ls?path={tree.root.decode()}", "/api/v1/catalog", "/stac/collections", "/g?timestamps", "/readyz"]
    for path in paths:
        check(get(path)[0] == 200, f"{path}: {get(path)}")
    with Full():
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            for path, (status, _) in zip(paths * 12, pool.map(get, paths * 12)):
                check(status == 200, f"{path} by the connections it has: {status}")
    with Full(alone=True):
        for path in paths:
            status, retry = get(path)
            check(status == 503 and retry and int(retry) > 0, f"{path}: {status}, Retry-After {retry}")
        check(get("/healthz")[0] == 200, "the service itself is well")
    for path in paths:
        crash.wait_for(lambda: get(path)[0] == 200, f"{path} to answer again")


CONNECTIONS = 20
with crash.Instance(f"max_connections = {CONNECTIONS}\n", asks_by_one=False) as at:
    ini = (at.dir / "strata.ini").read_text()
    tree = crash.Tree(at.top / "tree", crash.SEED, 300)
    at.strata("catalog", "shard", "create", "a", at.top / "tree")
    at.strata("catalog", "shard", "create", "g", "/g")
    at.strata("catalog", "crawl", "a", tree.root)
    status = crash.run_all([a_crawl_waits_for_connections_and_goes_on, an_ingest_waits_for_connections_and_goes_on,
                            what_waits_in_vain_says_how_long, ctrl_c_ends_the_waiting, a_watch_waits_for_connections_and_loses_nothing,
                            the_service_answers_from_what_it_has_and_503_without])
sys.exit(status)
