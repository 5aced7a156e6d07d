#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real files from three Debian packages: each gives the record that other readers of it agree with.

The packages (r-cran-stars, r-cran-sf, r-cran-terra) are downloaded and unpacked, not installed, into the build
directory, once. Without a way to download them the test is skipped.

What is expected stands in FILES; besides, sizes, positions and times are compared with gdalinfo, ogrinfo and
`ncdump -t`, which read time axes with code of their own.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

SRC = pathlib.Path(os.environ.get("SRC", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("BUILD", SRC / "build"))
PACKAGES = ["r-cran-stars", "r-cran-sf", "r-cran-terra"]
LIBRARY = "usr/lib/R/site-library"

# file: datasets, x and y size, first and last stamp of the last dataset with stamps, a part of its PROJ text
FILES = {
    "stars/nc/bcsd_obs_1999.nc": (2, 81, 33, "1999-01-31T00:00:00Z", "1999-12-31T00:00:00Z", "longlat"),
    "stars/nc/reduced.nc": (4, 180, 90, "1981-12-31T00:00:00Z", "1981-12-31T00:00:00Z", "longlat"),
    "stars/nc/sub.nc": (2, 9, 9, "2017-08-20T01:00:00Z", "2017-08-20T10:00:00Z", "longlat"),
    "stars/nc/test_stageiv_xyt.nc": (3, 87, 118, "2018-09-13T19:00:00Z", "2018-09-14T17:00:00Z", "longlat"),
    "stars/nc/test_stageiv_xyt_borked.nc": (3, 87, 118, "2018-09-14T05:00:00Z", "2018-09-14T05:00:00Z", "longlat"),
    "stars/nc/c201923412.out1_4.nc": (3, 87, 90, "2019-08-22T14:00:00Z", "2019-08-22T14:00:00Z", "longlat"),
    "stars/nc/lcc_km.nc": (1, 619, 569, "1980-07-01T12:00:00Z", "1980-07-01T12:00:00Z", "+proj=lcc"),
    "stars/nc/timeseries.nc": (1, 20, 10, "2000-01-01T00:00:00Z", "2019-01-01T00:00:00Z", "longlat"),
    "stars/nc/test-1.nc": (1, 2, 3, None, None, ""),
    "stars/nc/test_adaptor.cams_regional_fc.nc": (1, 11, 11, None, None, "longlat"),
    "stars/nc/3B42_Daily.19991231.7.test.nc": (1, 5, 4, "1999-12-31T00:00:00Z", "1999-12-31T00:00:00Z", "longlat"),
    "stars/tif/L7_ETMs.tif": (1, 349, 352, None, None, "+proj=utm +zone=25 +south"),
    "stars/tif/olinda_dem_utm25s.tif": (1, 111, 111, None, None, "+proj=utm +zone=25 +south"),
    "stars/tif/lc.tif": (1, 84, 46, None, None, "+proj=aea"),
    "stars/tif/geomatrix.tif": (1, 20, 20, None, None, "+proj=utm +zone=11"),
    "stars/tif/na.tif": (1, 10, 10, None, None, "longlat"),
    "stars/gpkg/s2.gpkg": (1, 0, 0, None, None, "longlat"),
    "sf/nc/cropped.nc": (4, 26, 11, "1981-09-01T00:00:00Z", "1981-09-01T00:00:00Z", "longlat"),
    "sf/tif/geomatrix.tif": (1, 20, 20, None, None, "+proj=utm +zone=11"),
    "sf/shape/nc.shp": (1, 0, 0, None, None, "NAD27"),
    "sf/shape/olinda1.shp": (1, 0, 0, None, None, "longlat"),
    "sf/shape/storms_xyz.shp": (1, 0, 0, None, None, ""),
    "sf/shape/storms_xyzm.shp": (1, 0, 0, None, None, ""),
    "sf/gpkg/nc.gpkg": (1, 0, 0, None, None, "NAD27"),
    "sf/gpkg/b_pump.gpkg": (1, 0, 0, None, None, "+proj=tmerc"),
    "sf/gpkg/buildings.gpkg": (1, 0, 0, None, None, "+proj=tmerc"),
    "sf/gpkg/tl.gpkg": (1, 0, 0, None, None, "NAD83"),
    "terra/ex/elev.tif": (1, 95, 90, None, None, "longlat"),
    "terra/ex/meuse.tif": (1, 80, 115, None, None, "+proj=sterea"),
    "terra/ex/logo.tif": (1, 101, 77, None, None, ""),
    "terra/ex/lux.shp": (1, 0, 0, None, None, "longlat"),
    "terra/ex/test.grd": (1, 80, 115, None, None, "+proj=sterea"),
}
KEYS = {"ds_name", "namespace", "array_type", "raster_count", "timestamps", "overviews", "x_size", "y_size", "geotransform",
        "polygon", "proj_wkt", "proj4", "mins", "maxs", "means", "stddevs", "sample_counts", "nodata", "axes", "geo_loc"}
tests = bad = 0


def check(good, name, *why):
    global tests, bad
    tests += 1
    bad += not good
    for line in why if not good else ():
        print("# " + str(line))
    print(f"{'' if good else 'not '}ok {tests} - {name}")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GDAL_PAM_ENABLED": "NO", "LC_ALL": "C.UTF-8"})


def unpack(to):
    """The packages' files below `to`; a reason when that cannot be done."""
    done = to / "complete"
    if done.exists():
        return None
    to.mkdir(parents=True, exist_ok=True)
    os.chdir(to)
    if run("apt-get", "download", *PACKAGES).returncode != 0:
        # On a fresh system the lists may be missing; only root can fetch them.
        if os.geteuid() == 0:
            run("apt-get", "update")
        if run("apt-get", "download", *PACKAGES).returncode != 0:
            return "apt-get cannot download " + ", ".join(PACKAGES)
    for name in PACKAGES:
        for package in to.glob(name + "_*.deb"):
            if run("dpkg", "-x", package, to).returncode != 0:
                return f"dpkg cannot unpack {package.name}"
    done.touch()
    return None


def ring(polygon):
    return [tuple(map(float, p.split())) for p in polygon[len("POLYGON (("):-2].split(",")]


def box(polygon):
    xs, ys = zip(*ring(polygon))
    return min(xs), min(ys), max(xs), max(ys)


def near(a, b, tolerance=2e-6):
    return len(a) == len(b) and all(abs(x - y) <= tolerance * max(1, abs(x)) for x, y in zip(a, b))


def as_table_says(name, sets):
    count, x, y, first, last, proj4 = FILES[name]
    data = [s for s in sets if s["timestamps"]] or sets
    stamps = data[-1]["timestamps"] or [None]
    check(len(sets) == count and (sets[0]["x_size"], sets[0]["y_size"]) == (x, y), f"{name}: datasets and size",
          [s["ds_name"] for s in sets], sets[0]["x_size"], sets[0]["y_size"])
    check((stamps[0], stamps[-1]) == (first, last), f"{name}: first and last time", stamps)
    check(proj4 in data[-1]["proj4"] and bool(proj4) == bool(data[-1]["proj4"]), f"{name}: coordinate system", data[-1]["proj4"])


def as_gdalinfo_says(name, sets):
    for s in sets:
        info = json.loads(run("gdalinfo", "-json", s["ds_name"]).stdout.replace("nan", "null"))
        band = info["bands"][0]
        check([s["x_size"], s["y_size"]] == info["size"] and s["array_type"] == band["type"], f"{s['ds_name']}: size and type")
        check(s["raster_count"] == len(info["bands"]), f"{s['ds_name']}: bands", s["raster_count"])
        check(len(s.get("overviews", [])) == len(band.get("overviews", [])), f"{s['ds_name']}: overviews")
        if "noDataValue" in band and isinstance(band["noDataValue"], (int, float)):
            check(near([s["nodata"]], [band["noDataValue"]]), f"{s['ds_name']}: no-data value", s["nodata"])
        corners = info["cornerCoordinates"]
        if "geoTransform" in info:
            want = [corners[c] for c in ("upperLeft", "lowerLeft", "lowerRight", "upperRight", "upperLeft")]
            flat = [v for point in want for v in point]
            check(near([v for point in ring(s["polygon"]) for v in point], flat, 1e-5), f"{s['ds_name']}: footprint", s["polygon"], want)


def as_ncdump_says(name, sets):
    dump = run("ncdump", "-t", "-v", "time", name).stdout
    values = re.search(r"^ time = (.*?);", dump, re.S | re.M)
    stamps = re.findall(r'"([^"]*)"', values[1]) if values else []
    if not stamps:
        return
    # ncdump leaves out what is zero at the end: "1999-01-31", "2017-08-20 01", "2000-01-01 06:30"
    want = []
    for s in stamps:
        day, _, clock = s.partition(" ")
        want.append(f"{day}T{(clock + ':00:00:00' if ':' not in clock else clock + ':00:00')[:8] if clock else '00:00:00'}Z")
    timed = [s for s in sets if s["timestamps"]]
    check(timed and all(s["timestamps"] == want for s in timed), f"{name}: every time as ncdump -t has it", want[:3], timed and timed[0]["timestamps"][:3])
    header = run("ncdump", "-h", name).stdout
    sizes = {k: int(a or b) for k, a, b in re.findall(r"^\t(\w+) = (?:(\d+)|UNLIMITED ; // \((\d+) currently\))", header, re.M)}
    for s in timed:
        shape = [sizes[d] for d in re.search(r"^\t\w+ " + re.escape(s["namespace"]) + r"\(([^)]*)\)", header, re.M)[1].split(", ")]
        product = 1
        for length in shape[:-2]:
            product *= length
        check(s["raster_count"] == product and [s["y_size"], s["x_size"]] == shape[-2:], f"{s['ds_name']}: shape as ncdump -h has it")


def as_ogrinfo_says(name, sets):
    text = run("ogrinfo", "-ro", "-al", "-so", name).stdout
    extent = re.search(r"^Extent: \(([^,]*), ([^)]*)\) - \(([^,]*), ([^)]*)\)", text, re.M)
    check(extent and near(box(sets[0]["polygon"]), [float(v) for v in extent.groups()], 1e-5), f"{name}: extent as ogrinfo has it",
          sets[0]["polygon"], extent and extent.groups())


def coordinates_of(name, variable):
    text = run("ncdump", "-v", variable, name).stdout
    return [float(v) for v in re.search(rf"^ {variable} =(.*?);", text, re.S | re.M)[1].split(",") if v.strip() != "_"]


def what_broke_the_original(sets):
    for name in ("stars/nc/test_stageiv_xyt.nc", "stars/nc/test_stageiv_xyt_borked.nc", "stars/nc/c201923412.out1_4.nc"):
        rain = [s for s in sets[name] if s["timestamps"]][0]
        lon, lat = coordinates_of(name, "lon"), coordinates_of(name, "lat")
        check(near(box(rain["polygon"]), [min(lon), min(lat), max(lon), max(lat)], 1e-3), f"{name}: the footprint spans the coordinates",
              box(rain["polygon"]), min(lon), min(lat), max(lon), max(lat))
    check("geo_loc" in sets["stars/nc/test_stageiv_xyt.nc"][0] and "geo_loc" not in sets["stars/nc/test_stageiv_xyt_borked.nc"][0],
          "coordinates of another shape than the data are not offered for locating it")
    check(sets["stars/nc/test_stageiv_xyt.nc"][0]["nodata"] is None, "a no-data value of NaN is null")
    station = sets["stars/nc/timeseries.nc"][0]
    lon, lat = coordinates_of("stars/nc/timeseries.nc", "lon"), coordinates_of("stars/nc/timeseries.nc", "lat")
    check(near(box(station["polygon"]), [min(lon), min(lat), max(lon), max(lat)], 1e-5), "stations are covered by a box", station["polygon"])
    check(len(set(ring(sets["stars/tif/geomatrix.tif"][0]["polygon"]))) == 4, "a rotated raster has four corners of its own")


def main():
    packages = BUILD / "packages"
    reason = unpack(packages)
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    os.chdir(packages / LIBRARY)
    found = {}
    for name in FILES:
        done = run(BUILD / "strata-extract", name)
        if done.returncode != 0 or not done.stdout:
            check(False, f"{name} has a record", done.stderr)
            continue
        record = json.loads(done.stdout, parse_constant=lambda c: check(False, f"{name}: {c} is no JSON"))
        sets = found[name] = record["geo_metadata"]
        check(set(record) == {"filename", "file_type", "geo_metadata", "posix_info"} and all(set(s) <= KEYS for s in sets),
              f"{name} has the original's keys", record.keys())
        as_table_says(name, sets)
        if name.endswith((".tif", ".nc", ".grd")):
            as_gdalinfo_says(name, sets)
        if name.endswith(".nc"):
            as_ncdump_says(name, sets)
        if name.endswith((".shp", ".gpkg")):
            as_ogrinfo_says(name, sets)
    what_broke_the_original(found)
    print(f"1..{tests}")
    return bad != 0


sys.exit(main())
