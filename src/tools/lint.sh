#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# lint [all] -- silent when all is well; otherwise what is wrong, where, and what to do about it
#
# clang-tidy reads only the files that differ from main (or are not committed); `all` reads every one.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bad=0

mapfile -t files < <(find src test -name '*.[ch]' | sort)
src/tools/format.sh || bad=1
for check in layers doccheck sqlcheck; do
    "src/tools/$check.py" || bad=1
done
mapfile -t scripts < <(grep -lE '^#!/bin/(ba)?sh' -r dev .ci test src/tools bench 2>/dev/null)
shellcheck -x -S warning "${scripts[@]}" || bad=1

changed() {
    if [ "${1:-}" = all ] || ! git rev-parse -q --verify main >/dev/null 2>&1; then
        printf '%s\n' "${files[@]}"
    else
        git diff --name-only --diff-filter=d "$(git merge-base main HEAD)"
        git ls-files --others --exclude-standard
    fi | grep '\.c$' | sort -u
}
if [ -f build/compile_commands.json ]; then
    # Headers that only tests include are not made by ./dev build.
    made=$(ninja -C build -t targets rule CUSTOM_COMMAND | grep '\.h$' | xargs -r ninja -C build --quiet 2>&1) ||
        { echo "$made" && bad=1; }
    # Only what the compile database knows: a file that no target builds has no flags to read it with. What it finds is
    # kept, because a clang-tidy that finds something fails, and with it the pipe.
    found=$(changed "${1:-}" | while read -r file; do grep -q "\"[^\"]*$file\"" build/compile_commands.json && echo "$file"; done |
        xargs -r -P "$(nproc)" -n 1 clang-tidy-14 -p build --quiet 2>/dev/null | grep -E '(error|warning):' | sort -u)
    [ -z "$found" ] || { echo "$found" && bad=1; }
else
    echo "build/: make it first, clang-tidy reads its compile database: ./dev build"
    bad=1
fi
exit "$bad"
