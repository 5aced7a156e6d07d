#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each mistake in a search gets its own sentence: over HTTP with its status, on the command line with its exit status.

Usage: 35_sentences.py STRATA. A row is what is asked, the status, what is said, and the hint where there is one.
"""
import json
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import TOP, check, init, run_all, strata, url  # noqa: E402

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
BOX_HINT = "west,south,east,north in degrees; east below west is across the antimeridian"
TIME_HINT = "for example 2020-01-01T00:00:00Z/.. for all from then on"
NO_TIME = "'datetime' is neither an RFC 3339 time nor an interval: '{}'"

FIND = [
    ({"type": "file,pipe"}, 400, "parameter 'type' is not a type: 'pipe'", "the types are file, directory, link"),
    ({"name": "a", "regex": "b"}, 400, "only one of the parameters name, regex and contains can be given", None),
    ({"regex": "b", "contains": "c"}, 400, "only one of the parameters name, regex and contains can be given", None),
    ({"since": "yesterday"}, 400, "parameter 'since' is not an RFC 3339 time or a duration such as 7d: 'yesterday'", None),
    ({"until": "7 moons"}, 400, "parameter 'until' is not an RFC 3339 time or a duration such as 7d: '7 moons'", None),
    ({"since": "1d", "until": "2d"}, 400, "the range of mtime ends before it starts", None),
    ({"from": "2021-01-01", "to": "2020-01-01"}, 400, "the period ends before it starts", None),
    ({"min_size": "2", "max_size": "1"}, 400, "no size is at least 2 and at most 1 bytes", None),
    ({"sha256": "12"}, 400, "'12' is not a SHA-256: 64 hexadecimal digits", None),
    ({"sha256": "g" * 64}, 400, f"'{'g' * 64}' is not a SHA-256: 64 hexadecimal digits", None),
    ({"name": "a[b"}, 400, "'a[b' has a '[' without a ']'", None),
    ({"name": "a\\"}, 400, "'a\\' ends with a backslash", None),
    ({"kind": "a[b]"}, 400, "a kind has no '[': 'a[b]'", None),
    ({"where": "size"}, 400, "'size' is no condition on a record", ...),
    ({"where": ";".join(["a.b=1"] * 40)}, 413, "more than {fields} conditions on records", None),
    ({"bbox": "0,10,1,0"}, 400, "0,10,1,0 is no box of longitude and latitude", BOX_HINT),
    ({"bbox": "0,0,181,1"}, 400, "0,0,181,1 is no box of longitude and latitude", BOX_HINT),
]
SEARCH = [  # of STAC, as parameters
    ({"bbox": "1,2,3,4,5"}, 400, "'bbox' takes four or six numbers", None),
    ({"bbox": "0,1,1,0"}, 400, "0,1,1,0 is no box of longitude and latitude", None),
    ({"datetime": "soon"}, 400, NO_TIME.format("soon"), TIME_HINT),
    ({"datetime": "../.."}, 400, NO_TIME.format("../.."), TIME_HINT),
    ({"datetime": "2020-01-01T00:00:00Z/later"}, 400, NO_TIME.format("2020-01-01T00:00:00Z/later"), TIME_HINT),
    ({"datetime": "2021-01-01T00:00:00Z/2020-01-01T00:00:00Z"}, 400, "the interval ends before it starts", None),
    ({"token": "-"}, 400, "'token' is not one of this service", None),
    ({"token": "t-nokey"}, 400, "'token' is not one of this service", None),
    ({"bbox": "0,0,1,1", "intersects": json.dumps(SQUARE)}, 400, "only one of bbox and intersects can be given", None),
    ({"intersects": json.dumps({"type": "Cube"})}, 400, "'intersects' is not a GeoJSON geometry", None),
    ({"intersects": json.dumps({"type": "Point", "coordinates": []})}, 400,
     "'intersects' is empty, leaves the Earth, or has a ring that does not close", None),
]
KNOWN = "known are bbox, datetime, intersects, ids, collections, limit, token"
BODIES = [
    *(({"bbox": wrong}, "the body's 'bbox' is wrong") for wrong in (1, "0,0,1,1", list(range(7)), ["a", 0, 1, 1], [None, 0, 1, 1], [[0, 0, 1, 1]])),
    *(({"bbox": wrong}, "'bbox' takes four or six numbers") for wrong in ([], [1], [1, 2, 3, 4, 5])),
    *(({"datetime": wrong}, "the body's 'datetime' is wrong") for wrong in (1, [], {})),
    ({"datetime": "soon"}, NO_TIME.format("soon"), TIME_HINT),
    *(({"intersects": wrong}, "the body's 'intersects' is wrong") for wrong in (1, "x", [SQUARE])),
    *(({"ids": wrong}, "the body's 'ids' is wrong") for wrong in ("x", [1], [None], ["x"] * 10001)),
    *(({"collections": wrong}, "the body's 'collections' is wrong") for wrong in ("x", [1], {"a": "b"})),
    *(({"limit": wrong}, "the body's 'limit' is wrong") for wrong in (0, -1, 1.5, "1", [1])),
    *(({"token": wrong}, "the body's 'token' is wrong") for wrong in (1, ["t"], "x" * 20000)),
    ({"token": "-"}, "'token' is not one of this service"),
    ({"filter": "x"}, "a search has no 'filter' here", KNOWN),
    ({"bbox": [0, 0, 1, 1], "intersects": SQUARE}, "only one of bbox and intersects can be given"),
    (b"[]", "the body is not a JSON object"),
    (b"", "the body is not a JSON object"),
    (b"{\"limit\":1", "the body is not JSON: "),
    (b"{\"limit\":1}{}", "the body is not JSON: "),
    (b"{\"limit\":1,}", "the body is not JSON: "),
]
ELSEWHERE = [
    ("/stac/collections?token=-", 400, "'token' is not one of this service", None),
    ("/stac/collections/nosuch", 404, "there is no collection 'nosuch'", "/stac/collections lists those there are"),
    ("/stac/collections/t/items/01234567-89ab-cdef-0123-456789abcdef", 404,
     "collection 't' has no item '01234567-89ab-cdef-0123-456789abcdef'", None),
]
NO_NUMBERS = "--bbox takes west,south,east,north in degrees, not '{}'"
COMMANDS = [
    *((["find", "t", "--bbox", text], 2, NO_NUMBERS.format(text), None) for text in ("", "x", "1,2,3", "1,2,3,", "1,,3,4", "1,2,3,4deg")),
    *((["find", "t", "--bbox", text], 2, f"--bbox takes four numbers, not '{text}'", None) for text in ("1,2,3,4,5", "1,2,3,4,")),
    (["find", "t", "--bbox", "0,10,1,0"], 2, "0,10,1,0 is no box of longitude and latitude", BOX_HINT),
    (["find", "t", "--bbox", "0,nan,1,0"], 2, ..., ...),
    (["find", "t", "--name", "a", "--regex", "b"], 2, "only one of --name, --regex and --contains can be given", None),
    (["find", "t", "--contains", "a", "--regex", "b"], 2, "only one of --name, --regex and --contains can be given", None),
]


def ask(target, body=None):
    request = urllib.request.Request(url() + target, data=body, headers={"Content-Type": "application/json"} if body is not None else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, {}
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["error"]


def is_said(asked, found, status, said, hint, *, begins=False):
    number, error = found
    text = error.get("message", "")
    check(number == status, f"{asked}: {number} {error}")
    if said is not ...:
        check(text.startswith(said) if begins else text == said, f"{asked}: '{text}', not '{said}'")
    check(hint is ... or (error.get("hint") or None) == hint, f"{asked}: hint {error.get('hint')}")


def scene():
    init()
    strata("up")
    strata("catalog", "shard", "create", "t", "/t")
    strata("catalog", "ingest", "t", "-", data=b'/t/a\tposix\t{"type":"file","size":1}\n')


def what_find_does_not_understand_it_says():
    for query, status, said, hint in FIND:
        found = ask("/api/v1/catalog/t/find?" + urllib.parse.urlencode(query))
        is_said(query, found, status, said.format(fields=32), hint)


def what_a_stac_search_does_not_understand_it_says():
    for query, status, said, hint in SEARCH:
        is_said(query, ask("/stac/search?" + urllib.parse.urlencode(query)), status, said, hint)
    for body, said, *hint in BODIES:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        is_said(sent[:100], ask("/stac/search", sent), 400, said, *(hint or [None]), begins=True)
    for target, *expected in ELSEWHERE:
        is_said(target, ask(target), *expected)


def what_the_command_does_not_understand_it_says():
    for words, status, said, hint in COMMANDS:
        done = strata("catalog", *words, "--json", ok=False)
        is_said(words, (done.returncode, json.loads(done.stderr)["error"] if done.returncode else {}), status, said, hint)


def a_strict_crawl_tells_by_its_status_that_something_could_not_be_read():
    tree = TOP / "tree"
    tree.mkdir()
    (tree / "broken.tif").write_bytes(b"II*\0\xff\xff\xff\x7f")
    strata("catalog", "shard", "create", "s", str(tree))
    words = ("catalog", "crawl", "s", str(tree), "--kind", "posix,gdal", "--json")
    done = strata(*words, "--strict", ok=False)
    said = json.loads(done.stderr.splitlines()[-1])["error"]
    is_said(words, (done.returncode, said), 11, "1 paths could not be read", "strata catalog problems s lists them")
    check(json.loads(done.stdout)["problems"] == 1, done.stdout)
    strata(*words)  # without it the status is 0
    strata("catalog", "crawl", "s", str(tree), "--strict")  # and with it where all could be read


def a_strict_crawl_into_a_file_names_no_shard_that_would_list_them():
    out = TOP / "out.tsv"
    done = strata("catalog", "crawl", "-", str(TOP / "tree"), "--kind", "posix,gdal", "--output", str(out), "--strict", "--json", ok=False)
    said = json.loads(done.stderr.splitlines()[-1])["error"]
    is_said("--output", (done.returncode, said), 11, "1 paths could not be read",
            "a crawl into a shard notes which, and why: strata catalog problems SHARD")


sys.exit(run_all(scene, [what_find_does_not_understand_it_says, what_a_stac_search_does_not_understand_it_says,
                         what_the_command_does_not_understand_it_says,
                         a_strict_crawl_tells_by_its_status_that_something_could_not_be_read,
                         a_strict_crawl_into_a_file_names_no_shard_that_would_list_them]))
