# SPDX-License-Identifier: Apache-2.0
"""An instance as `strata init` makes it, ready to be started, in a fraction of the time: see test/template.

    template.instance(dir, STRATA)
    template.cluster(dir, "n1")                     # the one of an embedded server that was added
    template.settings(dir, "work_mem = 1MB\n")      # of its cluster, for the next start
"""
import os
import shutil
import subprocess

# A start touches all of the memory that it may use; and what a test kills is a process, never the machine.
CALM = "shared_buffers = 128MB\nfsync = off\n"
SMALL = "shared_buffers = 16MB\n"  # for one of several


def copy(kind, dir):
    """True where test/run has set copies up. Ends the test when there is none to be had."""
    if "TEMPLATE" not in os.environ:
        return False
    run(f"{os.environ['SRC']}/test/template", kind, str(dir))
    return True


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if done.returncode:
        raise SystemExit(f"Bail out! {command}: {done.stdout}{done.stderr}")


def instance(dir, program):
    """A copy where test/run has set that up."""
    if not copy("instance", dir):
        run(program, "-C", str(dir), "init")
    settings(dir)


def cluster(dir, server):
    """That of another embedded server of an instance, which was not started yet."""
    if not copy("cluster", dir / "pg" / server):
        (dir / "pg" / server).mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(dir / "pg" / server, "postgres", "postgres")
    settings(dir, SMALL, server)


def settings(dir, text="", server="local"):
    """Written as who may write there."""
    path = dir / "pg" / server / "local.conf"
    path.write_text(CALM + text)
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")
