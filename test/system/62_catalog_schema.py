#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The public views and a shard's relations have the seed's columns, types, order and indexes; who may do what.

Usage: 62_catalog_schema.py STRATA. The expectation is a copy of the seed's page mas-database.md.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash
from crash import check

STAMPS = "{0}_ctime timestamptz {0}_mtime timestamptz {0}_atime timestamptz"
OWNER = "{0}_uid text {0}_gid text {0}_user text {0}_group text"
SEED = {
    "paths": "pa_hash uuid pa_ingested timestamp pa_type path_type pa_path text pa_parents _uuid",
    "metadata": "md_hash uuid md_ingested timestamp md_type text md_json jsonb",
    "files": "fi_hash uuid fi_parent uuid fi_name text fi_size int8 " + STAMPS.format("fi") + " fi_mode text fi_inode text " + OWNER.format("fi"),
    "directories": "di_hash uuid di_parent uuid di_name text " + STAMPS.format("di") + " di_mode text di_inode text " + OWNER.format("di")
                   + " di_count numeric di_size numeric",
    "links": "li_hash uuid li_parent uuid li_name text " + STAMPS.format("li") + " li_inode text " + OWNER.format("li") + " li_intact bool li_target text",
    "polygons": "po_hash uuid po_stamps _timestamptz po_min_stamp timestamptz po_max_stamp timestamptz po_name text po_pixel_x numeric "
                "po_pixel_y numeric po_polygon geometry",
}
NOT_NULL = {"paths": {"pa_hash", "pa_ingested", "pa_path"}}
INDEXES = {"paths_pkey": "UNIQUE INDEX paths_pkey ON a.paths USING btree (pa_hash)",
           "pai_parent": "INDEX pai_parent ON a.paths USING btree ((pa_parents[array_length(pa_parents, 1)]))",
           "pai_parents": "INDEX pai_parents ON a.paths USING gin (pa_parents)",
           "pai_type": "INDEX pai_type ON a.paths USING btree (pa_type)",
           "mdi_pk": "UNIQUE INDEX mdi_pk ON a.records USING btree (md_hash, md_type)",
           "poi_hash": "USING btree (po_hash)", "poi_name": "USING btree (po_name)",
           "poi_stamp": "USING btree (po_min_stamp, po_max_stamp)", "poi_stamps": "USING gin (po_stamps)"}


def columns(at, schema, table):
    return at.rows("select column_name, udt_name, is_nullable from information_schema.columns "
                   f"where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position")


def pairs(text):
    words = text.split()
    return list(zip(words[::2], words[1::2]))


def the_public_views_have_the_seeds_columns():
    for table, expected in SEED.items():
        found = [(name, type) for name, type, _ in columns(at, "public", table)]
        check(found == pairs(expected), f"public.{table}: {found}")
        check(at.value(f"select relkind from pg_class where oid = 'public.{table}'::regclass") == "v", f"public.{table} is a view")


def a_shards_relations_begin_with_them():
    for table, expected in SEED.items():
        rows = columns(at, "a", table)
        found = [(name, type) for name, type, _ in rows][:len(pairs(expected))]
        check(found == pairs(expected), f"a.{table}: {found}")
        for name, _, nullable in rows:
            if name in NOT_NULL.get(table, ()):
                check(nullable == "NO", f"a.{table}.{name} is not null")


def the_late_ones_are_built():
    """The service builds those that people in psql ask through after a load has ended."""
    for _ in range(600):
        if at.value("set search_path = a, public; select count(*) from catalog.missing_indexes(true)") == "0":
            return
        time.sleep(0.1)
    check(False, "late indexes")


def after_a_first_load(kind):
    the_late_ones_are_built()
    found = dict(at.rows("select indexname, indexdef from pg_indexes where schemaname = 'a'"))
    for name, made in INDEXES.items():
        check(made in found.get(name, "").replace(" WITH (gin_pending_list_limit='65536')", ""), f"{kind}: {name}: {found.get(name)}")
    check(at.value("select contype from pg_constraint where conname = 'paths_pkey' and connamespace = 'a'::regnamespace") == "p", "a primary key")
    check(at.value("select string_agg(relpersistence::text, '') ~ '^p+$' from pg_class where relnamespace = 'a'::regnamespace") == "t", "logged")


def indexes_have_the_seeds_names():
    after_a_first_load("new")
    os.makedirs(at.top / "tree/sub")
    at.strata("catalog", "crawl", "a", at.top / "tree")
    after_a_first_load("loaded")
    at.strata("catalog", "shard", "truncate", "a")
    at.strata("catalog", "crawl", "a", at.top / "tree")
    after_a_first_load("loaded again")


def may(role, sql):
    done = subprocess.run(["psql", "-XAtq", "-d", at.dsn, "-v", "ON_ERROR_STOP=1", "-c", f"set role {role}", "-c", sql],
                          env=crash.environment(), capture_output=True, text=True, cwd="/")
    if done.returncode:
        check("permission denied" in done.stderr or "must be owner" in done.stderr or "cannot " in done.stderr, f"{role}: {sql}: {done.stderr}")
    return done.returncode == 0


def the_reader_role_reads_everything_and_changes_nothing():
    for table in list(SEED) + ["shards"]:
        for schema in ("public", "a") if table != "shards" else ("public",):
            check(may("api", f"select * from {schema}.{table} limit 1"), f"api reads {schema}.{table}")
            check(may("mas", f"select * from {schema}.{table} limit 1"), f"mas reads {schema}.{table}")
    for change in ("insert into a.paths (pa_hash, pa_path) values (md5('/x')::uuid, '/x')", "delete from a.paths", "update a.files set fi_size = 1",
                   "truncate a.records", "drop schema a cascade", "delete from public.shards", "create table a.x ()", "create table public.x ()",
                   "create schema x", "insert into public.shards (sh_code, sh_path) values ('x', '/x')", "drop view public.paths",
                   "select catalog.shard_remove('a')", "select catalog.shard_empty('a')"):
        check(not may("api", change), f"api may not: {change}")
    check(at.value("select count(*) from a.paths") == "2", "still there")
    check(may("mas", "begin; delete from a.paths; create table a.x (); rollback"), "mas may")


UNSAFE = """
with recursive f as (
    select proname, prosrc, proparallel from pg_proc where pronamespace = 'catalog'::regnamespace
), reaches (name) as (
    select proname from f where prosrc ~* '\\mexception\\s+when'
     union
    select proname from f join reaches on prosrc ~ ('\\m' || name || '\\s*\\(')
)
select distinct proname from f join reaches on name = proname where {} order by 1;
"""


def functions_that_catch_errors_are_no_part_of_parallel_plans():
    """A subtransaction cannot be started there. Nor are functions that call one of them, however far down."""
    check(len(at.rows(UNSAFE.format("true"))) > 2, "there are some")
    found = at.rows(UNSAFE.format("proparallel <> 'u'"))
    check(found == [], f"found: {found}")
    calls = "create function catalog.{0}(s public.geometry) returns public.geometry language {1} parallel {2};\n"
    found = at.rows("begin;" + calls.format("one", "sql", "safe as $$ select catalog.shape_in (s, 4326) $$")
                    + calls.format("two", "plpgsql", "restricted as $$ begin return catalog.one(s); end $$")
                    + calls.format("three", "sql", "unsafe as $$ select catalog.two(s) $$")
                    + calls.format("four", "sql", "safe as $$ select public.st_envelope(s) $$")
                    + UNSAFE.format("proparallel <> 'u'") + "rollback;")
    check(found == [["one"], ["two"]], f"found: {found}")


def inode_numbers_stay_exact():
    text = '{"type":"file","size":9007199254740993,"inode":18446744073709551615}'
    at.strata("catalog", "ingest", "a", "-", input=f"{at.top}/tree/big\tposix\t{text}\n")
    check(at.rows("select fi_inode, fi_size, md_json->>'inode' from a.files join a.metadata on md_hash = fi_hash where fi_name = 'big'")
          == [["18446744073709551615", "9007199254740993", "18446744073709551615"]], "exact")


with crash.Instance() as at:
    at.strata("catalog", "shard", "create", "a", at.top / "tree")
    at.strata("catalog", "shard", "create", "b", "/elsewhere")
    status = crash.run_all([the_public_views_have_the_seeds_columns, a_shards_relations_begin_with_them, indexes_have_the_seeds_names,
                            the_reader_role_reads_everything_and_changes_nothing,
                            functions_that_catch_errors_are_no_part_of_parallel_plans, inode_numbers_stay_exact])
sys.exit(status)
