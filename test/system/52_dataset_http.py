#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Datasets over HTTP: what there is, rows, and jobs. Usage: 52_dataset_http.py STRATA"""
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import instance  # noqa: E402
from instance import DIR, TOP, check, run_all, strata, url  # noqa: E402

ROWS, A_TABLE = 1000, 100
SLOW = "select id, pg_sleep(30) from {table}"


def scene():
    instance.init()
    instance.add_servers(["n1", "n2"])
    strata("up")
    (TOP / "g.csv").write_text("id,x\n" + "".join(f"{n},{n / 7 + 0.5!r}\n" for n in range(ROWS)))
    strata("dataset", "create", "mini", "--servers", "n1,n2", "--replicas", "1")
    strata("dataset", "import", "mini", str(TOP / "g.csv"), "--rows", str(A_TABLE))
    # the service reads strata.ini when it starts
    strata("down")
    strata("up")


def ask(path, method="GET", status=200, **form):
    data = urllib.parse.urlencode(form).encode() if method == "POST" else None
    request = urllib.request.Request(f"{url()}/api/v1/datasets{path}", data=data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            got, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        got, body = error.code, error.read()
    check(got == status, f"{method} {path}: {got} and not {status}: {body[:300]}")
    return body


def get(path, **more):
    return json.loads(ask(path, **more))


def query(sql, status=200, **more):
    return ask("/mini/rows?" + urllib.parse.urlencode({"sql": sql, **more}), status=status)


def wait_for(job, states, seconds=60):
    until = time.monotonic() + seconds
    while (said := get(f"/mini/jobs/{job}"))["state"] not in states and time.monotonic() < until:
        time.sleep(0.05)
    check(said["state"] in states, said)
    return said


def datasets_servers_and_tables_are_listed():
    check(get("") == {"items": [{"name": "mini", "database": "mini", "servers": ["n1", "n2"]}], "next": None}, get(""))
    servers = get("/mini/servers")["items"]
    check([(s["server"], s["state"], s["error"]) for s in servers] == [("n1", "ok", None), ("n2", "ok", None)], servers)
    check(servers[0]["epoch"] == servers[1]["epoch"] > 0, servers)
    first = get("/mini/tables?limit=4")
    rest = get(f"/mini/tables?after={first['next']}")
    check(len(first["items"]) == 4 and len(rest["items"]) == 6 and rest["next"] is None, (first, rest))
    for table in first["items"] + rest["items"]:
        on = table["copies"][0]["server"]
        check(table["rows"] == A_TABLE and table["copies"] == [{"server": on, "active": True, "primary": True}], table)
        check(list(table["bytes"]) == [on] and table["bytes"][on] > 8000, table)
    ask("/nope/servers", status=404)
    said = json.loads(urllib.request.urlopen(f"{url()}/openapi.json").read())
    check("/api/v1/datasets/{dataset}/jobs/{job}" in said["paths"] and "DatasetJob" in said["components"]["schemas"], "in the description")


def rows_are_all_there_or_an_error():
    lines = query("select id, x from {table} order by id", order="yes", tables="mini_[12]").decode().splitlines()
    check(lines == ["id,x"] + [f"{n},{n / 7 + 0.5!r}" for n in range(2 * A_TABLE)], lines[:3])
    rows = [json.loads(line) for line in query("select count(*) n from {table}", format="jsonl").splitlines()]
    check(rows == [{"n": A_TABLE}] * (ROWS // A_TABLE), rows)
    check(query("select id from {table}", format="fits").startswith(b"SIMPLE"), "fits")
    large = query("select id, repeat('x', 3000) from {table}")
    check(len(large) > 3000 * ROWS and large.count(b"\n") == ROWS + 1, len(large))
    error = json.loads(query("select nope from {table}", status=503))["error"]
    check("nope" in error["message"], error)
    query("select 1 / (id - 700) from {table}", status=400)
    query("select 1", status=400)
    query("delete from {table} returning id", status=503)
    check(not list((DIR / "jobs").iterdir()), "nothing stays")


def a_job_writes_rows_that_are_fetched():
    job = json.loads(ask("/mini/jobs", "POST", sql="select id from {table} where {range}", key="id", range_rows=50, format="csv"))
    check(job["state"] in ("waiting", "running", "done") and job["user"], job)
    said = wait_for(job["id"], ["done", "failed"])
    check((said["rows"], said["parts"], said["parts_total"], said["error"]) == (ROWS, 20, 20, None), said)
    rows = ask(f"/mini/jobs/{job['id']}/rows").decode().split()
    check(sorted(rows[1:], key=int) == [str(n) for n in range(ROWS)], len(rows))
    listed = json.loads(strata("dataset", "jobs", "--json").stdout)
    check(listed["rows"] == ROWS and pathlib.Path(listed["file"]).read_text().split() == rows, listed)
    check([j["id"] for j in get("/mini/jobs")["items"]] == [job["id"]], "listed")
    ask(f"/mini/jobs/{job['id']}", "DELETE")
    ask(f"/mini/jobs/{job['id']}", status=404)
    check(not list((DIR / "jobs").iterdir()), "its file is gone")
    failed = wait_for(json.loads(ask("/mini/jobs", "POST", sql="select nope from {table}"))["id"], ["failed"])
    check("nope" in failed["error"] and failed["ended"], failed)
    ask(f"/mini/jobs/{failed['id']}/rows", status=409)
    ask("/nope/jobs", "POST", status=404, sql="select 1 from {table}")


def commands_show_and_end_jobs(jobs):
    """Of the four, two run, the third was cancelled, and the fourth waits."""
    listed = [json.loads(line) for line in strata("dataset", "jobs", "mini", "--json").stdout.splitlines()]
    over_http = get("/mini/jobs")["items"]
    same = [{key: job[key] for key in job if key != "file"} for job in listed]
    check(same == over_http and [job["id"] for job in listed][-4:] == jobs, (same, over_http))
    check(strata("dataset", "jobs").stdout.decode().count("pg_sleep") == 4, "for people, of all datasets")
    ended = json.loads(strata("dataset", "cancel", str(jobs[0]), "--json").stdout)
    check((ended["id"], ended["state"]) == (jobs[0], "cancelled") and ended["ended"], ended)
    for words, status, says in ((("cancel", str(jobs[0])), 5, "cancelled"), (("cancel", "999"), 4, "no job 999"), (("cancel", "one"), 2, "'one'"),
                                (("jobs", "nope"), 4, "'nope'")):
        done = strata("dataset", *words, ok=False)
        check(done.returncode == status and says in done.stderr.decode(), (words, done))


def jobs_wait_their_turn_and_are_ended():
    jobs = [json.loads(ask("/mini/jobs", "POST", sql=SLOW))["id"] for _ in range(4)]
    check(b"4 jobs" in ask("/mini/jobs", "POST", status=503, sql=SLOW), "a user has four")
    for job in jobs[:2]:
        wait_for(job, ["running"])
    check([get(f"/mini/jobs/{job}")["state"] for job in jobs[2:]] == ["waiting", "waiting"], "two at once")
    ask(f"/mini/jobs/{jobs[2]}", "DELETE")
    wait_for(jobs[2], ["cancelled"])
    commands_show_and_end_jobs(jobs)
    wait_for(jobs[3], ["running"])
    ask("/mini/jobs", "POST", sql="select id from {table}")
    strata("down")  # does not wait for those that run
    check(not list((DIR / "jobs").iterdir()) and not (DIR / "run/jobs.sock").exists(), "what jobs left is gone")
    check(b"is down" in strata("dataset", "jobs", ok=False).stderr, "and who asks for them is told")


sys.exit(run_all(scene, [
    datasets_servers_and_tables_are_listed,
    rows_are_all_there_or_an_error,
    a_job_writes_rows_that_are_fetched,
    jobs_wait_their_turn_and_are_ended,
]))
