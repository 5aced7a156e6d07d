/* SPDX-License-Identifier: Apache-2.0 */
/* token_line -- a line of the file of tokens: http/token.h has its form */
#ifndef HTTP_TOKEN_LINE_H
#define HTTP_TOKEN_LINE_H

#include "http/token.h"

enum { TOKEN_FILE_MAX = 1 << 20, TOKEN_HASH_BYTES = TOKEN_HASH_HEX / 2 }; /* both in bytes */

typedef struct TokenLine {
    unsigned char hash[TOKEN_HASH_BYTES];
    User user;
    Instant expires; /* 0: never */
} TokenLine;

/* Whether a token may be called so: neither blanks nor '=' nor '#', at most TOKEN_NAME_MAX bytes. */
bool token_is_name(Str name);

/* Read a line, without its newline; `blank`: there is nothing but a comment in it. False says what is `wrong`. */
bool token_line_parse(Str line, Arena *arena, TokenLine *out, bool *blank, const char **wrong);

/* The SHA-256 of `token`. */
void token_hash(Str token, unsigned char out[TOKEN_HASH_BYTES]);

/* Write it as it is read, with a newline. */
void token_line_put(Buf *out, const TokenLine *line);

#endif
