#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The STAC API as its clients use it, and its searches against brute force. Usage: 32_stac.py STRATA

Client does what pystac-client 0.7 does: it opens the landing page, believes its conformance classes by the same patterns,
follows links by `rel`, and merges the bodies of `next` links. qgis_*() read what QGIS 3.40 reads (QgsStacParser), with its types.
"""
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import check, init, run_all, strata, url  # noqa: E402

WGS84 = "+proj=longlat +datum=WGS84 +no_defs"
FILES = 1500
SEED = int(os.environ.get("STRATA_SEED", random.SystemRandom().randrange(1 << 31)))
pick = random.Random(SEED)


def send(method, url, data=None, headers=None):
    """Status, headers, body."""
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


# ---- scene: one dataset a file, boxes in degrees, so that what a search finds is plain arithmetic ----

def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def stamp(days):
    return (datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class File:
    def __init__(self, no):
        self.path = f"/s/d{no % 7}/{no}.tif"
        width, height = (pick.choice((0.01, 0.3, 2, 30)) for _ in range(2))
        self.west = round(pick.uniform(-180, 180 - width), 4)
        self.south = round(pick.uniform(-90, 90 - height), 4)
        self.east, self.north = round(self.west + width, 4), round(self.south + height, 4)
        first = pick.randrange(3000)
        self.stamps = [stamp(first + n * pick.choice((1, 40))) for n in range(pick.choice((0, 1, 1, 1, 5)))]
        self.stamps.sort()
        self.mtime = 1600000000 + no * 1000
        self.name = pick.choice(("red", "nir", "a b", "ü"))

    def lines(self):
        w, s, e, n = self.west, self.south, self.east, self.north
        polygon = f"POLYGON (({w} {s},{e} {s},{e} {n},{w} {n},{w} {s}))"
        record = {"filename": self.path, "file_type": "GTiff", "geo_metadata": [
            {"ds_name": "x", "namespace": self.name, "array_type": "Int16", "proj_wkt": "", "proj4": WGS84, "polygon": polygon,
             "timestamps": self.stamps, "geotransform": [w, 1, 0, n, 0, -1], "x_size": 20, "y_size": 30}]}
        posix = {"type": "file", "size": 10, "mode": "-rw-r--r--", "inode": 5, "uid": 0, "gid": 0, "user": "root", "group": "root",
                 "atime": self.mtime, "mtime": self.mtime, "ctime": self.mtime}
        return "".join(f"{self.path}\t{kind}\t{json.dumps(what)}\n" for kind, what in (("posix", posix), ("gdal", record)))

    def times(self):
        return (instant(self.stamps[0]), instant(self.stamps[-1])) if self.stamps else (self.mtime, self.mtime)

    def touches(self, west, south, east, north):
        longitudes = [(west, east)] if west <= east else [(west, 180), (-180, east)]
        return self.south <= north and self.north >= south and any(self.west <= e and self.east >= w for w, e in longitudes)


def scene():
    init()
    strata("up")
    strata("catalog", "shard", "create", "s", "/s")
    strata("catalog", "shard", "create", "other", "/other")
    text = "".join(file.lines() for file in files.values())
    done = json.loads(strata("catalog", "ingest", "s", "-", "--json", data=text.encode()).stdout or b"{}")
    check(done.get("accepted") == 2 * FILES, done)


# ---- pystac-client ----

CONFORMANCE = {name: rf"https://api\.stacspec\.org/v1\.0\.[0-9]+(?:-[\w\.]+)?/{end}" for name, end in (
    ("CORE", "core"), ("COLLECTIONS", "collections"), ("FEATURES", "ogcapi-features"), ("ITEM_SEARCH", "item-search"))}


class Client:
    def __init__(self, url):
        self.landing = self.read(url)
        check(self.landing["type"] == "Catalog" and isinstance(self.landing["id"], str) and self.landing["description"], self.landing)
        for name, pattern in CONFORMANCE.items():
            check(any(re.match(pattern, uri) for uri in self.landing["conformsTo"]), name)
        self.search_href = next(link["href"] for link in self.landing["links"] if link["rel"] == "search"
                                and link.get("type") in ("application/geo+json", "application/json"))
        self.self_href = next(link["href"] for link in self.landing["links"] if link["rel"] == "self")

    @staticmethod
    def read(url, method="GET", parameters=None, headers=None):
        headers = {"User-Agent": "python-requests/2.31.0", "Accept-Encoding": "identity", "Accept": "*/*", **(headers or {})}
        data = None
        if method == "POST":
            data = json.dumps(parameters or {}).encode()
            headers["Content-Type"] = "application/json"
        elif parameters:
            words = {k: json.dumps(v) if k == "intersects" else ",".join(map(str, v)) if isinstance(v, (list, tuple)) else v
                     for k, v in parameters.items()}
            url += "?" + urllib.parse.urlencode(words)
        status, _, body = send(method, url, data, headers)
        if not check(status == 200, f"{method} {url} {parameters}: {status} {body[:300]}"):
            return {"links": [], "features": [], "collections": []}
        return json.loads(body.decode())

    def pages(self, url, method="GET", parameters=None):
        page = self.read(url, method, parameters)
        yield page
        while link := next((link for link in page.get("links", []) if link["rel"] == "next"), None):
            way = link.get("method", "GET")
            body = {**(parameters or {}), **link.get("body", {})} if link.get("merge") else link.get("body", {})
            page = self.read(link["href"], way, body if way == "POST" else None, link.get("headers"))
            yield page

    def search(self, method="POST", **parameters):
        return [item for page in self.pages(self.search_href, method, parameters) for item in page["features"]]

    def collections(self):
        return [c for page in self.pages(self.self_href + "/collections") for c in page["collections"]]


def paths(items):
    return sorted(item["properties"]["strata:path"] for item in items)


def a_client_opens_lists_and_follows():
    client = Client(URL + "/stac")
    collections = client.collections()
    check({c["id"] for c in collections} >= {"s", "other"} and len(collections) == 9, [c["id"] for c in collections])
    for collection in collections:
        check(collection["extent"]["spatial"]["bbox"] and collection["license"] and collection["description"], collection)
        check(Client.read(client.self_href + "/collections/" + collection["id"]) == collection, collection["id"])
        links = {link["rel"]: link["href"] for link in collection["links"]}
        check(Client.read(links["self"]) == collection and Client.read(links["root"]) == client.landing, links)
        items = [item for page in client.pages(links["items"] + "?limit=97") for item in page["features"]]
        check(len({item["id"] for item in items}) == len(items), "an item came twice")
        here = [f.path for f in files.values() if collection["id"] == "s" or f.path.startswith(collection["title"] + "/")]
        check(paths(items) == sorted(here), f"{collection['id']}: {len(items)} of {len(here)}")
    item = client.search(ids=[client.search(limit=1, bbox=[-180, -90, 180, 90])[0]["id"]])[0]
    links = {link["rel"]: link["href"] for link in item["links"]}
    check(Client.read(links["self"]) == item and Client.read(links["collection"])["id"] == item["collection"], links)
    check(item["assets"]["data"]["roles"] and item["assets"]["data"]["href"], item["assets"])


def what_the_landing_page_links_to_is_of_the_type_it_says():
    for link in json.loads(send("GET", URL + "/stac")[2])["links"]:
        if link.get("method", "GET") == "GET" and link["rel"] != "search":
            status, head, _ = send("GET", link["href"])
            check(status == 200 and head["Content-Type"] == link["type"], f"{link}: {status} {head['Content-Type']}")
    here = json.loads(send("GET", URL + "/stac/api")[2])
    check(here == json.loads(send("GET", URL + "/openapi.json")[2]) and "/stac/search" in here["paths"], "the whole description")


def a_collections_extent_is_that_of_its_files():
    def check_all(known):
        for collection in Client(URL + "/stac").collections():
            here = [f for f in known if collection["id"] == "s" or f.path.startswith(collection["title"] + "/")]
            if collection["id"] == "other":
                check(collection["extent"]["spatial"]["bbox"] == [[-180, -90, 180, 90]], "the world where nothing is known")
                continue
            hull = [min(f.west for f in here), min(f.south for f in here), max(f.east for f in here), max(f.north for f in here)]
            # A shard's is kept in Mercator's metres, where what is near a pole reaches it.
            near = [hull[0], -90 if hull[1] < -85.05 else hull[1], hull[2], 90 if hull[3] > 85.05 else hull[3]]
            check(collection["extent"]["spatial"]["bbox"] in ([hull], [near] if collection["id"] == "s" else [hull]), f"seed {SEED}, {collection['id']}: {collection['extent']} {hull}")
            stamps = [stamp for f in here for stamp in f.stamps]
            check(collection["extent"]["temporal"]["interval"] == [[min(stamps), max(stamps)]], f"seed {SEED}: {collection['extent']}")
            check(collection["summaries"]["strata:variables"] == sorted({f.name for f in here}, key=str.encode) or collection["id"] == "s", collection["summaries"])

    check_all(files.values())
    strata("catalog", "refresh", "s")
    check_all(files.values())
    # What came since the last refresh, and what went.
    corner = File(FILES + 900)
    corner.west, corner.south, corner.east, corner.north, corner.stamps = -179.75, -89.5, -179.5, -89.25, [stamp(9000)]
    strata("catalog", "ingest", "s", "-", data=corner.lines().encode())
    check_all([*files.values(), corner])
    strata("catalog", "ingest", "s", "-", data=f"{corner.path}\t-deleted\t{{}}\n".encode())
    check_all(files.values())
    strata("catalog", "refresh", "s")
    check_all(files.values())


def every_method_is_said_where_it_goes():
    for path in ("/stac", "/stac/conformance", "/stac/collections", "/stac/collections/s", "/stac/collections/s/items?limit=1", "/stac/search?limit=1"):
        status, head, body = send("HEAD", URL + path)
        whole = send("GET", URL + path)
        check(status == 200 and body == b"" and head["Content-Type"] == whole[1]["Content-Type"], f"HEAD {path}: {status}")
        check(send("DELETE", URL + path)[0] == 405, f"DELETE {path}")
    check(send("PUT", URL + "/stac/search", b"{}")[0] == 405, "PUT")
    status, _, body = send("POST", URL + "/stac/search", b"bbox=1,2,3,4", {"Content-Type": "application/x-www-form-urlencoded"})
    check(status in (400, 415) and json.loads(body)["error"]["message"], f"a form: {status} {body}")


# ---- QGIS ----

def qgis_links(links):
    for link in links:
        check(isinstance(link["href"], str) and isinstance(link["rel"], str), link)
        check(all(isinstance(link.get(key, ""), str) for key in ("type", "title")), link)
    return links


def qgis_item(item):
    check(re.match(r"^(\d+).(\d+).(\d+)$", item["stac_version"]) and isinstance(item["id"], str), item)
    check(len(item["bbox"]) in (4, 6) and all(isinstance(n, (int, float)) for n in item["bbox"]), item["bbox"])
    p = item["properties"]
    if not isinstance(p["datetime"], str):
        instant(p["start_datetime"]), instant(p["end_datetime"])
    qgis_links(item["links"])
    for asset in item["assets"].values():
        check(isinstance(asset["href"], str) and all(isinstance(asset.get(k, ""), str) for k in ("title", "description", "type")), asset)
        check(asset["href"].startswith("file:///"), "QGIS opens local files by their address")


def qgis_reads_what_it_gets():
    landing = Client.read(URL + "/stac")
    check(next(link["href"] for link in qgis_links(landing["links"]) if link["rel"] == "data").endswith("/collections"), landing["links"])
    page = Client.read(URL + "/stac/collections")
    qgis_links(page["links"])
    for collection in page["collections"]:
        check(all(isinstance(collection[k], str) for k in ("stac_version", "id", "description", "license")), collection)
        check(all(len(box) in (4, 6) for box in collection["extent"]["spatial"]["bbox"]), collection["extent"])
        for interval in collection["extent"]["temporal"]["interval"]:
            check(len(interval) == 2 and all(end is None or instant(end) for end in interval), interval)
        qgis_links(collection["links"])
    # What its dialog sends: bbox and intersects with its numbers, times without a zone, empty ends as ..
    shape = json.dumps({"type": "Polygon", "coordinates": [[[100.5, -10.25], [110, -10.25], [110, 0], [100.5, -10.25]]]})
    for query in ({"limit": "20"}, {"limit": "20", "collections": "s", "bbox": "-1e-05,-10.5,20.25,1e1"}, {"intersects": shape},
                  {"datetime": "2003-01-01T00:00:00.000/2004-01-01T00:00:00.000"}, {"datetime": "2003-01-01T00:00:00.000/.."},
                  {"datetime": "../2003-01-01T00:00:00.000Z"}, {"datetime": "0000-01-01T00:00:00Z/2003-01-01T00:00:00Z"},
                  {"datetime": "2003-01-01T00:00:00Z/9999-12-31T00:00:00Z"}):
        url = URL + "/stac/search?" + urllib.parse.urlencode(query)
        for _ in range(2):
            page = Client.read(url)
            for item in page["features"]:
                qgis_item(item)
            check(page["features"] or "bbox" in query or "intersects" in query, query)
            url = next((link["href"] for link in qgis_links(page["links"]) if link["rel"] == "next"), None)
            if not url:
                break


# ---- GDAL ----

def gdals_client_of_features_reads_the_collections():
    """Its OAPIF driver, which asks for pages and boxes by itself. QGIS and others read through it."""
    if not shutil.which("ogrinfo"):
        print("# SKIP ogrinfo is not installed (packages.txt, [test])")
        return
    for words, expected in (([], len(files)), (["-spat", "10", "10", "40", "40"], sum(f.touches(10, 10, 40, 40) for f in files.values()))):
        done = subprocess.run(["ogrinfo", "-ro", "-so", *words, f"OAPIF:{URL}/stac", "s"], capture_output=True, text=True)
        count = re.search(r"Feature Count: (\d+)", done.stdout)
        check(done.returncode == 0 and count and int(count[1]) == expected, f"{words}: {expected}, {done.stdout[:300]} {done.stderr[:300]}")
    layers = subprocess.run(["ogrinfo", "-ro", "-q", f"OAPIF:{URL}/stac"], capture_output=True, text=True).stdout
    check(len(re.findall(r"(?m)^\d+: ", layers)) == 9, layers)


# ---- searches ----

def random_box():
    width, height = (pick.choice((0, 0.5, 5, 40, 120)) for _ in range(2))
    west, south = pick.uniform(-180, 180), pick.uniform(-90, 90 - height)
    east = west + width
    return [round(n, 3) for n in (west, south, east - 360 if east > 180 else east, south + height)]


def random_period():
    first, last = sorted(pick.randrange(-100, 8000) for _ in range(2))
    return pick.choice(((None, stamp(last)), (stamp(first), None), (stamp(first), stamp(last)), (stamp(first), stamp(first))))


def searches_find_what_brute_force_finds():
    client = Client(URL + "/stac")
    keys = {item["properties"]["strata:path"]: item["id"] for item in client.search(limit=10000)}
    titles = {c["title"]: c["id"] for c in client.collections()}
    check(len(keys) == FILES, len(keys))
    found = 0
    for n in range(150):
        expected, ask = set(files), {"limit": pick.choice((17, 50, 1000, 10000))}
        if n % 3:
            ask["bbox"] = random_box()
            expected = {p for p in expected if files[p].touches(*ask["bbox"])}
            if n % 9 == 1:
                ask["bbox"][2:2] = [0]
                ask["bbox"].append(100)
            elif n % 9 == 2 and ask["bbox"][0] < ask["bbox"][2]:
                w, s, e, t = ask.pop("bbox")
                ask["intersects"] = {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, t], [w, t], [w, s]]]}
                if s == t:
                    ask["intersects"] = {"type": "LineString", "coordinates": [[w, s], [e, s]]}
        if n % 2:
            since, until = random_period()
            ask["datetime"] = since if since == until else f"{since or '..'}/{until or '..'}"
            low, high = (instant(since) if since else -1e18), (instant(until) if until else 1e18)
            expected = {p for p in expected if files[p].times()[0] <= high and files[p].times()[1] >= low}
        if n % 5 == 0:
            names = pick.sample(sorted(titles), 2)
            ask["collections"] = [titles[name] for name in names]
            expected = {p for p in expected if any(p.startswith(name + "/") for name in names)}
        if n % 7 == 0:
            some = pick.sample(sorted(keys), 40)
            ask["ids"] = [keys[p] for p in some]
            expected &= set(some)
        items = client.search(pick.choice(("GET", "POST")), **ask)
        check(set(paths(items)) == expected and len(items) == len(expected),
              f"seed {SEED}, {ask}: missed {sorted(expected - set(paths(items)))[:5]}, wrong {sorted(set(paths(items)) - expected)[:5]}")
        ids = [item["id"] for item in items]
        check(ids == sorted(ids), "items are not in the order of their ids")
        found += len(items)
    check(found > 1000, found)


def shapes_of_every_type_are_taken():
    client = Client(URL + "/stac")
    box = [10, 10, 40, 40]
    ring = [[10, 10], [40, 10], [40, 40], [10, 40], [10, 10]]
    inside = sorted(p for p, f in files.items() if f.touches(*box))
    for shape in ({"type": "Polygon", "coordinates": [ring]}, {"type": "Polygon", "coordinates": [[[x, y, 5] for x, y in ring]]},
                  {"type": "Polygon", "coordinates": [ring[::-1]]}, {"type": "MultiPolygon", "coordinates": [[ring]]},
                  {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [ring]}, {"type": "Point", "coordinates": [20, 20]}]},
                  {"coordinates": [ring], "type": "Polygon", "bbox": box, "extra": {"a": None}}):
        check(paths(client.search(intersects=shape)) == inside, shape["type"])
    for shape in ({"type": "Point", "coordinates": [20, 20]}, {"type": "MultiPoint", "coordinates": [[20, 20], [-50, 50]]},
                  {"type": "LineString", "coordinates": [[0, 0], [50, 60]]}, {"type": "MultiLineString", "coordinates": [[[0, 0], [50, 60]], [[-10, 0], [-20, 5]]]}):
        check(client.search("GET", intersects=shape) == client.search(intersects=shape), shape["type"])
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [40, 40], [40, 0], [0, 40], [0, 0]]]}
    check(set(paths(client.search(intersects=bow))) <= {p for p, f in files.items() if f.touches(0, 0, 40, 40)}, "a ring that crosses itself")
    # Across the antimeridian: as a box, with longitudes beyond 180, and cut (RFC 7946, 3.1.9).
    across = sorted(p for p, f in files.items() if f.touches(170, -40, -160, 40))
    check(paths(client.search(bbox=[170, -40, -160, 40])) == across, "a box")
    square = lambda w, e: [[w, -40], [e, -40], [e, 40], [w, 40], [w, -40]]
    check(paths(client.search(intersects={"type": "Polygon", "coordinates": [square(170, 200)]})) == across, "beyond 180")
    check(paths(client.search(intersects={"type": "Polygon", "coordinates": [square(-190, -160)]})) == across, "beyond -180")
    check(paths(client.search(intersects={"type": "MultiPolygon", "coordinates": [[square(170, 180)], [square(-180, -160)]]})) == across, "cut")


def pages_stay_when_the_catalogue_grows():
    client = Client(URL + "/stac")
    pages = client.pages(client.search_href, "POST", {"limit": 100, "bbox": [-180, -90, 180, 90]})
    seen = [item["id"] for item in next(pages)["features"]]
    more = [File(FILES + n) for n in range(50)]
    strata("catalog", "ingest", "s", "-", data="".join(file.lines() for file in more).encode())
    seen += [item["id"] for page in pages for item in page["features"]]
    old = {item["id"] for item in client.search() if item["properties"]["strata:path"] in files}
    check(seen == sorted(set(seen)) and old <= set(seen), "what was there before is found once, in order")


def wrong_searches_get_a_sentence():
    def refused(status, body, what):
        message = json.loads(body)["error"]["message"] if status == 400 else ""
        check(status == 400 and len(message) > 10, f"{what}: {status} {body[:200]}")

    point = {"type": "Point", "coordinates": [1, 1]}
    bodies = [b"", b"null", b"[]", b"\xff", b"{\"bbox\":[1,2,3,4]", b"{\"a\":1}", b"{\"limit\":1}{}", b"{\"intersects\":{\"type\":\"Point\",\"coordinates\":[\xff]}}"]
    bodies += [json.dumps(body).encode() for body in (
        {"bbox": [1, 2, 3]}, {"bbox": [1, 2, 3, 4, 5]}, {"bbox": list(range(7))}, {"bbox": [0, 10, 1, -10]}, {"bbox": [0, -91, 1, 1]}, {"bbox": [-181, 0, 1, 1]},
        {"bbox": ["0", 0, 1, 1]}, {"bbox": {}}, {"bbox": [[0, 0, 1, 1]]}, {"bbox": [None, 0, 1, 1]},
        {"bbox": [0, 0, 1, 1], "intersects": point}, {"intersects": {"type": "Point"}}, {"intersects": {"type": "Point", "coordinates": []}},
        {"intersects": {"type": "Feature", "geometry": point, "properties": {}}}, {"intersects": {"type": "Point", "coordinates": [1, 91]}},
        {"intersects": {"type": "Point", "coordinates": [361, 0]}}, {"intersects": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}},
        {"intersects": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 9]]]}}, {"intersects": {"type": "LineString", "coordinates": [[0, 0]]}},
        {"intersects": {"type": "Polygon", "coordinates": "x"}}, {"intersects": [point]}, {"intersects": "POINT(1 1)"},
        {"datetime": ""}, {"datetime": "/"}, {"datetime": "../.."}, {"datetime": "../"}, {"datetime": "2020"}, {"datetime": "2020-13-01T00:00:00Z"},
        {"datetime": "2020-02-30T00:00:00Z"}, {"datetime": "2020-01-01T00:00:00Z/2021-01-01T00:00:00Z/2022-01-01T00:00:00Z"},
        {"datetime": "2021-01-01T00:00:00Z/2020-01-01T00:00:00Z"}, {"datetime": ["2020-01-01T00:00:00Z"]}, {"datetime": "2020-01-01T00:00:00Z' or 1=1"},
        {"limit": 0}, {"limit": -1}, {"limit": 1.5}, {"limit": "10"}, {"limit": 1e400}, {"limit": 2**70},
        {"ids": "a"}, {"ids": [1]}, {"ids": [["a"]]}, {"collections": {}}, {"collections": [None]},
        {"token": "x" * 300}, {"token": "s-'; drop table paths"}, {"token": "\0"}, {"sortby": []}, {"query": {}}, {"filter": "a=1"}, {"fields": {}})]
    bodies.append(b'{"intersects":{"type":"Point","coordinates":[1e999,0]}}')
    bodies.append(b'{"intersects":' + b'{"type":"GeometryCollection","geometries":[' * 200 + b"]}" * 200 + b"}")
    for body in bodies:
        status, _, text = send("POST", URL + "/stac/search", body, {"Content-Type": "application/json"})
        refused(status, text, body[:200])
    for query in ("bbox=1,2,3,", "bbox=1,2,3,inf", "bbox=nan,0,1,1", "datetime=%ff", "limit=1.5", "limit=1e3", "ids=%ff", "collections=%ff%fe", "token=%00",
                  "bbox=0,0,1,1&bbox=0,0,1,1", "intersects=%7B", "nosuch=1", "datetime=2020-01-01T00:00:00Z/2020"):
        status, _, text = send("GET", URL + "/stac/search?" + query)
        refused(status, text, query)
    # Names that need escaping are just names that nothing has.
    for name in ("a%20b", "%2e%2e", "s%2f..", "%ff", "'", "s-%27", "ü", "a" * 150):
        name = urllib.parse.quote(name, safe="%'")
        for path in (f"/stac/collections/{name}", f"/stac/collections/{name}/items", f"/stac/collections/s/items/{name}"):
            status, _, text = send("GET", URL + path)
            check(status in (400, 404) and len(json.loads(text)["error"]["message"]) > 10, f"{path}: {status} {text[:200]}")
    check(Client.read(URL + "/stac/search?limit=99999999")["numberReturned"] == len(files) + 50, "a limit beyond the most is the most")


files = {file.path: file for file in map(File, range(FILES))}
def begin():
    global URL
    print(f"# STRATA_SEED={SEED}")
    scene()
    URL = url()


sys.exit(run_all(begin, [a_client_opens_lists_and_follows, what_the_landing_page_links_to_is_of_the_type_it_says,
                         a_collections_extent_is_that_of_its_files, every_method_is_said_where_it_goes,
                         qgis_reads_what_it_gets, gdals_client_of_features_reads_the_collections, searches_find_what_brute_force_finds,
                         shapes_of_every_type_are_taken, pages_stay_when_the_catalogue_grows, wrong_searches_get_a_sentence]))
