/* SPDX-License-Identifier: Apache-2.0 */
/* token -- what the commands about tokens have in common */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include "cli/cmd.h"
#include "http/token_store.h"

/* The file of tokens of the instance. ERR_NOT_FOUND, ERR_CONFIG: there is no instance, or it has none. */
bool token_path(const Call *call, const char **out, Err *err) ATTR_MUST_USE;

/* Print name, role, uid, groups and expires of a token: fields of a record, or cells of a list. */
void token_put(Out *out, const TokenLine *line, bool fields);

#endif
