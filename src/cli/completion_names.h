/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion_names -- names that only the instance knows, for a shell that completes an argument: `strata completion shards`
 *
 * What an argument is called in a command's `args` (SHARD, SERVER, TOKEN, KEY), and of which group that is, says which names it may be.
 */
#ifndef CLI_COMPLETION_NAMES_H
#define CLI_COMPLETION_NAMES_H

#include "cli/cmd.h"

/* "shards" for an option's "SHARD", and for a command with the arguments "SHARD [PATH]"; NULL where it is no name of the instance's. */
const char *completion_kind(const char *arg);
const char *completion_argument(const Cmd *cmd);

bool completion_is_kind(Str kind);

/*
 * Put the names of a kind that there is, one a line.
 *
 * ERR_NOT_FOUND  there is no instance
 * ERR_CONFIG     the configuration or the file of tokens is wrong
 * ERR_DB, ERR_IO the shards cannot be asked for, the tokens, the keys or the feeds not be read
 */
bool completion_put_names(const Call *call, Str kind, Buf *out, Err *err) ATTR_MUST_USE;

/* The kinds there are, with `gap` between. */
void completion_put_kinds(const char *gap, Buf *out);

#endif
