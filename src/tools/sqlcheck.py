#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hold the top comment of every query in src/*/sql/*.sql to its form; what the server says is test/sql's matter.

    sqlcheck.py [--tap]

    -- A sentence: what the query is for.
    -- $1 feed  uuid            a parameter: its number in order, a name, a type
    -- >> seq   bigint  ...     a column of the answer: a name, a type
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def problems():
    code = "".join(path.read_text() for path in (ROOT / "src").rglob("*.[ch]"))
    known = set(re.findall(r"\bsql_(\w+)", code))
    for path in sorted((ROOT / "src").glob("*/sql/*.sql")):
        name, lines = path.relative_to(ROOT), path.read_text().splitlines()
        if path.stem not in known:
            yield f"{name}:1: no file mentions sql_{path.stem}: remove it"
        top = [line for line in lines if line.startswith("--")]
        if not top or not re.match(r"-- [A-Z]", top[0]):
            yield f"{name}:1: the first line is a comment, a sentence that says what the query is for"
        numbers = []
        for at, line in enumerate(lines, 1):
            if re.match(r"-- (\$|>>)", line) and not re.match(r"-- (\$\d+|>>) +\w+ +\w[\w.\[\]\"]*", line):
                yield f"{name}:{at}: a declaration is '-- $N name type' or '-- >> name type'"
            if found := re.match(r"-- \$(\d+)", line):
                numbers.append(int(found[1]))
            if "\t" in line:
                yield f"{name}:{at}: a tab; indent with blanks"
        used = {int(n) for n in re.findall(r"\$(\d+)", "\n".join(x for x in lines if not x.startswith("--")))}
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{name}:1: parameters are declared in order from $1"
        if used != set(numbers):
            yield f"{name}:1: declares {sorted(numbers)}, uses {sorted(used)}"


found = list(problems())
if "--tap" in sys.argv:
    print("".join(f"# {line}\n" for line in found) + ("not " if found else "") + "ok 1 - queries declare what they take\n1..1")
else:
    print("".join(line + "\n" for line in found), end="")
sys.exit(bool(found))
