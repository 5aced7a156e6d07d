#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a token with a uid is told, of every route and form, beside what a walk by hand may find. Usage: 33_catalog_access.py STRATA

A random tree with random owners and modes is taken in. The answers of a token without uid are the truth; those of one with a
uid must be what is left of them by the rules of docs/guide/finding.md, which Tree works out by hand.
"""
import csv
import hashlib
import io
import json
import os
import pathlib
import random
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, check, init, run_all, strata, url  # noqa: E402

SEED = int(os.environ.get("STRATA_SEED", random.SystemRandom().randrange(1 << 31)))
pick = random.Random(SEED)
USERS = {0: [], 1: [1], 2: [1, 2], 7: []}
SECRET = "strata_" + "7" * 63
WGS84 = "+proj=longlat +datum=WGS84 +no_defs"


# ---- the tree ----

class Node:
    def __init__(self, path, kind, no):
        self.path, self.kind, self.no = path, kind, no
        self.uid, self.gid = pick.choice((0, 1, 2, 7)), pick.choice((0, 1, 2, 7))
        self.mode = pick.choice((0o755, 0o755, 0o755, 0o750, 0o700, 0o711, 0o705, 0o070) if kind == "directory" else (0o644, 0o640, 0o600, 0o604, 0o000))
        self.magic = pick.choice(("image/tiff", "text/plain", None)) if kind == "file" else None
        self.sum = pick.choice((None, "a", "b")) if kind == "file" else None
        self.box = (pick.randrange(-100, 100), pick.randrange(-60, 60)) if kind == "file" and pick.random() < .6 else None
        self.variable = f"v{no % 5}"

    def may(self, uid, need):
        if uid == 0:
            return True
        bits = self.mode >> 6 if uid == self.uid else self.mode >> 3 if self.gid in USERS[uid] else self.mode
        return bits & need == need

    def lines(self):
        letters = "".join(c if self.mode >> (8 - n) & 1 else "-" for n, c in enumerate("rwxrwxrwx"))
        yield "posix", {"type": self.kind, "size": 100 + self.no, "mode": {"directory": "d", "file": "-", "link": "l"}[self.kind] + letters,
                        "inode": self.no, "uid": self.uid, "gid": self.gid, "user": f"u{self.uid}", "group": f"g{self.gid}", "atime": 1, "mtime": 1600000000,
                        "ctime": 1, **({"target": "x", "intact": True} if self.kind == "link" else {})}
        if self.magic:
            yield "magic", {"mime": self.magic}
        if self.sum:
            yield "checksum", {"sha256": hashlib.sha256(self.sum.encode()).hexdigest(), "md5": "0" * 32}
        if self.box:
            x, y = self.box
            polygon = f"POLYGON (({x} {y},{x + 9} {y},{x + 9} {y + 9},{x} {y + 9},{x} {y}))"
            yield "gdal", {"filename": self.path, "file_type": "GTiff", "geo_metadata": [
                {"ds_name": "x", "namespace": self.variable, "array_type": "Int16", "proj_wkt": "", "proj4": WGS84, "polygon": polygon,
                 "timestamps": ["2020-01-01T00:00:00Z"], "geotransform": [0, 1, 0, 0, 0, -1], "x_size": 20, "y_size": 30}]}


class Tree:
    def __init__(self):
        self.nodes = {"/t": Node("/t", "directory", 0)}
        self.nodes["/t"].mode = 0o755
        places = ["/t"]
        for no in range(1, 260):
            place = pick.choice(places[-12:])
            kind = pick.choice(("directory", "file", "file", "file", "link"))
            node = Node(f"{place}/{'dfl'['directory file link'.split().index(kind)]}{no}", kind, no)
            self.nodes[node.path] = node
            if kind == "directory":
                places.append(node.path)

    def above(self, path):
        """The directories above, the root first."""
        parts = path.split("/")
        return [self.nodes["/".join(parts[:n])] for n in range(2, len(parts))]

    def reaches(self, uid, path):
        return all(d.may(uid, 1) for d in self.above(path))

    def lists(self, uid, path):
        return self.reaches(uid, path) and self.nodes[path].kind == "directory" and self.nodes[path].may(uid, 5)

    def walks(self, uid, top, path):
        return path.startswith(top + "/") and all(d.may(uid, 5) for d in self.above(path) if len(d.path) >= len(top))

    def reads(self, uid, path):
        return self.nodes[path].kind != "file" or self.nodes[path].may(uid, 4)


def scene():
    init()
    lines = "".join(f"{hashlib.sha256(f'{SECRET}{uid}'.encode()).hexdigest()} reader user{uid} uid={uid}"
                    f"{' groups=' + ','.join(map(str, groups)) if groups else ''}\n" for uid, groups in USERS.items())
    lines += f"{hashlib.sha256(f'{SECRET}x'.encode()).hexdigest()} reader all\n"
    (DIR / "tokens").write_text(lines)
    (DIR / "tokens").chmod(0o600)
    with open(DIR / "strata.ini", "a") as ini:
        ini.write("\n[http]\ntokens = tokens\n")
    strata("up")
    strata("catalog", "shard", "create", "t", "/t")
    text = "".join(f"{node.path}\t{kind}\t{json.dumps(record)}\n" for node in tree.nodes.values() for kind, record in node.lines())
    strata("catalog", "ingest", "t", "-", data=text.encode())
    # What crawls leave behind, at random places.
    some = pick.sample(sorted(tree.nodes), 120)
    strata("pg", "-c", "".join(f"insert into t.problems (pr_path, pr_type, pr_text) values ('{p}', '{pick.choice(('posix', 'gdal'))}', 'trouble');" for p in some[:80])
           + "".join(f"insert into t.crawls (cr_root, cr_kind, cr_started) values ('{p}', 'posix', now());" for p in some[40:]))


def ask(uid, address, **parameters):
    """Status and body."""
    query = urllib.parse.urlencode(parameters)
    request = urllib.request.Request(f"{URL}{address}{'?' + query if query else ''}", headers={"Authorization": f"Bearer {SECRET}{uid}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def items(uid, verb, **parameters):
    """All pages, which fit together; None when it is denied."""
    found, after = [], {}
    while True:
        status, body = ask(uid, f"/api/v1/catalog/t/{verb}", limit=37, **parameters, **after)
        if status == 403:
            return None
        if not check(status == 200, f"{verb} {parameters} as {uid}: {status} {body[:200]}"):
            return []
        page = json.loads(body)
        found += page["items"]
        if not page["next"]:
            return found
        after = {"after": page["next"]}


def tops(uid):
    """Directories to ask about: the root, and some."""
    return ["/t"] + [p for p in pick.sample(sorted(tree.nodes), 25) if tree.nodes[p].kind == "directory"]


def same(got, wanted, what):
    key = lambda row: json.dumps(row, sort_keys=True)
    check(sorted(map(key, got)) == sorted(map(key, wanted)), f"seed {SEED}, {what}: too much {[r for r in got if r not in wanted][:3]}, "
          f"missed {[r for r in wanted if r not in got][:3]}")


def bare(uid, row):
    """An entry as somebody sees it who may not read the file."""
    return row if tree.reads(uid, row["path"]) else {**row, "kind": None}


# ---- paths ----

def one_path_is_told_as_the_kernel_would():
    for uid in USERS:
        for path, node in tree.nodes.items():
            status, body = ask(uid, "/api/v1/catalog/t/stat", path=path)
            reaches = tree.reaches(uid, path)
            if not check(status == (200 if reaches else 403), f"seed {SEED}: stat {path} as {uid}: {status}") or not reaches:
                continue
            facts, whole = json.loads(body), json.loads(ask("x", "/api/v1/catalog/t/stat", path=path)[1])
            if not tree.reads(uid, path):
                whole |= {"kind": None, "sha256": None, "datasets": None, "records": [r for r in whole["records"] if r["type"] == "posix"],
                          "problems": [p for p in whole["problems"] if p["type"] == "posix"]}
            check(facts == whole, f"seed {SEED}: stat {path} as {uid}: {facts} {whole}")
            types = {record["type"] for record in items(uid, "meta", path=path)}
            check(types == {kind for kind, _ in node.lines() if kind == "posix" or tree.reads(uid, path)}, f"seed {SEED}: meta {path} as {uid}: {types}")
        check(ask(uid, "/api/v1/catalog/t/stat", path="/t/nothing")[0] == 404, "nothing")


def directories_are_listed_as_the_kernel_would():
    for uid in USERS:
        for top in tops(uid):
            for sort in ("name", "size"):
                got = items(uid, "ls", path=top, sort=sort)
                check((got is not None) == tree.lists(uid, top), f"seed {SEED}: ls {top} as {uid}")
                if got is not None:
                    check(got == [bare(uid, row) for row in items("x", "ls", path=top, sort=sort)], f"seed {SEED}: ls {top} as {uid}")


# ---- searches ----

def walked(uid, top, rows, path="path"):
    return [row for row in rows if row[path] == top or tree.walks(uid, top, row[path])]


def searches_find_what_a_walk_does():
    questions = [("find", {}), ("find", {"sort": "size"}), ("find", {"where": "posix.size>150"}), ("recent", {}), ("recent", {"by": "learned"}),
                 ("tree", {"all": "yes", "depth": 100}), ("tree", {"depth": 100})]
    contents = [("find", {"kind": "image/*"}), ("find", {"variable": "v1"}), ("find", {"bbox": "-90,-50,90,50"}), ("find", {"from": "2019-01-01"}),
                ("find", {"sha256": hashlib.sha256(b"a").hexdigest()}), ("find", {"where": "magic.mime=image/tiff"}), ("find", {"where": "gdal.file_type=GTiff"})]
    for uid in USERS:
        for top in tops(uid):
            for verb, parameters in questions + contents:
                got = items(uid, verb, path=top, **parameters)
                check((got is not None) == tree.lists(uid, top), f"seed {SEED}: {verb} {top} as {uid}")
                if got is None:
                    continue
                wanted = walked(uid, top, items("x", verb, path=top, **parameters))
                if (verb, parameters) in contents:
                    wanted = [row for row in wanted if tree.reads(uid, row["path"])]
                wanted = [bare(uid, row) if "kind" in row else row for row in wanted]
                same(got, wanted, f"{verb} {parameters} {top} as {uid}")


def sums_are_of_what_a_walk_finds():
    for uid in USERS:
        for top in tops(uid):
            if not tree.lists(uid, top):
                check(all(items(uid, verb, path=top) is None for verb in ("dups", "usage", "du")), f"seed {SEED}: {top} as {uid}")
                continue
            seen = [n for p, n in tree.nodes.items() if n.kind == "file" and tree.walks(uid, top, p)]
            copies = {}
            for node in seen:
                if node.sum and tree.reads(uid, node.path):
                    copies.setdefault(hashlib.sha256(node.sum.encode()).hexdigest(), []).append(node.path)
            same([{"sha256": d["sha256"], "paths": d["paths"]} for d in items(uid, "dups", path=top)],
                 [{"sha256": s, "paths": sorted(p)} for s, p in copies.items() if len(p) > 1], f"dups {top} as {uid}")
            for by, value in (("user", lambda n: f"u{n.uid}"), ("kind", lambda n: n.magic if tree.reads(uid, n.path) else None)):
                sums = {}
                for node in seen:
                    files, size = sums.get(value(node), (0, 0))
                    sums[value(node)] = files + 1, size + 100 + node.no
                same([[u["value"], u["files"], u["size"]] for u in items(uid, "usage", path=top, by=by)],
                     [[v, *n] for v, n in sums.items()], f"usage by {by} {top} as {uid}")
            check(sum(u["files"] for u in items(uid, "usage", path=top, by="age")) == len(seen), f"seed {SEED}: usage by age {top} as {uid}")
            lists = [n.path for p, n in tree.nodes.items() if n.kind == "directory" and tree.walks(uid, top, p) and n.may(uid, 5)]
            check(sorted(d["path"] for d in items(uid, "du", path=top, depth=100) if d["path"] != top) == sorted(lists), f"seed {SEED}: du {top} as {uid}")


def crawls_and_problems_name_no_hidden_path():
    for uid in USERS:
        for top in tops(uid):
            for verb, path in (("problems", "path"), ("fresh", "root")):
                got = items(uid, verb, path=top)
                check((got is not None) == tree.reaches(uid, top), f"seed {SEED}: {verb} {top} as {uid}")
                if got is None:
                    continue
                wanted = [row for row in items("x", verb, path=top) if row[path] == top or top.startswith(row[path] + "/") or tree.walks(uid, top, row[path])]
                if verb == "problems":
                    wanted = [row for row in wanted if row["type"] == "posix" or tree.reads(uid, row["path"])]
                same([{k: v for k, v in row.items() if k != "age"} for row in got], [{k: v for k, v in row.items() if k != "age"} for row in wanted],
                     f"{verb} {top} as {uid}")


def lines_and_csv_say_no_more_than_json():
    for uid in USERS:
        for verb, parameters in (("find", {}), ("ls", {"path": "/t"}), ("recent", {}), ("tree", {"all": "yes"}), ("dups", {}), ("usage", {}), ("problems", {}),
                                 ("fresh", {}), ("du", {"depth": 3})):
            page = items(uid, verb, **parameters)
            texts = {form: ask(uid, f"/api/v1/catalog/t/{verb}", format=form, **parameters)[1] for form in ("jsonl", "csv")}
            lines = [json.loads(line) for line in texts["jsonl"].splitlines()]
            drop = lambda rows: [{k: v for k, v in row.items() if k != "age"} for row in rows]
            own = [row for row in lines if verb != "du" or row["path"] != "/t"]
            same(drop(own), drop([row for row in page if verb != "du" or row["path"] != "/t"]), f"{verb} as jsonl, user {uid}")
            check(len(list(csv.DictReader(io.StringIO(texts["csv"])))) == len(lines), f"{verb} as csv, user {uid}")


# ---- STAC and MAS ----

def stac_shows_what_may_be_read():
    for uid in USERS:
        seen = {p for p, n in tree.nodes.items() if n.box and tree.walks(uid, "/t", p) and tree.reads(uid, p)}
        found, url = {}, "/stac/search?limit=20"
        while url:
            status, body = ask(uid, url)
            page = json.loads(body)
            found |= {item["properties"]["strata:path"]: item for item in page["features"]}
            url = next((link["href"][len(URL):] for link in page["links"] if link["rel"] == "next"), None)
        check(set(found) == seen, f"seed {SEED}: search as {uid}: {set(found) ^ seen}")
        whole = json.loads(ask("x", "/stac/search?limit=1000")[1])["features"]
        for item in whole:
            status, _ = ask(uid, f"/stac/collections/t/items/{item['id']}")
            check(status == (200 if item["properties"]["strata:path"] in seen else 404), f"seed {SEED}: {item['id']} as {uid}: {status}")
        boxes = {}
        for path in seen:
            boxes.setdefault(path.rsplit("/", 1)[0], []).append(tree.nodes[path])
        names, url = {}, "/stac/collections?limit=2"
        while url:
            page = json.loads(ask(uid, url)[1])
            names |= {c["title"]: c for c in page["collections"]}
            url = next((link["href"][len(URL):] for link in page["links"] if link["rel"] == "next"), None)
        check(set(names) - {"/t"} == set(boxes) - {"/t"} and "/t" in names, f"seed {SEED}: collections as {uid}: {set(names) ^ set(boxes)}")
        for title, nodes in boxes.items():
            one = next(c for c in (json.loads(ask(uid, f"/stac/collections/t-{key(title)}")[1]),))
            check(one["summaries"]["strata:variables"] == sorted({n.variable for n in nodes}), f"seed {SEED}: {title} as {uid}: {one['summaries']}")
            check(one["extent"]["spatial"]["bbox"] == [[min(n.box[0] for n in nodes), min(n.box[1] for n in nodes), max(n.box[0] for n in nodes) + 9,
                                                        max(n.box[1] for n in nodes) + 9]], f"seed {SEED}: {title} as {uid}: {one['extent']}")
        shard = json.loads(ask(uid, "/stac/collections/t")[1])
        check(shard["summaries"]["strata:variables"] == [] and shard["extent"]["spatial"]["bbox"] == [[-180, -90, 180, 90]], shard)
    check(json.loads(ask("x", "/stac/collections/t")[1])["summaries"]["strata:variables"], "who sees all sees the shard's variables")


def key(path):
    digest = hashlib.md5(path.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


def the_mas_api_is_for_those_who_see_all():
    for uid in USERS:
        for operation in ("intersects&metadata=gdal", "timestamps", "extents", "list_root_gpath", "list_sub_gpath", "generate_layers", "get_ows_cache&query=a",
                          "put_ows_cache&query=a&value={}"):
            status, body = ask(uid, f"/t?{operation}")
            check((status == 403) == (uid != 0) and (uid == 0 or "error" in json.loads(body)), f"{operation} as {uid}: {status} {body[:200]}")
    check(ask("x", "/t?intersects&metadata=gdal")[0] == 200, "who sees all")


tree = Tree()
def begin():
    global URL
    print(f"# STRATA_SEED={SEED}")
    scene()
    URL = url()


sys.exit(run_all(begin, [one_path_is_told_as_the_kernel_would, directories_are_listed_as_the_kernel_would, searches_find_what_a_walk_does,
                         sums_are_of_what_a_walk_finds, crawls_and_problems_name_no_hidden_path, lines_and_csv_say_no_more_than_json,
                         stac_shows_what_may_be_read, the_mas_api_is_for_those_who_see_all]))
