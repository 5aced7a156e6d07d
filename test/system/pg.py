# SPDX-License-Identifier: Apache-2.0
"""One scratch PostgreSQL cluster for a Python test; the same as test/pg.h for C and pg.sh for shells.

    import pg
    with pg.Scratch() as server:
        server.sql("create table t (n int)")            # ends the test when it fails
        rows = server.rows("select n, 'x' from t")      # lists of texts, None for null
        run([...], env=server.env)                      # PGHOST, PGUSER, PGDATABASE

As root it runs as the user `postgres`.
"""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

NULL = "\x02null\x02"


def bin_dir():
    found = glob.glob("/usr/lib/postgresql/*/bin")
    if found:
        return max(found, key=lambda path: int(path.split("/")[4]))
    return subprocess.run(["pg_config", "--bindir"], check=True, capture_output=True, text=True).stdout.strip()


def as_account(*command):
    """Runs a program as the account that PostgreSQL runs under; ends the test when that fails."""
    if os.geteuid() == 0:
        command = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--no-new-privs", *command)
    env = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryFile() as said:  # a pipe would stay open in the server
        done = subprocess.run(command, env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        said.seek(0)
        if done.returncode:
            raise SystemExit(f"Bail out! {' '.join(command)}: {said.read().decode(errors='replace')}")


def stop_on_signal(*_):
    raise SystemExit(130)


class Scratch:
    def __init__(self, **settings):
        self.settings = {"listen_addresses": "", "fsync": "off", "synchronous_commit": "off", "jit": "off",
                         "full_page_writes": "off", "timezone": "UTC", "max_wal_size": "1GB"} | settings

    def __enter__(self):
        signal.signal(signal.SIGTERM, stop_on_signal)
        self.top = tempfile.mkdtemp(prefix="strata-pg-", dir="/tmp")
        os.chmod(self.top, 0o711)
        self.dir = os.path.join(self.top, "pg")
        os.mkdir(self.dir, 0o700)
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
        self.data, self.bin = os.path.join(self.dir, "data"), bin_dir()
        self.env = os.environ | {"PGHOST": self.dir, "PGUSER": "postgres", "PGDATABASE": "postgres", "PGPORT": "5432"}
        try:
            as_account(f"{self.bin}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync",
                       "--locale=C.UTF-8", "--encoding=UTF8", "--no-instructions")
            conf = "".join(f"{key} = '{value}'\n" for key, value in self.settings.items())
            with open(os.path.join(self.data, "postgresql.conf"), "a") as out:
                out.write(conf + f"unix_socket_directories = '{self.dir}'\n")
            as_account(f"{self.bin}/pg_ctl", "-D", self.data, "-s", "-w", "-t", "60", "-l", f"{self.dir}/log", "start")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            as_account(f"{self.bin}/pg_ctl", "-D", self.data, "-s", "-w", "-m", "immediate", "stop")
        except SystemExit:
            pass  # it did not run
        shutil.rmtree(self.top, ignore_errors=True)

    def psql(self, text, database=None, **options):
        """Runs psql on `text`; the completed process, whatever its status."""
        command = ["psql", "-XqAt", "-F", "\t", "-P", f"null={NULL}", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        return subprocess.run(command + (["-d", database] if database else []), input=text, env=self.env, text=True,
                              capture_output=True, **options)

    def sql(self, text, database=None):
        done = self.psql(text, database)
        if done.returncode:
            raise SystemExit(f"Bail out! {done.stderr.strip()}")
        return done.stdout

    def script(self, path, database=None):
        return self.sql(pathlib.Path(path).read_text(), database)

    def rows(self, text, database=None):
        return [[None if field == NULL else field for field in line.split("\t")]
                for line in self.sql(text, database).splitlines()]
