#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hold every #include "..." to the layers: a file includes from its own folder and from folders below it.

    layers.py [--tap]

The table is DESIGN's. Folders of one row never include each other, but for `net`,
which stands on `crypto`; `crypto` and `db` are above nothing but base.
Tests may include everything.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ABOVE_BASE = {"base"}
ENGINES = ABOVE_BASE | {"crypto", "db", "net"}
STORES = ENGINES | {"feed", "archive", "place"}
PARTS = STORES | {"catalog", "dataset", "pool", "party"}

# folder: what it may include besides itself
MAY = {
    "base": set(),
    "crypto": ABOVE_BASE,
    "db": ABOVE_BASE,
    "net": {"base", "crypto"},  # docs/decisions/channel.md
    "http": ABOVE_BASE,
    "extract": ABOVE_BASE,  # the one program that links GDAL: it must not pull in a database or a server
    "feed": {"base", "crypto", "net"},
    "archive": {"base", "crypto"},
    "place": {"base", "db"},
    "catalog": STORES,
    "dataset": STORES,
    "pool": STORES,
    "party": STORES,
    "evolve": STORES | {"pool"},
    "bridge": PARTS,
    "serve": PARTS | {"http", "evolve", "bridge"},
    "cli": PARTS | {"http", "evolve", "bridge", "serve"},
    "api": PARTS | {"serve"},  # include/strata.h; serve/ knows what strata.ini says
}
MAY["cli"].discard("extract")


def problems():
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        folder = path.relative_to(ROOT / "src").parts[0]
        if folder not in MAY:
            yield f"{path.relative_to(ROOT)}:1: folder '{folder}' has no row in src/tools/layers.py: add it where it belongs"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include "([^"/]+)/', line)
            if found and found[1] != folder and found[1] in MAY and found[1] not in MAY[folder]:
                yield (f"{path.relative_to(ROOT)}:{number}: {folder}/ includes {found[1]}/, which is not below it: "
                       "move what both need down a layer, or the caller up")


found = list(problems())
if "--tap" in sys.argv:
    print("".join(f"# {line}\n" for line in found) + ("not " if found else "") + "ok 1 - every include points down\n1..1")
else:
    print("".join(line + "\n" for line in found), end="")
sys.exit(bool(found))
