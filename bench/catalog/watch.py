#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long after a change a watch has it found by a query: `bench/catalog/watch.py [PATHS]` (default 200,000 in the tree).

Prints a line per method and load: median and worst of 200 new files, from close() to the first query that has it, beside
the time in which the kernel tells a program that only reads inotify(7); and the watch's memory. Under load another process
makes 2,000 files a second in the same tree. Everything happens in an instance of its own under the temporary directory.
"""
import ctypes, hashlib, json, os, pathlib, random, shutil, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = ROOT / "build" / "strata"
PATHS = int(sys.argv[1]) if len(sys.argv) > 1 else 200000
CHANGES, RATE = 200, 2000
running = []  # what must not outlive us
work = pathlib.Path(tempfile.mkdtemp(prefix="strata-bench-"))
work.chmod(0o755)
os.environ["STRATA_DIR"] = str(work / "instance")
tree = work / "tree"


def strata(*args):
    return subprocess.run([STRATA, *map(str, args)], check=True, capture_output=True, text=True).stdout


class Query:
    """One connection: a question takes a fraction of a millisecond."""

    def __init__(self):
        self.psql = subprocess.Popen(["psql", "-XAtq", "-d", strata("server", "dsn", "local").strip()], text=True, bufsize=1, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)

    def has(self, path):
        print(f"select count(*) from t.files where fi_hash = '{hashlib.md5(str(path).encode()).hexdigest()}';", file=self.psql.stdin)
        return self.psql.stdout.readline() == "1\n"


def make_tree():
    """Fifty files a directory, a hundred directories in one."""
    for n in range(PATHS // 51):
        dir = tree / str(n // 100) / str(n % 100)
        dir.mkdir(parents=True)
        for m in range(50):
            os.close(os.open(dir / f"file-{m}", os.O_CREAT | os.O_WRONLY, 0o644))
    (tree / "storm").mkdir()


def kernel():
    """Seconds until inotify has told of each of some new files."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_CLOEXEC)
    (tree / "plain").mkdir()
    libc.inotify_add_watch(fd, os.fsencode(tree / "plain"), 0x100)
    took = []
    for n in range(CHANGES):
        begin = time.monotonic()
        os.close(os.open(tree / "plain" / str(n), os.O_CREAT | os.O_WRONLY, 0o644))
        os.read(fd, 4096)
        took.append(time.monotonic() - begin)
    os.close(fd)
    return took


def delays(query, label):
    took, rng = [], random.Random(1)
    for n in range(CHANGES):
        time.sleep(rng.random() * 0.3)
        path = tree / str(n % 30) / "1" / f"new-{label}-{n}"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        begin = time.monotonic()
        while not query.has(path):
            time.sleep(0.002)
        took.append(time.monotonic() - begin)
    return took


def storm():
    pid = os.fork()
    if pid == 0:
        begin, n = time.monotonic(), 0
        while True:
            os.close(os.open(tree / "storm" / f"{os.getpid()}-{n}", os.O_CREAT | os.O_WRONLY, 0o644))
            n += 1
            ahead = begin + n / RATE - time.monotonic()
            if ahead > 0.005:
                time.sleep(ahead)
    return pid


def say(name, took, note=""):
    took.sort()
    print(f"{name:44} median {took[len(took) // 2] * 1000:8.1f} ms  worst {took[-1] * 1000:8.1f} ms  {note}", flush=True)


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def watch(query, method):
    process = subprocess.Popen([STRATA, "catalog", "watch", "t", str(tree), "--method", method, "--json"], stdout=subprocess.PIPE, text=True)
    running.append(process.pid)
    for line in process.stdout:
        if json.loads(line)["event"] == "crawled":
            break
    # A pipe that nobody reads would fill up.
    reader = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
    crawled = memory(process)
    say(f"{method}, quiet", delays(query, f"{method}-quiet"))
    pid, begin = storm(), time.monotonic()
    running.append(pid)
    time.sleep(1)
    took = delays(query, f"{method}-storm")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    running.remove(pid)
    made = len(os.listdir(tree / "storm"))
    say(f"{method}, {RATE:,} new files a second", took, f"{made / (time.monotonic() - begin):,.0f} a second were made")
    print(f"{method + ', memory':44} {crawled:.0f} MB after the crawl, {memory(process):.0f} MB at the most", flush=True)
    process.send_signal(signal.SIGINT)
    process.wait()
    running.remove(process.pid)
    reader.wait()
    shutil.rmtree(tree / "storm")
    (tree / "storm").mkdir()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
try:
    make_tree()
    strata("init")
    strata("up")
    strata("catalog", "shard", "create", "t", tree)
    query = Query()
    print(f"{PATHS:,} paths, load {os.getloadavg()[0]:.1f}", flush=True)
    say("the kernel alone, by inotify", kernel())
    for method in ["inotify"] + ["fanotify"] * (os.geteuid() == 0):
        watch(query, method)
    query.psql.stdin.close()
    query.psql.wait()
    print(f"load {os.getloadavg()[0]:.1f} at the end")
finally:
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    subprocess.run([STRATA, "down"], capture_output=True)
    shutil.rmtree(work, ignore_errors=True)
