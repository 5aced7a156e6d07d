#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Importing files of all kinds: SAGE's trees by place, CSV by key, schemas, several processes, kills, two at once; and the lightcone."""
import json
import math
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import time

import h5py
import numpy as np
from astropy.io import fits

import instance
from instance import DIR, TOP, check, run_all, strata

SERVERS = ("n1", "n2", "n3")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared/data/mini-millennium"
SOAK = bool(os.environ.get("STRATA_SOAK"))
SEED = int(os.environ.get("STRATA_SEED", 0)) or random.randrange(2**31)
rng = random.Random(SEED)
print(f"# seed {SEED}", flush=True)
BOX = 62.5


def rows(*words, status=0):
    done = strata("dataset", *words, "--json", ok=None)
    check(done.returncode == status, f"{words}: status {done.returncode}, {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(status, says, *words):
    done = strata("dataset", *words, "--json", ok=None)
    error = json.loads(done.stderr.splitlines()[-1])["error"] if done.returncode else {"message": "nothing is wrong"}
    check(done.returncode == status and says in error["message"] + error.get("hint", ""), f"{words}: {done.returncode} {error}")


def ask(server, database, text):
    done = strata("pg", "--server", server, "--database", database, "--json", "--command", text)
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_sage(path):
    """(tree, snapshot, galaxy, x, y, z) of every record; the tree's number as the file has it."""
    data = path.read_bytes()
    trees, galaxies = struct.unpack_from("<2i", data)
    counts = struct.unpack_from(f"<{trees}i", data, 8)
    number, at, out = int(path.name.rsplit("_", 1)[1]), 8 + 4 * trees, []
    for tree, count in enumerate(counts):
        for _ in range(count):
            snap, _, galaxy = struct.unpack_from("<iiq", data, at)
            out.append((number * 1000000 + tree, snap, galaxy, *struct.unpack_from("<3f", data, at + 56)))
            at += 232
    return out


def sage_files():
    return sorted((TOP / "sage").iterdir())


def everything(dataset, columns):
    """All rows of all tables, with the name of each one's table."""
    found = rows("extract", dataset, f"select '{{table}}'::text of, {columns} from {{table}}", "--format", "jsonl")
    return [(row.pop("of").split('"')[1], *row.values()) for row in found]


def scene():
    instance.init()
    instance.add_servers(SERVERS)
    strata("up")
    subprocess.run([sys.executable, ROOT / "src/tools/sage_sample.py", TOP / "sage", "--trees", "150", "--galaxies", "16"], check=True)
    for path in sage_files():
        path.chmod(0o644)


GRID = ("--grid", "10", "--box", str(BOX), "--prefix", "tree_", "--set", "hubble=73")


def trees_go_whole_to_tables_by_place():
    rows("create", "sage", "--servers", "n1,n2,n3", "--replicas", "2")
    files = [str(path) for path in sage_files()]
    want = [row for path in sage_files() for row in read_sage(path)]
    made = rows("import", "sage", *files, *GRID)
    check(made[0]["rows"] == len(want) and made[0]["tables_before"] == 0, made)
    got = everything("sage", "globaltreeid, snapnum, galaxyindex, posx, posy, posz, globalindex")
    as_float = [(*row[1:4], *(struct.unpack("<f", struct.pack("<f", x))[0] for x in row[4:7])) for row in got]
    check(sorted(as_float) == sorted(want), "every galaxy once, as it was")
    check(sorted(row[7] for row in got) == list(range(len(want))), "rows are numbered")
    table_of = {}
    for row in got:
        table_of.setdefault(row[1], set()).add(row[0])
    check(all(len(tables) == 1 for tables in table_of.values()), "trees are whole")
    cells = -(-BOX // 10)
    big = {f"tree_{int(cells * cells) + k}" for k in range(3)}
    wide = {tree for tree, (low, high) in extents(want).items() if max(high[i] - low[i] for i in (0, 1)) > BOX / 2}
    check(wide and all(table_of[tree] <= big for tree in wide), "trees over the edge of the box are apart")
    small = {tree: low for tree, (low, high) in extents(want).items() if all(low[i] // 10 == high[i] // 10 for i in (0, 1))}
    check(len(small) > 50, f"{len(small)} trees lie in one square")
    check(all(table_of[tree] == {f"tree_{int(low[0] // 10 * cells + low[1] // 10)}"} for tree, low in small.items()), "a tree in one square")


def extents(want):
    out = {}
    for tree, _, _, *at in want:
        low, high = out.setdefault(tree, (list(at), list(at)))
        for i in range(3):
            low[i], high[i] = min(low[i], at[i]), max(high[i], at[i])
    return out


def what_lies_where_is_noted_on_all_servers():
    sums = "select string_agg(md5(t::text), '' order by tablename) from summary t"
    check(len({json.dumps(ask(server, "sage", sums)) for server in SERVERS}) == 1, "the same everywhere")
    for row in ask("n2", "sage", "select * from summary order by galaxycount desc limit 3"):
        real = rows("query", "sage", row["tablename"], "select min(posx) minx, min(posy) miny, min(posz) minz, max(posx) maxx, max(posy) maxy, "
                    "max(posz) maxz, min(snapnum) minsnap, max(snapnum) maxsnap, count(*) galaxycount from {table}")[0]
        check({**real, "tablename": row["tablename"]} == row, (row, real))
    trees = ask("n1", "sage", "select count(*) n, sum(galaxycount) of from treesummary")[0]
    check(trees["of"] == sum(len(read_sage(path)) for path in sage_files()), trees)
    a_tree = ask("n3", "sage", "select * from treesummary order by galaxycount desc limit 1")[0]
    real = rows("query", "sage", a_tree["tablename"], f"select min(posx) minx, max(posz) maxz, count(*) n from {{table}} where globaltreeid = {a_tree['globaltreeid']}")[0]
    check((real["minx"], real["maxz"], real["n"]) == (a_tree["minx"], a_tree["maxz"], a_tree["galaxycount"]), (a_tree, real))
    shifts = {row["snapnum"]: row["redshift"] for row in ask("n1", "sage", "select * from snap_redshift")}
    check(shifts == {63: 0, 37: 1.386, 32: 2.07, 27: 3.06, 23: 4.179, 20: 5.289, 18: 6.197, 16: 7.272}, shifts)
    facts = {row["metakey"]: row["metavalue"] for row in ask("n2", "sage", "select * from metadata")}
    check((facts["boxsize"], facts["hubble"], facts["treetableprefix"], facts["state"]) == (str(BOX), "73", "tree_", "sealed"), facts)
    named = {row["column"]: row for row in rows("columns", "sage")}
    check(len(named) == 57 and list(named)[:2] == ["snapnum", "type"], list(named))
    check(named["mvir"] == {"column": "mvir", "type": "real", "unit": "1e10 Msun/h", "description": "virial mass of the halo"}, named["mvir"])
    keys = ask("n1", "sage", "select string_agg(distinct regexp_replace(indexdef, '.* USING ', ''), '|') keys from pg_indexes where tablename like 'tree%'")[0]
    check(keys["keys"] == "btree (globalindex)|btree (globaltreeid)|btree (snapnum)", keys)
    check(rows("verify", "sage") == [], "copies agree")


def a_copy_that_went_since_the_mapping_was_read_costs_another_question():
    move = "begin read write; do $$ declare t text; begin for t in select tablename from pg_tables where starts_with(tablename, '{}') loop " \
           "execute format('alter table %I rename to %I', t, replace(t, '{}', '{}')); end loop; end $$; commit"
    strata("pg", "--server", "n2", "--database", "sage", "--command", move.format("tree_", "tree_", "gone_"))
    report = str(TOP / "gone.json")
    got = rows("extract", "sage", "select globalindex from {table}", "--format", "jsonl", "--report", report)
    strata("pg", "--server", "n2", "--database", "sage", "--command", move.format("gone_", "gone_", "tree_"))
    check(sorted(row["globalindex"] for row in got) == list(range(len(got))) and len(got) == sum(len(read_sage(path)) for path in sage_files()), len(got))
    retries = json.loads(pathlib.Path(report).read_text())["retries"]
    check(retries and all(retry["from"] == "n2" != retry["to"] for retry in retries), retries[:3])
    refused(4, "does not exist", "extract", "sage", "select 1 from nix, {table}")


def an_import_of_the_same_files_finds_all_there():
    files = [str(path) for path in sage_files()]
    before = len(ask("n1", "sage", "select tablename from data_table"))
    check(rows("import", "sage", *files, *GRID) == [{"tables": 0, "rows": 0, "tables_before": before}], "again")
    refused(5, "of other rows", "import", "sage", *files, *GRID, "--grid", "20")
    strata("dataset", "unseal", "sage")
    refused(5, "of other rows", "import", "sage", *files[:3], *GRID)
    strata("dataset", "seal", "sage")


def files_that_are_broken_are_told():
    whole = sage_files()[0].read_bytes()
    trees, galaxies = struct.unpack_from("<2i", whole)
    for says, data in {
        "does not fit its head": whole[:-100],
        "galaxies, and it says": struct.pack("<3i", trees, galaxies, 10**6) + whole[12:],
        "has -5 galaxies": struct.pack("<3i", trees, galaxies, -5) + whole[12:],
        "records of 228 bytes": struct.pack("<3i", 1, 10, 10) + bytes(2280),
        "of no kind": b"\0\0\1",
    }.items():
        (TOP / "broken").write_bytes(data)
        words = ("--from", "sage") if "head" in says else ()
        refused(2, says, "import", "sage", str(TOP / "broken"), *words)
    refused(2, "no column 'nix'", "import", "sage", str(sage_files()[0]), "--index", "nix")
    refused(2, "more than 100000 tables", "import", "sage", str(sage_files()[0]), "--grid", "0.01", "--box", "62.5")
    refused(2, "--grid takes a number", "import", "sage", str(sage_files()[0]), "--grid", "nan")
    refused(2, "KEY=VALUE", "import", "sage", str(sage_files()[0]), "--set", "hubble")
    (TOP / "c.csv").write_text("a,b\n1,2\n")
    refused(2, "cannot be imported at once", "import", "sage", str(sage_files()[0]), str(TOP / "c.csv"))
    refused(2, "no row has a position", "import", "sage", str(TOP / "c.csv"), "--grid", "1", "--prefix", "x")


def a_schema_names_types_and_leaves_out():
    shown = rows("import", "none", str(sage_files()[0]), "--show")
    check([row["column"] for row in shown[:2]] == ["snapnum", "type"] and shown[11]["field"] == "Pos[0]" and shown[11]["offset"] == 56, shown[:2])
    (TOP / "a.csv").write_text("Id,name,x,w\n1,one,0.5,1\n2,\"two, or 2\",1.5,\n3,\"\",2.5,7\n")
    (TOP / "b.csv").write_text("w,x,Name,id\n9,4,\"fo\"\"ur\",4\n0.5,5,5,5\n")
    check([(row["column"], row["type"]) for row in rows("import", "none", str(TOP / "a.csv"), str(TOP / "b.csv"), "--show")] ==
          [("id", "bigint"), ("name", "text"), ("x", "double precision"), ("w", "double precision")], "the widest type of both files")
    rows("create", "small", "--servers", "n2", "--replicas", "1")
    files = (str(TOP / "a.csv"), str(TOP / "b.csv"))
    rows("import", "small", *files, "--prefix", "p", "--open")
    check([row[1:] for row in sorted(everything("small", "id, name, x, w"))] ==
          [(1, "one", 0.5, 1), (2, "two, or 2", 1.5, None), (3, "", 2.5, 7), (4, 'fo"ur', 4, 9), (5, "5", 5, 0.5)], "by name, not by place")
    schema = TOP / "schema.jsonl"
    schema.write_text('{"field":"x","column":"height","type":"real","unit":"m","description":"how high"}\n\n{"field":"Id","type":"smallint"}\n')
    rows("import", "small", str(TOP / "a.csv"), "--schema", str(schema), "--prefix", "s", "--index", "id", "--open")
    check(rows("query", "small", "s1", "select * from {table}") == [{"height": 0.5, "id": 1}, {"height": 1.5, "id": 2}, {"height": 2.5, "id": 3}], "what the schema says")
    check(ask("n2", "small", "select unit from data_column where columnname = 'height'") == [{"unit": "m"}], "its units")
    for says, text in {"line 1": "{", "no 'field'": '{"column":"a"}', "there is no 'typ'": '{"field":"Id","typ":"real"}', "no field 'nix'": '{"field":"nix"}',
                       "twice": '{"field":"Id"}\n{"field":"x","column":"id"}', "'wide'": '{"field":"Id","stored":"wide"}'}.items():
        schema.write_text(text)
        refused(2, says, "import", "small", str(TOP / "a.csv"), "--schema", str(schema), "--prefix", "e")
    own = [dict(row, field=row["field"]) for row in shown[:3]] + [{"field": "tree", "stored": "tree"}]
    schema.write_text("\n".join(json.dumps({k: row[k] for k in ("field", "stored", "offset") if k in row}) for row in own))
    (TOP / "own_7").write_bytes(struct.pack("<4i", 2, 3, 1, 2) + b"".join(struct.pack("<iiq", n, 5, n * 11) for n in range(3)))
    rows("import", "small", str(TOP / "own_7"), "--schema", str(schema), "--from", "sage", "--prefix", "own", "--open")
    check(rows("query", "small", "own1", "select * from {table} order by 1") == [{"snapnum": n, "type": 5, "galaxyindex": n * 11, "tree": 7000000 + (n > 0)} for n in range(3)], "a record of one's own")


def rows_with_the_same_value_stay_together():
    with open(TOP / "k.csv", "w") as out:
        out.write("id,field,x,y,z\n" + "".join(f"{n},f{n * 7 % 50},{n % 10},{n % 7},1\n" for n in range(4000)))
    rows("create", "keyed", "--servers", "n1,n2,n3", "--replicas", "1")
    rows("import", "keyed", str(TOP / "k.csv"), "--by", "field", "--tables", "6", "--workers", "3", "--open")
    got = everything("keyed", "id, field")
    check(sorted(row[1] for row in got) == list(range(4000)), "every row once")
    where = {}
    for row in got:
        where.setdefault(row[2], set()).add(row[0])
    check(len({row[0] for row in got}) > 3 and all(len(tables) == 1 for tables in where.values()), where)
    rows("import", "keyed", str(TOP / "k.csv"), "--grid", "5", "--prefix", "g", "--rows", "1", "--open")
    cells = {(row[2] // 5, row[3] // 5): row[0] for row in everything("keyed", "id, x, y") if row[0].startswith("g")}
    check(len(cells) == 4 == len(set(cells.values())), f"rows without trees, by place: {cells}")


# ---- FITS and HDF5 ----


def tables_of_fits_come_in():
    count = 2500
    number = np.arange(count, dtype="i4")
    wide = np.random.default_rng(SEED).integers(-2**60, 2**60, count)
    data = {"us": (wide % 65536).astype("u2"), "ul": (wide % 2**32).astype("u4"), "ull": (wide % 2**62).astype("u8"), "big": wide}
    columns = [fits.Column("ID", "J", array=number, null=7), fits.Column("us", "I", bzero=2**15, array=data["us"]), fits.Column("ul", "J", bzero=2**31, array=data["ul"]),
               fits.Column("ull", "K", bzero=2**63, array=data["ull"]), fits.Column("big", "K", array=wide), fits.Column("f", "E", unit="Mpc", array=np.where(number % 10 == 0, np.nan, number / 3)),
               fits.Column("ok", "L", array=number % 2 == 0), fits.Column("name", "12A", array=[f"n {k}" for k in number]), fits.Column("Pos", "3E", array=np.stack([number, number / 2, -number], 1)),
               fits.Column("sc", "I", array=(number % 100).astype("i2")), fits.Column("sb", "B", array=(number % 200).astype("u1"))]
    path = str(TOP / "t.fits")
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 3))), fits.ImageHDU(np.zeros(4)), fits.BinTableHDU.from_columns(columns, name="GAL")]).writeto(path)
    for key, value in (("TSCAL10", 0.5), ("TZERO10", 10), ("TZERO11", -128)):
        fits.setval(path, key, value=value, ext=2)
    rows("import", "small", path, "--prefix", "fits", "--rows", "1000", "--workers", "2", "--open")
    got = sorted((row for row in everything("small", "*") if row[0].startswith("fits")), key=lambda row: row[9])
    want = [(None if k == 7 else k, int(data["us"][k]), int(data["ul"][k]), int(data["ull"][k]), int(wide[k]), None if k % 10 == 0 else k / 3, k % 2 == 0, f"n {k}",
             k, k / 2, -k, k % 100 * 0.5 + 10, k % 200 - 128) for k in range(count)]
    check(len(got) == count and all(a[1:6] == b[:5] and a[7:] == b[6:] and (a[6] is None) == (b[5] is None) and (b[5] is None or abs(a[6] - b[5]) < 1e-6 * (1 + b[5]))
                                    for a, b in zip(got, want)), (got[:1], want[:1]))
    check(ask("n2", "small", "select unit from data_column where columnname = 'f'") == [{"unit": "Mpc"}], "units of FITS")
    check(len(rows("import", "small", path, "--show", "--part", "GAL")) == 13, "a table by its name")
    refused(2, "no binary table", "import", "small", path, "--part", "2", "--prefix", "e")
    refused(2, "cannot find that part", "import", "small", path, "--part", "STARS", "--prefix", "e")
    (TOP / "cut.fits").write_bytes(pathlib.Path(path).read_bytes()[:9000])
    done = strata("dataset", "import", "small", str(TOP / "cut.fits"), "--prefix", "cut", "--open", ok=False)
    check(b"cut.fits" in done.stderr, done.stderr)


def datasets_of_hdf5_come_in_with_their_trees():
    count = 2000
    kind = np.dtype([("ID", "i4"), ("u2", "u2"), ("big", ">i8"), ("d", "f8"), ("ok", "?"), ("name", "S12"), ("text", h5py.string_dtype()), ("pos", "f4", (3,))])
    data = np.zeros(count, kind)
    for k in range(count):
        data[k] = (k, k * 31 % 65536, k * 2**40, k / 7, k % 2, f"n {k}".encode(), f"täxt {k}" * (k % 3), (k, k / 2, -k))
    with h5py.File(TOP / "t.h5", "w") as out:
        out.create_dataset("galaxies", data=data, chunks=(300,), compression="gzip")
        out["tree_counts"] = np.full(count // 8, 8, "i4")
        out["snapshot_redshifts"] = np.array([2.0, 1.0, 0.0])
        out["cosmology/hubble"], out["cosmology/omega_m"] = 71.5, 0.3
    rows("import", "small", str(TOP / "t.h5"), "--prefix", "h5_", "--rows", "600", "--workers", "2", "--set", "omega_m=0.27", "--open")
    got = sorted(row[1:] for row in everything("small", "*") if row[0].startswith("h5_"))
    check(got == [(k, k * 31 % 65536, k * 2**40, k / 7, k % 2 == 1, f"n {k}", f"täxt {k}" * (k % 3), k, k / 2, -k, k // 8, k, k % 8) for k in range(count)], got[:2])
    facts = {row["metakey"]: row["metavalue"] for row in ask("n2", "small", "select * from metadata")}
    check((facts["hubble"], facts["omega_m"]) == ("71.5", "0.27"), facts)
    check([row["redshift"] for row in ask("n2", "small", "select redshift from snap_redshift order by snapnum")] == [2, 1, 0], "redshifts of the file")
    refused(2, "no dataset of compounds", "import", "small", str(TOP / "t.h5"), "--part", "tree_counts", "--prefix", "e")
    (TOP / "cut.h5").write_bytes((TOP / "t.h5").read_bytes()[:5000])
    refused(2, "no whole file", "import", "small", str(TOP / "cut.h5"), "--prefix", "e")


WRITTEN = """select id, id::int4 i4, nullif((id % 100)::int2, 7::int2) i2, nullif(id * 1000003, 0) i8, nullif(id / 7.0, 0)::float4 f4, nullif(id / 7.0, 1)::float8 f8,
    case when id % 11 <> 0 then id % 2 = 0 end ok, case when id % 5 <> 0 then repeat('n' || id || ' ', (id % 9)::int) end name, null::text no from {table}"""


def what_an_extract_wrote_comes_in_again():
    want = {row["id"]: row for row in rows("extract", "keyed", WRITTEN, "--tables", "keyed_*", "--format", "jsonl")}
    check(len(want) == 4000 and sum(row["name"] == "" for row in want.values()) > 300 and sum(row["ok"] is None for row in want.values()) > 300, "of all sorts")
    for kind in ("hdf5", "fits"):
        path = str(TOP / f"written.{kind}")
        rows("extract", "keyed", WRITTEN, "--tables", "keyed_*", "--format", kind, "-o", path)
        types = [(row["column"], row["type"]) for row in rows("import", "small", path, "--show")]
        check([t for _, t in types] == ["bigint", "integer", "smallint", "bigint", "real", "double precision", "boolean", "text", "text"], types)
        rows("import", "small", path, "--prefix", f"again_{kind}", "--rows", "1500", "--workers", "2", "--open")
        got = {row["id"]: row for row in rows("extract", "small", "select * from {table}", "--tables", f"again_{kind}[0-9]*", "--format", "jsonl")}
        expected = want if kind == "hdf5" else {id: {**row, "name": row["name"] or "", "no": ""} for id, row in want.items()}  # FITS has no null texts
        check(got == expected, (kind, next(((got.get(id), row) for id, row in expected.items() if got.get(id) != row), len(got))))
    schema = TOP / "schema.jsonl"
    schema.write_text("".join(json.dumps(row) + "\n" for row in rows("import", "small", str(TOP / "written.fits"), "--show") if row["column"] in ("id", "name")))
    rows("import", "small", str(TOP / "written.fits"), "--schema", str(schema), "--prefix", "two", "--by", "name", "--tables", "3", "--open")
    got = rows("extract", "small", "select * from {table}", "--tables", "two[0-9]*", "--format", "jsonl")
    check({row["id"]: row["name"] for row in got} == {id: row["name"] or "" for id, row in want.items()}, "by a text of the heap")
    texts = ["", "one", "a longer text", "x" * 3000]
    fits.BinTableHDU.from_columns([fits.Column("t", "PA()", array=np.array(texts, dtype=object)), fits.Column("n", "J", array=range(4))]).writeto(TOP / "p.fits")
    rows("import", "small", str(TOP / "p.fits"), "--prefix", "p_", "--open")
    check([row["t"] for row in rows("query", "small", "p_1", "select t from {table} order by n")] == texts, "texts as others write them")
    data = bytearray((TOP / "p.fits").read_bytes())
    at = data.index(struct.pack(">i", 3000))
    data[at:at + 4] = struct.pack(">i", 4000)
    (TOP / "far.fits").write_bytes(data)
    refused(2, "behind the end of the heap", "import", "small", str(TOP / "far.fits"), "--prefix", "far", "--open")


# ---- the lightcone ----

WIDE, OMEGA_M, OMEGA_L = 1500.0, 0.25, 0.75
SNAPS = {63: 0.0, 37: 1.386, 32: 2.07, 27: 3.06, 23: 4.179, 20: 5.289, 18: 6.197, 16: 7.272}


def distance(z, steps=400):
    def integrand(x):
        return 1 / math.sqrt(OMEGA_M * (1 + x) ** 3 + OMEGA_L)
    h = z / steps
    return 2997.92458 * h / 3 * sum((1 if k in (0, steps) else 4 if k % 2 else 2) * integrand(k * h) for k in range(steps + 1)) if z else 0.0


def brute_force(galaxies, ra, dec, z):
    """Every galaxy in every copy of the box: (galaxy, snapshot, ra, dec, distance) of those that are seen."""
    order = sorted(SNAPS.items(), key=lambda item: item[1])
    seen = {}
    for i, (snap, shift) in enumerate(order):
        low = max(z[0], (order[i - 1][1] + shift) / 2 if i else 0)
        high = min(z[1], (order[i + 1][1] + shift) / 2 if i + 1 < len(order) else 1000)
        if low < high:
            seen[snap] = (distance(low), distance(high))
    most = math.ceil(distance(z[1]) / WIDE)
    out = []
    for _, snap, galaxy, *at in galaxies:
        near, far = seen.get(snap, (0, 0))
        for bx in range(-most, most):
            for by in range(-most, most):
                for bz in range(-most, most):
                    x, y, h = at[0] + bx * WIDE, at[1] + by * WIDE, at[2] + bz * WIDE
                    d = math.sqrt(x * x + y * y + h * h)
                    if not near <= d < far:
                        continue
                    a, b = math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(h, math.hypot(x, y)))
                    if dec[0] <= b < dec[1] and (ra[0] <= a < ra[1] if ra[0] < ra[1] else a >= ra[0] or a < ra[1]):
                        out.append((galaxy, snap, a, b, d))
    return sorted(out)


def cone(ra, dec, z, *words, status=0, columns="galaxyindex, snapnum, ra, dec, distance, redshift, redshift_observed"):
    return rows("cone", "wide", f"--ra={ra[0]},{ra[1]}", f"--dec={dec[0]},{dec[1]}", f"--z={z[0]},{z[1]}", "--columns", columns,
                "--format", "jsonl", *words, status=status)


def a_cone_has_what_brute_force_finds():
    subprocess.run([sys.executable, ROOT / "src/tools/sage_sample.py", TOP / "wide", "--trees", "30", "--galaxies", "16", "--box", str(WIDE)], check=True)
    galaxies = [row for path in sorted((TOP / "wide").iterdir()) for row in read_sage(path)]
    rows("create", "wide", "--servers", "n1,n2,n3", "--replicas", "2")
    rows("import", "wide", *map(str, sorted((TOP / "wide").iterdir())), "--grid", "300", "--box", str(WIDE), "--prefix", "tree_",
         "--set", f"omega_m={OMEGA_M}", "--set", f"omega_l={OMEGA_L}")
    for ra, dec, z in (((0, 360), (-90, 90), (0, 0.4)), ((350, 20), (-35, 10), (0.5, 2.5)), ((30, 75), (60, 90), (0, 4)), ((100.5, 115), (5, 16), (0.1, 3))):
        want, got = brute_force(galaxies, ra, dec, z), cone(ra, dec, z)
        found = sorted(tuple(row.values())[:5] for row in got)
        same = len(want) == len(found) and all(a[:2] == b[:2] and all(abs(x - y) < 1e-9 * (1 + abs(x)) for x, y in zip(a[2:], b[2:])) for a, b in zip(want, found))
        check(same and len(want) > 0, f"{ra} {dec} {z}: {len(want)} galaxies, {len(found)} found")
        check(all(abs(distance(row["redshift"]) - row["distance"]) < 1e-5 * row["distance"] for row in got[::17]), "redshifts are those of the distances")
    plan = rows("cone", "wide", "--ra", "100,101", "--dec", "5,6", "--z", "0,1.5", "--plan")[0]
    check(0 < plan["tables"] and plan["looks"] < 8 * plan["tables"] * 4 ** 3, plan)


def what_is_asked_of_a_cone_is_looked_at():
    some = cone((0, 90), (0, 90), (0, 1.5), "--filter", "stellarmass > 1", columns="stellarmass")
    all_of_them = cone((0, 90), (0, 90), (0, 1.5), columns="stellarmass")
    check(sorted(row["stellarmass"] for row in some) == sorted(row["stellarmass"] for row in all_of_them if row["stellarmass"] > 1) and some, "a filter")
    moving = cone((0, 90), (0, 90), (0.1, 1.5), columns="ra, dec, redshift, redshift_observed, velx, vely, velz")[0]
    a, d = math.radians(moving["ra"]), math.radians(moving["dec"])
    along = moving["velx"] * math.cos(d) * math.cos(a) + moving["vely"] * math.cos(d) * math.sin(a) + moving["velz"] * math.sin(d)
    check(abs((1 + moving["redshift"]) * (1 + along / 299792.458) - 1 - moving["redshift_observed"]) < 1e-9, moving)
    done = strata("dataset", "cone", "wide", "--ra", "0,1", "--dec", "0,1", "--z", "0,0.000001", "--columns", "ra, snapnum")
    check(done.stdout == b"ra,snapnum\n", f"nothing is seen: {done.stdout}")
    refused(2, "--ra takes two numbers", "cone", "wide", "--dec", "0,1", "--z", "0,1")
    refused(2, "the lower one first", "cone", "wide", "--ra", "0,1", "--dec", "10,5", "--z", "0,1")
    refused(2, "from 0 to 360", "cone", "wide", "--ra", "0,361", "--dec", "0,5", "--z", "0,1")
    refused(2, "make no distances", "cone", "wide", "--ra", "0,1", "--dec", "0,5", "--z", "0,1", "--omega-m", "-1")
    refused(10, "too large", "cone", "wide", "--ra", "0,1", "--dec", "0,5", "--z", "0,1", "--box", "1")
    refused(4, "'boxsize'", "cone", "small", "--ra", "0,1", "--dec", "0,5", "--z", "0,1")
    refused(7, "column", "cone", "wide", "--ra", "0,90", "--dec", "0,5", "--z", "0,1", "--filter", "nix > 1")


# ---- cut off ----

def is_whole(want):
    got = everything("cut", "galaxyindex, snapnum")
    check(sorted(row[1:] for row in got) == want, f"{len(got)} rows for {len(want)}")
    check(rows("verify", "cut") == [], "copies agree")


def make_new(name):
    for server in SERVERS:
        strata("pg", "--server", server, "--database", name, "--command",
               "begin read write; delete from data_table; delete from table_db_mapping; delete from loaded_copy; delete from summary; delete from treesummary; commit")


def an_import_of_several_processes_that_is_killed_goes_on():
    rows("create", "cut", "--servers", "n1,n2,n3", "--replicas", "2")
    files = sage_files()[:6]
    want = sorted((row[2], row[1]) for path in files for row in read_sage(path))
    words = ("import", "cut", *map(str, files), "--grid", "20", "--box", str(BOX), "--prefix", "t", "--open")
    command = [instance.STRATA, "-C", str(DIR), "dataset", *words]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}
    started = time.monotonic()
    subprocess.run(command, env=clean, capture_output=True, check=True)
    took = time.monotonic() - started
    is_whole(want)
    for turn in range(200 if SOAK else 2):
        make_new("cut")
        process = subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * took)
        victims = [process.pid, *children(process.pid)]
        victim = victims[turn % 2 and rng.randrange(len(victims))]
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        strata("dataset", *words)
        is_whole(want)
        if instance.failures:
            return


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def two_imports_at_once_do_not_meet():
    make_new("cut")
    files = sage_files()[:6]
    want = sorted((row[2], row[1]) for path in files for row in read_sage(path))
    command = [instance.STRATA, "-C", str(DIR), "dataset", "import", "cut", *map(str, files), "--grid", "20", "--box", str(BOX), "--prefix", "t", "--open", "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [process.communicate() + (process.returncode,) for process in both]
    check(all(code == 0 or (code == 5 and b"another import" in said) for _, said, code in ends), ends)
    check(any(code == 0 for *_, code in ends), ends)
    is_whole(want)


def real_files_of_a_simulation_come_in():
    if not SHARED.exists():
        print("# skip: shared/data/mini-millennium is not here", flush=True)
        return
    files = sorted(SHARED.glob("model_z*_1"))
    want = sorted((row[2], row[1]) for path in files for row in read_sage(path))
    rows("create", "real", "--servers", "n1,n2,n3", "--replicas", "1")
    rows("import", "real", *map(str, files), "--grid", "20", "--box", "62.5")
    got = everything("real", "galaxyindex, snapnum, globaltreeid")
    check(sorted(row[1:3] for row in got) == want, f"{len(got)} of {len(want)}")
    check(all(row[1] // 10**9 == row[3] for row in got), "trees as SAGE numbers them")


sys.exit(run_all(scene, [
    trees_go_whole_to_tables_by_place,
    what_lies_where_is_noted_on_all_servers,
    a_copy_that_went_since_the_mapping_was_read_costs_another_question,
    an_import_of_the_same_files_finds_all_there,
    files_that_are_broken_are_told,
    a_schema_names_types_and_leaves_out,
    rows_with_the_same_value_stay_together,
    tables_of_fits_come_in,
    datasets_of_hdf5_come_in_with_their_trees,
    what_an_extract_wrote_comes_in_again,
    a_cone_has_what_brute_force_finds,
    what_is_asked_of_a_cone_is_looked_at,
    an_import_of_several_processes_that_is_killed_goes_on,
    two_imports_at_once_do_not_meet,
    real_files_of_a_simulation_come_in,
]))
