#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every parameter of every route and of the eight MAS operations with values that are wrong. Usage: 34_parameters.py STRATA

The requests are made from /openapi.json, so a new route is tried by being there. A value that the description excludes gets
400 with a sentence; one that it allows, however odd, gets an answer or a 4xx, never 500. Nothing changes.
"""
import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, check, init, run_all, strata  # noqa: E402

KEY = "01234567-89ab-cdef-0123-456789abcdef"
asked = 0

# Values that no parameter of a type can have, percent-encoded; and for texts of any type, those that are odd and no more.
WRONG = {
    "integer": ["x", "-", "1.5", "1e3", "0x10", "1%00", "%ff", "%201", "1%20", "١", "9223372036854775808", "-9223372036854775809", "9" * 400, "1;select%201", "nan", "1,2"],
    "number": ["x", "nan", "inf", "-inf", "1e999", "1,2"],
    "numbers": ["x", "1", "1,2,3", "1,2,3,x", "1,2,3,nan", "1,2,3,inf", "1,2,3,1e999", "1,2,3,4,5,6,7,8", ",,,", "1,2,3,4,", "%ff,1,2,3"],
    "boolean": ["perhaps", "2", "%ff", "yesyes", "yes%00"],
    "size": ["x", "-1", "1Q", "1e3", "%ff", "9" * 40, "1.2.3", "nan"],
    "date-time": ["yesterday", "2020-13-01", "2020-02-30", "2020-01-01T25:00:00Z", "%ff", "2020-01-01%00", "99999-01-01", "9" * 300, "now()"],
    "enum": ["nosuch", "%ff", "%00", "'", "json,csv"],
    "texts": ["%ff", "a,%c3%28", "%00", "a,b%00"],
    "text": ["%c3%28", "%ff", "a%00b"],
    "path": ["relative", "%00", "/a%00", "/" + "a" * 17000, "/x/../y"],
}
ODD = ["'", "%27%20or%201=1%20--", "%22;drop%20table%20paths;--", "{}", "$1", "%25s%25n", "\\", "%5cx00", "../../etc/passwd", "%2e%2e%2f", "-1", "0",
       "9" * 60, "%e2%80%ae", "%f0%9f%92%a9", "*", "[", "(", "%", "a,b,,c", "null", "true", "%20", "%0a%0d", "<script>"]
BODIES = [b"", b"x", b"null", b"[]", b"1", b"\"x\"", b"{", b"{}{}", b"{\"nosuch\":1}", b"\xff\xfe", b"\x00", b"{\"a\":" * 5000, b"[" * 100000, b"{\"\\ud800\":1}"]


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(Stay)


def ask(method, target, body=None, kind="application/json"):
    """Status, type and text."""
    global asked
    asked += 1
    target = target.encode().decode("latin-1") if not target.isascii() else target
    target = "".join(c if " " < c < "\x7f" and c not in '"<>\\^`{|}' else f"%{ord(c):02x}" for c in target)
    request = urllib.request.Request(URL + target, data=body, method=method, headers={"Content-Type": kind} if body is not None else {})
    try:
        with opener.open(request, timeout=120) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"] or "", error.read()


def state():
    """All rows of the shard and of what is common to all, but for what a search notes about itself: a number."""
    tables = ["t." + name for name in "paths records files directories links datasets names cells levels coverage ows_cache problems crawls scans".split()]
    sql = " union all ".join(f"select coalesce(md5(string_agg(x::text, ',' order by x::text)), '-') from {table} x" for table in tables + ["public.shards", "catalog.srs"])
    return strata("pg", "-c", sql).stdout


def scene():
    global URL, api
    square = "POLYGON ((10 10,20 10,20 20,10 20,10 10))"
    record = {"filename": "x", "file_type": "GTiff", "geo_metadata": [
        {"ds_name": "x", "namespace": "red", "array_type": "Int16", "proj_wkt": "", "proj4": "+proj=longlat +datum=WGS84 +no_defs", "polygon": square,
         "timestamps": ["2020-01-01T00:00:00Z"], "geotransform": [0, 1, 0, 0, 0, -1], "x_size": 20, "y_size": 30}]}
    posix = {"type": "file", "size": 1, "mode": "-rw-r--r--", "inode": 5, "uid": 0, "gid": 0, "user": "root", "group": "root", "atime": 1, "mtime": 1, "ctime": 1}
    init()
    strata("up")
    strata("catalog", "shard", "create", "t", "/t")
    lines = "".join(f"/t/d{n}/{n}.tif\t{kind}\t{json.dumps(what)}\n" for n in range(5) for kind, what in (("posix", posix), ("gdal", record)))
    strata("catalog", "ingest", "t", "-", data=lines.encode())
    URL = (DIR / "run/http.url").read_text().strip()
    api = json.loads(ask("GET", "/openapi.json")[2])


def is_sentence(text):
    """What an error says is for people: no SQL, no server's words, no empty line."""
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return False
    said = re.sub(r"'.*'", "", error["message"], flags=re.S) # what was sent is shown between quotes
    return len(error["message"]) > 10 and "\n" not in said and not re.search(r"syntax error at or near|SQLSTATE|pq:|\$\d\b|PGRES", said) and error["code"]


# ---- requests out of the description ----

def operations():
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def good_path(path):
    return path.replace("{shard}", "t").replace("{collection}", "t").replace("{item}", KEY)


def kind_of(name, schema):
    if "enum" in schema:
        return "enum"
    if schema["type"] == "array":
        return "numbers" if schema["items"]["type"] == "number" else "texts"
    if schema["type"] == "string" and schema.get("format") in WRONG:
        return schema["format"]
    return schema["type"] if schema["type"] in WRONG else "path" if name == "path" else "raw" if "maxLength" not in schema else "text"


def wrong_values(name, schema):
    kind = kind_of(name, schema)
    values = list(WRONG.get(kind, []))
    if kind == "integer":
        values += [str(schema[key] + step) for key, step in (("minimum", -1), ("maximum", 1)) if key in schema]
        if schema.get("minimum", 0) >= 0:
            values.append("-1")
    if schema.get("maxLength", 1 << 30) <= 20000 and kind in ("text", "raw"):
        values.append("a" * (schema["maxLength"] + 1))
    return [v for v in values if v not in schema.get("enum", [])]


def every_value_that_the_description_excludes_is_refused():
    count = 0
    for method, path, operation in operations():
        if method != "GET":
            continue
        for parameter in operation.get("parameters", []):
            name, schema = parameter["name"], parameter["schema"]
            if parameter["in"] != "query":
                continue
            for value in wrong_values(name, schema):
                if name == "after" and value not in ("%c3%28", "%ff", "a%00b"):
                    continue # any text may be a key; what is none is tried below
                status, _, text = ask("GET", f"{good_path(path)}?{name}={value}")
                check(status == 400 and is_sentence(text), f"{path}?{name}={value[:60]}: {status} {text[:200]}")
                count += 1
            status, _, text = ask("GET", f"{good_path(path)}?{name}=1&{name}=1")
            check(status == 400 and is_sentence(text), f"{path}, {name} twice: {status} {text[:200]}")
    check(count > 500, count)


def text_of(example):
    return ",".join(map(str, example)) if isinstance(example, list) else json.dumps(example).strip('"') if isinstance(example, bool) else str(example)


def every_parameter_has_an_example_that_is_taken():
    for method, path, operation in operations():
        needed = {parameter["name"]: text_of(parameter["example"]) for parameter in operation.get("parameters", [])
                  if parameter["in"] == "query" and parameter.get("required") and "example" in parameter}
        for parameter in operation.get("parameters", []):
            example = parameter.get("example", parameter["schema"].get("default"))
            if example is None and parameter["name"] in ("after", "token", "ids", "item"): # keys of one's own data
                continue
            check(example is not None, f"{path}: {parameter['name']} has no example")
            if parameter["in"] == "query":
                query = urllib.parse.urlencode(needed | {parameter["name"]: text_of(example)})
                status, _, answer = ask("GET", f"{good_path(path)}?{query}")
                check(status in (200, 404), f"{path}?{query}: {status} {answer[:200]}")


def a_search_with_the_body_that_the_description_shows_is_answered():
    body = api["paths"]["/stac/search"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = api["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]
    for name, member in schema["properties"].items():
        if "example" in member:
            status, _, text = ask("POST", "/stac/search", json.dumps({name: member["example"]}).encode())
            check(status == 200, f"{name}: {status} {text[:200]}")


def what_is_odd_is_answered_or_refused():
    for method, path, operation in operations():
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            for value in ODD:
                target = good_path(path)
                if parameter["in"] == "path":
                    target = path.replace("{%s}" % name, value.replace("/", "%2f")).replace("{shard}", "t").replace("{collection}", "t")
                elif method == "GET":
                    target += f"?{name}={value}"
                status, kind, text = ask("GET", target)
                fine = status == 200 or (status in (301, 307) and target.startswith("/stac/api")) or (400 <= status < 500 and is_sentence(text))
                check(fine, f"{target}: {status} {text[:200]}")


def no_route_takes_what_it_does_not_know():
    for method, path, operation in operations():
        if operation.get("parameters") or path.startswith(("/api", "/stac")):
            for extra in ("nosuch=1", "nosuch", "LIMIT=1", "%ff=1", "limit%00=1"):
                status, _, text = ask("GET", f"{good_path(path)}?{extra}") if method == "GET" else (400, "", b'{"error":{"code":"USAGE","message":"a sentence it is"}}')
                check(status == 400 and is_sentence(text), f"{path}?{extra}: {status} {text[:200]}")
        for other in ("PUT", "DELETE", "PATCH", "POST"):
            if other.lower() not in api["paths"][path]:
                status, _, text = ask(other, good_path(path), b"{}")
                check(status == 405 and is_sentence(text), f"{other} {path}: {status} {text[:200]}")
    for path in ("/api", "/api/v1", "/api/v1/catalog/t", "/api/v1/catalog/t/nosuch", "/api/v1/catalog//ls", "/stac/nosuch", "/nosuch", "/api/v2/catalog", "/%ff", "/%00",
                 "/stac/" + "x" * 8000, "/api/v1/catalog/" + "x" * 64 + "/ls", "/api/v1/catalog/%ff/ls", "/api/v1/catalog/t%00/ls"):
        status, _, text = ask("GET", path)
        check(status in (400, 404) and is_sentence(text), f"{path[:80]}: {status} {text[:200]}")


def every_body_that_is_wrong_is_refused():
    for method, path, operation in operations():
        for kind in operation.get("requestBody", {}).get("content", {}):
            for body in BODIES:
                status, _, text = ask(method, good_path(path), body, kind)
                check(400 <= status < 500 and is_sentence(text), f"{method} {path} {body[:40]}: {status} {text[:200]}")
            status, _, text = ask(method, good_path(path), b"{}", "text/html")
            check(status in (400, 415) and is_sentence(text), f"{method} {path} as text/html: {status} {text[:200]}")


def contradictions_are_told():
    for query in ("find?min_size=2&max_size=1", "find?since=2021-01-01&until=2020-01-01", "find?from=2021-01-01&to=2020-01-01", "find?name=a&regex=b",
                  "find?bbox=0,10,1,0", "ls?sort=size&after=x", "usage?by=age&after=x", "recent?after=1", "dups?after=x%20y%20z"):
        status, _, text = ask("GET", "/api/v1/catalog/t/" + query)
        check(status == 400 and is_sentence(text), f"{query}: {status} {text[:200]}")
    for query in ("bbox=0,0,1,1&intersects=%7B%22type%22:%22Point%22,%22coordinates%22:[0,0]%7D", "datetime=2021-01-01T00:00:00Z/2020-01-01T00:00:00Z", "bbox=0,1,0,0"):
        status, _, text = ask("GET", "/stac/search?" + query)
        check(status == 400 and is_sentence(text), f"{query}: {status} {text[:200]}")


# ---- MAS ----

MAS = {"intersects": ("metadata", "srs", "wkt", "nseg", "time", "until", "namespace", "limit", "identitytol", "dptol"), "timestamps": ("time", "until", "namespace", "token"),
       "extents": ("namespace",), "list_root_gpath": (), "list_sub_gpath": (), "generate_layers": (), "put_ows_cache": ("query", "value"), "get_ows_cache": ("query",)}
BYTES = ["%ff", "a%00", "%c3%28", "%zz"]
REFUSED = {"metadata": ["", "posix", "'"], "srs": ["EPSG:0", "x", "EPSG:-1", "EPSG:" + "9" * 30, "EPSG:4326;select"], "nseg": ["x", "0", "-1", "9" * 30, "1.5", "1e9", "10001"],
           "limit": ["x", "9" * 30, "1.5"], "time": ["x", "2020-13-01", "2020-02-30", "'"], "until": ["x", "2020-13-01", "'"], "identitytol": ["x", "nan", "inf", "1e999"],
           "dptol": ["x", "nan", "-inf", "1e999"], "wkt": ["x", "POLYGON", "POINT(1)", "POLYGON((0 0,1 1))", "POINT(nan 1)", "POINT(1e999 1)", "POLYGON((0 0,1 0,1 1,0 0)"],
           "query": [""], "value": ["", "{", "x", "{}{}", "nan"], "namespace": [], "token": []}


def mas(operation, values, where="/t"):
    words = "".join(f"&{name}={value if '%' in value else urllib.parse.quote(value)}" for name, value in values.items())
    return ask("GET", f"{where}?{operation}{words}")


def is_mas_refusal(answer):
    status, kind, text = answer
    try:
        error = json.loads(text)
    except ValueError:
        return False
    return status == 400 and kind.startswith("text/plain") and list(error) == ["error"] and len(error["error"]) > 10


def mas_operations_refuse_in_the_originals_form():
    good = {"metadata": "gdal", "srs": "EPSG:4326", "wkt": "POLYGON((0 0,30 0,30 30,0 30,0 0))", "query": "q", "value": "{}"}
    for operation, names in MAS.items():
        if operation != "put_ows_cache":
            status, _, text = mas(operation, {name: good[name] for name in names if name in good})
            check(status == 200 and json.loads(text) is not None, f"{operation}: {status} {text[:200]}")
        for name in names:
            for value in REFUSED[name] + BYTES:
                values = {n: good[n] for n in names if n in good} | {name: value}
                if name == "value" and value == "":
                    continue # the original takes it as absent
                answer = mas(operation, values)
                check(is_mas_refusal(answer), f"{operation} {name}={value[:60]}: {answer[0]} {answer[1]} {answer[2][:200]}")
            for value in ODD:
                if operation == "put_ows_cache":
                    continue
                status, kind, text = answer = mas(operation, {n: good[n] for n in names if n in good} | {name: urllib.parse.quote(urllib.parse.unquote(value))})
                check(status == 200 or is_mas_refusal(answer), f"{operation} {name}={value[:60]}: {status} {kind} {text[:200]}")
        for where in ("/", "/nosuch", "/t/nosuch", "//t", "/t/../t", "/" + "a" * 3000, "/%27", "/t%ff", "/t%0a"):
            status, kind, text = answer = mas(operation, {n: good[n] for n in names if n in good and operation != "put_ows_cache"}, where)
            check(status in (200, 301) or is_mas_refusal(answer), f"{operation} at {where[:60]}: {status} {kind} {text[:200]}")
    check(is_mas_refusal(mas("timestamps", {"time": "2021-01-01", "until": "2020-01-01"})), "until before time")
    check(is_mas_refusal(ask("GET", "/t%00?extents")), "NUL in the path")


def nothing_has_changed():
    check(state() == before, "rows are not what they were")
    status, _, text = ask("GET", "/healthz")
    check(status == 200, f"{status} {text[:200]}")
    check(asked > 2000, asked)


def begin():
    global before
    scene()
    before = state()


sys.exit(run_all(begin, [every_parameter_has_an_example_that_is_taken, a_search_with_the_body_that_the_description_shows_is_answered,
                         every_value_that_the_description_excludes_is_refused, what_is_odd_is_answered_or_refused,
                         no_route_takes_what_it_does_not_know, every_body_that_is_wrong_is_refused, contradictions_are_told,
                         mas_operations_refuse_in_the_originals_form, nothing_has_changed]))
