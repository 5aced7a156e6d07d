#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every .sql query is what its header says: sql_check.py SRC

A scratch PostgreSQL gets the migrations of all parts and what SCENES adds; then the server prepares each query of
src/*/sql/*.sql and says which parameters and columns it has:

    -- $1 shard  text            the types must be the server's, any spelling
    -- >> bulk   boolean  ...    names, types and order must be the result's

A file of several statements is a script: it is run and rolled back.
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "system"))
import pg  # noqa: E402

# What queries of a part need besides its migrations: `once` are queries by name with their arguments, or SQL; `each` is
# run before every query, on its connection.
SCENES = {
    "catalog": {
        "once": ["shard_enter 'sample' '/sample' false", "shard_use 'sample'", "shard", "shard_finish 'sample'"],
        "each": ["set search_path to sample, public", "stage", "stage_known", "stage_rename"],
    },
}
# Migrations run in this order; parts that are not named come after, by name.
ORDER = ["db"]
LONG_TYPES = ["double precision", "timestamp with time zone", "timestamp without time zone", "character varying"]
MARK = "\x02mark\x02"

tests = failures = 0


def report(what, problems):
    global tests, failures
    tests += 1
    failures += bool(problems)
    for problem in problems:
        print("#", problem.strip().replace("\n", "\n# "))
    print(f"{'not ok' if problems else 'ok'} {tests} - {what}", flush=True)


def split_type(text):
    return next((long for long in LONG_TYPES if text.startswith(long)), text.split()[0])


class Query:
    def __init__(self, path):
        self.path, self.name, self.part = path, path.stem, path.parent.parent.name
        lines = path.read_text(encoding="utf-8").splitlines()
        self.text = "\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";")
        rows = [re.fullmatch(r"-- (?:\$\d+|(>>)) +(\w+) +(\S.*)", line) for line in lines if re.match(r"-- (\$\d|>>)", line)]
        if not all(rows):
            raise SystemExit(f"Bail out! {path}: a declaration is not '-- $1 NAME TYPE' or '-- >> NAME TYPE MEANING'")
        self.parameters = [split_type(row[3]) for row in rows if not row[1]]
        self.columns = [(row[2], split_type(row[3])) for row in rows if row[1]]

    def where(self):
        return f"src/{self.part}/sql/{self.path.name}"


def statement(line, queries):
    """A line of a scene as SQL."""
    name, *arguments = line.split()
    if name not in queries:
        return line + ";"
    if not arguments:
        return queries[name].text + ";"
    text = queries[name].text
    for number in range(len(arguments), 0, -1):
        text = text.replace(f"${number}", arguments[number - 1])
    return text + ";"


def each(part, queries):
    return "\n".join(statement(line, queries) for line in SCENES.get(part, {}).get("each", []))


def database_of(part):
    """Parts whose databases are others in life as well; there may be tables of one name in two."""
    return f"checked_{part}"


def canonical_types(server, part, queries):
    """How the server spells each type that a header declares; those it does not know are left out."""
    said = sorted({kind for query in queries for kind in query.parameters + [kind for _, kind in query.columns]})
    values = ", ".join(f"($t${kind}$t$)" for kind in said)
    return dict(server.rows(f"select t, to_regtype(t)::text from (values {values}) as v (t)", database_of(part))) if said else {}


def ask(server, query, prelude):
    """The server's parameters and columns of a query; None for a script. Errors as the third."""
    prepare = f"prepare q as {query.text};\nselect to_json(parameter_types::text[]) from pg_prepared_statements where name = 'q';"
    done = server.psql(f"begin;\n{prelude}\n\\echo {MARK}\n{query.text}\n\\gdesc\n\\echo {MARK}\n"
                       f"{prepare if query.parameters else ''}\n", database_of(query.part))
    if "cannot insert multiple commands" in done.stderr:
        done = server.psql(f"begin;\n{prelude}\n{query.text};\nrollback;\n", database_of(query.part))
        return None, None, done.stderr if done.returncode else ""
    if done.returncode:
        return [], [], done.stderr
    _, described, prepared = done.stdout.split(MARK + "\n")
    columns = [tuple(line.split("\t")) for line in described.splitlines() if "\t" in line]
    return json.loads(prepared) if query.parameters else [], columns, ""


def compare(server, query, prelude, types):
    parameters, columns, error = ask(server, query, prelude)
    if error:
        return [error]
    if parameters is None:
        return ["a script has no parameters and no columns"] if query.parameters or query.columns else []
    problems = []
    for number, (said, is_) in enumerate(zip(query.parameters, parameters), 1):
        if types.get(said) != is_:
            problems.append(f"${number} is declared {said}, the server says {is_}")
    declared = [(name, types.get(kind) or kind) for name, kind in query.columns]
    if declared != columns:
        say = [", ".join(f"{name} {kind}" for name, kind in which) or "none" for which in (declared, columns)]
        problems.append(f"the header declares the columns: {say[0]}\nthe server gives: {say[1]}")
    return problems


def migrate(server, source):
    server.sql("create role mas nologin; create role api login")
    parts = sorted({path.parent.parent.name for path in source.glob("*/sql/*.sql")}, key=lambda part: (part not in ORDER, part))
    for part in parts:
        at = database_of(part)
        server.sql(f"create database {at} owner mas template template0 encoding 'UTF8' locale 'C.UTF-8'")
        server.sql("create extension postgis schema public; alter schema public owner to mas; "
                   "grant all on public.spatial_ref_sys to mas", at)
        for of in dict.fromkeys([*ORDER, part]):
            for path in sorted([*source.glob(f"{of}/sql/schema/*.sql"), *source.glob(f"{of}/sql/migrate/*.sql")]):
                done = server.psql(f"begin;\nset role mas;\n{path.read_text(encoding='utf-8')};\ncommit;\n", at)
                if of == part or done.returncode:
                    report(f"{of}: migration {path.stem} applies to what came before", [done.stderr] if done.returncode else [])


def main(source):
    all_queries = [Query(path) for path in sorted(source.glob("*/sql/*.sql"))]
    names = [query.name for query in all_queries]
    report("no two queries have the same name, under which they are prepared",
           [f"{name} is in several parts" for name in sorted({name for name in names if names.count(name) > 1})])
    with pg.Scratch() as server:
        migrate(server, source)
        for part in sorted({query.part for query in all_queries}):
            queries = {query.name: query for query in all_queries if query.part == part}
            types = canonical_types(server, part, list(queries.values()))
            once = "\n".join(statement(line, queries) for line in SCENES.get(part, {}).get("once", []))
            done = server.psql(f"begin;\nset role mas;\n{once}\ncommit;\n", database_of(part))
            if once:
                report(f"{part}: the scene for its queries can be set", [done.stderr] if done.returncode else [])
            prelude = each(part, queries)
            for query in queries.values():
                if query.name not in SCENES.get(part, {}).get("once", []):  # a script there ran already
                    report(query.where(), compare(server, query, prelude, types))
    print(f"1..{tests}")
    return failures != 0


sys.exit(main(pathlib.Path(__file__).resolve().parents[2] / "src"))
