/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse -- from a command line to a command, its options and its arguments
 *
 * Options stand anywhere after the words they belong to, mixed with arguments: --name VALUE, --name=VALUE, -n VALUE,
 * -nVALUE, -abc for flags. `--` ends them; `-` alone is an argument. Global options may stand before the command.
 */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/cmd.h"

typedef struct Parsed {
    Globals globals;       /* as far as they were read, also after a failure; json is looked for to the end */
    const Cmd *cmd;        /* NULL when the line ends before a command is named */
    const CmdGroup *group; /* the group it ends in then; NULL for none */
    void *opts;            /* the command's options struct */
    Str *args;
    size_t args_count;
} Parsed;

/*
 * argv[0] is not looked at.
 *
 * ERR_USAGE  no such command or option, a value that its type does not allow, or a wrong number of arguments;
 *            the hint has the nearest name or the usage
 *
 * With --help or --version nothing else is demanded.
 */
bool parse_line(const CmdSet *set, int argc, char **argv, Arena *arena, Parsed *out, Err *err) ATTR_MUST_USE;

/*
 * Read `value` as `opt` says and store it in the options struct at `opts`.
 *
 * ERR_USAGE  it is not of this type, or out of its range
 */
bool parse_value(const Opt *opt, Str value, void *opts, Arena *arena, Err *err) ATTR_MUST_USE;

/* ERR_USAGE: there is no command `name`, with the nearest one in the hint. Always false. */
bool parse_refuse_command(const CmdSet *set, Str name, Arena *arena, Err *err);

/* The words that an option may be, parted by `gap`. */
void parse_put_words(const Opt *opt, const char *gap, Buf *out);

#endif
