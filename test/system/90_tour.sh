#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev run after it has built: on a small tree, stopped by Ctrl-C, and once more.
set -u
export STRATA_DIR=$TMPDIR/instance
tests=0

ok() {
    local name=$1
    shift
    tests=$((tests + 1))
    if "$@"; then echo "ok $tests - $name"; else echo "not ok $tests - $name"; fi
}
has() { grep -q -- "$1" "$TMPDIR/said" || { echo "# '$1' is not in:"; sed 's/^/# /' "$TMPDIR/said"; return 1; }; }

mkdir -p "$TMPDIR/My Tree/deep"
seq 10000 >"$TMPDIR/My Tree/deep/numbers"
echo x >"$TMPDIR/My Tree/small"

# Until it serves or ends; then Ctrl-C, as a terminal sends it, and as a person does, again when nothing happens.
tour() {
    : >"$TMPDIR/said"
    set -m
    "$SRC/src/tools/tour.sh" "$TMPDIR/My Tree" >"$TMPDIR/said" 2>&1 &
    local pid=$!
    set +m
    while kill -0 $pid 2>/dev/null && ! grep -q "^Ctrl-C stops it" "$TMPDIR/said"; do sleep 0.2; done
    while kill -INT -- -$pid 2>/dev/null; do sleep 5; done
    wait $pid
    status=$?
}

tour
ok "it makes an instance and catalogues the tree" has "^added *4$"
ok "it says what the largest directory is" has "My Tree/deep "
ok "it makes a name for the shard that may be one" has "into the shard 'my_tree'"
ok "it ends with 130 at Ctrl-C" [ "$status" = 130 ]
state() { "$STRATA" status --json | grep -o '"state":"[a-z]*"' | head -n 1; }
ok "and the instance is down then" [ "$(state)" = '"state":"down"' ]
echo y >"$TMPDIR/My Tree/new"
tour
ok "the second run takes in what is new" has "^added *1$"
ok "and makes no other instance" [ "$(grep -c 'Making an instance' "$TMPDIR/said")" = 0 ]
echo "1..$tests"
