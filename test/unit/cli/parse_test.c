/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/parse.h"

#include "test/check.h"

typedef struct Opts {
    bool force, verbose;
    Str name;
    StrList exclude;
    int64_t threads, size;
    double rate;
    Duration wait;
    Instant since;
    int mode;
    unsigned kinds;
} Opts;

static const char *const modes[] = {"", "fast", "safe", NULL};
static const char *const kinds[] = {"posix", "magic", "gdal", NULL};

static const Opt opts[] = {
    {OPT_FLAG, "force", 'f', offsetof(Opts, force), NULL, "do it"},
    {OPT_FLAG, "verbose", 'v', offsetof(Opts, verbose), NULL, "say more"},
    {OPT_TEXT, "name", 'n', offsetof(Opts, name), "NAME", "a name"},
    {OPT_LIST, "exclude", 'x', offsetof(Opts, exclude), "PATTERN", "leave out"},
    {OPT_COUNT, "threads", 't', offsetof(Opts, threads), "N", "threads", .min = 1, .max = 64},
    {OPT_BYTES, "size", 0, offsetof(Opts, size), "BYTES", "size"},
    {OPT_NUMBER, "rate", 0, offsetof(Opts, rate), "X", "rate"},
    {OPT_DURATION, "wait", 0, offsetof(Opts, wait), "TIME", "wait"},
    {OPT_TIME, "since", 0, offsetof(Opts, since), "TIME", "since"},
    {OPT_ENUM, "mode", 0, offsetof(Opts, mode), "MODE", "mode", .values = modes},
    {OPT_SET, "kind", 'k', offsetof(Opts, kinds), "KINDS", "kinds", .values = kinds},
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    (void)call;
    (void)err;
    return true;
}

static const Cmd crawl = {.name = "shard crawl",
                          .args = "SHARD PATH...",
                          .summary = "crawl",
                          .opts = opts,
                          CMD_OPTS(Opts, .threads = 4, .kinds = 2),
                          .run = run};
static const Cmd list = {.name = "shard list", .args = "[NAME]", .summary = "list", .run = run};
static const Cmd version = {.name = "version", .summary = "version", .run = run};
static const Cmd *const cmds[] = {&crawl, &list, &version};
static const CmdGroup groups[] = {{"shard", "shards"}};
static const CmdSet set = {cmds, COUNT_OF(cmds), groups, COUNT_OF(groups)};

enum { WORDS_MAX = 32 };

/* Parses `line`, whose words are parted by blanks. */
static bool parse(const char *line, Arena *arena, Parsed *out, Err *err)
{
    char *words[WORDS_MAX] = {str_to_z(arena, STR("strata"))};
    int count = 1;
    Str rest = str_from_z(line), word;

    while (rest.len && count < WORDS_MAX) {
        rest = str_cut(rest, ' ', &word);
        words[count++] = str_to_z(arena, word);
    }
    *err = (Err){0};
    return parse_line(&set, count, words, arena, out, err);
}

static bool is_the_usual_crawl(const Parsed *line)
{
    const Opts *o = line->opts;

    return line->cmd == &crawl && line->args_count == 3 && str_eq(line->args[0], STR("s")) &&
           str_eq(line->args[2], STR("/b")) && o->force && !o->verbose && o->threads == 8 &&
           str_eq(o->name, STR("x"));
}

static void options_and_arguments_may_be_mixed(void)
{
    static const char *const lines[] = {
        "shard crawl --force -t 8 --name=x s /a /b",
        "shard crawl s --force /a -t8 /b --name x",
        "--json shard crawl -ft8 -nx s /a /b",
        "-C /i shard --quiet crawl s /a /b -f --threads=8 --name x --color never",
    };

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        ARENA_SCOPE(arena);
        Parsed line;
        Err err;
        CHECK(parse(lines[i], &arena, &line, &err) && is_the_usual_crawl(&line));
        CHECK(line.globals.json == (i == 2) && line.globals.quiet == (i == 3));
        CHECK(i != 3 || (str_eq(line.globals.dir, STR("/i")) && line.globals.colour == 2));
    }
}

static void values_are_of_their_types(void)
{
    ARENA_SCOPE(arena);
    Parsed line;
    Err err;

    CHECK(parse(
        "shard crawl -x a --exclude b --size 1.5M --rate 0.5 --wait 2s --since 2026-01-02 --mode safe -k gdal,posix s p",
        &arena, &line, &err));
    const Opts *o = line.opts;

    CHECK(o->exclude.count == 2 && str_eq(o->exclude.items[1], STR("b")));
    CHECK(o->size == 3 << 19 && o->rate == 0.5 && o->wait == SECONDS(2) && o->mode == 2 && o->kinds == 5);
    CHECK(o->since == (Instant)1767312000 * 1000000);
    CHECK(o->threads == 4); /* the default */
    CHECK(parse("shard crawl --since 1h s p", &arena, &line, &err));
    o = line.opts;
    CHECK(o->since <= time_now() - SECONDS(3600) && o->since > time_now() - SECONDS(3700));
}

static void a_set_given_again_is_added_to_and_takes_the_place_of_the_default(void)
{
    ARENA_SCOPE(arena);
    Parsed line;
    Err err;

    CHECK(parse("shard crawl s p", &arena, &line, &err) && ((const Opts *)line.opts)->kinds == 2);
    CHECK(parse("shard crawl s p --kind gdal -k posix --kind=gdal --threads 1 --threads 2", &arena, &line,
                &err));
    CHECK(((const Opts *)line.opts)->kinds == 5 && ((const Opts *)line.opts)->threads == 2);
    CHECK(!parse("shard crawl s p --kind gdal --kind nothing", &arena, &line, &err));
}

static void two_dashes_end_the_options_and_one_is_an_argument(void)
{
    ARENA_SCOPE(arena);
    Parsed line;
    Err err;

    CHECK(parse("shard crawl - -- --force -x", &arena, &line, &err) && line.args_count == 3);
    CHECK(str_eq(line.args[0], STR("-")) && str_eq(line.args[1], STR("--force")) &&
          str_eq(line.args[2], STR("-x")));
}

static const struct {
    const char *line, *says, *hint;
} wrong[] = {
    {"shrd", "there is no command 'shrd'", "did you mean 'shard'?"},
    {"shard crwal s p", "there is no command 'shard crwal'", "did you mean 'shard crawl'?"},
    {"crawl s p", "there is no command 'crawl'", "did you mean 'shard crawl'?"},
    {"completely-else", "there is no command 'completely-else'", "strata --help lists what there is"},
    {"shard xyzzy", "there is no command 'shard xyzzy'", "strata shard --help lists what there is"},
    {"shard crawl --thread 1 s p", "'strata shard crawl' has no option '--thread'",
     "did you mean '--threads'?"},
    {"shard list --jsno", "'strata shard list' has no option '--jsno'", "did you mean '--json'?"},
    {"shard crawl -Z s p", "'strata shard crawl' has no option '-Z'", "strata shard crawl --help lists them"},
    {"--force shard crawl", "there is no option '--force' before a command", "strata --help lists them"},
    {"shard crawl --threads", "--threads needs its value: N", ""},
    {"shard crawl s p -n", "--name needs its value: NAME", ""},
    {"shard crawl --force=yes s p", "--force takes no value", ""},
    {"shard crawl --threads 0 s p", "--threads: '0' is not a whole number from 1 to 64", ""},
    {"shard crawl --threads 65 s p", "--threads: '65' is not a whole number from 1 to 64", ""},
    {"shard crawl --threads 4x s p", "--threads: '4x' is not a whole number from 1 to 64", ""},
    {"shard crawl --size big s p", "--size: 'big' is not a size", "for example 4096, 64K, 1.5GiB"},
    {"shard crawl --rate x s p", "--rate: 'x' is not a number", "for example 0.5"},
    {"shard crawl --wait 5 s p", "--wait: '5' is not a duration", "for example 500ms, 90s, 2h, 7d"},
    {"shard crawl --since never s p", "--since: 'never' is not a time",
     "for example 2026-01-31T12:00:00Z, 2026-01-31, or 7d for seven days ago"},
    {"shard crawl --mode slow s p", "--mode: 'slow' is none of fast, safe", ""},
    {"shard crawl --mode= s p", "--mode: '' is none of fast, safe", ""},
    {"shard crawl -k posix,x s p", "--kind: 'x' is none of posix, magic, gdal", ""},
    {"shard crawl s", "'strata shard crawl' needs SHARD PATH...",
     "usage: strata shard crawl [OPTION...] SHARD PATH..."},
    {"shard list a b", "'strata shard list' does not take 'b'", "usage: strata shard list [NAME]"},
    {"version x", "'strata version' does not take 'x'", "usage: strata version"},
};

static void what_is_wrong_is_said_with_what_is_near(void)
{
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ARENA_SCOPE(arena);
        Parsed line;
        Err err;
        bool ok = parse(wrong[i].line, &arena, &line, &err);

        CHECK(!ok && err.code == ERR_USAGE);
        CHECK(strcmp(err.text, wrong[i].says) == 0 && strcmp(err.hint, wrong[i].hint) == 0);
        if (strcmp(err.text, wrong[i].says) != 0 || strcmp(err.hint, wrong[i].hint) != 0)
            printf("# %s: '%s', '%s'\n", wrong[i].line, err.text, err.hint);
    }
}

static void json_is_known_even_of_a_wrong_line(void)
{
    ARENA_SCOPE(arena);
    Parsed line;
    Err err;

    CHECK(!parse("shard nothing --json", &arena, &line, &err) && line.globals.json);
    CHECK(!parse("--json shard crawl --threads x", &arena, &line, &err) && line.globals.json);
    CHECK(!parse("shard nothing", &arena, &line, &err) && !line.globals.json);
}

static void help_asks_for_nothing_else(void)
{
    ARENA_SCOPE(arena);
    Parsed line;
    Err err;

    CHECK(parse("shard crawl --help", &arena, &line, &err) && line.cmd == &crawl && line.globals.help);
    CHECK(parse("shard --help", &arena, &line, &err) && !line.cmd && line.group == &groups[0]);
    CHECK(parse("", &arena, &line, &err) && !line.cmd && !line.group);
}

static const struct {
    const char *args;
    size_t min, max;
} ranges[] = {
    {"", 0, 0},
    {"NAME", 1, 1},
    {"SHARD PATH...", 2, SIZE_MAX},
    {"[DIR]", 0, 1},
    {"[KEY...]", 0, SIZE_MAX},
    {"SHARD FILE...|-", 2, SIZE_MAX},
    {"NAME embedded|DSN", 2, 2},
    {"A [B]", 1, 2},
};

static void the_words_of_args_say_how_many_are_taken(void)
{
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        size_t min, max;

        cmd_args_range(ranges[i].args, &min, &max);
        CHECK(min == ranges[i].min && max == ranges[i].max);
    }
}

int main(void)
{
    RUN(options_and_arguments_may_be_mixed);
    RUN(values_are_of_their_types);
    RUN(a_set_given_again_is_added_to_and_takes_the_place_of_the_default);
    RUN(two_dashes_end_the_options_and_one_is_an_argument);
    RUN(what_is_wrong_is_said_with_what_is_near);
    RUN(json_is_known_even_of_a_wrong_line);
    RUN(help_asks_for_nothing_else);
    RUN(the_words_of_args_say_how_many_are_taken);
    DONE();
}
