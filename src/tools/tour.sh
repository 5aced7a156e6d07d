#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tour DIRECTORY -- what ./dev run does once the program is built: an instance, a catalogue of DIRECTORY, some answers
# out of it, and the service until Ctrl-C. Everything is kept, so a second run only looks at what changed.
#
# The instance is $STRATA_DIR or the user's own (strata --help).
set -euo pipefail
directory=$(realpath -e "$1")
program=${STRATA:-$(cd "$(dirname "$0")/../.." && pwd)/build/strata}
[ -d "$directory" ] || { echo "tour: '$directory' is not a directory" >&2; exit 2; }

strata() { "$program" "$@"; }
say() { printf '\n%s\n' "$*"; }

# field NAME: a field of the JSON objects on standard input, one a line.
field() { /usr/bin/python3 -c 'import json,sys
for line in filter(str.strip, sys.stdin): print(json.loads(line)[sys.argv[1]])' "$1"; }

# The shard of this directory: the one that has it, or a free name made of its last part.
shard_of() {
    local list name number=1
    list=$(strata catalog shard list --json)
    name=$(/usr/bin/python3 -c 'import json,sys
for line in filter(str.strip, sys.stdin):
    shard = json.loads(line)
    if shard["path"] == sys.argv[1]: print(shard["name"])' "$directory" <<<"$list")
    [ -z "$name" ] || { echo "$name"; return; }
    name=$(basename "$directory" | tr A-Z a-z | tr -c 'a-z0-9_\n' _ | cut -c 1-50 |
        sed -E 's/^([0-9]|pg_|(public|catalog|information_schema)$)/_\1/; s/^_*$/root/')
    while field name <<<"$list" | grep -qx "$name"; do
        name=${name%%_[0-9]*}_$((number += 1))
    done
    strata catalog shard create "$name" "$directory" >/dev/null
    echo "$name"
}

# ask QUESTION WORD...: the question, the command that answers it, and its answer.
ask() {
    local question=$1
    shift
    printf '\n%s\n$ strata %s\n' "$question" "$*"
    strata "$@"
}

state=$(strata status --json 2>/dev/null | field state || true)
[ -n "$state" ] || { say "Making an instance"; strata init; }
if [ "$state" != up ]; then
    # A background process does not see Ctrl-C: the pause of the last loop is ended here.
    trap 'trap "" INT; kill $(jobs -p) 2>/dev/null || true; strata down >/dev/null' EXIT
    trap 'exit 130' INT TERM
    say "Starting it"
fi
strata up
shard=$(shard_of)

say "Crawling $directory into the shard '$shard'"
strata catalog crawl "$shard" "$directory" --kind posix,magic

ask "How much is there?" catalog shard stat "$shard"
ask "The largest directories, with everything below them" catalog du "$shard" --depth 2 --limit 10
ask "What is in the files, by content" catalog usage "$shard" --by kind --limit 12
ask "The largest files" catalog find "$shard" --type file --sort size --limit 5
ask "What changed last" catalog recent "$shard" --limit 8

url=$(strata status --json | field url)
say "The service is at"
printf '  %s\n' "$url/" "$url/openapi.json" "$url/api/v1/catalog/$shard/ls?path=$directory" "$url/metrics" "$url/readyz"
if [ "$state" = up ]; then
    say "It was up before and stays so."
    exit 0
fi
say "Ctrl-C stops it; run this again to look only at what changed."
# Only built-in commands from here on: a Ctrl-C that comes while bash waits for a program in the foreground is taken by
# both, and what becomes of the script's trap hangs on how the program ends.
while_up() { while strata status --json | field state | grep -qx up; do sleep 5; done; }
while_up >/dev/null 2>&1 &
watch=$!
while kill -0 $watch 2>/dev/null; do
    sleep 1 >/dev/null 2>&1 &
    wait $!
done
