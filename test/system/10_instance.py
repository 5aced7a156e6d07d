#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instances: init, up, down, status, servers; and what a kill -9 of any process leaves. Usage: 10_instance.py STRATA

As root those that the account matters to run a second time, as an ordinary user.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import template

STRATA = str(pathlib.Path(sys.argv[1]).resolve())
TOP = pathlib.Path(tempfile.mkdtemp(prefix="strata-instance-", dir="/tmp"))
TOP.chmod(0o711)
tests, failures, account = 0, 0, None


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        frame = sys._getframe(1)
        print(f"# {pathlib.Path(__file__).name}:{frame.f_lineno}: {what}", flush=True)
    return bool(condition)


def as_account():
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if account == "nobody" else []


def strata(dir, *words, fault=None, ok=True):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))} | ({"STRATA_FAULT": fault} if fault else {})
    done = subprocess.run([*as_account(), PROGRAM, "-C", str(dir), *words], env=env, capture_output=True, text=True, cwd="/")
    if ok is not None:
        check(ok == (done.returncode == 0), f"{' '.join(words)}: status {done.returncode}, {done.stderr.strip()}")
    return done


def answer(dir, *words):
    done = strata(dir, *words, "--json")
    return json.loads(done.stdout) if done.returncode == 0 else {}


def refused(dir, status, code, *words):
    done = strata(dir, *words, "--json", ok=False)
    error = json.loads(done.stderr)["error"] if done.stderr.startswith("{") else {}
    check(done.returncode == status and error.get("code") == code, f"{' '.join(words)}: {done.returncode} {done.stderr}")
    return error


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def psql(dir, sql, *words):
    dsn = strata(dir, "server", "dsn", "local", *words).stdout.strip()
    done = subprocess.run([*as_account(), "psql", "-XAtq", "-d", dsn, "-c", sql], capture_output=True, text=True, cwd="/")
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it goes between open and read
        return True


def wait(condition, what):
    for _ in range(1200):
        if condition():
            return True
        time.sleep(0.1)
    return check(False, f"waited in vain: {what}")


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    wait(lambda: gone(pid), f"{pid} to die")


def postmaster(dir):
    return next(server["pid"] for server in answer(dir, "status")["servers"] if server["server"] == "local")


def made(name):
    dir = HOME / name
    strata(dir, "init")
    calm(dir)
    return dir


def calm(dir):
    """Every start touches all of the memory that its cluster may use: a gigabyte or more on a large machine."""
    path = dir / "pg/local/local.conf"
    owner = path.parent.stat()
    path.write_text(template.CALM)
    os.chown(path, owner.st_uid, owner.st_gid)


# ---- tests ----

def init_makes_one_instance_and_overwrites_nothing():
    dir = HOME / "first"
    check(answer(dir, "init") == {"dir": str(dir)}, "init says where")
    check(re.search(r"^\[server local\]\ndsn = embedded$", (dir / "strata.ini").read_text(), re.M), "one embedded server")
    check((dir / "strata.ini").stat().st_mode & 0o777 == 0o600 and (dir / "keys").stat().st_mode & 0o777 == 0o700, "modes")
    before = (dir / "strata.ini").read_text()
    refused(dir, 5, "CONFLICT", "init")
    check((dir / "strata.ini").read_text() == before, "unchanged")
    check(answer(dir, "status")["state"] == "down", "down")
    used = HOME / "used"
    subprocess.run([*as_account(), "sh", "-c", f"mkdir {used} && echo x >{used}/file"], check=True)
    refused(used, 5, "CONFLICT", "init")
    check(os.listdir(used) == ["file"], "nothing added")
    other = HOME / "other"
    check(answer(dir, "init", str(other)) == {"dir": str(other)}, "init DIR")
    calm(dir)


def what_does_not_exist_is_not_found():
    for words in ["up"], ["down"], ["status"], ["server", "list"], ["server", "dsn", "local"], ["pg"]:
        check("init" in refused(HOME / "nowhere", 4, "NOT_FOUND", *words).get("hint", ""), "hint")
    check(not (HOME / "nowhere").exists(), "nothing made")


def up_status_and_down():
    dir = HOME / "first"
    refused(dir, 7, "DB", "pg", "-c", "select 1")
    up = answer(dir, "up")
    url = (dir / "run/http.url").read_text().strip()
    check(up["url"] == url and not up["already_up"], f"{up}")
    check("strata_db_readers_takes_total" in get(url + "/metrics")[1], "pools are measured")
    check(get(url + "/healthz")[0] == 200 and get(url + "/readyz")[0] == 200, "answers")
    again = answer(dir, "up")
    check(again["already_up"] and again["pid"] == up["pid"] and again["url"] == url, f"{again}")
    status = answer(dir, "status")
    check(status["state"] == "up" and status["pid"] == up["pid"] and status["url"] == url, f"{status}")
    parts = {part["part"]: part["state"] for part in status["parts"]}
    check({"clusters", "database", "catalog", "http"} <= set(parts) and set(parts.values()) == {"up"}, f"{status['parts']}")
    check("feeds" not in parts, "nobody asked for feeds to be served")
    check(psql(dir, "select current_database() || ' ' || postgis_lib_version()").startswith("mas 3."), "PostGIS in mas")
    check(psql(dir, "select count(*) from strata.migration where part = 'catalog'") != "0", "migrated")
    check(psql(dir, "create table x ()", "--user", "api").startswith("ERROR"), "api only reads")
    check(strata(dir, "pg", "-c", "select 41 + 1 as n").stdout.split()[2] == "42", "pg")
    psql_ends_with_strata_s_statuses(dir)
    rows_of_sql_are_json(dir)
    down = answer(dir, "down")
    check(down["was_up"] and not answer(dir, "down")["was_up"], f"{down}")
    check(gone(up["pid"]) and not (dir / "run/http.url").exists() and get(url)[0] == 0, "gone")
    status = answer(dir, "status")
    check(status["state"] == "down" and status["servers"][0]["state"] == "down", f"{status}")
    check(answer(dir, "up")["url"] == url, "the address stays the same")
    strata(dir, "down")


def sleeping_psql(dir):
    """strata pg that runs a long statement, and the number of the psql that it started."""
    sleeping = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(1000)%' and pid <> pg_backend_pid()"
    wait(lambda: psql(dir, sleeping) == "0", "the statement before to end")
    sleeper = subprocess.Popen([*as_account(), PROGRAM, "-C", str(dir), "pg", "-c", "select pg_sleep(1000)"], stdout=subprocess.DEVNULL, cwd="/")
    wait(lambda: psql(dir, sleeping) == "1", "the statement to run")
    return sleeper, int(pathlib.Path(f"/proc/{sleeper.pid}/task/{sleeper.pid}/children").read_text())


def psql_ends_with_strata_s_statuses(dir):
    for sql, status in ("select 1", 0), ("select 1 / 0", 7), ("select pg_terminate_backend(pg_backend_pid())", 7), ("\\i /nonexistent", 7):
        done = strata(dir, "pg", "-c", sql, ok=status == 0)
        check(done.returncode == status and ("psql" in done.stderr) == (status != 0), f"{sql}: {done.returncode} {done.stderr}")
    done = strata(dir, "pg", "-d", "nowhere", "-c", "select 1", ok=False)
    check(done.returncode == 7 and "nowhere" in done.stderr, f"{done}")
    script = "\\set ON_ERROR_STOP on\nselect 1 / 0;\nselect 'not this';\n"
    done = subprocess.run([*as_account(), PROGRAM, "-C", str(dir), "pg"], input=script, capture_output=True, text=True, cwd="/")
    check(done.returncode == 7 and "not this" not in done.stdout, f"{done}")
    done = subprocess.run([*as_account(), "env", "PATH=/nonexistent", PROGRAM, "-C", str(dir), "pg", "-c", "select 1"],
                          capture_output=True, text=True, cwd="/")
    check(done.returncode == 3 and "postgresql-client" in done.stderr, f"{done}")
    sleeper, child = sleeping_psql(dir)
    for pid in sleeper.pid, child:  # as a terminal sends Ctrl-C
        os.kill(pid, signal.SIGINT)
    check(sleeper.wait() == 130, f"Ctrl-C: {sleeper.returncode}")
    sleeper, child = sleeping_psql(dir)
    os.kill(sleeper.pid, signal.SIGKILL)
    sleeper.wait()
    wait(lambda: gone(child), "psql to go with the command that started it")


def rows_of_sql_are_json(dir):
    sql = ("select 1::bigint << 62 as big, 1.50 as exact, 'NaN'::float8 as odd, 1e-9::float8 as small, true as yes, null as nothing, 'a\"b' as text, "
           "E'{\"a\":\\n1}'::json as json; select n from generate_series(1, 3000) n; create table pg_temp.t (); select 'last' as n")
    done = strata(dir, "pg", "--json", "-c", sql)
    lines = done.stdout.splitlines()
    check(len(lines) == 3002 and json.loads(lines[-1]) == {"n": "last"} and json.loads(lines[3000]) == {"n": 3000}, f"{done.stdout[:300]}")
    check(json.loads(lines[0]) == {"big": 1 << 62, "exact": 1.5, "odd": "NaN", "small": 1e-9, "yes": True, "nothing": None, "text": 'a"b', "json": {"a": 1}},
          lines[0])
    check(strata(dir, "pg", "--json", "-c", "").stdout == "", "no statement")
    check("zero" in refused(dir, 7, "DB", "pg", "-c", "select 1 / 0")["message"], "division")
    for sql in "copy (select 1) to stdout", "create table pg_temp.t (n int); copy t from stdin":
        check("COPY" in refused(dir, 2, "USAGE", "pg", "-c", sql)["message"], sql)
    check("psql" in refused(dir, 2, "USAGE", "pg", "-c", "\\d")["message"], "a command of psql's own")
    check("-c" in refused(dir, 2, "USAGE", "pg")["message"], "psql is for people")


def status_tells_of_every_shard():
    dir = HOME / "first"
    tree = HOME / "tree"
    (tree / "below").mkdir(parents=True)
    for size, name in (10, "a"), (200, "below/b"), (3000, "below/c"):
        (tree / name).write_bytes(b"x" * size)
    strata(dir, "up")
    check(answer(dir, "status")["shards"] == [], "there is none yet")
    strata(dir, "catalog", "shard", "create", "tree", str(tree))
    never = answer(dir, "status")["shards"][0]
    check(never == {"shard": "tree", "path": str(tree), "state": "ready", "files": None, "bytes": None, "problems": 0,
                    "crawled": None}, f"{never}")
    strata(dir, "catalog", "crawl", "tree", str(tree))
    psql(dir, "insert into tree.problems (pr_path, pr_type, pr_text) values ('/x', 'gdal', 'odd')")
    shard = answer(dir, "status")["shards"][0]
    check((shard["files"], shard["bytes"], shard["problems"]) == (3, 3210, 1) and shard["crawled"], f"{shard}")
    check("3.1 KiB" in strata(dir, "status").stdout, "people see it as well")

    psql(dir, "update shards set sh_bulk = true")
    check(answer(dir, "status")["shards"][0]["state"] == "loading", "a load that was cut off")
    psql(dir, "update shards set sh_bulk = false")
    dsn = strata(dir, "server", "dsn", "local").stdout.strip()
    with subprocess.Popen(["psql", "-XAtq", "-d", dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdin.write("begin; lock table tree.directories in access exclusive mode; select 1;\n")
        other.stdin.flush()
        other.stdout.readline()
        check(answer(dir, "status")["shards"][0]["state"] == "busy", "nobody waits for a lock")
        other.stdin.close()
    strata(dir, "catalog", "shard", "drop", "tree")
    strata(dir, "down")
    check(answer(dir, "status")["shards"] == [], "a database that is down has none to tell of")


def a_killed_service_is_taken_over():
    dir = HOME / "first"
    up = answer(dir, "up")
    server = postmaster(dir)
    kill(up["pid"])
    check(answer(dir, "status")["state"] == "down" and not gone(server), "the cluster goes on")
    check(psql(dir, "select 1") == "1", "answers")
    again = answer(dir, "up")
    check(not again["already_up"] and again["pid"] != up["pid"] and postmaster(dir) == server, "taken over")
    check(get(again["url"] + "/readyz")[0] == 200, "ready")
    kill(again["pid"])
    check(not answer(dir, "down")["was_up"] and gone(server), "down stops what a killed service left")


def a_killed_cluster_is_started_again():
    dir = HOME / "first"
    url = answer(dir, "up")["url"]
    psql(dir, "create table if not exists kept (n int)")
    for n in range(3):
        psql(dir, f"insert into kept values ({n})")
        server = postmaster(dir)
        kill(server)
        wait(lambda: postmaster(dir) not in (None, server) and get(url + "/readyz")[0] == 200, "the cluster to return")
    check(psql(dir, "select count(*) from kept") == "3", "nothing lost")
    strata(dir, "down")


def everything_killed_at_once_comes_back():
    dir = HOME / "first"
    pid = answer(dir, "up")["pid"]
    psql(dir, "insert into kept values (3)")
    server = postmaster(dir)
    os.kill(pid, signal.SIGSTOP)  # so that it does not start the cluster again in between
    kill(server)
    kill(pid)
    up = answer(dir, "up")
    check(get(up["url"] + "/readyz")[0] == 200 and psql(dir, "select count(*) from kept") == "4", "all there")
    strata(dir, "down")


def a_killed_init_is_done_again():
    for name, fault in ("k1", "instance_written:kill"), ("k2", "cluster_made:kill"):
        dir = HOME / name
        check(strata(dir, "init", fault=fault, ok=False).returncode == -signal.SIGKILL, "killed")
        up = answer(dir, "up")
        check(get(up["url"] + "/readyz")[0] == 200, "up all the same")
        strata(dir, "down")
    dir = HOME / "k3"
    refused_init = strata(dir, "init", fault="cluster_made:EIO", ok=False)
    check(refused_init.returncode == 6 and not dir.exists(), f"{refused_init.stderr}")


def two_instances_are_up_side_by_side():
    a, b = HOME / "first", made("second")
    key, before = a_feed_in_both(a, b)
    up = [answer(dir, "up") for dir in (a, b)]
    check(up[0]["url"] != up[1]["url"] and postmaster(a) != postmaster(b), f"{up}")
    psql(a, "create table only_a ()")
    check("only_a" in psql(b, "select from only_a"), "not the same database")
    feeds_go_from_one_to_the_other(a, b, key)
    strata(a, "down")
    check(get(up[1]["url"] + "/readyz")[0] == 200, "the other goes on")
    strata(b, "down")
    for dir in (a, b):
        check(not (dir / "run/feeds").exists(), "nobody listens")
        (dir / "strata.ini").write_text(before)


def a_feed_in_both(a, b):
    """One has a feed, of which the other one has a copy and a connection."""
    before = (a / "strata.ini").read_text()
    key = answer(a, "feed", "create", "--name", "log")["key"]
    check(subprocess.run([*as_account(), PROGRAM, "-C", str(b), "feed", "replicate", "--once", key, f"unix:{HOME}/nobody"], capture_output=True, cwd="/").returncode == 6,
          "a copy without a block")
    (a / "strata.ini").write_text(f"{before}[feeds]\nlisten = unix:{a}/run/feeds\n")
    (b / "strata.ini").write_text(f"{before}[feeds]\nlisten = unix:{b}/run/feeds\npeers = unix:{a}/run/feeds\n")
    return key, before


def feeds_go_from_one_to_the_other(a, b, key):
    def length(dir):
        return answer(dir, "feed", "stat", key)["length"]

    def told(dir):
        return next(part for part in answer(dir, "status")["parts"] if part["part"] == "feeds")

    for _ in range(2):  # the second time both have it open
        appended = subprocess.run([*as_account(), PROGRAM, "-C", str(a), "feed", "append", "log"], input=b"one\ntwo\n", cwd="/", capture_output=True)
        check(appended.returncode == 0, appended)
        wait(lambda: length(b) == length(a), "what was appended")
    check(length(b) == 4, "two and two")
    for dir in (a, b):
        wait(lambda: told(dir) == {"part": "feeds", "state": "up", "detail": f"listening on unix:{dir}/run/feeds, 1 peer connected, 1 feed open"},
             "the peer")
    check(answer(b, "feed", "verify", key)["first_bad"] is None, "every block was checked")


def in_the_foreground_it_stops_at_ctrl_c():
    dir = HOME / "first"
    with open(TOP / "foreground.log", "w+") as log:
        process = subprocess.Popen([*as_account(), PROGRAM, "-C", str(dir), "up", "--foreground", "--json"], stdout=subprocess.PIPE,
                                   stderr=log, text=True, cwd="/")
        up = json.loads(process.stdout.readline())
        check(get(up["url"] + "/readyz")[0] == 200 and up["pid"] == process.pid, f"{up}")
        server = postmaster(dir)
        process.send_signal(signal.SIGINT)
        check(process.wait() == 0 and gone(server) and not (dir / "run/http.url").exists(), "stopped in order")


def a_stop_under_way_is_told_as_one():
    dir = HOME / "first"
    up = answer(dir, "up")
    server = postmaster(dir)
    os.kill(server, signal.SIGSTOP)  # so that the stop lasts
    try:
        os.kill(up["pid"], signal.SIGTERM)
        wait(lambda: not (dir / "run/http.url").exists(), "the stop to begin")
        status = answer(dir, "status")
        check(status["state"] == "stopping" and status["pid"] == up["pid"] and status["url"] is None, f"{status}")
        check({part["state"] for part in status["parts"]} == {"stopping"}, f"{status['parts']}")
        check(status["servers"][0]["state"] in ("up", "stopping"), f"{status['servers']}")
    finally:
        os.kill(server, signal.SIGCONT)
    wait(lambda: gone(up["pid"]), "the service to stop")
    check(answer(dir, "status")["state"] == "down" and not (dir / "run/parts").exists(), "down")


def starters_at_the_same_time_make_one_service():
    dir = HOME / "first"
    starters = [subprocess.Popen([*as_account(), PROGRAM, "-C", str(dir), "up", "--json"], stdout=subprocess.PIPE, text=True, cwd="/")
                for _ in range(4)]
    said = [json.loads(starter.communicate()[0] or "{}") for starter in starters]
    check([starter.returncode for starter in starters] == [0] * 4, f"{[s.returncode for s in starters]}")
    check(sum(not one["already_up"] for one in said) == 1, f"{said}")
    check(answer(dir, "status")["state"] == "up", "up")
    strata(dir, "down")


def a_start_that_fails_says_why_and_leaves_nothing_running():
    dir = HOME / "second"
    ini = (dir / "strata.ini").read_text()
    url = answer(HOME / "first", "up")["url"]
    (dir / "strata.ini").write_text(ini + f"\n[http]\nlisten = {url.removeprefix('http://')}\n")
    error = refused(dir, 6, "IO", "up")
    check("HTTP" in error["message"], f"{error}")
    status = answer(dir, "status")
    check(status["state"] == "down" and status["servers"][0]["state"] == "down", f"{status}")
    for listen, status, code in (f"unix:{dir}/no/such/place", 6, "IO"), ("localhost.example:1", 3, "CONFIG"):
        (dir / "strata.ini").write_text(f"{ini}\n[feeds]\nlisten = {listen}\n")
        error = refused(dir, status, code, "up")
        check("feeds" in error["message"] and listen in error["message"], f"{error}")
    (dir / "strata.ini").write_text(ini + "\n[http]\nlisen = x\n")
    error = refused(dir, 3, "CONFIG", "up")
    check("listen" in error["hint"], f"{error}")
    for wrong, word in ("server = nowhere", "nowhere"), ("server = broken\n[server broken]\ndsn = host='", "broken"):
        (dir / "strata.ini").write_text(f"{ini}\n[database]\n{wrong}\n")
        for words in ["up"], ["pg"], ["catalog", "shard", "list"]:
            check(word in refused(dir, 3, "CONFIG", *words)["message"], f"{words}: {wrong}")
    (dir / "strata.ini").write_text(ini)
    local = dir / "pg/local/local.conf"
    subprocess.run([*(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if account == "root" else as_account()),
                    "sh", "-c", f"echo 'work_mem = much' >{local}"], check=True)
    error = refused(dir, 7, "DB", "up")
    check("work_mem" in error["message"] and "log" in error["hint"], f"{error}")
    local.unlink()
    strata(dir, "up")
    strata(dir, "down")
    strata(HOME / "first", "down")


def servers_are_added_and_used():
    dir = HOME / "second"
    check(answer(dir, "server", "add", "third", "embedded") == {"name": "third", "kind": "embedded"}, "embedded")
    refused(dir, 5, "CONFLICT", "server", "add", "third", "embedded")
    refused(dir, 2, "USAGE", "server", "add", "Bad name", "embedded")
    refused(dir, 2, "USAGE", "server", "add", "x", "host='")
    refused(dir, 7, "DB", "server", "add", "x", "host=/nonexistent")
    strata(dir, "up")
    listed = {s["name"]: s for s in map(json.loads, strata(dir, "server", "list", "--json").stdout.splitlines())}
    check(set(listed) == {"local", "third"} and all(s["running"] for s in listed.values()), f"{listed}")
    dsn = strata(dir, "server", "dsn", "third").stdout.strip()
    long = dsn + " password='it;s a \" secret' application_name=" + "x" * 300
    strata(dir, "server", "add", "far", dsn + " password=secret")
    strata(dir, "server", "add", "unseen", "host=/nonexistent", "--unchecked")
    done = strata(dir, "server", "add", "long", long, ok=None)
    check(done.returncode in (0, 2), f"{done.stderr}")
    listed = strata(dir, "server", "list").stdout
    check("far" in listed and "secret" not in listed, "no passwords in lists")
    check("secret" in strata(dir, "server", "dsn", "far").stdout, "but in what to connect with")
    refused(dir, 4, "NOT_FOUND", "server", "dsn", "nobody")
    strata(dir, "down")
    strata(dir, "config", "check")


def the_port_of_before_may_be_taken():
    """By another, since it stopped: a new one is taken, and `up` ends all the same."""
    dir = HOME / "first"
    before = answer(dir, "up")["url"]
    strata(dir, "down")
    with socket.create_server(("127.0.0.1", int(before.rsplit(":", 1)[1]))):
        up = answer(dir, "up")
        check(up.get("url") not in (None, before) and get(up["url"] + "/readyz")[0] == 200, f"{before}, then {up}")
        strata(dir, "down")


def the_configuration_is_read_again():
    dir = HOME / "first"
    pid = answer(dir, "up")["pid"]
    ini = (dir / "strata.ini").read_text()
    (dir / "strata.ini").write_text(ini + "\n[log]\nlevel = warning\n\n[http]\nworkers = 3\n")
    os.kill(pid, signal.SIGHUP)
    log = dir / "log/strata.log"
    wait(lambda: "key=workers (takes effect at the next start)" in log.read_text(), "the change to be noticed")
    (dir / "strata.ini").write_text("nonsense\n")
    os.kill(pid, signal.SIGHUP)
    wait(lambda: "the configuration stays as it was" in log.read_text(), "the mistake to be noticed")
    (dir / "strata.ini").write_text(ini)
    check(answer(dir, "status")["state"] == "up", "still up")
    strata(dir, "down")


def names_the_directory_that_postgresql_cannot_enter():
    if account != "root":
        return
    closed = HOME / "closed"
    closed.mkdir(mode=0o700)
    error = refused(closed / "inside", 9, "DENIED", "init")
    check(str(closed) in error["message"] and "chmod" in error["hint"], f"{error}")
    check(os.listdir(closed) == [], "nothing left")


TESTS = [init_makes_one_instance_and_overwrites_nothing, what_does_not_exist_is_not_found, up_status_and_down,
         status_tells_of_every_shard, a_killed_service_is_taken_over, a_killed_cluster_is_started_again, everything_killed_at_once_comes_back,
         a_killed_init_is_done_again, two_instances_are_up_side_by_side, in_the_foreground_it_stops_at_ctrl_c,
         a_stop_under_way_is_told_as_one, starters_at_the_same_time_make_one_service, a_start_that_fails_says_why_and_leaves_nothing_running,
         servers_are_added_and_used, the_port_of_before_may_be_taken, the_configuration_is_read_again, names_the_directory_that_postgresql_cannot_enter]


AGAIN = [init_makes_one_instance_and_overwrites_nothing, up_status_and_down, a_killed_service_is_taken_over,
         a_killed_cluster_is_started_again, in_the_foreground_it_stops_at_ctrl_c]


def run_all(chosen):
    global tests
    for test in chosen:
        before = failures
        try:
            test()
        except Exception as error:  # a broken test is a failed test; the others still say something
            check(False, f"{type(error).__name__}: {error}")
        tests += 1
        print(f"{'ok' if failures == before else 'not ok'} {tests} - {test.__name__} as {account}", flush=True)
    for dir in HOME.iterdir():
        if (dir / "strata.ini").exists():
            strata(dir, "down", ok=None)


try:
    PROGRAM = shutil.copy(STRATA, TOP / "strata")
    os.chmod(PROGRAM, 0o755)
    for account in ["root", "nobody"] if os.geteuid() == 0 else ["user"]:
        HOME = TOP / account
        HOME.mkdir(mode=0o755)
        if account == "nobody":
            shutil.chown(HOME, "nobody", "nogroup")
        run_all(TESTS if account != "nobody" else AGAIN)
finally:
    shutil.rmtree(TOP, ignore_errors=True)
print(f"1..{tests}")
sys.exit(failures != 0)
