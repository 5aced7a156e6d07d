# SPDX-License-Identifier: Apache-2.0
"""A scratch instance of the program in sys.argv[1], and the TAP lines of tests that ask it.

    from instance import DIR, TOP, check, run_all, strata, url
    ...
    sys.exit(run_all(scene, [a_test, another]))

What a test asks of an embedded server goes through one connection that stays open, where `strata pg` would start a program
and a backend each time:

    instance.value("n1", "mini", "select count(*) from t")      # '12'
    instance.table("n1", "mini", "select n, x from t")          # [('1', None), ('2', 'x')]
"""
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import template

STRATA = str(pathlib.Path(sys.argv[1]).resolve())
TOP = pathlib.Path(tempfile.mkdtemp(prefix="strata-test-", dir="/tmp"))
TOP.chmod(0o711)
DIR = TOP / "instance"
failures = 0


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        caller = sys._getframe(1)
        print(f"# {pathlib.Path(caller.f_code.co_filename).name}:{caller.f_lineno}: {str(what)[:600]}", flush=True)
    return bool(condition)


def strata(*words, ok=True, data=None):
    """Runs a command; `ok` is whether it shall succeed, None where that does not matter."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}
    done = subprocess.run([STRATA, "-C", str(DIR), *words], env=env, capture_output=True, cwd="/", input=data)
    if ok is not None:
        check(ok == (done.returncode == 0), f"{words}: status {done.returncode}, {done.stderr.decode().strip()}")
    return done


def init():
    template.instance(DIR, STRATA)


def add_servers(names):
    """Embedded servers beside `local`, before their first start: as small ones, copies of what initdb makes. `local` is then a small one too."""
    template.settings(DIR, template.SMALL)
    for name in names:
        strata("server", "add", name, "embedded")
        template.cluster(DIR, name)


# ---- one connection to each database that a test asks ----

libpq = ctypes.CDLL("libpq.so.5")
for function in ("PQconnectdb", "PQexec"):
    getattr(libpq, function).restype = ctypes.c_void_p
for function in ("PQgetvalue", "PQerrorMessage", "PQresultErrorMessage"):
    getattr(libpq, function).restype = ctypes.c_char_p
CONNECTION_OK, TUPLES_OK, FATAL_ERROR, IDLE = 0, 2, 7, 0
dsns, connections = {}, {}


def dsn(server, database="postgres"):
    if server not in dsns:
        dsns[server] = strata("server", "dsn", server).stdout.decode().strip()
    return f"{dsns[server]} dbname={database}"


def forget_connections():
    """The next question begins a session: it has what was set for those since."""
    while connections:
        libpq.PQfinish(connections.popitem()[1])


def run_sql(connection, text):
    """(rows, error): of one of several statements, the last or the one that fails."""
    result = ctypes.c_void_p(libpq.PQexec(connection, text.encode()))
    try:
        error = libpq.PQresultErrorMessage(result) if libpq.PQresultStatus(result) == FATAL_ERROR else b""
        rows = [tuple(None if libpq.PQgetisnull(result, row, column) else libpq.PQgetvalue(result, row, column).decode()
                      for column in range(libpq.PQnfields(result))) for row in range(libpq.PQntuples(result))]
        return rows, error.decode()
    finally:
        libpq.PQclear(result)


def ask(server, database, text):
    """(rows, error), rows as texts and None for null. Nothing that is set stays for the next; a session that was cut is begun again."""
    connection = connections.pop((server, database), None)
    if connection and run_sql(connection, "discard all")[1]:
        libpq.PQfinish(connection)
        connection = None
    if not connection:
        connection = ctypes.c_void_p(libpq.PQconnectdb(dsn(server, database).encode()))
    if libpq.PQstatus(connection) != CONNECTION_OK:
        error = libpq.PQerrorMessage(connection).decode()
        libpq.PQfinish(connection)
        return [], error
    answer = run_sql(connection, text)
    if libpq.PQtransactionStatus(connection) == IDLE:
        connections[server, database] = connection
    else:
        libpq.PQfinish(connection)
    return answer


def table(server, database, text):
    rows, error = ask(server, database, text)
    check(not error, f"{server}: {text}: {error}")
    return rows


def value(server, database, text):
    """The first column of the first row, '' where there is no row; or the error."""
    rows, error = ask(server, database, text)
    return error or (rows[0][0] if rows else "")


def url():
    return (DIR / "run/http.url").read_text().strip()


def run_all(scene, tests):
    """The exit status. `scene` makes and starts the instance."""
    try:
        scene()
        for number, test in enumerate(tests, 1):
            before = failures
            test()
            print(f"{'ok' if failures == before else 'not ok'} {number} - {test.__name__}", flush=True)
    finally:
        forget_connections()
        strata("down", ok=None)
        shutil.rmtree(TOP, ignore_errors=True)
    print(f"1..{len(tests)}")
    return int(failures > 0)
