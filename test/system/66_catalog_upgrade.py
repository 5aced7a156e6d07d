#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A catalogue of an older schema becomes one of the present's: with the same content as one made anew, whenever it is killed.

Usage: 66_catalog_upgrade.py STRATA. The old one is test/fixture/upgrade/schema5.sql.gz, made of the crawl files beside it by
the program of that time: make.sh there says how.
"""
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixture" / "upgrade"
SHARDS = {"tree": "tree.tsv", "grid": "grid.tsv"}  # and 'cut', whose first load was killed
OLD = 5
NEW = len(list((pathlib.Path(__file__).resolve().parents[2] / "src/catalog/sql/schema").glob("*.sql")))
THRESHOLD = "set role mas; create or replace function catalog.coverage_threshold() returns bigint language sql immutable " \
            "parallel safe as 'select 4::bigint'"

NAMES = "left join names on na_id = ds_name left join catalog.srs on sr_id = ds_srs left join catalog.axes on ax_id = ds_axes"
CONTENT = {  # what an upgrade leaves as it is, without the numbers that a database gives out
    **{f"public.{name}": f"select {columns} from public.{name} where {key} in (select pa_hash from paths)" for name, key, columns in (
        ("paths", "pa_hash", "pa_hash, pa_type, pa_path, pa_parents"), ("metadata", "md_hash", "md_hash, md_type, md_json"),
        ("files", "fi_hash", "*"), ("directories", "di_hash", "*"), ("links", "li_hash", "*"),
        ("polygons", "po_hash", "po_hash, po_stamps, po_min_stamp, po_max_stamp, po_name, po_pixel_x, po_pixel_y, st_asewkt(po_polygon)"))},
    "entries": "select * from entries",
    "datasets": "select po_hash, ds_parent, ds_no, na_name, sr_wkt, sr_proj4, ax_json::jsonb, ds_xmin, ds_ymin, ds_xmax, ds_ymax, ds_west, ds_south, "
                f"ds_east, ds_north, ('{{' || ds_json)::jsonb from datasets {NAMES}",
    "cells": "select po_hash, ds_no, na_name, ce_key & 1099511627775, ce_max, ce_min, ce_west, ce_south, ce_east, ce_north from cells "
             f"join datasets on ds_id = ce_dataset {NAMES}",
    "levels": "select na_name, le_time, le_space, le_count from levels left join names on na_id = le_name where le_count <> 0",
    "coverage": "select co_dir, na_name, co_count, co_stamps, co_min_stamp, co_max_stamp, co_xmin, co_ymin, co_xmax, co_ymax "
                "from coverage left join names on na_id = co_name",
}
DERIVED = {  # columns that came since, which only `refresh --full` fills
    "files": "select to_jsonb(f) - 'fi_ingested' from files f",
    "directories": "select to_jsonb(d) - 'di_ingested' from directories d",
    "links": "select to_jsonb(l) - 'li_ingested' from links l",
    "records": "select md_hash, md_type, coalesce(md_json, md_text::jsonb) from records",
    "shapes": "select po_hash, ds_no, ds_shape, ds_gap, ds_alike from datasets",
    "cells' shapes": "select po_hash, ds_no, ce_key & 1099511627775, ce_shape from cells join datasets on ds_id = ce_dataset",
}
EVERYWHERE = "POLYGON ((-180 -90,180 -90,180 90,-180 90,-180 -90))"
QUESTIONS = [  # (shard, path of the URL, query)
    *(("grid", "/data/grid" + below, query) for below in ("", "/utm", "/far") for query in (
        {"intersects": "", "metadata": "gdal"}, {"timestamps": "", "namespace": "red"}, {"extents": ""}, {"list_sub_gpath": ""},
        {"generate_layers": ""}, {"intersects": "", "metadata": "gdal", "srs": "EPSG:4326", "wkt": EVERYWHERE, "time": "2016-01-01T00:00:00Z",
                                  "until": "2017-02-01T00:00:00Z", "namespace": "red,nir,evi"})),
    ("grid", "/data/grid", {"get_ows_cache": "", "query": "wms_getcaps_/data/grid"}),
    *((shard, f"/api/v1/catalog/{shard}/{verb}", query) for shard in SHARDS for verb, query in (
        ("ls", {}), ("find", {}), ("find", {"min_size": "1000", "type": "file"}), ("du", {"depth": "9"}), ("tree", {"all": "yes"}))),
    ("tree", "/api/v1/catalog/tree/find", {"kind": "text*"}), ("tree", "/api/v1/catalog/tree/meta", {"path": "/data/tree/a/one.txt"}),
    ("tree", "/api/v1/catalog/tree/stat", {"path": "/data/tree/odd/bad\\xff\\xfeutf"}),
    ("grid", "/api/v1/catalog/grid/find", {"bbox": "100,-60,180,0"}), ("grid", "/api/v1/catalog/grid/find", {"variable": "red"}),
    ("grid", "/stac/search", {"collections": "grid", "limit": "100"}), ("grid", "/stac/search", {"bbox": "100,-60,180,0"}),
]
TOLD_OF_LOADS = {"learned", "ingested", "created", "crawled", "links", "href"}


def use(database):
    """The service's database is this one from its next start on."""
    at.strata("down")
    conf = at.dir / "strata.ini"
    text = re.sub(r"(?m)^\[database\]\n(name = .*\n)?", "", conf.read_text())
    conf.write_text(f"{text.rstrip()}\n\n[database]\nname = {database}\n")


def sql(database, text):
    dsn = re.sub(r"dbname='?\w+'?", f"dbname='{database}'", at.dsn)
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", "-"], input=text, env=crash.environment(),
                          capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def version(database):
    return int(sql(database, "select count(*) from strata.migration where part = 'catalog'"))


def rows_of(shard, tables):
    text = f"set search_path = {shard}, public;\n"
    text += "".join(f"\\echo =={name}\nselect t::text from ({query}) t order by 1;\n" for name, query in tables.items())
    parts = (part.partition("\n") for part in at.sql(text).split("==")[1:])
    return {name: rows.splitlines() for name, _, rows in parts}


def told(value):
    """Without what is about the loads, and lists without an order."""
    if isinstance(value, dict):
        return {key: told(below) for key, below in value.items() if key not in TOLD_OF_LOADS}
    if isinstance(value, list):
        return sorted((told(below) for below in value), key=lambda below: json.dumps(below, sort_keys=True))
    return value


def answers():
    found = {}
    for _, path, query in QUESTIONS:
        with urllib.request.urlopen(f"{at.url}{path}?{urllib.parse.urlencode(query)}") as reply:
            lines = reply.read().decode()
        found[f"{path} {query}"] = told([json.loads(line) for line in lines.splitlines()] if "\n" in lines.strip() else json.loads(lines))
    return found


def coverage_is_made():
    waits = "select (select count(*) from grid.coverage_due) + (select count(*) from grid.coverage_new)"
    crash.wait_for(lambda: at.value(waits) == "0", "coverage")


def same(found, expected, what):
    check(found.keys() == expected.keys(), f"{what}: {found.keys()}")
    for name, rows in expected.items():
        if found.get(name) == rows:
            continue
        one, other = (found.get(name), rows) if isinstance(rows, list) else ([found.get(name)], [rows])
        only, missing = ([row for row in rows if row not in rest][:2] for rows, rest in ((one, other), (other, one)))
        check(False, f"{what}: {name}: {str(only)[:400]} and not {str(missing)[:400]}")


def make_anew():
    """What the present program makes of the same files, in the service's first database."""
    at.sql(THRESHOLD)
    for shard, file in SHARDS.items():
        at.strata("catalog", "shard", "create", shard, f"/data/{shard}")
        at.strata("catalog", "ingest", shard, FIXTURE / file)
    at.sql("insert into grid.ows_cache values (md5('wms_getcaps_/data/grid')::uuid, '{\"layers\": []}')")
    coverage_is_made()
    for shard in SHARDS:
        NEW_CONTENT[shard] = rows_of(shard, CONTENT), rows_of(shard, DERIVED)
    for name, rows in NEW_CONTENT["grid"][0].items():
        check(rows or name == "public.links", f"there are {name} to be compared")
    NEW_ANSWERS.update(answers())


def restore():
    sql("postgres", "create database old owner mas template template0 encoding 'UTF8' locale 'C.UTF-8'")
    sql("old", "set client_min_messages = error;\n" + gzip.decompress((FIXTURE / "schema5.sql.gz").read_bytes()).decode())
    check(version("old") == OLD, "the old schema")


def copy(name):
    sql("postgres", f"create database {name} owner mas template old")


def is_as_made_anew(what):
    coverage_is_made()
    for shard in SHARDS:
        same(rows_of(shard, CONTENT), NEW_CONTENT[shard][0], f"{what}: {shard}")
        for problem in crash.broken(at, shard):
            if "an index is missing" not in problem:  # those for people are built later
                check(False, f"{what}: {shard}: {problem}")


NEW_CONTENT, NEW_ANSWERS = {}, {}


def a_catalogue_of_schema_5_has_the_content_and_the_answers_of_one_made_anew():
    make_anew()
    restore()
    for name in ("plain", "locked", *(f"killed{n}" for n in range(OLD + 1, NEW + 1))):
        copy(name)
    use("plain")
    at.up()
    check(version("plain") == NEW, "brought forward")
    is_as_made_anew("upgraded")
    same(answers(), NEW_ANSWERS, "answers")


def a_full_refresh_makes_what_came_since():
    for shard in SHARDS:
        at.strata("catalog", "refresh", shard, "--full")
    at.sql("insert into grid.ows_cache values (md5('wms_getcaps_/data/grid')::uuid, '{\"layers\": []}') on conflict do nothing")
    is_as_made_anew("refreshed")
    for shard in SHARDS:
        same(rows_of(shard, DERIVED), NEW_CONTENT[shard][1], f"refreshed: {shard}")
    same(answers(), NEW_ANSWERS, "answers")


def the_same_files_again_change_nothing():
    for shard, file in SHARDS.items():
        done = at.answer("catalog", "ingest", shard, FIXTURE / file)
        check(done["added"] == done["changed"] == done["removed"] == 0, f"{shard}: {done}")


def a_first_load_that_was_killed_before_the_upgrade_is_completed_after_it():
    lines = (FIXTURE / "grid.tsv").read_text().replace("/data/grid", "/data/cut")
    at.strata("catalog", "ingest", "cut", "-", input=lines)
    check(at.value("select count(*) from public.shards where sh_bulk") == "0", "completed")
    at.strata("catalog", "refresh", "cut", "--full")
    check([p for p in crash.broken(at, "cut") if "an index is missing" not in p] == [], "holds")
    count = "select count(*), sum(le_count) from {0}.datasets, {0}.levels"
    check(at.rows(count.format("cut")) == at.rows(count.format("grid")), "the same datasets")


def killed_before_it_commits_a_step_an_upgrade_goes_on_at_the_next_start():
    for number in range(OLD + 1, NEW + 1):
        database = f"killed{number}"
        use(database)
        done = at.call("up", fault=f"migration_applied:{number - OLD}:kill", text=True)
        check(done.returncode != 0 and done.stderr.startswith("strata: ") and len(done.stderr.splitlines()) <= 2, done.stderr)
        check(version(database) == number - 1, f"{version(database)} before {number}")
        at.up()
        check(version(database) == NEW, "brought forward")
        is_as_made_anew(f"killed at {number}")


def a_server_killed_in_the_middle_of_a_step_leaves_what_the_next_start_upgrades():
    use("locked")
    at.call("up", fault="migration_applied:1:kill")  # leaves the server running, and the schema as it was
    server = at.postmaster()
    dsn = re.sub(r"dbname='?\w+'?", "dbname='locked'", at.dsn)
    holder = subprocess.Popen(["psql", "-Xq", "-d", dsn, "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=crash.environment(), text=True, cwd="/")
    holder.stdin.write("begin; lock table grid.coverage in access share mode;\n")
    holder.stdin.flush()
    crash.wait_for(lambda: sql("locked", "select count(*) from pg_locks where relation = 'grid.coverage'::regclass").strip() == "1", "the lock")
    starter = at.start("up")
    crash.wait_for(lambda: sql("locked", "select count(*) from pg_locks where relation = 'grid.coverage'::regclass and not granted")
                   .strip() == "1", "the upgrade to wait")
    crash.kill(server)
    holder.stdin.close()
    holder.wait()
    said = starter.communicate()[1].decode()
    check(starter.returncode != 0 and "strata: " in said, said)
    at.up()
    check(version("locked") == NEW, "brought forward")
    is_as_made_anew("killed server")


def an_older_program_says_that_the_database_is_newer():
    at.strata("down")
    at.call("up")
    sql("locked", f"insert into strata.migration (part, number, name, sha256) values ('catalog', {NEW + 1}, '{NEW + 1:04}_next', repeat('a', 64))")
    at.strata("down")
    done = at.call("up", text=True)
    check(done.returncode == 5, f"{done.returncode}")
    check(f"the database has {NEW + 1} migrations of 'catalog', this program knows {NEW}" in done.stderr and
          "hint: the database was used by a newer strata; use that one" in done.stderr, done.stderr)
    use("mas")
    at.up()
    check(version("locked") == NEW + 1, "left alone")


with crash.Instance() as at:
    status = crash.run_all([a_catalogue_of_schema_5_has_the_content_and_the_answers_of_one_made_anew, a_full_refresh_makes_what_came_since,
                            the_same_files_again_change_nothing, a_first_load_that_was_killed_before_the_upgrade_is_completed_after_it,
                            killed_before_it_commits_a_step_an_upgrade_goes_on_at_the_next_start,
                            a_server_killed_in_the_middle_of_a_step_leaves_what_the_next_start_upgrades,
                            an_older_program_says_that_the_database_is_newer])
sys.exit(status)
