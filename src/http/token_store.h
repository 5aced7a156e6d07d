/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_store -- changing a file of tokens: one is made, listed, taken back
 *
 * The file is written beside its place and renamed, under a lock of its directory; comments stay. Services that use
 * it see the change within a second (http/token.h).
 */
#ifndef HTTP_TOKEN_STORE_H
#define HTTP_TOKEN_STORE_H

#include "http/token_line.h"

/*
 * Make a token for `line`, whose hash is filled in, and put it into the file at `path`, which is made when it is not
 * there. An empty name becomes the role with the first digits of the hash.
 *
 * token  the only place where it ever stands
 *
 * ERR_USAGE     the name is none
 * ERR_CONFLICT  there is a token of that name
 * ERR_LIMIT     there are TOKEN_LINES_MAX
 * ERR_CONFIG    a line of the file is wrong, or others may write to it
 * ERR_IO
 */
bool token_store_add(const char *path, TokenLine *line, Arena *arena, Str *token, Err *err) ATTR_MUST_USE;

/* The tokens of the file, in its order; none where there is no file. ERR_CONFIG, ERR_IO. */
bool token_store_list(const char *path, Arena *arena, TokenLine **out, size_t *count, Err *err) ATTR_MUST_USE;

/* Take back the token of that name. ERR_NOT_FOUND, ERR_CONFIG, ERR_IO. */
bool token_store_remove(const char *path, Str name, Err *err) ATTR_MUST_USE;

#endif
