#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The command line as a person and a script meet it. STRATA is the program.
set -u
strata=${STRATA:-build/strata}
tests=0
unset COLUMNS STRATA_DIR NO_COLOR

# ok NAME COMMAND...: one test, passed when the command is true.
ok() {
    local name=$1
    shift
    tests=$((tests + 1))
    if "$@"; then echo "ok $tests - $name"; else echo "not ok $tests - $name"; fi
}

skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# run ARG...: leaves standard output in $out, standard error in $err, the exit status in $status.
run() {
    "$strata" "$@" >"$TMPDIR/out" 2>"$TMPDIR/err"
    status=$?
    out=$(<"$TMPDIR/out")
    err=$(<"$TMPDIR/err")
}

is() { [ "$1" = "$2" ] || { echo "# got: $1"; echo "# not: $2"; return 1; }; }
has() { [[ $1 == *"$2"* ]] || { echo "# '$2' is not in: $1"; return 1; }; }
no() { ! "$@"; }

# Every command and group there is, from the completion that the program prints of itself.
commands=$("$strata" completion bash | sed -n "s/^ *('\(.*\) ') options=.*/\1/p")
groups=$("$strata" completion bash | sed -n "s/^ *('\(.*\) ') words=.*/\1/p")
ok "there are commands" has "$commands" "config show"

every_command_has_help() {
    local command words
    while read -r command; do
        read -ra words <<<"$command"
        run "${words[@]}" --help
        is "$status" 0 && has "$out" "usage: strata $command" && is "$err" "" || return 1
        run help "${words[@]}"
        is "$status" 0 && has "$out" "usage: strata $command" || return 1
    done <<<"$commands"
}
ok "every command says what it does" every_command_has_help

every_group_has_help() {
    local group words
    while read -r group; do
        read -ra words <<<"$group"
        run "${words[@]}" --help
        is "$status" 0 && has "$out" "commands:" || return 1
        run "${words[@]}"
        is "$status" 2 && has "$err" "commands:" && is "$out" "" || return 1
    done <<<"$groups"
}
ok "every group lists its commands, and is an error alone" every_group_has_help

every_command_refuses_an_unknown_option() {
    local command words
    while read -r command; do
        read -ra words <<<"$command"
        run "${words[@]}" --no-such-option-at-all
        is "$status" 2 && has "$err" "has no option '--no-such-option-at-all'" && has "$err" "hint: " || return 1
    done <<<"$commands"
}
ok "every command refuses an option it does not have" every_command_refuses_an_unknown_option

help_fits() {
    local command words wide
    while read -r command; do
        read -ra words <<<"$command"
        # Examples (which follow their heading) and words that are longer than the line stay whole.
        wide=$(COLUMNS=40 "$strata" "${words[@]}" --help | sed '/^examples:/,/^options/d' |
            awk 'length($0) > 40 && $1 != "" && NF > 1 && !/^  -/')
        is "$wide" "" || return 1
    done <<<"$commands"
}
ok "help fits a terminal of 40 columns" help_fits

run
ok "no command is an error that shows the commands" is "$status" 2
ok "and says so on standard error alone" has "$err" "commands:"
ok "with nothing on standard output" is "$out" ""

run confg show
ok "a mistyped word is answered with the near one" is "$err" "strata: there is no command 'confg'
hint: did you mean 'config'?"
run config show --smaple
ok "so is a mistyped option" has "$err" "did you mean '--sample'?"

run config explain no.such.key --json
ok "an error is JSON with --json" is "$err" \
    '{"error":{"code":"NOT_FOUND","message":"there is no configuration key '"'no.such.key'"'","hint":"strata config show lists them"}}'
ok "and has the status of its kind" is "$status" 4
run --json nonsense
ok "also where the line itself is wrong" has "$err" '{"error":{"code":"USAGE","message":"there is no command '"'nonsense'"'"'

mkdir -p "$TMPDIR/instance"
printf '[log]\nlevel = loud\n[lgo]\n' >"$TMPDIR/instance/strata.ini"
run -C "$TMPDIR/instance" config show
ok "a wrong configuration names file and line" has "$err" "strata.ini:2: level = 'loud' is not one of debug, info, warning, error"
ok "and ends with 3" is "$status" 3
run -C "$TMPDIR/instance" config check --json
ok "config check names everything that is wrong" has "$out" "strata.ini:3: there is no section [lgo]"
printf '[log]\nlevel = warning\n\n[server local]\ndsn = embedded\n' >"$TMPDIR/instance/strata.ini"
run -C "$TMPDIR/instance" config check
ok "config check is content with a right one" is "$status" 0
run -C "$TMPDIR/instance" config show --json
ok "config show tells where a value is from" has "$out" '"value":"warning","origin":"'"$TMPDIR/instance/strata.ini:2"'"'
STRATA_LOG_LEVEL=error run -C "$TMPDIR/instance" config show --json
ok "the environment comes first" has "$out" '"value":"error","origin":"environment STRATA_LOG_LEVEL"'
# What is right line by line and cannot work.
cannot() { # CONFIGURATION PROBLEM...
    local problem
    printf '%s\n' "$1" >"$TMPDIR/cannot.ini"
    run -C "$TMPDIR/instance" config check "$TMPDIR/cannot.ini"
    is "$status" 3 || return 1
    for problem in "${@:2}"; do has "$out" "$problem" || return 1; done
}
local=$'[server local]\ndsn = embedded'
ok "config check looks for servers that are named" cannot "" "[database] server: there is no server 'local'"
ok "and for names that servers cannot have" cannot $'[server A]\ndsn = embedded' "'A' is not a name for a server"
ok "and at connection strings" cannot "$local"$'\n[server b]\ndsn = host=x foo=1' "server 'b': " "\"foo\""
ok "and at TLS and tokens" cannot "$local"$'\n[http]\nlisten = *:80' "needs TLS and tokens"
ok "and whether both are there" cannot "$local"$'\n[http]\ncert = x.pem' "only one is given"
ok "and can be read" cannot "$local"$'\n[http]\ncert = x.pem\nkey = x.key' "cannot open '$TMPDIR/instance/x.pem'"
ok "and the tokens as well" cannot "$local"$'\n[http]\ntokens = t' "cannot open '$TMPDIR/instance/t'"
"$strata" config show --sample >"$TMPDIR/sample.ini"
run config check "$TMPDIR/sample.ini"
ok "the sample is a right configuration" is "$status" 0
STRATA_DIR=$TMPDIR/instance run config show --json
ok "STRATA_DIR names the instance" has "$out" '"value":"warning"'

json_lines() { "$strata" debug faults --json | /usr/bin/python3 -c 'import json,sys; n=[json.loads(l)["name"] for l in sys.stdin]; sys.exit(not n)'; }
ok "a list is an object a line with --json" json_lines
run debug faults
ok "and a table otherwise" has "$out" "NAME"
no_escape() { no grep -q $'\033' <<<"$1"; }
run --help
ok "no colour where it is not a terminal" no_escape "$out"
run --color=always --help
ok "unless it is asked for" has "$out" $'\033[1m'

# A reader that is gone at once: nothing is complained of.
quiet_pipe() { is "$( { "$strata" help --man commands | true; } 2>&1)" ""; }
ok "a reader that goes away is no error to speak of" quiet_pipe
run_full() { "$strata" help --man commands >/dev/full 2>"$TMPDIR/err"; status=$?; err=$(<"$TMPDIR/err"); }
run_full
ok "a full disk is" is "$status" 6
ok "and is named" has "$err" "cannot print"

# Ctrl-C in the middle of a crawl to a file: so slow that it is not over before.
interrupted() {
    local pid
    mkdir -p "$TMPDIR/tree/"{1..50}/below
    # A shell ignores SIGINT in what it starts in the background.
    /usr/bin/env --default-signal=INT "$strata" catalog crawl - "$TMPDIR/tree" --rate 1 --output "$TMPDIR/tree.tsv" 2>"$TMPDIR/err" &
    pid=$!
    until compgen -G "$TMPDIR/tree.tsv.*" >/dev/null; do sleep 0.05; done
    kill -INT "$pid"
    wait "$pid"
    status=$?
    is "$status" 130 && has "$(<"$TMPDIR/err")" "stopped" && no compgen -G "$TMPDIR/tree.tsv*" >/dev/null
}
ok "an interruption ends with 130 and leaves nothing half written" interrupted

STRATA_FAULT=nonsense:kill run version
ok "a fault point that is not there is refused" has "$err" "there is no fault point 'nonsense'"
STRATA_FAULT=instance_written:x:kill run version
ok "so is a count that is none" has "$err" "'x' is not a count from 1"
STRATA_FAULT=instance_written:1:stop run version
ok "and an action that is none" has "$err" "'stop' is not kill, EIO or ENOSPC"

# refuses SAYS WORD...: status 2, and a sentence that has SAYS.
refuses() {
    run "${@:2}"
    is "$status" 2 && has "$err" "$1"
}
token=(-C "$TMPDIR/instance" token create)
ok "a token needs a role" refuses "a token needs a role" "${token[@]}"
ok "groups need a user" refuses "--groups needs --uid" "${token[@]}" --role reader --groups 1
ok "a user is a number" refuses "--uid: 'ann' is not a number" "${token[@]}" --role reader --uid ann
ok "so are groups" refuses "--groups: 'staff' is not a number" "${token[@]}" --role reader --uid 1 --groups 5,staff
ok "they have an end" refuses "there are more than 256" "${token[@]}" --role reader --uid 1 --groups "$(seq -s, 300)"
ok "what has expired is not made" refuses "'2001-01-01' is over" "${token[@]}" --role reader --expires 2001-01-01
ok "nor what expires at no time" refuses "neither a time nor a duration" "${token[@]}" --role reader --expires soon
printf '[server local]\ndsn = embedded\n[http]\ntokens =\n' >"$TMPDIR/none.ini"
mkdir -p "$TMPDIR/none" && cp "$TMPDIR/none.ini" "$TMPDIR/none/strata.ini"
run -C "$TMPDIR/none" token list
ok "an instance that has no tokens says so" has "$err" "hint: take the empty 'tokens' out of section [http]"
ok "with the status of a configuration" is "$status" 3

run version extra
ok "an argument too many is named with the usage" is "$err" "strata: 'strata version' does not take 'extra'
hint: usage: strata version"
run catalog find x --limit 0
ok "a number that is too small is told the smallest" is "$err" "strata: --limit: '0' is not a whole number of at least 1"
help_says_values_once() {
    local command words
    while read -r command; do
        read -ra words <<<"$command"
        # "a, b or c: a, b, c": a help that lists the values which are printed behind it anyway
        no grep -E '([a-z]+, [a-z]+).*: .*\1' <<<"$(COLUMNS=500 "$strata" "${words[@]}" --help)" || return 1
    done <<<"$commands"
}
ok "help lists the values of an option once" help_says_values_once
run completion tcsh
ok "a shell that is not known is refused" is "$status" 2

# ---- completions, in the shells themselves ----

bash_completes() {
    bash -c 'source <("$0" completion bash); COMP_WORDS=(strata config s); COMP_CWORD=2; _strata; echo "${COMPREPLY[*]}"
             COMP_WORDS=(strata -C /x config show --sa); COMP_CWORD=5; _strata; echo "${COMPREPLY[*]}"
             COMP_WORDS=(strata --color a); COMP_CWORD=2; _strata; echo "${COMPREPLY[*]}"' "$strata"
}
ok "bash completes commands, options and their values" is "$(bash_completes)" "show
--sample
auto always"

# Names that only the instance knows: a server, a token, and keys of the configuration.
mkdir -p "$TMPDIR/instance/keys" "$TMPDIR/empty"
"$strata" -C "$TMPDIR/instance" token create --role reader --name ann >/dev/null
PATH=$(dirname "$(readlink -f "$strata")"):$PATH
bash_completes_names() {
    bash -c 'source <(strata completion bash)
             try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _strata; echo "${COMPREPLY[*]}"; }
             try strata -C "$0" server dsn ""; try strata --dir "$0" token remove a; try strata config explain log.
             try strata -C "$0" pg --server lo; try strata help debug f; try strata completion z
             cd "$1"; try strata -C "$1" token remove ""' "$TMPDIR/instance" "$TMPDIR/empty"
}
names=$'local\nann\nlog.level\nlocal\nfaults\nzsh\n'
ok "bash completes names of the instance" is "$(bash_completes_names; echo .)" "$names"$'\n.'
# The value of an option is no argument, however it is written; a letter means what it means to the command.
bash_knows_values() {
    bash -c 'source <(strata completion bash)
             try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _strata; echo "${COMPREPLY[*]}"; }
             cd "$1"; try strata -C "$0" server dsn -d mas ""; try strata -C "$0" pg -s lo
             try strata -C "$0" pg --server = lo; try strata -C "$0" server dsn --database = mas l
             try strata catalog ls -s ""; try strata catalog ls --sort =; try strata catalog crawl d -n -k ch' \
        "$TMPDIR/instance" "$TMPDIR/empty"
}
names=$'local\nlocal\nlocal\nlocal\nname size mtime\nname size mtime\nchecksum'
ok "bash takes the value of an option for no argument" is "$(bash_knows_values)" "$names"
# Where no file can stand there are none: behind a command without arguments options, behind an option for a text nothing.
mkdir "$TMPDIR/one"
: >"$TMPDIR/one/file"
bash_offers_no_files() {
    bash -c 'source <(strata completion bash)
             try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _strata; echo "${COMPREPLY[*]}"; }
             cd "$0"; try strata pg ""; try strata pg -c ""; try strata pg -d ""; try strata feed get k 1 ""
             try strata catalog ls d ""; try strata key export k --output ""; try strata -C ""' "$TMPDIR/one"
}
options="--server --database --user --command --dir --json --quiet --color --help --version"
ok "bash offers no files where there can be none" is "$(bash_offers_no_files)" "$options"$'\n\n\n\nfile\nfile\nfile'
if command -v zsh >/dev/null; then
    zsh_loads() { zsh -fc 'autoload -U compinit; compinit -D; source <("$1" completion zsh); print $_comps[strata]' zsh "$strata"; }
    ok "zsh loads its completion" is "$(zsh_loads)" "_strata"
    zsh_completes() {
        zsh -fc 'compdef() { : }; source <(strata completion zsh)
                 compadd() { print ${(P)2} }; _describe() { print -- ${(P)@[-1]} | sed "s/:.*//" }; _files() { print files }
                 try() { words=("$@"); CURRENT=$#; PREFIX=${words[-1]}; _strata }
                 try strata -C "$1" server dsn ""; try strata -C "$1" token remove ""; try strata help debug ""
                 try strata catalog ls --sort ""; try strata catalog ls data ""
                 try strata -C "$1" server dsn -d mas ""; try strata catalog ls -s ""
                 try strata pg ""; try strata pg -c ""; try strata feed get k 1 ""; try strata pg -C ""
                 compset() { : }; try strata catalog ls --sort=s' zsh "$TMPDIR/instance"
    }
    names=$'local\nann\nfaults\nname size mtime\nfiles\nlocal\nname size mtime\n--server\nfiles\nname size mtime'
    ok "zsh completes names, commands, values and files" is "$(zsh_completes)" "$names"
else
    skip "zsh loads its completion" "zsh is not installed"
    skip "zsh completes names, commands, values and files" "zsh is not installed"
fi
if command -v fish >/dev/null; then
    fish_completes() { HOME=$TMPDIR fish --no-config -c '"$argv[1]" completion fish | source; complete -C "strata config s"; complete -C "strata --color al"' "$strata" | cut -f 1; }
    ok "fish completes commands and values" is "$(fish_completes)" "show
always"
    fish_completes_names() {
        HOME=$TMPDIR fish --no-config -c 'strata completion fish | source
            complete -C "strata -C $argv[1] server dsn "; complete -C "strata -C $argv[1] token remove "
            complete -C "strata config explain log."; complete -C "strata completion z"
            complete -C "strata -C $argv[1] server dsn -d mas "; complete -C "strata help debug f"' "$TMPDIR/instance" |
            cut -f 1
    }
    fish_offers_no_files() {
        HOME=$TMPDIR fish --no-config -c 'strata completion fish | source; cd $argv[1]
            complete -C "strata pg "; complete -C "strata pg -c "; complete -C "strata feed get k "
            complete -C "strata catalog ls d "; complete -C "strata pg -C "' "$TMPDIR/one" | cut -f 1
    }
    ok "fish offers no files where there can be none" is "$(fish_offers_no_files)" $'file\nfile'
    ok "fish completes names of the instance" is "$(fish_completes_names)" $'local\nann\nlog.level\nzsh\nlocal\nfaults'
else
    skip "fish completes commands and values" "fish is not installed"
    skip "fish offers no files where there can be none" "fish is not installed"
    skip "fish completes names of the instance" "fish is not installed"
fi
man_page() { [ -s "${BUILD:-build}/docs/strata.1" ] && grep -q "EXIT STATUS" "${BUILD:-build}/docs/strata.1"; }
if command -v scdoc >/dev/null; then ok "scdoc makes man pages of the tables" man_page; else skip "man pages" "scdoc is not installed"; fi

echo "1..$tests"
