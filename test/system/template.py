# SPDX-License-Identifier: Apache-2.0
"""An instance as `strata init` makes it, ready to be started, in a fraction of the time: see test/template.

    template.instance(dir, STRATA)
    template.settings(dir, "work_mem = 1MB\n")      # of its cluster, for the next start
"""
import os
import shutil
import subprocess

# A start touches all of the memory that it may use; and what a test kills is a process, never the machine.
CALM = "shared_buffers = 128MB\nfsync = off\n"


def instance(dir, program):
    """A copy where test/run has set that up. Ends the test when it cannot be made."""
    command = [program, "-C", str(dir), "init"]
    if "TEMPLATE" in os.environ:
        command = [f"{os.environ['SRC']}/test/template", "instance", str(dir)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if done.returncode:
        raise SystemExit(f"Bail out! {command}: {done.stdout}{done.stderr}")
    settings(dir)


def settings(dir, text=""):
    """Written as who may write there."""
    path = dir / "pg/local/local.conf"
    path.write_text(CALM + text)
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")
