#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sage_sample DIRECTORY [--trees N] [--files N] [--galaxies N] [--box SIDE] [--seed N]

Write made-up files of the layout that SAGE has (src/dataset/sage.def): model_zZ_K for eight snapshots and so many files,
each tree with about so many galaxies in all of them together. Most trees are small, some reach over several squares of a grid of a
tenth of the box, some over its edge; some are empty. The same arguments give the same files.
"""
import argparse
import pathlib
import random
import struct

SNAPSHOTS = {63: "0.000", 37: "1.386", 32: "2.070", 27: "3.060", 23: "4.179", 20: "5.289", 18: "6.197", 16: "7.272"}
BYTES = 232


def record(snap, kind, index, central, halo, tree, at, rng):
    masses = [rng.lognormvariate(0, 2) for _ in range(31)]
    fields = (snap, kind, index, central, halo, tree, rng.randrange(10**9), 0, -1, -1, rng.uniform(100, 300), *at,
              *(rng.gauss(0, 300) for _ in range(3)), *(rng.gauss(0, 1) for _ in range(3)), rng.randrange(20, 5000), *masses)
    packed = struct.pack("<iiqqiiqiiif3f3f3fi" + "f" * 31, *fields)
    return packed + bytes(BYTES - len(packed))


def tree_shape(rng, box):
    """A centre and how far its galaxies lie from it."""
    kind = rng.random()
    centre = [rng.uniform(0, box) for _ in range(3)]
    if kind < 0.04:
        centre[0] = rng.choice((0.02, box - 0.02))  # over the edge
    return centre, 0.02 * box / 10 if kind < 0.75 else 0.4 * box / 10 if kind < 0.95 else 3 * box / 10


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--files", type=int, default=2)
    parser.add_argument("--galaxies", type=int, default=20)
    parser.add_argument("--box", type=float, default=62.5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.directory.mkdir(parents=True, exist_ok=True)
    for number in range(args.files):
        rng = random.Random(args.seed * 1000 + number)
        trees = args.trees // args.files + (number < args.trees % args.files)
        shapes = [tree_shape(rng, args.box) for _ in range(trees)]
        for place, (snap, redshift) in enumerate(SNAPSHOTS.items()):
            counts, records = [], []
            for tree, (centre, spread) in enumerate(shapes):
                many = int(rng.expovariate(1) * args.galaxies / 8 * (2 - place / 4))
                counts.append(many)
                base = number * 10**15 + tree * 10**9
                for galaxy in range(many):
                    at = [(c + rng.gauss(0, spread)) % args.box for c in centre]
                    records.append(record(snap, galaxy > 0, base + galaxy, base, galaxy, tree, at, rng))
            head = struct.pack(f"<{2 + trees}i", trees, len(records), *counts)
            (args.directory / f"model_z{redshift}_{number}").write_bytes(head + b"".join(records))


if __name__ == "__main__":
    main()
