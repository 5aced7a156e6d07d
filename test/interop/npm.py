# SPDX-License-Identifier: Apache-2.0
"""npm hypercore 10 and 11 beside the program in sys.argv[1].

    from npm import Npm, Strata, check, run_all
    npm = Npm(11)                           a node process; npm("create", name="a", compat=True, append=7)
    ours = Strata("x")                      an instance of its own; ours.json("stat", key)
    ...
    sys.exit(run_all([a_test, another]))

The packages that the lock files in v10/ and v11/ name are installed in the build directory, once; where they cannot be had, the
test is skipped.
"""
import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
STRATA = str(pathlib.Path(sys.argv[1]).resolve())
INSTALLED = pathlib.Path(os.environ.get("BUILD") or HERE.parent.parent / "build") / "interop"
TOP = pathlib.Path(tempfile.mkdtemp(prefix="strata-test-", dir="/tmp"))
VERSIONS = (10, 11)
SOAK = bool(os.environ.get("STRATA_SOAK"))
OFFLINE = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|EIDLETIMEOUT)\b")
failures = 0
running = []


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        caller = sys._getframe(1)
        print(f"# {pathlib.Path(caller.f_code.co_filename).name}:{caller.f_lineno}: {str(what)[:600]}", flush=True)
    return bool(condition)


def block(number):
    """What peer.js appends."""
    return f"block {number} ".encode() + b"q" * (number % 60)


def whole(start, end):
    return b"".join(map(block, range(start, end)))


def framed(start, end):
    """As `feed append --framing u32` takes it."""
    return b"".join(len(b).to_bytes(4, "little") + b for b in map(block, range(start, end)))


def digest(start, end):
    return hashlib.sha256(whole(start, end)).hexdigest()


# ---- the packages ----

def skip(why):
    print(f"1..0 # skip {why}", flush=True)
    shutil.rmtree(TOP, ignore_errors=True)
    sys.exit(0)


def install(version):
    """The directory with node_modules of a version. None of the packages has install scripts: the addons in them are built."""
    source, place = HERE / f"v{version}", INSTALLED / f"v{version}"
    lock = (source / "package-lock.json").read_bytes()
    place.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        done = place / "installed"
        if done.exists() and done.read_bytes() == lock:
            return place
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(source / name, place / name)
        words = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1"]
        ran = subprocess.run(words, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode != 0 and (reason := OFFLINE.search(ran.stderr)):
            skip(f"npm cannot get hypercore {version}: {reason[1]}")
        if ran.returncode != 0:
            sys.exit(f"npm ci in {place}: {ran.stderr}")
        done.write_bytes(lock)
    return place


# ---- npm ----

class Npm:
    """A node process with hypercore of a version. Calls from several threads are answered side by side."""

    def __init__(self, version):
        self.version, self.numbers, self.waiting, self.lock = version, itertools.count(1), {}, threading.Lock()
        directory = tempfile.mkdtemp(prefix=f"npm{version}-", dir=TOP)
        self.process = subprocess.Popen(["node", str(HERE / "peer.js"), str(install(version)), directory],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        threading.Thread(target=self.read, daemon=True).start()
        running.append(self)

    def read(self):
        for line in self.process.stdout:
            number, *answer = json.loads(line)
            self.waiting[number][1].append(answer)
            self.waiting[number][0].set()
        with self.lock:
            for came, answer in self.waiting.values():
                came.set()

    def begin(self, verb, **what):
        """Returns what gives the answer."""
        number, came, answer = next(self.numbers), threading.Event(), []
        with self.lock:
            self.waiting[number] = (came, answer)
            self.process.stdin.write(json.dumps([number, verb, what]) + "\n")

        def get():
            came.wait()
            del self.waiting[number]
            if not answer or len(answer[0]) > 1:
                raise RuntimeError(f"npm {self.version} {verb} {what}: {answer[0][1] if answer else 'gone'}")
            return answer[0][0]
        return get

    def __call__(self, verb, **what):
        return self.begin(verb, **what)()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()


# ---- ours ----

def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))}


class Strata:
    """An instance without a database."""

    def __init__(self, name):
        self.dir = TOP / name
        self.dir.mkdir()
        (self.dir / "strata.ini").write_text("[log]\nlevel = info\n")
        (self.dir / "strata.ini").chmod(0o600)

    def run(self, *words, status=0, data=b""):
        """With the status None, any will do."""
        done = subprocess.run([STRATA, "-C", str(self.dir), "feed", *map(str, words)], env=environment(), capture_output=True, cwd=TOP, input=data)
        check(status in (None, done.returncode), f"feed {words}: status {done.returncode} and not {status}: {done.stderr.decode()}")
        return done

    def json(self, *words, **more):
        done = self.run(*words, "--json", **more)
        return json.loads(done.stdout) if done.stdout else {}

    def create(self, *words, append=0):
        key = self.json("create", *words)["key"]
        if append:
            self.run("append", key, "--framing", "u32", data=framed(0, append))
        return key

    def append(self, key, count):
        """What stat says afterwards."""
        length = self.json("stat", key)["length"]
        if count:
            self.run("append", key, "--framing", "u32", data=framed(length, length + count))
        return self.json("stat", key)

    def cat(self, key, *words):
        return self.run("cat", key, "--framing", "whole", *words).stdout

    def replicate(self, key, *ports, words=("--once", "--protocol", "hypercore"), status=0):
        """The record, or the error."""
        done = self.run("replicate", key, *(f"127.0.0.1:{port}" for port in ports), *words, "--json", status=status)
        return json.loads(done.stdout or done.stderr.splitlines()[-1])

    def refuses(self, key, port, status, says, words=("--protocol", "hypercore")):
        """What a peer does is refused in one line with a status."""
        done = self.run("replicate", key, f"127.0.0.1:{port}", "--once", *words, "--json", status=status)
        lines = done.stderr.decode().splitlines()
        check(len(lines) == 1 and not done.stdout and says in json.loads(lines[0])["error"]["message"], f"{says}: {lines} {done.stdout}")

    def start(self, *words):
        return Running(self, *words)

    @contextlib.contextmanager
    def serving(self, *keys):
        server = Running(self, "serve", "--listen", "127.0.0.1:0", *keys)
        server.port = int(server.process.stdout.readline().split(b":")[-1])
        try:
            yield server
        finally:
            server.stop()


class Running:
    """A command that goes on until it is stopped."""

    def __init__(self, instance, *words):
        self.said = tempfile.TemporaryFile(dir=TOP)
        self.process = subprocess.Popen([STRATA, "-C", str(instance.dir), "feed", *map(str, words)], env=environment(), cwd=TOP,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.said)
        running.append(self)

    def memory(self):
        """What it has in memory, in KiB."""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def errors(self):
        self.said.seek(0)
        return self.said.read().decode()

    def stop(self):
        """What it printed. It ends well when it is told to."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        text = self.process.stdout.read().decode()
        self.process.wait()
        return text

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run_all(tests):
    """The exit status."""
    for number, test in enumerate(tests, 1):
        before = failures
        try:
            test()
        except Exception as error:  # the others are tried all the same
            check(False, f"{test.__name__}: {error!r}")
        print(f"{'ok' if failures == before else 'not ok'} {number} - {test.__name__}", flush=True)
    for process in running:
        process.end()
    shutil.rmtree(TOP, ignore_errors=True)
    print(f"1..{len(tests)}")
    return int(failures > 0)


for program in ("node", "npm"):
    if not shutil.which(program):
        skip(f"there is no {program} here")
