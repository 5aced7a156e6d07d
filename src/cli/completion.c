/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <string.h>

#include "cli/completion_names.h"
#include "cli/parse.h"

/* `text` between single quotes, which all three shells take; `also` is put behind a backslash where it is not 0. */
static void put_quoted(Str text, char also, Buf *out)
{
    buf_put_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') {
            buf_put_z(out, "'\\''");
            continue;
        }
        if (also && (text.ptr[i] == also || text.ptr[i] == '\\'))
            buf_put_byte(out, '\\');
        buf_put_byte(out, text.ptr[i]);
    }
    buf_put_byte(out, '\'');
}

/* Calls `put` for every place on the line that words follow: the start, and every group. */
static void for_each_group(const CmdSet *set, void (*put)(const CmdSet *set, Str group, Buf *out), Buf *out)
{
    put(set, (Str){0}, out);
    for (size_t i = 0; i < set->groups_count; i++)
        put(set, str_from_z(set->groups[i].name), out);
}

/* Options whose value is a word of its own, as patterns of a shell's case. */
static void put_valued(const Opt *opts, Buf *out)
{
    for (; opts && opts->type != OPT_END; opts++) {
        if (opts->type == OPT_FLAG)
            continue;
        buf_printf(out, "%s--%s", out->len && out->ptr[out->len - 1] != '(' ? "|" : "", opts->name);
        if (opts->letter)
            buf_printf(out, "|-%c", opts->letter);
    }
}

/*
 * Options of each command whose value is a word of its own, with the command before them: a letter means one thing
 * here and another there.
 */
static void put_valued_of_commands(const CmdSet *set, const char *between, Buf *out)
{
    bool first = true;

    for (size_t i = 0; i < set->cmds_count; i++)
        for (const Opt *opt = set->cmds[i]->opts; opt && opt->type != OPT_END; opt++) {
            if (opt->type == OPT_FLAG)
                continue;
            buf_printf(out, "%s'%s --%s'", first ? "" : between, set->cmds[i]->name, opt->name);
            if (opt->letter)
                buf_printf(out, "%s'%s -%c'", between, set->cmds[i]->name, opt->letter);
            first = false;
        }
}

/* The first word of the arguments, where that is a list of words as it is: "bash|zsh|fish|KIND". */
static Str fixed_words(const Cmd *cmd, Arena *arena)
{
    Str words = cmd->args ? str_from_z(cmd->args) : (Str){0}, first, one;
    BUF_SCOPE(text);

    (void)str_cut(words, ' ', &first);
    for (bool several = first.len && memchr(first.ptr, '|', first.len); several && first.len;) {
        first = str_cut(first, '|', &one);
        if (one.len && one.ptr[0] >= 'a' && one.ptr[0] <= 'z')
            buf_printf(&text, "%s%.*s", text.len ? " " : "", STR_ARG(one));
    }
    return str_copy(arena, buf_str(&text));
}

/* Whether it is a file that an argument is, or one of some arguments: "[FILE]", "SHARD PATH...". */
static bool names_file(const char *args)
{
    return args &&
           (strstr(args, "FILE") || strstr(args, "DIR") || strstr(args, "PATH") || strstr(args, "PATTERN"));
}

/* The commands without arguments, or with some of which none is a file, as patterns of a shell's case. */
static void put_fileless(const CmdSet *set, bool arguments, Buf *out)
{
    bool first = true;

    for (size_t i = 0; i < set->cmds_count; i++)
        if (!names_file(set->cmds[i]->args) && arguments == (set->cmds[i]->args != NULL)) {
            buf_printf(out, "%s'%s '", first ? "" : "|", set->cmds[i]->name);
            first = false;
        }
}

/* What `files` is where no option tells: behind some commands stand options alone, behind others no file. */
static void put_files(const CmdSet *set, Buf *out)
{
    buf_put_z(out, "    case \"$at\" in\n    (");
    put_fileless(set, false, out);
    buf_put_z(out, ") files=no ;;\n    (");
    put_fileless(set, true, out);
    buf_put_z(out, ") files=never ;;\n    esac\n");
}

/*
 * The walk over the words before the cursor that bash and zsh share: it leaves in `at` the command as far as it is
 * typed, in `n` how many arguments follow it, and in `dir` the instance that was named. `first` is the index of the
 * first word, `words` the array, `end` the index of the word at the cursor. (bash takes --name=value for three words.)
 */
static void put_walk(const CmdSet *set, const char *first, const char *words, const char *end, Buf *out)
{
    buf_printf(out, "    for ((i = %s; i < %s; i++)); do\n        word=\"${%s[i]}\"\n", first, end, words);
    buf_put_z(out, "        if [[ -n $skip && $word == '=' ]]; then continue; fi\n"
                   "        if [[ -n $skip ]]; then [[ $skip != 2 ]] || dir=\"$word\"; skip=; continue; fi\n"
                   "        case \"$word\" in\n        (--dir|-C) skip=2 ;;\n        (");
    put_valued(cmd_globals, out);
    buf_put_z(out, ") skip=1 ;;\n        (-*) case \"$at$word\" in (");
    put_valued_of_commands(set, "|", out);
    buf_put_z(out,
              ") skip=1 ;; esac ;;\n        (*) case \"$at$word\" in\n            (help) ;;\n            (");
    for (size_t i = 0; i < set->groups_count; i++)
        buf_printf(out, "'%s'|", set->groups[i].name);
    for (size_t i = 0; i < set->cmds_count; i++)
        buf_printf(out, "%s'%s'", i ? "|" : "", set->cmds[i]->name);
    buf_put_z(
        out,
        ") at=\"$at$word \" ;;\n            (*) n=$((n + 1)) ;;\n            esac ;;\n        esac\n    done\n");
}

/* The pattern of an option behind the command `at`. */
static void put_option_pattern(const char *at, const Opt *opt, Buf *out)
{
    buf_printf(out, "(%s--%s", at, opt->name);
    if (opt->letter)
        buf_printf(out, "|%s-%c", at, opt->letter);
    buf_put_byte(out, ')');
}

/* Calls `put` with the options of every command, and a pattern for where they are: then for those of all commands. */
static void for_each_valued(const CmdSet *set, void (*put)(const char *at, const Opt *opts, Buf *out),
                            Buf *out)
{
    for (size_t i = 0; i < set->cmds_count; i++) {
        BUF_SCOPE(at);

        buf_printf(&at, "'%s '%c", set->cmds[i]->name, '\0');
        put(at.ptr, set->cmds[i]->opts, out);
    }
    put("*", cmd_globals, out);
}

/* ---- bash ---- */

static void put_bash_words(const CmdSet *set, Str group, Buf *out)
{
    ARENA_SCOPE(scratch);
    CmdNext *next = arena_new(&scratch, CmdNext, set->cmds_count);
    size_t count = cmd_next_words(set, group, next);

    buf_printf(out, "    ('%.*s%s') words='", STR_ARG(group), group.len ? " " : "");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%.*s", i ? " " : "", STR_ARG(next[i].word));
    buf_put_z(out, "' ;;\n");
}

static void put_bash_options(const Opt *opts, Buf *out)
{
    for (; opts && opts->type != OPT_END; opts++)
        buf_printf(out, " --%s", opts->name);
}

/* The first argument of a command, where it is one of some words, or a name of the instance's. */
static void put_bash_argument(const Cmd *cmd, Buf *out)
{
    ARENA_SCOPE(scratch);
    const char *kind = completion_argument(cmd);
    Str fixed = fixed_words(cmd, &scratch);

    if (kind)
        buf_printf(out, "    ('%s 0') words=$(_strata_names %s) ;;\n", cmd->name, kind);
    else if (fixed.len)
        buf_printf(out, "    ('%s 0') words='%.*s' ;;\n", cmd->name, STR_ARG(fixed));
}

/* What may follow an option with a value. */
static void put_bash_values(const char *at, const Opt *opts, Buf *out)
{
    for (; opts && opts->type != OPT_END; opts++) {
        const char *kind = completion_kind(opts->arg);

        if (opts->type == OPT_FLAG)
            continue;
        buf_put_z(out, "    ");
        put_option_pattern(at, opts, out);
        if (opts->values) {
            buf_put_z(out, " words='");
            parse_put_words(opts, " ", out);
            buf_put_z(out, "' ;;\n");
        } else if (kind) {
            buf_printf(out, " words=$(_strata_names %s) ;;\n", kind);
        } else {
            buf_printf(out, " words= files=%s ;;\n", names_file(opts->arg) ? "yes" : "never");
        }
    }
}

void completion_put_bash(const CmdSet *set, Buf *out)
{
    buf_put_z(
        out,
        "# bash completion of strata; load it with: source <(strata completion bash)\n"
        "_strata_names() { strata ${dir:+-C \"$dir\"} completion \"$1\" 2>/dev/null; }\n"
        "_strata() {\n"
        "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" at='' skip='' words='' options=''\n"
        "    local word i n=0 dir='' files=yes\n"
        "    if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=\"${COMP_WORDS[COMP_CWORD-2]}\"; fi\n");
    put_walk(set, "1", "COMP_WORDS", "COMP_CWORD", out);
    buf_put_z(out, "    case \"$at\" in\n");
    for_each_group(set, put_bash_words, out);
    for (size_t i = 0; i < set->cmds_count; i++) {
        buf_printf(out, "    ('%s ') options='", set->cmds[i]->name);
        put_bash_options(set->cmds[i]->opts, out);
        buf_put_z(out, "' ;;\n");
    }
    buf_put_z(out, "    esac\n    case \"$at$n\" in\n");
    for (size_t i = 0; i < set->cmds_count; i++)
        put_bash_argument(set->cmds[i], out);
    buf_put_z(out, "    esac\n");
    put_files(set, out);
    buf_put_z(out, "    options+='");
    put_bash_options(cmd_globals, out);
    buf_put_z(out, "'\n    case \"$at$prev\" in\n");
    for_each_valued(set, put_bash_values, out);
    buf_put_z(out, "    esac\n"
                   "    if [[ $cur == -* || -z $words && $files == no ]]; then words=$options; fi\n"
                   "    if [[ -n $words ]]; then\n"
                   "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                   "    elif [[ $files == yes ]]; then\n"
                   "        compopt -o filenames 2>/dev/null\n"
                   "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                   "    fi\n"
                   "}\n"
                   "complete -F _strata strata\n");
}

/* ---- zsh ---- */

static void put_zsh_words(const CmdSet *set, Str group, Buf *out)
{
    ARENA_SCOPE(scratch);
    CmdNext *next = arena_new(&scratch, CmdNext, set->cmds_count);
    size_t count = cmd_next_words(set, group, next);

    buf_printf(out, "    ('%.*s%s') cmds=(", STR_ARG(group), group.len ? " " : "");
    for (size_t i = 0; i < count; i++) {
        Str row = str_printf(&scratch, "%.*s:%.*s", STR_ARG(next[i].word), STR_ARG(next[i].summary));

        buf_put_byte(out, ' ');
        put_quoted(row, 0, out);
    }
    buf_put_z(out, ") ;;\n");
}

static void put_zsh_argument(const Cmd *cmd, Buf *out)
{
    ARENA_SCOPE(scratch);
    const char *kind = completion_argument(cmd);
    Str fixed = fixed_words(cmd, &scratch);

    if (kind)
        buf_printf(out, "    ('%s 0') names=(${(f)\"$(_strata_names %s)\"}) ;;\n", cmd->name, kind);
    else if (fixed.len)
        buf_printf(out, "    ('%s 0') names=(%.*s) ;;\n", cmd->name, STR_ARG(fixed));
}

/* The words before the cursor end with such an option: its values. */
static void put_zsh_values(const char *at, const Opt *opts, Buf *out)
{
    for (; opts && opts->type != OPT_END; opts++) {
        const char *kind = completion_kind(opts->arg);

        if (opts->type == OPT_FLAG)
            continue;
        buf_put_z(out, "    ");
        put_option_pattern(at, opts, out);
        if (opts->values) {
            buf_put_z(out, " names=(");
            parse_put_words(opts, " ", out);
            buf_put_z(out, ") ;;\n");
        } else if (kind) {
            buf_printf(out, " names=(${(f)\"$(_strata_names %s)\"}) ;;\n", kind);
        } else {
            buf_printf(out, " cmds=() files=%s ;;\n", names_file(opts->arg) ? "yes" : "never");
        }
    }
}

static void put_zsh_options(const Opt *opts, Buf *out)
{
    ARENA_SCOPE(scratch);

    for (; opts && opts->type != OPT_END; opts++) {
        buf_put_byte(out, ' ');
        put_quoted(str_printf(&scratch, "--%s:%s", opts->name, opts->help), 0, out);
    }
}

void completion_put_zsh(const CmdSet *set, Buf *out)
{
    buf_put_z(out,
              "#compdef strata\n"
              "# zsh completion of strata; put it into a directory of $fpath as _strata, or load it with:\n"
              "# source <(strata completion zsh)\n"
              "_strata_names() { strata ${dir:+-C} ${dir:+\"$dir\"} completion \"$1\" 2>/dev/null; }\n"
              "_strata() {\n"
              "    local at='' skip='' word i n=0 dir='' files=yes prev=\"${words[CURRENT-1]}\"\n"
              "    local -a cmds options names\n");
    put_walk(set, "2", "words", "CURRENT", out);
    buf_put_z(out, "    case \"$at\" in\n");
    for_each_group(set, put_zsh_words, out);
    for (size_t i = 0; i < set->cmds_count; i++) {
        buf_printf(out, "    ('%s ') options=(", set->cmds[i]->name);
        put_zsh_options(set->cmds[i]->opts, out);
        buf_put_z(out, ") ;;\n");
    }
    buf_put_z(out, "    esac\n    case \"$at$n\" in\n");
    for (size_t i = 0; i < set->cmds_count; i++)
        put_zsh_argument(set->cmds[i], out);
    buf_put_z(out, "    esac\n");
    put_files(set, out);
    buf_put_z(out, "    if [[ $PREFIX == --*=* ]]; then prev=\"${PREFIX%%=*}\"; compset -P '*='; fi\n"
                   "    case \"$at$prev\" in\n");
    for_each_valued(set, put_zsh_values, out);
    buf_put_z(out, "    esac\n    options+=(");
    put_zsh_options(cmd_globals, out);
    buf_put_z(out,
              ")\n"
              "    if (( $#names )); then\n"
              "        compadd -a names\n"
              "    elif [[ $PREFIX == -* ]]; then\n"
              "        _describe -o option options\n"
              "    elif (( $#cmds )); then\n"
              "        _describe command cmds\n"
              "    elif [[ $files == no ]]; then\n"
              "        _describe -o option options\n"
              "    elif [[ $files == yes ]]; then\n"
              "        _files\n"
              "    fi\n"
              "}\n"
              "if [[ ${funcstack[1]} == _strata ]]; then _strata \"$@\"; else compdef _strata strata; fi\n");
}

/* ---- fish ---- */

static void put_fish_words(const CmdSet *set, Str group, Buf *out)
{
    ARENA_SCOPE(scratch);
    CmdNext *next = arena_new(&scratch, CmdNext, set->cmds_count);
    size_t count = cmd_next_words(set, group, next);

    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "complete -c strata -f -n '__strata_at %.*s' -a %.*s -d ", STR_ARG(group),
                   STR_ARG(next[i].word));
        put_quoted(next[i].summary, '\\', out);
        buf_put_byte(out, '\n');
    }
}

/* The first argument, as put_bash_argument() has it. */
static void put_fish_argument(const Cmd *cmd, Buf *out)
{
    ARENA_SCOPE(scratch);
    const char *kind = completion_argument(cmd);
    Str fixed = fixed_words(cmd, &scratch);

    if (kind)
        buf_printf(out, "complete -c strata -f -n '__strata_at %s' -a '(__strata_names %s)'\n", cmd->name,
                   kind);
    else if (fixed.len)
        buf_printf(out, "complete -c strata -f -n '__strata_at %s' -a '%.*s'\n", cmd->name, STR_ARG(fixed));
}

static void put_fish_option(const Opt *opt, Str at, Buf *out)
{
    buf_printf(out, "complete -c strata%.*s -l %s", STR_ARG(at), opt->name);
    if (opt->letter)
        buf_printf(out, " -s %c", opt->letter);
    if (opt->type != OPT_FLAG)
        buf_put_z(out, names_file(opt->arg) ? " -r" : " -x");
    if (completion_kind(opt->arg))
        buf_printf(out, " -a '(__strata_names %s)'", completion_kind(opt->arg));
    if (opt->values) {
        buf_put_z(out, " -a '");
        parse_put_words(opt, " ", out);
        buf_put_byte(out, '\'');
    }
    buf_put_z(out, " -d ");
    put_quoted(str_from_z(opt->help), '\\', out);
    buf_put_byte(out, '\n');
}

void completion_put_fish(const CmdSet *set, Buf *out)
{
    ARENA_SCOPE(scratch);

    buf_put_z(out, "# fish completion of strata; load it with: strata completion fish | source\n"
                   "set -g __strata_valued ");
    put_valued_of_commands(set, " ", out);
    buf_put_z(
        out,
        "\n"
        "function __strata_at\n"
        "    set -l words\n"
        "    set -l skip 0\n"
        "    for word in (commandline -opc)[2..-1]\n"
        "        if test $skip = 1\n"
        "            set skip 0\n"
        "        else if contains -- $word -C --dir --color\n"
        "            set skip 1\n"
        "        else if string match -q -- '-*' $word\n"
        "            for i in 1 2 3\n"
        "                if contains -- \"$words[1..$i] $word\" $__strata_valued\n"
        "                    set skip 1\n"
        "                end\n"
        "            end\n"
        "        else if test \"$words$word\" != help\n"
        "            set -a words $word\n"
        "        end\n"
        "    end\n"
        "    test \"$words\" = \"$argv\"\n"
        "end\n"
        "function __strata_names\n"
        "    set -l dir\n"
        "    set -l words (commandline -opc)\n"
        "    for i in (seq 2 (count $words))\n"
        "        if contains -- $words[$i] -C --dir; and test $i -lt (count $words)\n"
        "            set dir -C $words[(math $i + 1)]\n"
        "        end\n"
        "    end\n"
        "    strata $dir completion $argv 2>/dev/null\n"
        "end\n"
        "function __strata_in\n"
        "    string match -q -- \"* $argv *\" \" \"(string join ' ' (string match -v -- '-*' (commandline -opc)))\" \"\n"
        "end\n");
    for_each_group(set, put_fish_words, out);
    for (const Opt *opt = cmd_globals; opt->type != OPT_END; opt++)
        put_fish_option(opt, (Str){0}, out);
    for (size_t i = 0; i < set->cmds_count; i++) {
        Str at = str_printf(&scratch, " -n '__strata_in %s'", set->cmds[i]->name);

        put_fish_argument(set->cmds[i], out);
        if (!names_file(set->cmds[i]->args))
            buf_printf(out, "complete -c strata -f%.*s\n", STR_ARG(at));
        for (const Opt *opt = set->cmds[i]->opts; opt && opt->type != OPT_END; opt++)
            put_fish_option(opt, at, out);
    }
}
