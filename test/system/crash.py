# SPDX-License-Identifier: Apache-2.0
"""What the tests of kills and faults share: an instance, ways to end its processes, and what must hold of a shard.

    with crash.Instance() as at:
        at.strata("catalog", "shard", "create", "a", "/data")
        at.rows("select 1")                       # as the superuser
        check(crash.broken(at, "a") == [], "...")
"""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import template

SOAK = bool(os.environ.get("STRATA_SOAK"))
# The test command repeats itself; soak looks for what nobody has seen yet.
SEED = int(os.environ.get("STRATA_SEED", random.randrange(1 << 30) if SOAK else 20261121))
STRATA = str(pathlib.Path(os.environ.get("STRATA") or sys.argv[1]).resolve())
COUNTS = {"tests": 0, "failures": 0}


def check(condition, what):
    if not condition:
        COUNTS["failures"] += 1
        frame = sys._getframe(1)
        print(f"# {pathlib.Path(frame.f_code.co_filename).name}:{frame.f_lineno}: {what}", flush=True)
    return bool(condition)


def run_all(tests):
    """Each function is one TAP line; gives the exit status. What a test needs and is not here it says by raising Skip."""
    print(f"# STRATA_SEED={SEED}", flush=True)
    for test in tests:
        before, why = COUNTS["failures"], ""
        began = time.monotonic()
        try:
            test()
        except Skip as skip:
            why = f" # SKIP {skip}"
        except Exception as error:  # a broken test is a failed test; the others still say something
            check(False, f"{type(error).__name__}: {error}")
            import traceback
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        COUNTS["tests"] += 1
        print(f"{'ok' if COUNTS['failures'] == before else 'not ok'} {COUNTS['tests']} - {test.__name__}{why}", flush=True)
        if os.environ.get("STRATA_TIMES"):
            print(f"# {time.monotonic() - began:.1f} s", flush=True)
    print(f"1..{COUNTS['tests']}")
    return COUNTS["failures"] != 0


class Skip(Exception):
    pass


def wait_for(condition, what, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"waiting for {what}")
        time.sleep(0.02)


def is_gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_for(lambda: is_gone(pid), f"{pid} to die")


def environment(fault=None, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}
    return env | ({"STRATA_FAULT": fault} if fault else {}) | more


def points(*kinds):
    """The program's fault points whose names begin so."""
    lines = subprocess.run([STRATA, "debug", "faults", "--json"], capture_output=True, text=True, check=True).stdout.splitlines()
    found = [name for name in (json.loads(line)["name"] for line in lines) if name.startswith(kinds)]
    assert found, kinds
    return found


class Asker:
    """A psql that stays. What one question sets, the next does not see."""
    SCRIPT_ERROR = 3  # the exit status for what the server refuses; others are of lost connections
    END = "==end of the answer=="

    class Gone(Exception):
        pass

    def __init__(self, dsn):
        self.said = tempfile.TemporaryFile("w+")
        self.psql = subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", dsn, "-f", "-"], env=environment(),
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True, cwd="/")

    def ask(self, text):
        lines = []
        try:
            self.psql.stdin.write(f"discard all;\n{text}\n;\nselect '{self.END}';\n")
            self.psql.stdin.flush()
        except BrokenPipeError:
            raise Asker.Gone() from None
        for line in self.psql.stdout:
            if line == self.END + "\n":
                return "".join(lines)
            lines.append(line)
        if self.psql.wait() != self.SCRIPT_ERROR:
            raise Asker.Gone()
        self.said.seek(0)
        raise RuntimeError(self.said.read())

    def end(self):
        try:
            self.psql.stdin.close()
        except BrokenPipeError:
            pass
        self.psql.stdout.close()
        self.psql.wait()
        self.said.close()


class Instance:
    """An instance that is up, and a directory `top` beside it, gone at the end."""

    def __init__(self, settings="", asks_by_one=True):
        self.settings, self.asks_by_one = settings, asks_by_one
        self.asker, self.owner = None, threading.current_thread()

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="strata-crash-", dir="/tmp"))
        self.top.chmod(0o755)
        self.program = shutil.copy(STRATA, self.top / "strata")  # where another user can run it as well
        os.chmod(self.program, 0o755)
        self.dir = self.top / "i"
        template.instance(self.dir, self.program)
        self.local_conf(self.settings)
        self.up()
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.call("down")
        status = self.call("status", "--json")
        shutil.rmtree(self.top, ignore_errors=True)
        del status

    def local_conf(self, text):
        """Settings of the cluster for its next start."""
        template.settings(self.dir, text)

    def up(self):
        self.hang_up()
        self.url = json.loads(self.strata("up", "--json").stdout)["url"]
        self.dsn = self.strata("server", "dsn", "local").stdout.strip()

    def command(self, *words):
        return [self.program, "-C", str(self.dir), *(os.fspath(word) for word in words)]

    def call(self, *words, fault=None, **more):
        return subprocess.run(self.command(*words), env=environment(fault), capture_output=True, cwd="/", **more)

    def strata(self, *words, **more):
        done = self.call(*words, text=True, **more)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: status {done.returncode}: {done.stderr}")
        return done

    def answer(self, *words):
        return json.loads(self.strata(*words, "--json").stdout)

    def start(self, *words, fault=None, **more):
        return subprocess.Popen(self.command(*words), env=environment(fault), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", **more)

    def sql(self, text):
        """What psql prints. One connection serves all questions of the thread that made the instance, each as if it were a new one."""
        if not self.asks_by_one or threading.current_thread() is not self.owner:
            return self.sql_once(text)
        self.asker = self.asker or Asker(self.dsn)
        try:
            return self.asker.ask(text)
        except Asker.Gone:  # its server was killed since
            self.hang_up()
            return self.sql_once(text)
        except RuntimeError:  # it ends with what the server refuses
            self.hang_up()
            raise

    def sql_once(self, text):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", self.dsn, "-f", "-"], input=text,
                              env=environment(), capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout

    def hang_up(self):
        """Ends the connection, which others could take for one of the program's."""
        if self.asker:
            self.asker.end()
        self.asker = None

    def rows(self, text):
        return [line.split("\t") for line in self.sql(text).splitlines()]

    def value(self, text):
        return self.rows(text)[0][0]

    # ---- its processes ----

    def postmaster(self):
        status = self.call("status", "--json", text=True)
        return next((s.get("pid") for s in json.loads(status.stdout or '{"servers":[]}')["servers"] if s["server"] == "local"), None)

    def service(self):
        return json.loads(self.strata("status", "--json").stdout).get("pid")

    def backends(self):
        """The cluster's processes that answer somebody else."""
        self.hang_up()
        server = self.postmaster()
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text().rsplit(")")[-1].split()
                    title = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if int(stat[1]) == server and " mas [local]" in title:
                    found.append(int(entry.name))
        return found

    def ready(self):
        try:
            return self.value("select 1") == "1"
        except RuntimeError:
            return False

    def bring_back(self):
        """Whatever was killed is running again."""
        self.up()
        wait_for(self.ready, "the database to be back")


# ---- names ----

def escape(raw):
    """The text of a name in the catalogue: see src/catalog/pathname.h."""
    out, at = [], 0
    while at < len(raw):
        byte = raw[at]
        if byte < 0x20 or byte == 0x7f:
            out.append(f"\\x{byte:02x}")
            at += 1
        elif byte == 0x5c and re.match(rb"x[0-9a-fA-F]{2}", raw[at + 1:at + 4]):
            out.append("\\x5c")
            at += 1
        elif byte < 0x80:
            out.append(chr(byte))
            at += 1
        else:
            for size in 2, 3, 4:
                try:
                    out.append(raw[at:at + size].decode())
                    at += size
                    break
                except UnicodeDecodeError:
                    continue
            else:
                out.append(f"\\x{byte:02x}")
                at += 1
    return "".join(out)


# ---- what must hold of a shard ----

def broken(at, shard):
    """The invariants that do not hold: their names, each with one example."""
    at_shard = f"set search_path to \"{shard}\", public;\n"
    parents = "array(select md5(array_to_string((string_to_array(pa_path, '/'))[1:i], '/'))::uuid " \
              "from generate_series(2, array_length(string_to_array(pa_path, '/'), 1) - 1) i)"
    rules = {
        "pa_hash is not the md5 of pa_path": "select pa_path from paths where pa_hash <> md5(pa_path)::uuid",
        "a path is there twice": "select pa_path from paths group by 1 having count(*) > 1",
        "the parents are wrong": f"select pa_path from paths where coalesce(pa_parents, '{{}}') <> {parents}",
        "a directory above is missing": "select pa_path from paths p, shards where sh_code = current_schema() and pa_path <> sh_path "
            "and not exists (select from paths d where d.pa_hash = p.pa_parents[array_length(p.pa_parents, 1)])",
        "a path lacks its row": "select pa_path from paths where pa_type is not null and not exists (select from entries where "
            "en_hash = pa_hash and en_type = pa_type::text)",
        "a row has another type than its path": "select en_hash from entries left join paths on pa_hash = en_hash "
            "where pa_type is null or pa_type::text <> en_type",
        "a row is there twice": "select en_hash from entries group by 1 having count(*) > 1",
        "a record is there twice": "select md_hash from metadata group by md_hash, md_type having count(*) > 1",
        "a dataset is there twice": "select po_hash from datasets group by po_hash, ds_no having count(*) > 1",
        "a cell has no dataset": "select ce_dataset from cells where not exists (select from datasets where ds_id = ce_dataset)",
        "levels differ from the cells": "select * from (select le_name, le_time, le_space, le_count from levels where le_count <> 0) l "
            "full join (select (ce_key >> 40)::integer n, ((ce_key >> 37) & 7)::smallint t, ((ce_key >> 32) & 31)::smallint s, count(*) c "
            "from cells group by 1, 2, 3) k on (n, t, s, c) = (le_name, le_time, le_space, le_count) where n is null or le_name is null",
        "an index is missing": "select ix_name from catalog.shard_index where not exists (select from pg_class c where c.relname = ix_name and c.relnamespace = current_schema()::regnamespace)",
        "a first load is not ended": "select sh_code from shards where sh_code = current_schema() and sh_bulk",
        "counts are wrong": "select p.pa_path, di_count, f.n, di_size, f.s, di_datasets from directories join paths p on pa_hash = di_hash "
            "left join (select u.d, count(*) n, coalesce(sum(fi_size), 0) s from files join paths q on q.pa_hash = fi_hash "
            "cross join unnest(q.pa_parents) u (d) group by 1) f on f.d = di_hash "
            "left join (select u.d, count(*) n from datasets join paths q on q.pa_hash = po_hash cross join unnest(q.pa_parents) u (d) "
            "group by 1) x on x.d = di_hash where (di_count, di_size, di_datasets) is distinct from "
            "(coalesce(f.n, 0), coalesce(f.s, 0), coalesce(x.n, 0))",
    }
    for table, key in (("files", "fi_hash"), ("directories", "di_hash"), ("links", "li_hash"), ("metadata", "md_hash"), ("scans", "sc_dir"),
                       ("datasets", "po_hash"), ("looks", "lk_hash"), ("coverage", "co_dir"), ("coverage_due", "cd_dir")):
        rules[f"{table} has a row without a path"] = f"select {key} from {table} where {key} not in (select pa_hash from paths)"
    text = at_shard
    for name, query in rules.items():
        text += f"\\echo =={name}\n{query} limit 3;\n"
    found = []
    for part in at.sql(text).split("==")[1:]:
        name, _, example = part.partition("\n")
        if example.strip():
            found.append(f"{name}: {example.strip()[:300]}")
    return found


DERIVED = {  # what --full makes anew, by keys that stay
    "files": "select * from files",
    "directories": "select * from directories",
    "links": "select * from links",
    "datasets": "select po_hash, ds_parent, ds_no, po_stamps, po_min_stamp, po_max_stamp, po_name, ds_name, po_pixel_x, po_pixel_y, "
                "st_astext(po_polygon), st_srid(po_polygon), ds_srs, (select ax_json::jsonb from catalog.axes where ax_id = ds_axes), ds_xmin, ds_ymin, ds_xmax, ds_ymax, ds_west, ds_south, "
                "ds_east, ds_north, ('{' || ds_json)::jsonb from datasets",
    "cells": "select po_hash, ds_no, ce_key, ce_min, ce_max from cells join datasets on ds_id = ce_dataset",
    "levels": "select * from levels where le_count <> 0",
}


def refresh_differs(at, shard):
    """What `refresh --full` changes in the derived tables, which must be nothing."""
    use = f"set search_path to \"{shard}\", public;\ncreate schema before;\n"
    at.sql(use + "".join(f"create table before.{name} as {query};\n" for name, query in DERIVED.items()))
    at.strata("catalog", "refresh", shard, "--full")
    found = []
    for name, query in DERIVED.items():
        for sign, one, other in (("gone", f"table before.{name}", query), ("new", query, f"table before.{name}")):
            for row in at.rows(f"set search_path to \"{shard}\", public; ({one}) except all ({other}) limit 2"):
                found.append(f"{name} {sign}: {row}")
    at.sql("set client_min_messages = error; drop schema before cascade")
    return found


SAME = {  # what two crawls of one tree agree in
    "paths": "select pa_hash, pa_type, pa_path, pa_parents from {s}.paths where pa_hash <> {top}",
    "metadata": "select md_hash, md_type, md_json - 'atime' - 'atime_ns' from {s}.metadata where md_hash <> {top}",
    "files": "select fi_hash, fi_parent, fi_name, fi_size, fi_ctime, fi_mtime, fi_mode, fi_inode, fi_uid, fi_gid, fi_user, fi_group, fi_nuid, "
             "fi_ngid, fi_nmode, fi_kind, fi_sha256 from {s}.files",
    "directories": "select di_hash, di_parent, di_name, di_ctime, di_mtime, di_mode, di_inode, di_uid, di_gid, di_user, di_group, di_count, "
                   "di_size, di_nuid, di_ngid, di_nmode, di_datasets from {s}.directories where di_hash <> {top}",
    "links": "select li_hash, li_parent, li_name, li_ctime, li_mtime, li_inode, li_uid, li_gid, li_user, li_group, li_intact, li_target, "
             "li_nuid, li_ngid from {s}.links",
    "scans": "select sc_dir, sc_print, sc_options, sc_files, sc_directories, sc_links from {s}.scans where sc_dir <> {top}",
}


def shards_differ(at, one, other, top):
    """In what two shards differ; `top` is the root of the wider one, which the other does not have."""
    found = []
    root = f"md5('{top}')::uuid"
    for name, query in SAME.items():
        a, b = query.format(s=one, top=root), query.format(s=other, top=root)
        for sign, left, right in ((f"only {one}", a, b), (f"only {other}", b, a)):
            for row in at.rows(f"({left}) except all ({right}) limit 3"):
                found.append(f"{name} {sign}: {row}")
    return found


def tree_differs(at, shard, root):
    """In what the shard differs from the tree itself."""
    have = {tuple(row) for row in at.rows(
        f"set search_path to \"{shard}\", public; select pa_path, coalesce(pa_type::text, ''), coalesce(fi_size::text, ''), "
        "coalesce(fi_inode, di_inode, li_inode, ''), coalesce(li_target, ''), coalesce(li_intact::text, '') "
        "from paths left join files on fi_hash = pa_hash left join directories on di_hash = pa_hash left join links on li_hash = pa_hash")}
    real = set()

    def add(path):
        st = os.lstat(path)
        kind = {0o100000: "file", 0o040000: "directory", 0o120000: "link"}.get(st.st_mode & 0o170000, "")
        target, intact = "", ""
        if kind == "link":
            target, intact = escape(os.readlink(path)), "true" if os.path.exists(path) else "false"
        real.add((escape(path), kind, str(st.st_size) if kind == "file" else "", str(st.st_ino) if kind else "", target, intact))

    add(os.fsencode(root))
    for dir, dirs, files in os.walk(os.fsencode(root)):
        for name in dirs + files:
            add(os.path.join(dir, name))
    return [f"only the catalogue: {row}" for row in sorted(have - real)[:3]] + [f"only the tree: {row}" for row in sorted(real - have)[:3]]


# ---- a tree that changes ----

ODD = [b"new\nline", b"tab\there", b"bad\xff\xfeutf", b"cut\xe2\x82", b"back\\x41slash", b"\\x5c", b"\\", b"\\xzz", b"sp ace ", b"quote'\"", b"%s%n",
       "ünïcödé".encode(), "日本".encode(), b"-rf", b"\x01\x7f", b"$(x)`y`", b"a" * 255, b".hidden", b"*?[", b"\\x0a", b"\\xff"]


class Tree:
    def __init__(self, root, seed, files=1500):
        self.root, self.random = os.fsencode(root), random.Random(seed)
        os.makedirs(self.root, exist_ok=True)
        self.number = 0
        for _ in range(files // 12):
            self.add_directory()
        for _ in range(files):
            self.add_file()
        for _ in range(files // 30):
            self.add_link()
            self.add_hard_link()
        for name in ODD:
            self.write(os.path.join(self.root, name))
            os.makedirs(os.path.join(self.root, b"odd", name), exist_ok=True)
            self.write(os.path.join(self.root, b"odd", name, name))
        os.mkfifo(os.path.join(self.root, b"fifo"))

    def entries(self):
        """All below the root, directories and others apart; not walked anew for each change."""
        dirs, others = [self.root], []
        for dir, names, files in os.walk(self.root):
            for name in names + files:
                path = os.path.join(dir, name)
                (others if os.path.islink(path) or not os.path.isdir(path) else dirs).append(path)
        return dirs, others

    def name(self):
        self.number += 1
        return b"%d" % self.number + (self.random.choice(ODD)[:100] if self.random.random() < 0.05 else b".dat")

    def a_directory(self):
        if not hasattr(self, "known"):
            self.known = [self.root]
        while True:
            path = self.random.choice(self.known)
            if os.path.isdir(path) and not os.path.islink(path):
                return path
            self.known.remove(path)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(b"x" * self.random.randrange(3000))

    def add_file(self):
        self.write(os.path.join(self.a_directory(), self.name()))

    def add_directory(self):
        path = os.path.join(self.a_directory(), self.name())
        if len(path) < 2000:
            os.mkdir(path)
            self.known.append(path)

    def add_link(self):
        target = self.random.choice([b"nowhere", b"..", b"/", self.root, b"bad\xfftarget", b"x\ny", b"."])
        os.symlink(target, os.path.join(self.a_directory(), self.name()))

    def add_hard_link(self):
        path = self.some_file()
        if path:
            os.link(path, os.path.join(self.a_directory(), self.name()), follow_symlinks=False)

    def some_file(self):
        for _ in range(20):
            dir = self.a_directory()
            files = [e.path for e in os.scandir(dir) if e.is_file(follow_symlinks=False)]
            if files:
                return self.random.choice(sorted(files))
        return None

    def some_below(self):
        for _ in range(20):
            path = self.a_directory()
            if path != self.root:
                return path
        return None

    def change(self):
        kind = self.random.choices(["add", "mkdir", "remove", "append", "rename", "rename_dir", "rmtree", "file_to_dir", "dir_to_file",
                                    "link", "hard", "link_to_dir", "chmod", "swap"], [8, 3, 6, 6, 4, 2, 1, 2, 1, 2, 2, 1, 2, 1])[0]
        file, dir = self.some_file(), self.some_below()
        if kind == "add":
            self.add_file()
        elif kind == "mkdir":
            self.add_directory()
            self.add_file()
        elif kind == "link":
            self.add_link()
        elif kind == "hard":
            self.add_hard_link()
        elif file and kind == "remove":
            os.unlink(file)
        elif file and kind == "append":
            with open(file, "ab") as out:
                out.write(b"more" * self.random.randrange(1, 99))
        elif file and kind == "rename":
            os.rename(file, os.path.join(self.a_directory(), self.name()))
        elif file and kind == "file_to_dir":
            os.unlink(file)
            os.mkdir(file)
            self.known.append(file)
            for _ in range(self.random.randrange(4)):
                self.write(os.path.join(file, self.name()))
        elif file and kind == "chmod":
            os.chmod(file, self.random.choice([0o600, 0o644, 0o755]))
        elif file and kind == "link_to_dir":
            links = [e.path for e in os.scandir(self.a_directory()) if e.is_symlink()]
            for link in links[:1]:
                os.unlink(link)
                os.mkdir(link)
                self.known.append(link)
                self.write(os.path.join(link, self.name()))
        elif dir and kind == "rename_dir":
            goal = os.path.join(self.a_directory(), self.name())
            if not goal.startswith(dir + b"/") and len(goal) < 2000:
                os.rename(dir, goal)
                self.known.append(goal)
        elif dir and kind == "rmtree" and sum(len(f) for _, _, f in os.walk(dir)) < 200:
            shutil.rmtree(dir)
        elif dir and kind == "dir_to_file" and sum(len(f) for _, _, f in os.walk(dir)) < 200:
            shutil.rmtree(dir)
            if self.random.random() < 0.5:
                self.write(dir)
            else:
                os.symlink(b"was/a/directory", dir)
        elif file and dir and kind == "swap":  # two names exchange what they are
            spare = os.path.join(self.root, b"spare")
            if not file.startswith(dir + b"/"):
                os.rename(file, spare)
                os.rename(dir, file)
                os.rename(spare, dir)
                self.known.append(file)


def scatter(rng, count):
    """`count` numbers from 0 to 1, none of them close to another."""
    return [(n + rng.random()) / count for n in range(count)]


def md5(path):
    return hashlib.md5(path.encode()).hexdigest()
