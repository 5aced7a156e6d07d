#!/bin/bash
# A warm crawl into a crawl file beside find -printf with the same fields: medians of several turns, alternately.
#
#     bench/catalog/posix_vs_find.sh [ROOT [TURNS [DIRECTORY]]]
#
# ROOT is /usr, TURNS 9, DIRECTORY for both outputs a temporary one. Both are timed until the process ends, the
# crawl's file then being on stable storage; find's is not synced. The last line is the ratio: more than 2 is
# the goal.
set -euo pipefail
root=${1:-/usr} turns=${2:-9} where=${3:-${TMPDIR:-/tmp}}
bench=$(cd "$(dirname "$0")/../.." && pwd)/build/bench/catalog/walk_bench
dir=$(mktemp -d "$where/posix_vs_find.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# Type, size, mode, inode, links, device, owner and group as numbers and names, three times with fractions, target.
fields='%p\t%y\t%s\t%M\t%i\t%n\t%D\t%U\t%G\t%u\t%g\t%A@\t%T@\t%C@\t%l\t%Y\n'

milliseconds() { # COMMAND...: how long it took
    local from to
    from=$(date +%s%N)
    "$@"
    to=$(date +%s%N)
    echo $(((to - from) / 1000000))
}
run_find() { find "$root" -xdev -printf "$fields" >"$dir/find.txt"; }
run_crawl() { "$bench" "$root" "$dir/crawl.tsv" >"$dir/crawl.log"; }

median() { sort -n "$1" | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

run_find
run_crawl
for ((i = 0; i < turns; i++)); do
    milliseconds run_find >>"$dir/find.ms"
    milliseconds run_crawl >>"$dir/crawl.ms"
done
echo "entries: find $(wc -l <"$dir/find.txt"), crawl $(wc -l <"$dir/crawl.tsv")"
echo "find -printf: median $(median "$dir/find.ms") ms of $(tr '\n' ' ' <"$dir/find.ms")"
echo "crawl:        median $(median "$dir/crawl.ms") ms of $(tr '\n' ' ' <"$dir/crawl.ms")"
echo "ratio $(awk -v f="$(median "$dir/find.ms")" -v c="$(median "$dir/crawl.ms")" 'BEGIN {printf "%.2f", f / c}')"
