/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/token -- who may use the service: a file of tokens, stored as hashes
 *
 * One token a line; `#` starts a comment:
 *
 *     sha256-of-the-token-in-64-hex-digits  role  name  [uid=N] [groups=N,N,...] [expires=RFC3339]
 *
 * role is reader, writer or admin; each may do what the one before may. uid and groups say as whom the bearer reads
 * the catalogue: answers are then limited to what that user may read on the file system. A token without uid sees
 * everything its role may.
 *
 * The file must not be writable by group or others. A change of it is seen within a second. When the new content is
 * wrong, the old tokens go on and token_file_check() says what is wrong. A file that was removed leaves no token.
 *
 * Limits: 1 MiB, TOKEN_LINES_MAX tokens, TOKEN_GROUPS_MAX groups each, a token of at most TOKEN_TEXT_MAX bytes, its
 * name of TOKEN_NAME_MAX.
 * Threads: a TokenFile may be used by several at once.
 */
#ifndef HTTP_TOKEN_H
#define HTTP_TOKEN_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/time.h"

enum {
    TOKEN_LINES_MAX = 10000,
    TOKEN_GROUPS_MAX = 256,
    TOKEN_TEXT_MAX = 512,
    TOKEN_HASH_HEX = 64,
    TOKEN_NAME_MAX = 64,
};

typedef enum Role { NOBODY, READER, WRITER, ADMIN } Role;

/* Who asks. What it points to lives as long as the request. */
typedef struct User {
    Role role;
    Str name;      /* of the token; "local" when no tokens are in use, empty when nobody said who he is */
    bool filtered; /* answers are limited to what uid and groups may read */
    uid_t uid;
    const gid_t *groups;
    size_t group_count;
} User;

typedef struct TokenFile TokenFile;

/*
 * Read the tokens of the file at `path`, which is read again whenever it changes.
 *
 * ERR_NOT_FOUND  there is no such file
 * ERR_IO         it cannot be read
 * ERR_CONFIG     others may write to it, or a line is wrong: the message says which and why
 */
TokenFile *token_file_open(const char *path, Err *err) ATTR_MUST_USE;

/*
 * The same of a file that need not be there yet: token_file_in_use() is false until it is, and true from then on, so
 * that taking the file away opens nothing. ERR_IO, ERR_CONFIG.
 */
TokenFile *token_file_await(const char *path, Err *err) ATTR_MUST_USE;
bool token_file_in_use(TokenFile *file);

void token_file_close(TokenFile *file);

/*
 * The user of `token`, copied into `arena`.
 *
 * ERR_UNAUTHORIZED  there is no such token, or it has expired
 */
bool token_find(TokenFile *file, Str token, Arena *arena, User *out, Err *err) ATTR_MUST_USE;

/* What went wrong when the file was read again, if anything: ERR_NOT_FOUND, ERR_IO, ERR_CONFIG as token_file_open(). */
bool token_file_check(TokenFile *file, Err *err) ATTR_MUST_USE;

/* A new random token of 256 bits, "strata_" and 64 hex digits; only its hash belongs in a file. ERR_IO. */
bool token_new(Arena *arena, Str *out, Err *err) ATTR_MUST_USE;

/* Put the SHA-256 of `token` as it stands in a token file. */
void token_put_hash(Buf *buf, Str token);

/* "reader" and back. */
const char *role_name(Role role);
bool role_from_name(Str name, Role *out);

#endif
