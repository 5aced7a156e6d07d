/* SPDX-License-Identifier: Apache-2.0 */
/* help -- the tables of commands and options as text for a terminal */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cmd.h"

typedef struct HelpStyle {
    int columns; /* lines are not longer, where their words allow it */
    bool colour;
} HelpStyle;

/* What is below `group`; all of the program where it is NULL. */
void help_group(const CmdSet *set, const CmdGroup *group, HelpStyle style, Buf *out);
void help_cmd(const Cmd *cmd, HelpStyle style, Buf *out);

/* "-o, --output FILE": an option as it is typed. */
void help_put_option(const Opt *opt, Buf *out);

/* What an option does, its words and its default (an options struct; NULL for none) with it. */
void help_put_option_text(const Opt *opt, const void *defaults, Buf *out);

/* "strata catalog crawl [OPTION...] SHARD PATH..." */
void help_put_usage(const Cmd *cmd, Buf *out);

#endif
