#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The seed's claims about paths with an array of parents: `bench/catalog/disk.py [PATHS]` (default 1,000,000).

The same paths three times in one database: in a shard; as plain text paths with an index for subtrees, the parent's path
beside each for listings; and in normal form, a name and a parent's number, walked by a recursive query. Prints the
disk that each takes for a million paths and the median time of questions about subtrees, in psql on one connection.
The paths are those of ../shared/data/mas/gen.py; without it, those below /usr.
"""
import os, pathlib, re, shutil, statistics, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = ROOT / "build" / "strata"
GENERATOR = ROOT.parent / "shared" / "data" / "mas" / "gen.py"
count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
work = pathlib.Path(tempfile.mkdtemp(prefix="strata-bench-"))
work.chmod(0o755)
os.environ["STRATA_DIR"] = str(work / "instance")

PEERS = """
set role mas; set search_path = s, public; set maintenance_work_mem = '512MB';
create schema peer;
create table peer.plain as select pa_path path, left(pa_path, -position('/' in reverse(pa_path))) parent, pa_type type from paths;
create unique index on peer.plain (path);
create index on peer.plain (path text_pattern_ops);
create index on peer.plain (parent);
create index on peer.plain (type);
create table peer.node as select row_number() over (order by pa_path) id, pa_hash hash, pa_path path from paths;
create unique index on peer.node (hash);
create table peer.tree as
select c.id, p.id parent, substring(c.path from '[^/]*$') name, pa_type type
  from peer.node c join paths on pa_hash = c.hash left join peer.node p on p.hash = pa_parents[array_length(pa_parents, 1)];
create unique index on peer.tree (id);
create unique index on peer.tree (parent, name);
create index on peer.tree (type);
reset role;
vacuum analyze peer.plain; vacuum analyze peer.tree; vacuum analyze s.paths;
"""
SIZES = """
select 'paths with parents (the shard''s table and its indexes)', pg_total_relation_size('s.paths')
union all select 'plain text paths', pg_total_relation_size('peer.plain')
union all select 'names and numbers', pg_total_relation_size('peer.tree');
"""
QUESTIONS = {  # of the directory D: by the shard, by plain paths, by a recursive query
    "how many files below": (
        "select count(*) from s.paths where pa_parents @> array[md5('{d}')::uuid] and pa_type = 'file'",
        "select count(*) from peer.plain where path like '{l}/%' and type = 'file'",
        "with recursive t (id) as (select id from peer.node where hash = md5('{d}')::uuid union all select c.id from peer.tree c join t on "
        "c.parent = t.id) select count(*) from t join peer.tree using (id) where type = 'file'"),
    "names ending in 7 below": (
        "select count(*) from s.paths where pa_parents @> array[md5('{d}')::uuid] and pa_path like '%7'",
        "select count(*) from peer.plain where path like '{l}/%' and path like '%7'",
        "with recursive t (id) as (select id from peer.node where hash = md5('{d}')::uuid union all select c.id from peer.tree c join t on "
        "c.parent = t.id) select count(*) from t join peer.tree using (id) where name like '%7'"),
    "what is right in it": (
        "select count(*) from s.paths where pa_parents[array_length(pa_parents, 1)] = md5('{d}')::uuid",
        "select count(*) from peer.plain where parent = '{d}'",
        "select count(*) from peer.tree where parent = (select id from peer.node where hash = md5('{d}')::uuid)"),
}


def strata(*args, **kwargs):
    return subprocess.run([STRATA, *args], check=True, capture_output=True, text=True, **kwargs).stdout


def psql(sql):
    dsn = strata("server", "dsn", "local").strip().replace("dbname='postgres'", "dbname='mas'")
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", dsn], input=sql, check=True, capture_output=True, text=True).stdout


def median_ms(query, dirs):
    asked = [query.format(d=d, l=d.replace("_", r"\_")) for d in dirs * 2]
    sql = "set jit = off;\n\\timing on\n" + "".join(f"{one};\n" for one in asked)
    took = [float(ms) for ms in re.findall(r"Time: ([\d.]+) ms", psql(sql))]
    return statistics.median(took[len(dirs):])


def fill():
    if GENERATOR.exists():
        subprocess.run(["/usr/bin/python3", GENERATOR, "posix", str(count), "20240902", work], check=True)
        strata("catalog", "shard", "create", "s", "/g/data/yy2")
        strata("catalog", "ingest", "s", work / "posix.tsv.gz")
    else:
        strata("catalog", "shard", "create", "s", "/usr")
        strata("catalog", "crawl", "s", "/usr")
    psql(PEERS)


try:
    strata("init")
    strata("up")
    fill()
    paths = int(psql("select count(*) from s.paths"))
    for line in psql(SIZES).splitlines():
        name, size = line.split("|")
        print(f"{name:60} {int(size) / paths:6.0f} MB a million paths", flush=True)
    for low, high, name in ((10, 30, "20 files"), (1000, 3000, "2,000 files"), (50000, 10**9, "more than 50,000")):
        dirs = psql("select p.pa_path from s.directories join s.paths p on pa_hash = di_hash "
                    f"where di_count between {low} and {high} order by md5(p.pa_path) limit 15").split()
        for question, queries in QUESTIONS.items():
            if dirs:
                took = [median_ms(query, dirs) for query in queries]
                print(f"{question + ' a directory of ' + name:60} shard {took[0]:8.2f} ms   text {took[1]:8.2f} ms   recursive {took[2]:8.2f} ms",
                      flush=True)
finally:
    subprocess.run([STRATA, "down"], stdout=subprocess.DEVNULL)
    shutil.rmtree(work)
