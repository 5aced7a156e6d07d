# SPDX-License-Identifier: Apache-2.0
"""A scratch instance of the program in sys.argv[1], and the TAP lines of tests that ask it.

    from instance import DIR, TOP, check, run_all, strata, url
    ...
    sys.exit(run_all(scene, [a_test, another]))
"""
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
    """Embedded servers beside `local`, before their first start: as small ones."""
    owner = (DIR / "pg/local").stat()
    for name in names:
        strata("server", "add", name, "embedded")
        (DIR / "pg" / name).mkdir(mode=0o700)
        (DIR / "pg" / name / "local.conf").write_text(template.CALM)
        for path in (DIR / "pg" / name, DIR / "pg" / name / "local.conf"):
            os.chown(path, owner.st_uid, owner.st_gid)


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
        strata("down", ok=None)
        shutil.rmtree(TOP, ignore_errors=True)
    print(f"1..{len(tests)}")
    return int(failures > 0)
