/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd -- a command of the program, declared as data
 *
 * A command is one file, src/cli/<group>_<verb>.c, with one `const Cmd cmd_<group>_<verb>`, and a row in cmd.def. (Commands of one
 * shape may be rows of a table: dataset_copy.def.)
 * Help, completion, the man page and docs/reference are all printed from it, so there is one place to change. The
 * parser fills the options struct, checks the number of arguments against `args`, and calls run(); run() calls
 * one verb of a part and prints what it gave with cli/out.h. It neither logs nor exits: it returns false with an
 * Err, and main() prints that as a sentence or as JSON and ends with the status of err.def.
 *
 *     typedef struct Opts {
 *         Str output;
 *         int64_t threads;
 *     } Opts;
 *
 *     static const Opt opts[] = {
 *         {OPT_TEXT, "output", 'o', offsetof(Opts, output), "FILE", "write a crawl file instead of the database"},
 *         {OPT_COUNT, "threads", 0, offsetof(Opts, threads), "N", "threads that read directories"},
 *         {.type = OPT_END},
 *     };
 *
 *     static bool run(const Call *call, Err *err)
 *     {
 *         const Opts *o = call->opts;
 *         ...
 *     }
 *
 *     const Cmd cmd_catalog_crawl = {
 *         .name = "catalog crawl", .args = "SHARD PATH...", .summary = "read directory trees into a shard",
 *         .opts = opts, CMD_OPTS(Opts, .threads = 4), .run = run,
 *         .examples = "strata catalog crawl usr /usr\n",
 *     };
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "base/time.h"
#include "cli/out.h"

/* What an option's value is, and the type of the field that gets it. */
typedef enum OptType {
    OPT_END,
    OPT_FLAG,     /* bool; no value */
    OPT_TEXT,     /* Str, NUL terminated; ptr is NULL when not given */
    OPT_LIST,     /* StrList: the option may be given again and again */
    OPT_COUNT,    /* int64_t, min .. max (0 .. INT64_MAX where both are 0) */
    OPT_NUMBER,   /* double */
    OPT_BYTES,    /* int64_t; "64K", "1.5GB": base/quantity.h */
    OPT_DURATION, /* Duration; "90s", "2h" */
    OPT_TIME,     /* Instant; RFC 3339, or a duration: so long ago */
    OPT_ENUM,     /* int, an index into `values` */
    OPT_SET,      /* unsigned, a bit for each of `values`; given as "a,b", or again and again */
} OptType;

typedef struct StrList {
    Str *items;
    size_t count;
} StrList;

typedef struct Opt {
    OptType type;
    const char *name; /* long name, without dashes */
    char letter;      /* short name, or 0 */
    size_t offset;    /* of the field in the command's options struct */
    const char *arg;  /* what the value is called in help; NULL for a flag */
    const char *help; /* one line, lower case, no full stop */
    const char *const
        *values;      /* OPT_ENUM, OPT_SET: the words, ended by NULL; "" first: none of them is given */
    int64_t min, max; /* OPT_COUNT */
} Opt;

/* The options that every command takes, anywhere on the line. */
typedef struct Globals {
    Str dir; /* the instance */
    bool json, quiet, help, version;
    int colour; /* index into auto, always, never */
} Globals;

typedef struct Call {
    const void *opts; /* the command's options struct, filled */
    const Str *args;  /* what is left on the line, NUL terminated */
    size_t args_count;
    Str dir; /* -C, else $STRATA_DIR, else the user's default; NUL terminated */
    bool json, quiet, colour;
    Out *out;
    Arena *arena;
} Call;

typedef struct Cmd {
    const char *name;    /* "catalog shard create": the words typed */
    const char *args;    /* "SHARD PATH...", "[DIR]", "FILE...|-"; its number of words is what is accepted */
    const char *summary; /* one line, lower case, no full stop */
    const char
        *description; /* sentences; paragraphs parted by an empty line, lines that start with a blank stay */
    const char *examples; /* lines; "# ..." above one says what it does */
    const Opt *opts;      /* ends with OPT_END; NULL if none */
    size_t opts_size;     /* sizeof the options struct: CMD_OPTS gives this and the next */
    const void *defaults; /* an options struct with what is not zero when not given */
    bool (*run)(const Call *call, Err *err);
} Cmd;

#define CMD_OPTS(type, ...)                              \
    .opts_size = sizeof(type), .defaults = &(const type) \
    {                                                    \
        __VA_ARGS__                                      \
    }

/* Words that commands start with: "catalog shard". */
typedef struct CmdGroup {
    const char *name, *summary;
} CmdGroup;

/* Commands and their groups in the order help lists them. */
typedef struct CmdSet {
    const Cmd *const *cmds;
    size_t cmds_count;
    const CmdGroup *groups;
    size_t groups_count;
} CmdSet;

/* The program's commands, and all that cmd.def says. */
#define G(name, summary)
#define X(name) extern const Cmd cmd_##name;
#include "cli/cmd.def"
#undef G
#undef X
extern const CmdSet cmd_set;

/* The options of every command. */
extern const Opt cmd_globals[];

/* How many arguments `args` asks for; *max is SIZE_MAX where there is no end. */
void cmd_args_range(const char *args, size_t *min, size_t *max);

/* The command or group of exactly this name, or NULL. */
const Cmd *cmd_find(const CmdSet *set, Str name);
const CmdGroup *cmd_find_group(const CmdSet *set, Str name);

/* Whether `name` is below `group` ("" is above all), and the word after it. */
bool cmd_below(Str name, Str group, Str *out_word);

/* A word that may come after a group's: a command or a group below it. */
typedef struct CmdNext {
    Str name, word, summary; /* "catalog shard", "shard", ... */
    const Cmd *cmd;          /* NULL for a group */
} CmdNext;

/* The words after `group`, each once; returns how many. `out` has room for as many as there are commands. */
size_t cmd_next_words(const CmdSet *set, Str group, CmdNext *out);

#endif
