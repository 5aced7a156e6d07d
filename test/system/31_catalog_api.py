#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The catalogue over HTTP and from the command line, and as a STAC API. Usage: 31_catalog_api.py STRATA"""
import hashlib
import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import DIR, check, init, run_all, strata, url  # noqa: E402



def rows(*words):
    return [json.loads(line) for line in strata(*words, "--json").stdout.splitlines()]


def ask(path, body=None, headers=None, base=None):
    """Status, headers, body."""
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    request = urllib.request.Request((URL if base is None else base) + path, data=data, headers=headers or {})
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def get(path, body=None):
    status, _, text = ask(path, body)
    check(status == 200, f"{path}: {status} {text[:200]}")
    return json.loads(text)


def catalog(verb, shard="t", **parameters):
    return get(f"/api/v1/catalog/{shard}/{verb}?{urllib.parse.urlencode(parameters)}")


# ---- scene ----

UTM60 = "+proj=utm +zone=60 +datum=WGS84 +units=m +no_defs"
WGS84 = "+proj=longlat +datum=WGS84 +no_defs"


def posix(kind, size=10, uid=0, gid=0, mode=None, mtime=1600000000, **more):
    mode = mode or {"directory": "drwxr-xr-x", "file": "-rw-r--r--", "link": "lrwxrwxrwx"}[kind]
    return {"type": kind, "size": size, "mode": mode, "inode": 5, "uid": uid, "gid": gid, "user": f"u{uid}", "group": f"g{gid}",
            "atime": mtime, "mtime": mtime, "ctime": mtime, **more}


def gdal(*datasets):
    return {"filename": "x", "file_type": "GTiff", "geo_metadata": [
        {"ds_name": "x", "namespace": name, "array_type": "Int16", "proj_wkt": "", "proj4": proj, "polygon": polygon,
         "timestamps": stamps, "geotransform": [0, 1, 0, 0, 0, -1], "x_size": 20, "y_size": 30}
        for name, proj, polygon, stamps in datasets]}


SQUARE = "POLYGON ((10 10,20 10,20 20,10 20,10 10))"
FILES = {
    "/t/a.tif": gdal(("red", WGS84, SQUARE, ["2020-01-01T00:00:00Z"])),
    "/t/geo/b.nc": gdal(("red", WGS84, "POLYGON ((30 30,40 30,40 40,30 40,30 30))", ["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]),
                        ("nir", WGS84, "POLYGON ((30 30,40 30,40 40,30 40,30 30))", ["2020-06-01T00:00:00Z"])),
    "/t/geo/cut.tif": gdal(("red", UTM60, "POLYGON ((600000 100000,1000000 100000,1000000 500000,600000 500000,600000 100000))",
                            ["2022-01-01T00:00:00Z"])),
    "/t/geo/none.tif": gdal(("red", WGS84, SQUARE, [])),
}


def scene():
    lines = [("/t", "posix", posix("directory")), ("/t/geo", "posix", posix("directory")),
             ("/t/closed", "posix", posix("directory", uid=1, mode="drwx------")),
             ("/t/closed/secret", "posix", posix("file", uid=1, size=77)),
             ("/t/odd\\x0aname", "posix", posix("file", size=3)), ("/t/odd\\xff", "posix", posix("file", size=4)),
             ("/t/comma,\"quote\"", "posix", posix("file", size=5)),
             ("/t/link", "posix", posix("link", target="a.tif", intact=True)),
             ("/t/a.tif", "checksum", {"sha256": hashlib.sha256(b"x").hexdigest(), "md5": "0" * 32}),
             ("/t/geo/b.nc", "checksum", {"sha256": hashlib.sha256(b"x").hexdigest(), "md5": "0" * 32}),
             ("/t/a.tif", "magic", {"mime": "image/tiff"})]
    lines += [(path, "posix", posix("file", size=1000 + len(path), mtime=1600000000 + n)) for n, path in enumerate(FILES)]
    lines += [(path, "gdal", record) for path, record in FILES.items()]
    text = "".join(f"{path}\t{kind}\t{json.dumps(record)}\n" for path, kind, record in lines)
    init()
    strata("up")
    strata("catalog", "shard", "create", "t", "/t")
    done = json.loads(strata("catalog", "ingest", "t", "-", "--json", data=text.encode()).stdout)
    check(done["accepted"] == len(lines), done)


# ---- lists ----

def lists_have_pages_that_fit_together():
    whole = [item["name"] for item in catalog("ls", path="/t")["items"]]
    check(whole == sorted(whole) and len(whole) == 7, whole)
    for sort in ("name", "size", "mtime"):
        seen, after = [], None
        while True:
            page = catalog("ls", path="/t", limit=2, sort=sort, **({"after": after} if after else {}))
            check(len(page["items"]) <= 2, page)
            seen += [item["name"] for item in page["items"]]
            after = page["next"]
            if not after:
                break
        check(sorted(seen) == whole, f"{sort}: {seen}")


def every_verb_answers_alike_over_http_and_from_the_command_line():
    for verb, words, parameters in (
            ("ls", [], {}), ("ls", ["--sort", "size"], {"sort": "size"}), ("find", ["--name", "*.tif", "--sort", "path"], {"name": "*.tif", "sort": "path"}),
            ("find", ["--where", "gdal.geo_metadata.namespace=nir"], {"where": "gdal.geo_metadata.namespace=nir"}),
            ("tree", ["--all"], {"all": "yes"}), ("dups", [], {}), ("usage", ["--by", "suffix"], {"by": "suffix"}),
            ("usage", ["--by", "age"], {"by": "age"}), ("problems", [], {}), ("recent", [], {}), ("recent", ["--learned"], {"by": "learned"})):
        page, lines = catalog(verb, **parameters)["items"], rows("catalog", verb, "t", *words)
        check(page == lines, f"{verb} {words}: {page} {lines}")
        check(page or verb == "problems", verb)
    check(catalog("stat", path="/t/a.tif") == rows("catalog", "stat", "t", "/t/a.tif")[0], "stat")
    check(catalog("meta", path="/t/a.tif")["items"] == rows("catalog", "meta", "t", "/t/a.tif"), "meta")
    du, lines = catalog("du", depth=1), rows("catalog", "du", "t", "--depth", "1")
    check([{k: v for k, v in du.items() if k not in ("items", "next")}] + du["items"] == lines, "du")
    check(du["files"] == 8 and du["size"] == 77 + 3 + 4 + 5 + sum(1000 + len(path) for path in FILES), du)


def answers_are_right():
    check([d["copies"] for d in catalog("dups")["items"]] == [2], "dups")
    check(catalog("stat", path="/t/a.tif")["kind"] == "image/tiff", "kind")
    names = lambda **p: [i["path"] for i in catalog("find", sort="path", **p)["items"]]
    check(names(variable="nir") == ["/t/geo/b.nc"], names(variable="nir"))
    check(names(bbox="175,0,-175,10") == ["/t/geo/cut.tif"], names(bbox="175,0,-175,10"))
    check(names(bbox="15,15,16,16") == ["/t/a.tif", "/t/geo/none.tif"], names(bbox="15,15,16,16"))
    check(names(**{"from": "2020-05-01", "to": "2020-07-01"}) == ["/t/geo/b.nc"], "period")
    check(names(sha256=hashlib.sha256(b"x").hexdigest()) == ["/t/a.tif", "/t/geo/b.nc"], "sha256")
    check(names(kind="image/*") == ["/t/a.tif"], "kind")
    check(names(type="link") == ["/t/link"] and names(type="directory") == ["/t/closed", "/t/geo"], "type")


def odd_names_are_found_by_bytes_and_by_text():
    for raw, text in (("/t/odd%0Aname", "/t/odd\\x0aname"), ("/t/odd%ff", "/t/odd\\xff"), ("/t//odd%FF/", "/t/odd\\xff"),
                      ("/t/odd%5Cxff", "/t/odd\\xff"), ("/t/comma%2C%22quote%22", '/t/comma,"quote"')):
        check(get("/api/v1/catalog/t/stat?path=" + raw)["path"] == text, raw)
    found = strata("catalog", "stat", "t", b"/t/odd\xff", "--json").stdout
    check(json.loads(found)["size"] == 4, found)


def lines_and_csv_come_whole():
    page = catalog("find", limit=1000)["items"]
    for how, headers in (("&format=jsonl", {}), ("", {"Accept": "application/x-ndjson"})):
        status, head, text = ask("/api/v1/catalog/t/find?limit=1000" + how, headers=headers)
        check([json.loads(line) for line in text.splitlines()] == page and "ndjson" in head["Content-Type"], text[:200])
    status, head, text = ask("/api/v1/catalog/t/ls?path=/t&format=csv")
    check(text.decode().startswith("path,name,type,size") and '"/t/comma,""quote"""' in text.decode(), text)
    status, head, _ = ask("/api/v1/catalog/t/ls")
    check(ask("/api/v1/catalog/t/ls", headers={"If-None-Match": head["ETag"]})[0] == 304, "ETag")


def every_wrong_parameter_gets_a_sentence():
    bad = {"ls": ["path=relative", "path=/t/../x", "path=/t/a.tif", "sort=x", "type=x", "limit=0", "limit=-1", "limit=x", "limit=99999999999999999999",
                  "nosuch=1", "path=/t&path=/t", "path=%", "sort=size&after=x", "format=xml", "after=%ff", "path=/t%00"],
           "stat": ["path=x", "limit=1"], "du": ["depth=-1", "depth=101", "depth=x", "after=x"], "tree": ["depth=0", "depth=999", "all=perhaps"],
           "find": ["name=[a", "regex=(", "name=a&regex=b", "min_size=x", "max_size=-1", "min_size=2&max_size=1", "since=yesterday", "until=2020-13-01",
                    "uid=-1", "gid=99999999999", "sha256=12", "where=x", "where=a.b~(", "bbox=1,2,3", "bbox=1,2,3,4,5", "bbox=0,9,1,1", "bbox=nan,1,1,1",
                    "bbox=0,0,999,1", "from=x", "to=x", "from=2021-01-01&to=2020-01-01", "sort=x", "type=file,x", "after=x", "kind=[", "user=%ff"],
           "recent": ["by=x", "since=x", "after=x"], "dups": ["after=x"], "usage": ["by=x", "after=x", "by=age&after=x"], "fresh": ["after=x", "path=x"],
           "meta": ["path=x", "type=%ff"], "problems": ["after=x"]}
    for verb, queries in bad.items():
        for query in queries:
            status, head, text = ask(f"/api/v1/catalog/t/{verb}?{query}")
            error = json.loads(text).get("error", {})
            check(status == 400 and error.get("code") == "USAGE" and len(error.get("message", "")) > 10, f"{verb}?{query}: {status} {text[:200]}")
    for path in ("/api/v1/catalog/nono/ls", "/api/v1/catalog/public/ls", "/api/v1/catalog/t/ls?path=/t/nono", "/api/v1/catalog/t/ls?path=/u", "/api/v1/catalog/t/nono"):
        check(ask(path)[0] == 404, path)
    check("'/t' is known" in json.loads(ask("/api/v1/catalog/t/ls?path=/t/no/such")[2])["error"]["hint"], "hint")
    check(strata("catalog", "ls", "t", "/t/nono", ok=False).returncode == 4, "exit status")


# ---- STAC ----

def check_link(link):
    check(isinstance(link.get("rel"), str) and re.match(r"https?://", link.get("href", "")), link)


def positions(coordinates):
    if isinstance(coordinates[0], (int, float)):
        yield coordinates
    else:
        for part in coordinates:
            yield from positions(part)


def check_item(item):
    for key in ("type", "stac_version", "id", "geometry", "bbox", "properties", "links", "assets", "collection"):
        check(key in item, f"an item without {key}")
    check(item["type"] == "Feature" and item["stac_version"] == "1.0.0" and len(item["bbox"]) == 4, item)
    check(item["geometry"]["type"] in ("Polygon", "MultiPolygon"), item["geometry"]["type"])
    check(all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in positions(item["geometry"]["coordinates"])), item["geometry"])
    p = item["properties"]
    check("datetime" in p and (p["datetime"] or (p["start_datetime"] and p["end_datetime"])), p)
    check(all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", p[k]) for k in p if k.endswith("datetime") and p[k]), p)
    check("proj:epsg" in p and len(p["proj:shape"]) == 2 and len(p["proj:transform"]) in (6, 9), p)
    check(item["assets"]["data"]["href"].startswith("file:///"), item["assets"])
    for link in item["links"]:
        check_link(link)
    check({"self", "root", "parent", "collection"} <= {link["rel"] for link in item["links"]}, item["links"])


def stac_objects_have_what_the_specification_asks_for():
    landing = get("/stac")
    check(landing["type"] == "Catalog" and landing["stac_version"] == "1.0.0" and landing["id"] and landing["description"], landing)
    for name in ("core", "collections", "ogcapi-features", "item-search"):
        check(f"https://api.stacspec.org/v1.0.0/{name}" in landing["conformsTo"], name)
    check(get("/stac/conformance")["conformsTo"] == landing["conformsTo"], "conformance")
    rels = {link["rel"]: link for link in landing["links"]}
    check({"self", "root", "conformance", "data", "search", "service-desc", "child"} <= set(rels), rels)
    check({link.get("method") for link in landing["links"] if link["rel"] == "search"} == {"GET", "POST"}, "search links")
    for link in landing["links"]:
        check_link(link)
        if link.get("method") != "POST":
            status, head, text = ask(link["href"], base="")
            check(status == 200 and json.loads(text), f"{link}: {status}")
    listed = get("/stac/collections")
    check([c["id"].split("-")[0] for c in listed["collections"]] == ["t", "t", "t"], listed)
    for collection in listed["collections"]:
        for key in ("type", "stac_version", "id", "description", "license", "extent", "links"):
            check(key in collection, f"a collection without {key}")
        check(len(collection["extent"]["spatial"]["bbox"][0]) == 4 and len(collection["extent"]["temporal"]["interval"][0]) == 2, collection["extent"])
        check(get("/stac/collections/" + collection["id"]) == collection, collection["id"])
        items = get(f"/stac/collections/{collection['id']}/items")
        check(items["features"] and all(item["collection"] == collection["id"] for item in items["features"]), collection["id"])
        for item in items["features"]:
            check_item(item)
            check(get(f"/stac/collections/{collection['id']}/items/{item['id']}") == item, item["id"])
    check(ask("/stac/collections/t/items")[1]["Content-Type"].startswith("application/geo+json"), "type of items")


def titles(answer):
    return sorted(item["properties"]["title"] for item in answer["features"])


def search_finds_what_was_asked():
    square = {"type": "Polygon", "coordinates": [[[0, 0], [12, 0], [12, 12], [0, 12], [0, 0]]]}
    directory = [c["id"] for c in get("/stac/collections")["collections"] if c["title"] == "/t/geo"][0]
    one = get("/stac/search?limit=1")["features"][0]
    for body, expected in (
            ({}, ["a.tif", "b.nc", "cut.tif", "none.tif"]), ({"bbox": [15, 15, 16, 16]}, ["a.tif", "none.tif"]),
            ({"bbox": [15, 15, 0, 16, 16, 9]}, ["a.tif", "none.tif"]), ({"bbox": [178, 0, -178, 10]}, ["cut.tif"]), ({"bbox": [-179.9, 1, -179, 4]}, ["cut.tif"]),
            ({"bbox": [-100, 1, 100, 4]}, []), ({"intersects": square}, ["a.tif", "none.tif"]), ({"intersects": {"type": "Point", "coordinates": [35, 35]}}, ["b.nc"]),
            ({"datetime": "2020-01-01T00:00:00Z"}, ["a.tif", "b.nc"]), ({"datetime": "2020-03-01T00:00:00Z/2020-09-30T00:00:00Z"}, ["b.nc", "none.tif"]),
            ({"datetime": "2021-06-01T00:00:00Z/.."}, ["cut.tif"]), ({"datetime": "/2020-01-15T00:00:00Z"}, ["a.tif", "b.nc"]),
            ({"collections": ["t"]}, ["a.tif", "b.nc", "cut.tif", "none.tif"]), ({"collections": [directory]}, ["b.nc", "cut.tif", "none.tif"]),
            ({"collections": ["nono"]}, []), ({"ids": [one["id"]]}, [one["properties"]["title"]]), ({"ids": ["x", one["id"]]}, [one["properties"]["title"]]),
            ({"ids": []}, []), ({"bbox": [15, 15, 16, 16], "datetime": "2020-01-01T00:00:00Z", "limit": 5}, ["a.tif"])):
        check(titles(get("/stac/search", body)) == expected, f"POST {body}: {titles(get('/stac/search', body))}")
        query = {k: v if isinstance(v, (str, int)) else json.dumps(v) if isinstance(v, dict) else ",".join(map(str, v)) for k, v in body.items()}
        if body.get("ids") != []:
            check(titles(get("/stac/search?" + urllib.parse.urlencode(query))) == expected, f"GET {query}")
    cut = [i for i in get("/stac/search")["features"] if i["properties"]["title"] == "cut.tif"][0]
    check(cut["geometry"]["type"] == "MultiPolygon" and cut["bbox"][0] > cut["bbox"][2], f"across the antimeridian: {cut['bbox']}")


def a_client_can_follow_the_pages():
    everything = [i["id"] for i in get("/stac/search")["features"]]
    url, seen = URL + "/stac/search?limit=1&collections=t", []
    while url:
        page = json.loads(ask(url, base="")[2])
        seen += [i["id"] for i in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    check(seen == everything, "GET")
    body, seen = {"limit": 3, "collections": ["t"]}, []
    while body:
        page = get("/stac/search", body)
        seen += [i["id"] for i in page["features"]]
        link = next((link for link in page["links"] if link["rel"] == "next"), None)
        check(not link or (link["method"] == "POST" and link["merge"] is True), link)
        body = {**body, **link["body"]} if link else None
    check(seen == everything, "POST")
    url, seen = URL + "/stac/collections?limit=1", []
    while url:
        page = json.loads(ask(url, base="")[2])
        seen += [c["id"] for c in page["collections"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    check(seen == [c["id"] for c in get("/stac/collections")["collections"]], seen)


def stac_refuses_with_a_sentence():
    for query in ("bbox=1", "bbox=1,2,3,4,5", "bbox=a,b,c,d", "bbox=0,9,1,1", "bbox=0,0,999,1", "datetime=x", "datetime=../..", "datetime=2021-01-01/2020-01-01",
                  "limit=0", "limit=x", "token=-", "token=t-x", "intersects=x", "intersects={}", "intersects=%7B%22type%22:%22Circle%22%7D",
                  "bbox=0,0,1,1&intersects=%7B%22type%22:%22Point%22,%22coordinates%22:[1,1]%7D", "filter=x"):
        status, _, text = ask("/stac/search?" + query)
        check(status == 400 and len(json.loads(text)["error"]["message"]) > 10, f"{query}: {status} {text[:200]}")
    for body in (b"", b"[]", b"{", b"{}x", {"bbox": 1}, {"bbox": [1]}, {"bbox": ["a", 1, 2, 3]}, {"datetime": 1}, {"ids": "x"}, {"collections": [1]}, {"limit": 0},
                 {"limit": "x"}, {"token": 1}, {"intersects": "x"}, {"intersects": {"type": "Point"}}, {"sortby": []}):
        status, _, text = ask("/stac/search", body)
        check(status == 400 and len(json.loads(text)["error"]["message"]) > 10, f"{body}: {status} {text[:200]}")
    for path in ("/stac/collections/nono", "/stac/collections/t-x", "/stac/collections/t-00000000-0000-0000-0000-000000000000", "/stac/collections/t/items/x",
                 "/stac/collections/nono/items", "/stac/nono"):
        check(ask(path)[0] == 404, path)


# ---- users ----

def a_token_with_a_uid_sees_what_that_user_may():
    secret = "strata_" + "7" * 64
    lines = "".join(f"{hashlib.sha256(f'{secret}{uid}'.encode()).hexdigest()} reader user{uid} uid={uid} groups={uid}\n" for uid in (0, 1, 2))
    (DIR / "tokens").write_text(lines)
    (DIR / "tokens").chmod(0o600)
    strata("down")
    with open(DIR / "strata.ini", "a") as ini:
        ini.write("\n[http]\ntokens = tokens\n")
    strata("up")
    url = (DIR / "run/http.url").read_text().strip()
    for uid, names in ((0, 1), (1, 1), (2, 0)):
        one = lambda path: ask(path, headers={"Authorization": f"Bearer {secret}{uid}"}, base=url)
        found = json.loads(one("/api/v1/catalog/t/find?name=secret")[2])["items"]
        check(len(found) == names, f"user {uid}: {found}")
        check(one("/api/v1/catalog/t/stat?path=/t/closed/secret")[0] == (200 if names else 403), f"stat as {uid}")
        check(one("/api/v1/catalog/t/stat?path=/t/closed/other")[0] == (404 if names else 403), f"stat of nothing as {uid}")
        check(one("/api/v1/catalog/t/ls?path=/t/closed")[0] == (200 if names else 403), f"ls as {uid}")
        check(len(json.loads(one("/stac/search")[2])["features"]) == 4, f"search as {uid}")
    check(ask("/api/v1/catalog/t/ls", base=url)[0] == 401, "without a token")


def begin():
    global URL
    scene()
    URL = url()


sys.exit(run_all(begin, [lists_have_pages_that_fit_together, every_verb_answers_alike_over_http_and_from_the_command_line, answers_are_right,
                         odd_names_are_found_by_bytes_and_by_text, lines_and_csv_come_whole, every_wrong_parameter_gets_a_sentence,
                         stac_objects_have_what_the_specification_asks_for, search_finds_what_was_asked, a_client_can_follow_the_pages,
                         stac_refuses_with_a_sentence, a_token_with_a_uid_sees_what_that_user_may]))
