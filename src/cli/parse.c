/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/parse.h"

#include <stdio.h>

#include "base/quantity.h"

/* ---- values ---- */

static bool index_of(Str word, const char *const *values, unsigned *out)
{
    for (unsigned i = 0; values[i]; i++)
        if (word.len && str_eq_z(word, values[i])) {
            *out = i;
            return true;
        }
    return false;
}

void parse_put_words(const Opt *opt, const char *gap, Buf *out)
{
    bool first = true;

    for (size_t i = 0; opt->values && opt->values[i]; i++)
        if (opt->values[i][0]) {
            buf_printf(out, "%s%s", first ? "" : gap, opt->values[i]);
            first = false;
        }
}

static bool refuse_word(const Opt *opt, Str word, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(words);

    parse_put_words(opt, ", ", &words);
    return err_set(err, ERR_USAGE, "--%s: '%.*s' is none of %.*s", opt->name, STR_ARG(word),
                   STR_ARG(buf_str(&words)));
}

static bool parse_set(const Opt *opt, Str value, unsigned *out, Err *err)
{
    unsigned bits = 0, index;

    while (value.len) {
        Str word;

        value = str_cut(value, ',', &word);
        if (!index_of(word, opt->values, &index))
            return refuse_word(opt, word, err);
        bits |= 1U << index;
    }
    *out = bits;
    return true;
}

static bool parse_time(Str value, Instant *out)
{
    Duration ago;

    if (time_parse(value, out))
        return true;
    if (!time_parse_duration(value, &ago))
        return false;
    *out = time_now() - ago;
    return true;
}

static bool parse_count(const Opt *opt, Str value, int64_t *out)
{
    int64_t max = opt->min == 0 && opt->max == 0 ? INT64_MAX : opt->max, count;

    if (!str_to_int64(value, &count) || count < opt->min || count > max)
        return false;
    *out = count;
    return true;
}

static void add_to_list(StrList *list, Str value, Arena *arena)
{
    Str *items = arena_new(arena, Str, list->count + 1);

    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count++] = value;
    list->items = items;
}

static bool refuse_count(const Opt *opt, Str value, Err *err)
{
    if (opt->min == 0 && opt->max == 0)
        return err_set(err, ERR_USAGE, "--%s: '%.*s' is not a whole number", opt->name, STR_ARG(value));
    if (opt->max == INT64_MAX)
        return err_set(err, ERR_USAGE, "--%s: '%.*s' is not a whole number of at least %lld", opt->name,
                       STR_ARG(value), (long long)opt->min);
    return err_set(err, ERR_USAGE, "--%s: '%.*s' is not a whole number from %lld to %lld", opt->name,
                   STR_ARG(value), (long long)opt->min, (long long)opt->max);
}

static bool refuse(const Opt *opt, Str value, const char *is_not, const char *hint, Err *err)
{
    (void)err_set(err, ERR_USAGE, "--%s: '%.*s' is not %s", opt->name, STR_ARG(value), is_not);
    return err_hint(err, "%s", hint);
}

bool parse_value(const Opt *opt, Str value, void *opts, Arena *arena, Err *err)
{
    void *field = (char *)opts + opt->offset;

    switch (opt->type) {
    case OPT_FLAG:
        *(bool *)field = true;
        return true;
    case OPT_TEXT:
        *(Str *)field = value;
        return true;
    case OPT_LIST:
        add_to_list(field, value, arena);
        return true;
    case OPT_COUNT:
        return parse_count(opt, value, field) || refuse_count(opt, value, err);
    case OPT_NUMBER:
        return str_to_double(value, field) || refuse(opt, value, "a number", "for example 0.5", err);
    case OPT_BYTES:
        return quantity_parse_bytes(value, field) ||
               refuse(opt, value, "a size", "for example 4096, 64K, 1.5GiB", err);
    case OPT_DURATION:
        return time_parse_duration(value, field) ||
               refuse(opt, value, "a duration", "for example 500ms, 90s, 2h, 7d", err);
    case OPT_TIME:
        return parse_time(value, field) ||
               refuse(opt, value, "a time",
                      "for example 2026-01-31T12:00:00Z, 2026-01-31, or 7d for seven days ago", err);
    case OPT_ENUM:
        return index_of(value, opt->values, field) || refuse_word(opt, value, err);
    case OPT_SET:
        return parse_set(opt, value, field, err);
    case OPT_END:
        break;
    }
    return err_set(err, ERR_BUG, "--%s has no type", opt->name);
}

/* ---- suggestions ---- */

/* The command that `word`, typed after `group`, was meant to start or to be: below the group, or the end of a name
 * anywhere ("crawl" for "catalog crawl"). */
static Str nearest_command(const CmdSet *set, Str group, Str word, Arena *arena)
{
    Str *names = arena_new(arena, Str, set->cmds_count), below, found;
    size_t count = 0;

    for (size_t i = 0; i < set->cmds_count; i++)
        if (cmd_below(str_from_z(set->cmds[i]->name), group, &below))
            names[count++] = below;
    found = str_nearest(word, names, count);
    if (found.len)
        return group.len ? str_printf(arena, "%.*s %.*s", STR_ARG(group), STR_ARG(found)) : found;
    for (size_t i = 0; i < set->cmds_count; i++) {
        Str name = str_from_z(set->cmds[i]->name);

        if (str_ends(name, word) && name.len > word.len && name.ptr[name.len - word.len - 1] == ' ')
            return name;
    }
    return (Str){0};
}

static bool refuse_command(const CmdSet *set, Str group, Str word, Arena *arena, Err *err)
{
    Str found = nearest_command(set, group, word, arena);
    const char *gap = group.len ? " " : "";

    (void)err_set(err, ERR_USAGE, "there is no command '%.*s%s%.*s'", STR_ARG(group), gap, STR_ARG(word));
    if (found.len)
        return err_hint(err, "did you mean '%.*s'?", STR_ARG(found));
    return err_hint(err, "strata %.*s%s--help lists what there is", STR_ARG(group), gap);
}

bool parse_refuse_command(const CmdSet *set, Str name, Arena *arena, Err *err)
{
    Str group = {0}, word;

    for (;;) {
        name = str_cut(name, ' ', &word);
        Str more = group.len ? str_printf(arena, "%.*s %.*s", STR_ARG(group), STR_ARG(word)) : word;

        if (!cmd_find_group(set, more))
            return refuse_command(set, group, word, arena, err);
        group = more;
    }
}

static size_t add_option_names(const Opt *opts, Str *names)
{
    size_t count = 0;

    for (; opts && opts->type != OPT_END; opts++) {
        if (names)
            names[count] = str_from_z(opts->name);
        count++;
    }
    return count;
}

static bool refuse_option(const Cmd *cmd, Str name, Arena *arena, Err *err)
{
    const Opt *own = cmd ? cmd->opts : NULL;
    Str *names = arena_new(arena, Str, add_option_names(own, NULL) + add_option_names(cmd_globals, NULL));
    size_t count = add_option_names(own, names);
    const char *dashes = name.len > 1 ? "--" : "-";
    Str found;

    count += add_option_names(cmd_globals, names + count);
    found = name.len > 1 ? str_nearest(name, names, count) : (Str){0};
    if (cmd)
        (void)err_set(err, ERR_USAGE, "'strata %s' has no option '%s%.*s'", cmd->name, dashes, STR_ARG(name));
    else
        (void)err_set(err, ERR_USAGE, "there is no option '%s%.*s' before a command", dashes, STR_ARG(name));
    if (found.len)
        return err_hint(err, "did you mean '--%.*s'?", STR_ARG(found));
    return err_hint(err, "strata %s%s--help lists them", cmd ? cmd->name : "", cmd ? " " : "");
}

/* ---- the line ---- */

typedef struct Line {
    const CmdSet *set;
    char **argv;
    int at, argc;
    Arena *arena;
    Parsed *out;
    Buf words;           /* of the command, as far as typed */
    uint64_t sets_given; /* a bit for each option of the command that is an OPT_SET and was given */
} Line;

static const Opt *find_option(const Opt *opts, Str name, char letter)
{
    for (; opts && opts->type != OPT_END; opts++)
        if (letter ? opts->letter == letter : str_eq_z(name, opts->name))
            return opts;
    return NULL;
}

/* The option's row, and the struct that its value goes to. */
static const Opt *option_of(Line *line, Str name, char letter, void **out_struct)
{
    const Cmd *cmd = line->out->cmd;
    const Opt *opt = find_option(cmd ? cmd->opts : NULL, name, letter);

    *out_struct = line->out->opts;
    if (!opt) {
        opt = find_option(cmd_globals, name, letter);
        *out_struct = &line->out->globals;
    }
    return opt;
}

/* The last value of an option given twice counts, but that of a set, like that of a list, is added: "--kind a --kind b". */
static bool take_value(Line *line, const Opt *opt, Str value, void *into, Err *err)
{
    if (opt->type != OPT_SET)
        return parse_value(opt, value, into, line->arena, err);

    unsigned *field = (unsigned *)((char *)into + opt->offset), before = *field;
    uint64_t bit = UINT64_C(1) << (opt - line->out->cmd->opts);

    if (!parse_value(opt, value, into, line->arena, err))
        return false;
    if (line->sets_given & bit)
        *field |= before;
    line->sets_given |= bit;
    return true;
}

/* The value of an option that stands alone in its word: the next word. */
static bool next_word(Line *line, const Opt *opt, Str *out, Err *err)
{
    if (line->at >= line->argc)
        return err_set(err, ERR_USAGE, "--%s needs its value: %s", opt->name, opt->arg);
    *out = str_from_z(line->argv[line->at++]);
    return true;
}

static bool take_long(Line *line, Str word, Err *err)
{
    Str name, value = str_cut(word, '=', &name);
    bool has_value = name.len < word.len;
    void *into;
    const Opt *opt = option_of(line, name, 0, &into);

    if (!opt || name.len == 0)
        return refuse_option(line->out->cmd, name, line->arena, err);
    if (opt->type == OPT_FLAG && has_value)
        return err_set(err, ERR_USAGE, "--%s takes no value", opt->name);
    if (opt->type != OPT_FLAG && !has_value && !next_word(line, opt, &value, err))
        return false;
    return take_value(line, opt, value, into, err);
}

static bool take_letters(Line *line, Str letters, Err *err)
{
    while (letters.len) {
        void *into;
        const Opt *opt = option_of(line, (Str){0}, letters.ptr[0], &into);
        Str value = str_sub(letters, 1, letters.len);

        if (!opt)
            return refuse_option(line->out->cmd, str_sub(letters, 0, 1), line->arena, err);
        letters = opt->type == OPT_FLAG ? value : (Str){0};
        if (opt->type != OPT_FLAG && value.len == 0 && !next_word(line, opt, &value, err))
            return false;
        if (!take_value(line, opt, value, into, err))
            return false;
    }
    return true;
}

static void begin_command(Line *line, const Cmd *cmd)
{
    Parsed *out = line->out;
    size_t size = cmd->opts_size ? cmd->opts_size : 1;

    out->cmd = cmd;
    out->group = NULL;
    out->opts = arena_alloc(line->arena, size, alignof(max_align_t), 1);
    if (cmd->defaults)
        memcpy(out->opts, cmd->defaults, cmd->opts_size);
}

/* One more word before the command is complete. */
static bool take_command_word(Line *line, Str word, Err *err)
{
    Parsed *out = line->out;
    Str group = str_copy(line->arena, buf_str(&line->words));

    if (group.len)
        buf_put_byte(&line->words, ' ');
    buf_put(&line->words, word);

    const Cmd *cmd = cmd_find(line->set, buf_str(&line->words));
    if (cmd) {
        begin_command(line, cmd);
        return true;
    }
    out->group = cmd_find_group(line->set, buf_str(&line->words));
    return out->group || refuse_command(line->set, group, word, line->arena, err);
}

static bool take_word(Line *line, Str word, Err *err)
{
    Parsed *out = line->out;

    if (!out->cmd)
        return take_command_word(line, word, err);
    out->args[out->args_count++] = word;
    return true;
}

static bool take_words(Line *line, Err *err)
{
    bool options = true;

    while (line->at < line->argc) {
        Str word = str_from_z(line->argv[line->at++]);

        if (options && str_eq_z(word, "--"))
            options = false;
        else if (options && str_starts(word, STR("--"))) {
            if (!take_long(line, str_sub(word, 2, word.len), err))
                return false;
        } else if (options && word.len > 1 && word.ptr[0] == '-') {
            if (!take_letters(line, str_sub(word, 1, word.len), err))
                return false;
        } else if (!take_word(line, word, err))
            return false;
    }
    return true;
}

static bool check_args(const Parsed *out, Err *err)
{
    const Cmd *cmd = out->cmd;
    const char *args = cmd->args ? cmd->args : "";
    size_t min, max;

    cmd_args_range(args, &min, &max);
    if (out->args_count >= min && out->args_count <= max)
        return true;
    if (out->args_count < min)
        (void)err_set(err, ERR_USAGE, "'strata %s' needs %s", cmd->name, args);
    else
        (void)err_set(err, ERR_USAGE, "'strata %s' does not take '%.*s'", cmd->name, STR_ARG(out->args[max]));
    return err_hint(err, "usage: strata %s%s%s%s", cmd->name, cmd->opts ? " [OPTION...]" : "",
                    *args ? " " : "", args);
}

/* An error is printed as JSON even where the line is wrong before the word that asks for it. */
static void look_for_json(Line *line)
{
    for (; line->at < line->argc; line->at++)
        if (str_eq_z(STR("--json"), line->argv[line->at]))
            line->out->globals.json = true;
}

bool parse_line(const CmdSet *set, int argc, char **argv, Arena *arena, Parsed *out, Err *err)
{
    Line line = {.set = set, .argv = argv, .at = 1, .argc = argc, .arena = arena, .out = out};

    *out = (Parsed){.args = arena_new(arena, Str, (size_t)argc)};
    bool ok = take_words(&line, err);
    buf_release(&line.words);
    if (!ok) {
        look_for_json(&line);
        return false;
    }
    return !out->cmd || out->globals.help || out->globals.version || check_args(out, err);
}
