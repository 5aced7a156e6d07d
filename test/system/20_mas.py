#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The MAS API: GSKY's requests, searches against a brute-force evaluation, wrong input, the original's mistakes.

It needs bench/catalog's mas_load and mas_serve in $BUILD. The seed is printed; MAS_SEED sets it, MAS_QUERIES how many are asked.
"""
import datetime
import http.client
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import pg  # noqa: E402

BENCH = os.path.join(os.environ.get("BUILD", "build"), "bench/catalog")
LOAD, SERVE = os.path.join(BENCH, "mas_load"), os.path.join(BENCH, "mas_serve")
ROOT = "/g/data/xx1"
SEED = int(os.environ.get("MAS_SEED", "20240903"))
QUERIES = int(os.environ.get("MAS_QUERIES", "60"))  # asked of the service and of brute force
rnd = random.Random(SEED)
tests = failures = 0


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        print(f"# line {sys._getframe(1).f_lineno}: {str(what)[:600]}", flush=True)
    return bool(condition)


def run(function, *words):
    global tests, failures
    before, failures = failures, 0
    try:
        function(*words)
    except Exception as error:  # a broken answer is a failed test, not the end
        check(False, f"{type(error).__name__}: {error}")
    tests += 1
    print(f"{'not ok' if failures else 'ok'} {tests} - {function.__name__}", flush=True)
    failures += before


# ---- data ----

def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def box(x0, y0, x1, y1):
    return f"POLYGON (({x0} {y0},{x0} {y1},{x1} {y1},{x1} {y0},{x0} {y0}))"


def dataset(path, name, srs, polygon, stamps, **more):
    return {"ds_name": f'NETCDF:"{path}":{name}', "namespace": name, "array_type": "Int16", "raster_count": 1,
            "timestamps": [iso(t) for t in stamps], "x_size": 10, "y_size": 10, "geotransform": [1.5, 25, 0, 2, 0, -25],
            "polygon": polygon, "proj_wkt": srs[0], "proj4": srs[1], "nodata": -999,
            "axes": [{"name": "time", "params": None, "strides": [1], "shape": [len(stamps)], "grid": "default"}]} | more


def record(path, datasets):
    body = {"filename": path, "file_type": "netCDF", "geo_metadata": datasets}
    return f"{path}\tgdal\t{json.dumps(body)}\n"


def some_stamps():
    first = datetime.datetime(2015, 1, 1) + datetime.timedelta(days=rnd.randrange(2000), seconds=rnd.randrange(86400))
    step = rnd.choice([1, 8, 30])
    return [first + datetime.timedelta(days=step * i) for i in range(rnd.choice([1, 1, 1, 5, 46]))]


def some_polygon(code):
    """A rectangle somewhere in the system's own domain; some across the antimeridian."""
    if code == 4326:
        if rnd.random() < 0.1:
            return box(-180, -90, 180, 90)
        x, y, w = rnd.uniform(-180, 170), rnd.uniform(-85, 75), rnd.uniform(0.1, 10)
        return box(round(x, 4), round(y, 4), round(x + w, 4), round(y + w, 4))
    if code == 3857:
        x, y, w = rnd.uniform(-2e7, 1.9e7), rnd.uniform(-1e7, 9e6), rnd.uniform(1e4, 1e6)
    elif code in (32755, 32760, 32701):
        x, y, w = rnd.uniform(2e5, 7e5), rnd.uniform(2e6, 9.8e6), 109800
    elif code == 6842:
        x, y, w = rnd.uniform(0, 1.2e7), rnd.uniform(-4e6, 0), 1111950
    else:  # polar stereographic
        x, y, w = rnd.uniform(-2.5e6, 2.5e6), rnd.uniform(-2.5e6, 2.5e6), rnd.uniform(1e5, 5e5)
        if abs(x + w / 2) < w and abs(y + w / 2) < w:
            x += 3 * w
    return box(round(x), round(y), round(x + w), round(y + w))


SINU = ('PROJCS["unnamed",GEOGCS["Unknown datum based upon the custom spheroid",DATUM["Not_specified_based_on_custom_'
        'spheroid",SPHEROID["Custom spheroid",6371007.181,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
        'PROJECTION["Sinusoidal"],PARAMETER["longitude_of_center",0],PARAMETER["false_easting",0],PARAMETER["false_'
        'northing",0],UNIT["Meter",1]]', "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +a=6371007.181 +b=6371007.181 +units=m +no_defs")


def make_records(server):
    systems = {int(code): (wkt, proj4) for code, wkt, proj4 in server.rows(
        "select srid, srtext, trim(proj4text) from spatial_ref_sys where srid in (4326,3857,32755,32760,32701,3031)", "mas")}
    systems[6842] = SINU
    lines, paths = [], []
    for i in range(400):
        code = rnd.choice(list(systems))
        path = f"{ROOT}/set{i % 7}/c{code}/f{i}.nc"
        polygon, stamps = some_polygon(code), some_stamps()
        names = rnd.sample(["red", "nir", "swir-1", "ta"], rnd.randint(1, 3))
        alike = rnd.random() < 0.7
        lines.append(record(path, [dataset(path, n, systems[code], polygon if alike or rnd.random() < 0.3 else some_polygon(code),
                                           stamps if alike or rnd.random() < 0.3 else some_stamps()) for n in names]))
        paths.append(path)
    levels = {"name": "level", "params": [1000.0, 925.5], "strides": [1], "shape": [2], "grid": "enum"}
    path = f"{ROOT}/model/ta.nc"
    lines.append(record(path, [dataset(path, "ta", systems[4326], box(110, -45, 155, -10),
                                       [datetime.datetime(2010, 1, 1), datetime.datetime(2010, 7, 1)],
                                       axes=[levels], geo_loc={"x_ds_name": "x", "x_band": 1})]))
    return systems, lines


# ---- requests ----

class Service:
    def __init__(self, server, compat=False):
        dsn = f"host={server.dir} user=postgres dbname=mas"
        self.process = subprocess.Popen([SERVE, dsn, "127.0.0.1:0"] + (["compat"] if compat else []),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = urllib.parse.urlparse(self.process.stdout.readline().strip())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def raw(self, target, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port)
        connection.request(method, target, body, headers or {})
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply, data

    def ask(self, path, operation, form=None, **params):
        query = "".join(f"&{k}={urllib.parse.quote(str(v), safe='(),:')}" for k, v in params.items())
        body = urllib.parse.urlencode(form) if form else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        reply, data = self.raw(f"{path}?{operation}{query}", "POST" if form else "GET", body, headers)
        check(reply.status == 200 and reply.getheader("Content-Type") == "application/json", f"{reply.status} {data[:300]}")
        return json.loads(data)

    def fails(self, path, operation, words, **params):
        query = "".join(f"&{k}={urllib.parse.quote(v) if isinstance(v, str) else urllib.parse.quote_from_bytes(v)}"
                        for k, v in params.items())
        reply, data = self.raw(f"{path}?{operation}{query}")
        good = check(reply.status == 400 and reply.getheader("Content-Type") == "text/plain; charset=utf-8" and
                     reply.getheader("X-Content-Type-Options") == "nosniff" and data.startswith(b'{ "error": "') and
                     data.endswith(b" }\n"), f"{operation} {params}: {reply.status} {data[:300]}")
        if good:
            check(words in json.loads(data)["error"], f"{operation} {params}: {data}")


# The fields of GSKY's structs; a Go decoder refuses a wrong type and leaves out what is null.
NUMBER, TEXT = (int, float), (str,)
AXIS = {"name": TEXT, "params": [NUMBER], "strides": [(int,)], "shape": [(int,)], "grid": TEXT}
GEO_LOC = {"x_ds_name": TEXT, "x_band": (int,), "y_ds_name": TEXT, "y_band": (int,), "line_offset": (int,),
           "pixel_offset": (int,), "line_step": (int,), "pixel_step": (int,)}
DATASET = {"file_path": TEXT, "ds_name": TEXT, "namespace": TEXT, "array_type": TEXT, "srs": TEXT, "geo_transform": [NUMBER],
           "timestamps": [TEXT], "polygon": TEXT, "means": [NUMBER], "sample_counts": [(int,)], "nodata": NUMBER,
           "axes": [AXIS], "geo_loc": GEO_LOC, "overviews": [{"x_size": (int,), "y_size": (int,)}]}


def decode(value, form, where):
    if value is None:
        return
    if isinstance(form, dict):
        check(isinstance(value, dict) and set(value) <= set(form), f"{where}: {value}")
        for key in value:
            decode(value[key], form[key], f"{where}.{key}")
    elif isinstance(form, list):
        check(isinstance(value, list), f"{where}: {value}")
        for each in value:
            decode(each, form[0], where)
    else:
        check(isinstance(value, form) and not isinstance(value, bool), f"{where}: {value!r}")


def search(service, path=ROOT, **params):
    answer = service.ask(path, "intersects", metadata="gdal", **params)
    check(list(answer) == ["gdal"], list(answer))
    for each in answer["gdal"]:
        decode(each, DATASET, "gdal")
        check(set(each) == set(DATASET), set(DATASET) ^ set(each))
        for stamp in each["timestamps"] or []:
            datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")
    return answer["gdal"]


def names_of(found):
    return sorted({(each["ds_name"]) for each in found})


# ---- tests ----

def gsky_gets_what_its_structs_hold(service):
    T, U = "2015-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"
    wkt = "POLYGON ((13000000 -5000000, 17000000 -5000000, 17000000 -1000000, 13000000 -1000000, 13000000 -5000000))"
    tile = search(service, time=T, until=U, srs="EPSG:3857", wkt=wkt, namespace="red,nir", nseg=2, limit=-1)
    check(len(tile) > 0 and {d["namespace"] for d in tile} <= {"red", "nir"}, len(tile))
    check(len({d["file_path"] for d in search(service, time=T, until=U, srs="EPSG:3857", wkt=wkt, nseg=10, limit=1)}) == 1, "limit")
    form = {"wkt": wkt}
    drill = service.ask(ROOT, "intersects", form=form, metadata="gdal", time=T, until=U, srs="EPSG:3857",
                        namespace="red,nir", identitytol="-1.000000", dptol="-1.000000")["gdal"]
    check(names_of(drill) == names_of(tile), "the mask in the body counts")
    other = service.ask(ROOT, "intersects", form={"wkt": box(0, 0, 1, 1)}, metadata="gdal", time=T, until=U,
                        srs="EPSG:3857", wkt=wkt)["gdal"]
    check(names_of(other) != names_of(tile), "the body comes before the query")
    check(len(search(service, time=T, until=U, srs="EPSG:3857", wkt="", namespace="red")) > len(tile) / 3, "non_spatial")
    stamps = service.ask(ROOT, "timestamps", time="", until="", namespace="red", token="")
    decode(stamps, {"timestamps": [TEXT], "token": TEXT}, "timestamps")
    check(stamps["token"] and stamps["timestamps"] == sorted(set(stamps["timestamps"])), stamps["token"])
    again = service.ask(ROOT, "timestamps", time="", until="", namespace="red", token=stamps["token"])
    check(again == {"token": stamps["token"], "timestamps": []}, str(again)[:100])
    check(service.ask("", "list_root_gpath") == {"sub_paths": [ROOT]}, "roots")
    below = service.ask(f"{ROOT}/", "list_sub_gpath")
    check(below == {"sub_paths": ["/model"] + [f"/set{i}" for i in range(7)], "gpath_root": ROOT, "has_namespaces": False}, below)
    layers = service.ask(f"{ROOT}/model", "generate_layers")
    check(layers == {"layers": [{"axes": [{"name": "level", "values": ["1000.0", "925.5"]}], "name": "ta", "title": "ta",
                                 "data_source": f"{ROOT}/model", "rgb_products": ["ta"], "time_generator": "mas"}]}, layers)
    check(service.ask(f"{ROOT}/model", "list_sub_gpath")["has_namespaces"] is True, "has_namespaces")
    check(service.ask(ROOT, "put_ows_cache", form={"value": '{"a": [1, "\\u00e9"]}'}, query="caps") == {"error": ""}, "put")
    check(service.ask(ROOT, "get_ows_cache", query="caps") == {"value": {"a": [1, "é"]}}, "get")
    check(service.ask(ROOT, "get_ows_cache", query="other") == {"value": None}, "get nothing")
    extents = service.ask(f"{ROOT}/model", "extents")
    check(extents["variables"] == ["ta"] and extents["min_stamp"] == "2010-01-01T00:00:00" and
          extents["max_stamp"] == "2010-07-01T00:00:00" and abs(extents["xmin"] - 12245143.987) < 1 and
          abs(extents["ymax"] + 1118889.974) < 1, extents)


def paths_and_shards_are_found_as_the_original_should(service):
    reply, _ = service.raw(f"/{ROOT}?generate_layers&x=1")
    check(reply.status == 301 and reply.getheader("Location") == f"{ROOT}?generate_layers&x=1", reply.getheader("Location"))
    check(len(search(service, path=f"{ROOT}/set1/")) == len(search(service, path=f"{ROOT}/set1")) > 0, "slash at the end")
    for path in (f"{ROOT}2", "/g/data", "/", f"{ROOT[:-1]}", "/g/data/xx%25"):
        check(service.ask(path, "intersects", metadata="gdal") == {"gdal": []}, path)
        check(service.ask(path, "timestamps") == {"token": "", "timestamps": []}, path)
        for operation in ("extents", "list_sub_gpath", "generate_layers"):
            check(service.ask(path, operation) == {}, path)
    check(search(service, path=f"{ROOT}/nowhere") == [], "no such directory")
    first = service.ask(ROOT, "extents&intersects", metadata="gdal", limit=1)
    check("gdal" in first, "the first operation of the table counts")
    reply, data = service.raw(f"{ROOT}?list_root_gpath", "DELETE")
    check(reply.status == 200, "any method")


def wrong_input_gets_one_sentence_and_changes_nothing(service, server):
    count = "select (select count(*) from xx1.datasets), (select count(*) from xx1.ows_cache)"
    before = server.rows(count, "mas")
    fails = service.fails
    good = {"metadata": "gdal", "srs": "EPSG:4326", "wkt": box(0, 0, 1, 1)}
    fails(ROOT, "intersects", "metadata")
    fails(ROOT, "intersects", "metadata", metadata="posix")
    for srs in ("EPSG:0", "epsg:4326", "EPSG", "EPSG:4326;drop table x", "EPSG:" + "9" * 40, ":1", "EPSG:-1"):
        fails(ROOT, "intersects", "pq: unknown SRS", **good | {"srs": srs})
    for wkt in ("POLYGON", "POLYGON ((0 0, 1 1))", "POINT (nan 0)", "garbage", "POINT (1e999 0)", "'; drop table datasets; --"):
        fails(ROOT, "intersects", "pq: parse error - invalid geometry", **good | {"wkt": wkt})
    for key in ("nseg", "limit"):
        fails(ROOT, "intersects", "pq: invalid input syntax for type integer", **good | {key: "x"})
        fails(ROOT, "intersects", "out of range", **good | {key: "9" * 30})
    fails(ROOT, "intersects", "pq: division by zero", **good | {"nseg": "0"})
    fails(ROOT, "intersects", "nseg", **good | {"nseg": "-3"})
    fails(ROOT, "intersects", "nseg", **good | {"nseg": "100000000"})
    for key in ("identitytol", "dptol"):
        for value in ("x", "nan", "inf", "1e999"):
            fails(ROOT, "intersects", "double precision", **good | {key: value})
    for key in ("time", "until"):
        for operation in ("intersects", "timestamps"):
            fails(ROOT, operation, 'pq: invalid input syntax for type timestamp with time zone: "garbage"',
                  metadata="gdal", **{key: "garbage"})
            fails(ROOT, operation, "pq: ", metadata="gdal", **{key: "2020-13-45"})
            fails(ROOT, operation, "invalid byte sequence", metadata="gdal", **{key: b"\xff"})
            fails(ROOT, operation, "invalid byte sequence", metadata="gdal", **{key: b"2020\0"})
        check(isinstance(search(service, **{key: "99999-01-01"}), list), key)
    for operation in ("intersects", "timestamps"):
        fails(ROOT, operation, "range lower bound", metadata="gdal", time="2020-01-01", until="2010-01-01")
    for key in ("namespace", "srs", "wkt", "metadata"):
        fails(ROOT, "intersects", "invalid byte sequence", **good | {key: b"\xc3("})
    fails(ROOT, "get_ows_cache", "query")
    fails(ROOT, "put_ows_cache", "query", value="1")
    fails(ROOT, "put_ows_cache", "pq: invalid input syntax for type json", query="q", value="{")
    fails("/nowhere", "put_ows_cache", "pq: invalid search path", query="q", value="1")
    fails(ROOT + "%00", "extents", "invalid byte sequence")
    check(search(service, namespace="'; drop table xx1.datasets; --") == [], "injected")
    check(search(service, namespace="x" * 5000) == [] and search(service, namespace=",,,") == [], "names")
    check(search(service, srs="EPSG:4326", wkt="POLYGON EMPTY") == [], "an empty mask selects nothing")
    check(search(service, srs="EPSG:4326", wkt=box(500, 0, 510, 10)) == [], "out of the world")
    check(isinstance(search(service, srs="EPSG:4326", wkt=box(1, 0, 1, 10)), list), "no width")
    check(len(search(service, limit=-5)) == len(search(service, limit=0)) == len(search(service)), "limits")
    check(server.rows(count, "mas") == before, "nothing changed")


def brute_force(server, mask, srid, since, until, names, path):
    """Datasets that must be found, and those that may be: the mask a little smaller and larger."""
    conditions = ["true"]
    if since is not None:
        conditions.append(f"exists (select from unnest(po_stamps) s where s between '{since}'::timestamptz and '{until}'::timestamptz)")
    if names:
        conditions.append(f"na_name in ({','.join(repr(n) for n in names)})")
    if path != ROOT:
        conditions.append(f"starts_with(pa_path, '{path}/')")
    where = " and ".join(conditions)
    shape = "true sure, true maybe"
    source = "(select 1) m"
    if mask:
        shape = "coalesce(st_intersects(m.less, g), false) sure, coalesce(st_intersects(m.more, g), true) maybe"
        source = f"""(select st_buffer(c, -e) less, st_buffer(c, e) more
            from (select st_collect(array[s, st_translate(s, 360, 0), st_translate(s, -360, 0)]) c,
                         0.02 + 0.02 * greatest(st_xmax(s) - st_xmin(s), st_ymax(s) - st_ymin(s)) e
                    from (select st_transform(st_segmentize(w, 1e-9 + greatest(st_xmax(w) - st_xmin(w), st_ymax(w) - st_ymin(w)) / 64), 4326) s
                            from (select st_geomfromtext('{mask}', {srid}) w) x) y) z) m"""
    rows = server.rows(f"""
        with hit as materialized (select po_hash, {shape} from brute, {source} where {where})
        select ds, bool_or(hit.sure) from brute join hit using (po_hash)
         where hit.maybe {f"and na_name in ({','.join(repr(n) for n in names)})" if names else ''} group by ds""", "mas")
    return {row[0] for row in rows if row[1] == "t"}, {row[0] for row in rows}


def some_mask():
    kind = rnd.randrange(12)
    if kind < 4:
        x, y, w = rnd.uniform(-170, 160), rnd.uniform(-75, 70), rnd.choice([0.5, 3, 15, 40])
        return box(round(x, 3), round(max(y - w / 2, -84), 3), round(x + w, 3), round(min(y + w / 2, 84), 3)), 4326
    if kind < 6:
        x, y, w = rnd.uniform(-1.9e7, 1.5e7), rnd.uniform(-9e6, 8e6), rnd.choice([4e4, 6e5, 4e6])
        return box(round(x), round(y), round(x + w), round(y + w)), 3857
    if kind == 6:
        cx, cy, r = rnd.uniform(110, 160), rnd.uniform(-45, -5), rnd.uniform(1, 8)
        ring = [(cx + r * (0.4 + 0.6 * (k % 2)) * math.cos(k * math.pi / 10), cy + r * (0.4 + 0.6 * (k % 2)) * math.sin(k * math.pi / 10))
                for k in range(20)]
        return "POLYGON ((" + ", ".join(f"{x:f} {y:f}" for x, y in ring + ring[:1]) + "))", 4326
    if kind == 7:
        return box(170, rnd.choice([-60, -30]), 190, 20), 4326
    if kind == 8:
        return box(-180, -90, 180, 90), 4326
    if kind == 9:
        parts = [box(x, y, x + 6, y + 6)[8:] for x, y in ((rnd.randint(-170, 0), rnd.randint(-70, 0)), (rnd.randint(10, 160), rnd.randint(0, 60)))]
        return f"MULTIPOLYGON ({', '.join(parts)})", 4326
    if kind == 10:
        x, y = rnd.uniform(110, 150), rnd.uniform(-40, -10)
        return f"LINESTRING ({x:f} {y:f}, {x + 9:f} {y + 7:f})", 4326
    return f"POINT ({rnd.uniform(-179, 179):f} {rnd.uniform(-80, 80):f})", 4326


def searches_find_what_brute_force_finds(service, server):
    server.sql(f"""drop table if exists brute; create table brute as
        select po_hash, ds_json::text is not null ok, na_name, po_stamps, pa_path,
               ('{{' || ds_json)::jsonb->>'ds_name' ds,
               case when st_xmax(g) - st_xmin(g) > 180 and st_srid(po_polygon) <> 4326 then st_shiftlongitude(g) else g end g
          from xx1.datasets join xx1.names on na_id = ds_name join xx1.paths on pa_hash = po_hash
         cross join lateral (select st_transform(st_segmentize(po_polygon,
               greatest(st_xmax(po_polygon) - st_xmin(po_polygon), st_ymax(po_polygon) - st_ymin(po_polygon)) / 32), 4326) g) x""", "mas")
    hits = 0
    for number in range(QUERIES):
        mask, srid = some_mask() if rnd.random() < 0.85 else (None, None)
        since = until = None
        params = {}
        if rnd.random() < 0.6:
            since = datetime.datetime(2015, 1, 1) + datetime.timedelta(days=rnd.randrange(2000))
            until = since + datetime.timedelta(days=rnd.choice([0, 5, 40, 700]), seconds=1)
            params |= {"time": iso(since), "until": iso(until)}
            since, until = since - datetime.timedelta(seconds=1), until + datetime.timedelta(seconds=1)
        names = rnd.choice([None, ["red"], ["red", "nir"], ["swir_1"], ["ta", "absent"]])
        if names:
            params["namespace"] = ",".join(names).replace("_", "-")
        if mask:
            params |= {"srs": f"EPSG:{srid}", "wkt": mask, "nseg": rnd.choice([2, 10])}
        path = rnd.choice([ROOT, ROOT, f"{ROOT}/set{rnd.randrange(7)}"])
        found = set(names_of(search(service, path=path, **params)))
        sure, maybe = brute_force(server, mask, srid, since, until, names, path)
        hits += len(found)
        check(sure <= found, f"query {number} misses {sorted(sure - found)[:3]}: {path} {params}")
        check(found <= maybe, f"query {number} finds too much {sorted(found - maybe)[:3]}: {path} {params}")
    check(hits > 6 * QUERIES, hits)


def masks_and_periods_are_exact_at_their_edges(service, dsn, systems):
    path = f"{ROOT}/edge/e.nc"
    stamps = [datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 11), datetime.datetime(2020, 2, 1)]
    load(dsn, [record(path, [dataset(path, "edge", systems[4326], box(10, 10, 20, 20), stamps)])])
    for mask, found in (
            (box(20, 12, 25, 15), True), (box(20.001, 12, 25, 15), False), (box(20, 20, 30, 30), True), (box(0, 0, 10, 10), True),
            (box(0, 0, 40, 40), True), (box(12, 12, 13, 13), True), (box(15, 0, 16, 40), True), (box(10, 10, 20, 20), True),
            ("POLYGON ((0 0,40 0,40 40,30 40,30 5,5 5,5 40,0 40,0 0))", False),
            ("POLYGON ((0 0,40 0,40 40,30 40,30 11,5 11,5 40,0 40,0 0))", True),
            ("POLYGON ((0 0,40 0,40 40,0 40,0 0),(5 5,5 25,25 25,25 5,5 5))", False),
            ("POLYGON ((0 0,40 0,40 40,0 40,0 0),(12 12,12 14,14 14,14 12,12 12))", True),
            ("POINT (10 10)", True), ("POINT (9.999 10)", False), ("POINT (15 15)", True), ("LINESTRING (0 0, 30 30)", True),
            ("LINESTRING (0 5, 30 5)", False), ("LINESTRING (20 0, 20 40)", True), ("MULTIPOINT ((0 0), (20 20))", True),
            (f"MULTIPOLYGON ({box(0, 0, 1, 1)[8:]}, {box(19, 19, 21, 21)[8:]})", True),
            ("GEOMETRYCOLLECTION (POINT (0 0), LINESTRING (19 0, 19 11))", True), ("POLYGON EMPTY", False),
            (box(-180, -90, 180, 90), True), (box(170, 0, 190, 30), False), (box(370, 0, 375, 30), False)):
        for more in ({}, {"time": "2020-01-01T00:00:00Z", "until": "2021-01-01T00:00:00Z"}, {"time": "2020-01-11T00:00:00Z"}):
            for place in (ROOT, f"{ROOT}/edge"):
                got = search(service, path=place, namespace="edge", srs="EPSG:4326", wkt=mask, **more)
                check(len(got) == found, f"{mask} {more} {place}: {len(got)}")
    for since, until, found in (
            ("2020-01-11T00:00:00Z", None, True), ("2020-01-11T00:00:01Z", None, False), ("2020-01-10T23:59:59.999Z", None, False),
            ("2020-01-11T00:00:01Z", "2020-01-31T23:59:58Z", True), ("2020-01-11T00:00:01.5Z", "2020-01-31T23:59:58Z", False),
            ("2020-01-11T00:00:02Z", "2020-01-31T23:59:59Z", True), ("2020-01-11T00:00:02Z", "2020-01-31T23:59:58Z", False),
            (None, "2019-12-31T23:59:59Z", True), (None, "2019-12-31T23:59:58Z", False), (None, "2020-01-05T00:00:00Z", True),
            ("2020-02-01T00:00:01Z", "2030-01-01T00:00:00Z", True), ("2020-02-01T00:00:02Z", "2030-01-01T00:00:00Z", False),
            ("2019-01-01T00:00:00Z", "2019-12-31T23:59:59Z", True), ("2020-01-02T00:00:00Z", "2020-01-30T00:00:00Z", True)):
        period = {key: at for key, at in (("time", since), ("until", until)) if at}
        for area in ({}, {"srs": "EPSG:4326", "wkt": box(12, 12, 13, 13)}, {"srs": "EPSG:4326", "wkt": box(-180, -90, 180, 90)}):
            got = search(service, namespace="edge", **area, **period)
            check(len(got) == found, f"{period} {area}: {len(got)}")


def limits_count_files_and_leave_none_out(service):
    for area in ({}, {"srs": "EPSG:4326", "wkt": box(-180, -80, 180, 80)}, {"srs": "EPSG:4326", "wkt": box(100, -50, 160, 0)}):
        for period in ({}, {"time": "2015-01-01T00:00:00Z", "until": "2021-01-01T00:00:00Z"}):
            for names in ({}, {"namespace": "red,nir"}):
                whole = search(service, **area, **period, **names)
                files = {d["file_path"] for d in whole}
                for limit in (1, 3, len(files), len(files) + 1):
                    some = search(service, limit=limit, **area, **period, **names)
                    paths = {d["file_path"] for d in some}
                    check(paths <= files and len(paths) == min(limit, len(files)), f"{limit} {area} {period} {names}: {len(paths)}")
                    check(names_of(some) == names_of(d for d in whole if d["file_path"] in paths), "all datasets of a file")


def answers_hold_what_came_and_went_at_once(service, server, dsn, systems):
    path = f"{ROOT}/set1/new/n.nc"
    stamp = datetime.datetime(2031, 5, 5)
    load(dsn, [record(path, [dataset(path, "fresh", systems[4326], box(5, 5, 6, 6), [stamp])])], no_refresh=True)
    for place in (ROOT, f"{ROOT}/set1", f"{ROOT}/set1/new"):
        check(service.ask(place, "timestamps", namespace="fresh", until="2040-01-01")["timestamps"] == ["2031-05-05T00:00:00.000Z"], place)
        check("fresh" in service.ask(place, "extents")["variables"], place)
        check(len(search(service, path=place, namespace="fresh")) == 1, place)
    before = [service.ask(ROOT, "timestamps")["timestamps"], service.ask(ROOT, "extents")]
    load(dsn, [record(path, [dataset(path, "other", systems[4326], box(5, 5, 6, 6), [stamp])])])
    check(service.ask(ROOT, "timestamps", namespace="fresh", until="2040-01-01")["timestamps"] == [], "gone")
    check(search(service, namespace="fresh") == [] and len(search(service, namespace="other")) == 1, "replaced")
    check(service.ask(ROOT, "timestamps")["timestamps"] == before[0], "the rest stays")
    live = server.rows("select count(distinct s) from xx1.datasets, unnest(po_stamps) s where s <= now()", "mas")
    check(len(service.ask(ROOT, "timestamps")["timestamps"]) == int(live[0][0]), live)


def the_originals_mistakes_are_right_unless_compat(service, compat):
    year = {"time": "2010-02-01T00:00:00Z", "until": "2010-05-01T00:00:00Z"}
    model = f"{ROOT}/model"
    check(search(service, path=model, **year) == [] and len(search(compat, path=model, **year)) == 1, "a gap in time")
    late = {"time": "2010-06-01T00:00:00Z", "until": "2010-12-31T00:00:00Z"}
    check(service.ask(model, "timestamps", **late)["timestamps"] == ["2010-07-01T00:00:00.000Z"], "first stamp")
    check(compat.ask(model, "timestamps", **late)["timestamps"] == [], "first stamp, compat")
    check(search(service, path=model, until="2009-01-01T00:00:00Z") == [], "until alone")
    check(len(search(compat, path=model, until="2009-01-01T00:00:00Z")) == 1, "until alone, compat")
    check(len(search(service, path=model, until="2010-03-01T00:00:00Z")) == 1, "until alone")
    check(search(service, path=model, srs="EPSG:4326", wkt="POLYGON EMPTY") == [], "empty")
    check(len(search(compat, path=model, srs="EPSG:4326", wkt="POLYGON EMPTY")) == 1, "empty, compat")
    corner = "POLYGON ((100 -60, 200 -60, 200 -59, 101 -59, 101 10, 100 10, 100 -60))"
    check(search(service, path=model, srs="EPSG:4326", wkt=corner) == [], "a concave mask")
    check(len(search(compat, path=model, srs="EPSG:4326", wkt=corner)) == 1, "a concave mask, compat")
    compat.fails(model, "intersects", "ST_Segmentize", metadata="gdal", srs="EPSG:4326", wkt=box(1, 0, 1, 10))
    exact = search(service, path=model, time="2010-07-01T00:00:00Z")
    check(len(exact) == 1 and search(service, path=model, time="2010-07-01T00:00:01Z") == [], "time alone is exact")


def without_the_database_the_answer_is_503(service, server):
    pg.as_account(f"{server.bin}/pg_ctl", "-D", server.data, "-s", "-w", "-m", "immediate", "stop")
    for operation in ("intersects&metadata=gdal", "timestamps", "list_root_gpath", "extents"):
        reply, data = service.raw(f"{ROOT}?{operation}")
        check(reply.status == 503 and data.startswith(b'{ "error": "') and json.loads(data)["error"], f"{reply.status} {data}")
    pg.as_account(f"{server.bin}/pg_ctl", "-D", server.data, "-s", "-w", "-t", "60", "-l", f"{server.dir}/log", "start")
    for _ in range(100):
        reply, data = service.raw(f"{ROOT}?list_root_gpath")
        if reply.status == 200:
            break
        subprocess.run(["sleep", "0.1"], check=True)
    check(reply.status == 200 and len(search(service, path=f"{ROOT}/model")) == 1, "it is back")


def load(dsn, lines, no_refresh=False):
    done = subprocess.run([LOAD, dsn, "xx1", ROOT] + (["--no-refresh"] if no_refresh else []), input="".join(lines),
                          text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"Bail out! {done.stderr}")


def main():
    print(f"# MAS_SEED={SEED}", flush=True)
    with pg.Scratch() as server:
        dsn = f"host={server.dir} user=postgres dbname=postgres"
        load(dsn, [])
        systems, lines = make_records(server)
        load(dsn, lines)
        service, compat = Service(server), Service(server, compat=True)
        try:
            run(gsky_gets_what_its_structs_hold, service)
            run(paths_and_shards_are_found_as_the_original_should, service)
            run(wrong_input_gets_one_sentence_and_changes_nothing, service, server)
            run(searches_find_what_brute_force_finds, service, server)
            server.sql("update xx1.datasets set ds_shape = null, ds_gap = null, ds_alike = null where ds_id % 3 = 0;"
                       "update xx1.cells set ce_shape = null where ce_dataset % 3 = 0", "mas")
            run(searches_find_what_brute_force_finds, service, server)  # among rows of which this is not known
            run(limits_count_files_and_leave_none_out, service)
            run(masks_and_periods_are_exact_at_their_edges, service, dsn, systems)
            run(answers_hold_what_came_and_went_at_once, service, server, dsn, systems)
            run(the_originals_mistakes_are_right_unless_compat, service, compat)
            run(without_the_database_the_answer_is_503, service, server)
        finally:
            service.close()
            compat.close()
    print(f"1..{tests}")
    sys.exit(failures > 0)


main()
