#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# format [--tap] -- name the C files that clang-format would change; ./dev fmt changes them
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
wrong=$(find src test -name '*.[ch]' -print0 |
    xargs -0 clang-format-14 --dry-run 2>&1 | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: warning.*/\1:1: not formatted: .\/dev fmt/p' | sort -u)
if [ "${1:-}" = --tap ]; then
    [ -z "$wrong" ] || printf '# %s\n' "$wrong"
    echo "${wrong:+not }ok 1 - C files are formatted"
    echo 1..1
elif [ -n "$wrong" ]; then
    echo "$wrong"
fi
[ -z "$wrong" ]
