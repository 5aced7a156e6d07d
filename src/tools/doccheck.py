#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hold headers to what CODING.md asks of them.

    doccheck.py [--tap]

- A .c or .h starts with its SPDX line; a header goes on with a comment "name -- what it is".
- A function of a header that takes `Err *err` last says in the comment before it (or before the group of
  declarations it stands in) which codes it raises, or "As x()"; codes that all functions of a header share
  stand in its first comment.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"
NAMES_CODE = re.compile(r"\bERR_[A-Z_]+\b|\b[Aa]s \w+\(\)|\bwhat .* raises\b")


def blocks(text):
    """(line number, comment, declarations) for every comment and the declarations up to the next blank line."""
    for found in re.finditer(r"/\*(.*?)\*/[ \t]*\n((?:[^\n/][^\n]*\n)+)", text, re.S):
        yield text.count("\n", 0, found.start(2)) + 1, found[1], found[2]


def undocumented(path, text):
    body = re.sub(r"#define (?:[^\n]*\\\n)*[^\n]*\n", lambda m: "\n" * m[0].count("\n"), text)
    documented = {}
    for _, comment, declarations in blocks(body):
        for name in re.findall(r"\b(\w+)\([^;{]*\bErr \*err\)", declarations):
            documented[name] = bool(NAMES_CODE.search(comment))
    head = re.search(r"/\*(.*?)\*/", body[len(SPDX):], re.S)
    if head and re.search(r"\bERR_[A-Z_]+\b", head[1]):
        return
    for found in re.finditer(r"^(?!static|typedef)\w[\w *]*?\b(\w+)\([^;{]*?(?<!const )\bErr \*err\)[^;{]*;", body, re.M):
        if not documented.get(found[1], False) and path.name != "err.h":
            yield body.count("\n", 0, found.start()) + 1, found[1]


def problems():
    for path in sorted([*(ROOT / "src").rglob("*.[ch]"), *(ROOT / "include").rglob("*.h")]):
        name, text = path.relative_to(ROOT), path.read_text()
        if not text.startswith(SPDX):
            yield f"{name}:1: does not start with {SPDX}"
        if path.suffix != ".h":
            continue
        if not re.match(r"\s*/\*\s*\*?\s*[\w./-]+ -- \S", text[len(SPDX):]):
            yield f"{name}:2: the first comment of a header is '<name> -- what it is, and how to use it'"
        for line, function in undocumented(path, text):
            yield f"{name}:{line}: {function}() takes an Err and its comment names no ERR_ code"


found = list(problems())
if "--tap" in sys.argv:
    print("".join(f"# {line}\n" for line in found) + ("not " if found else "") + "ok 1 - headers say how they fail\n1..1")
else:
    print("".join(line + "\n" for line in found), end="")
sys.exit(bool(found))
