/* SPDX-License-Identifier: Apache-2.0 */
#include "http/token.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/os.h"
#include "http/token_line.h"

enum { RANDOM_BYTES = 32 };

/* The content of the file, as of one reading. */
typedef struct Tokens {
    Arena arena;
    TokenLine *at;
    size_t count;
} Tokens;

struct TokenFile {
    Arena home;
    const char *path;
    pthread_mutex_t lock; /* of what follows */
    Tokens tokens;
    struct stat seen;
    Duration looked; /* time_monotonic() of the last look at the file */
    bool in_use;     /* it has been there */
    Err problem;     /* of the last reading; code ERR_NONE when it went well */
};

static bool parse_file(Str text, const char *path, Tokens *out, Err *err)
{
    size_t lines = 1, number = 0;
    const char *wrong;
    bool blank;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    out->at = arena_new(&out->arena, TokenLine, lines);
    while (text.len) {
        Str line;

        text = str_cut(text, '\n', &line);
        number++;
        if (!token_line_parse(line, &out->arena, &out->at[out->count], &blank, &wrong))
            return err_set(err, ERR_CONFIG, "'%s' line %zu: %s", path, number, wrong);
        out->count += !blank;
        if (out->count > TOKEN_LINES_MAX)
            return err_set(err, ERR_CONFIG, "'%s' has more than %d tokens", path, TOKEN_LINES_MAX);
    }
    return true;
}

static bool read_tokens(const char *path, Tokens *out, Err *err)
{
    BUF_SCOPE(text);
    struct stat st;
    Tokens tokens = {0};

    if (!os_read_file(path, TOKEN_FILE_MAX, &text, err))
        return err_wrap(err, "cannot read the tokens");
    if (stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH))) {
        (void)err_set(err, ERR_CONFIG, "'%s' can be written by others than its owner", path);
        return err_hint(err, "chmod go-w '%s'", path);
    }
    if (!parse_file(buf_str(&text), path, &tokens, err)) {
        arena_free(&tokens.arena);
        return false;
    }
    *out = tokens;
    return true;
}

static TokenFile *begin(const char *path, const Tokens *tokens)
{
    Arena home = {0};
    TokenFile *file = arena_new(&home, TokenFile, 1);

    file->home = home;
    file->path = str_to_z(&file->home, str_from_z(path));
    if (tokens) {
        file->tokens = *tokens;
        file->in_use = true;
        (void)stat(path, &file->seen);
        file->looked = time_monotonic();
    }
    (void)pthread_mutex_init(&file->lock, NULL);
    return file;
}

TokenFile *token_file_open(const char *path, Err *err)
{
    Tokens tokens;

    return read_tokens(path, &tokens, err) ? begin(path, &tokens) : NULL;
}

TokenFile *token_file_await(const char *path, Err *err)
{
    return access(path, F_OK) < 0 && errno == ENOENT ? begin(path, NULL) : token_file_open(path, err);
}

void token_file_close(TokenFile *file)
{
    if (!file)
        return;
    arena_free(&file->tokens.arena);
    (void)pthread_mutex_destroy(&file->lock);

    Arena home = file->home;
    arena_free(&home);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads the file again if it changed. With the lock held. */
static void refresh(TokenFile *file)
{
    Duration now = time_monotonic();
    struct stat st = {0};
    Tokens tokens = {0};

    if (now - file->looked < SECONDS(1))
        return;
    file->looked = now;
    bool gone = stat(file->path, &st) < 0 && errno == ENOENT;
    if (is_same_file(&st, &file->seen))
        return;
    file->seen = st;
    file->problem.code = ERR_NONE;
    file->in_use = true;
    if (!gone && !read_tokens(file->path, &tokens, &file->problem))
        return;
    if (gone)
        (void)err_set(&file->problem, ERR_NOT_FOUND, "the file of tokens '%s' is gone", file->path);
    arena_free(&file->tokens.arena);
    file->tokens = tokens;
}

bool token_file_in_use(TokenFile *file)
{
    LOCK_SCOPE(held, &file->lock);

    refresh(file);
    return file->in_use;
}

static bool hash_token(Str token, unsigned char out[TOKEN_HASH_BYTES])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, token.ptr, token.len, out) == 0;
}

void token_hash(Str token, unsigned char out[TOKEN_HASH_BYTES])
{
    if (!hash_token(token, out))
        memset(out, 0, TOKEN_HASH_BYTES);
}

/* Looks at every token, and at every byte, so that the time taken tells nothing. */
static const TokenLine *find_hash(const Tokens *tokens, const unsigned char hash[TOKEN_HASH_BYTES])
{
    const TokenLine *found = NULL;

    for (size_t i = 0; i < tokens->count; i++)
        if (gnutls_memcmp(tokens->at[i].hash, hash, TOKEN_HASH_BYTES) == 0)
            found = &tokens->at[i];
    return found;
}

static void copy_user(const User *user, Arena *arena, User *out)
{
    gid_t *groups = arena_new(arena, gid_t, user->group_count + 1);

    if (user->group_count)
        memcpy(groups, user->groups, user->group_count * sizeof *groups);
    *out = *user;
    out->name = str_copy(arena, user->name);
    out->groups = groups;
}

bool token_find(TokenFile *file, Str token, Arena *arena, User *out, Err *err)
{
    unsigned char hash[TOKEN_HASH_BYTES];
    LOCK_SCOPE(held, &file->lock);

    refresh(file);
    const TokenLine *found =
        token.len <= TOKEN_TEXT_MAX && hash_token(token, hash) ? find_hash(&file->tokens, hash) : NULL;
    if (!found)
        return err_set(err, ERR_UNAUTHORIZED, "the token is not known");
    if (found->expires && time_now() >= found->expires)
        return err_set(err, ERR_UNAUTHORIZED, "the token of '%.*s' has expired", STR_ARG(found->user.name));
    copy_user(&found->user, arena, out);
    return true;
}

bool token_file_check(TokenFile *file, Err *err)
{
    LOCK_SCOPE(held, &file->lock);

    refresh(file);
    if (file->problem.code == ERR_NONE)
        return true;
    *err = file->problem;
    return false;
}

bool token_new(Arena *arena, Str *out, Err *err)
{
    unsigned char random[RANDOM_BYTES];
    BUF_SCOPE(text);

    if (gnutls_rnd(GNUTLS_RND_KEY, random, sizeof random) < 0)
        return err_set(err, ERR_IO, "cannot get random bytes");
    buf_put_z(&text, "strata_");
    buf_put_hex(&text, random, sizeof random);
    *out = str_copy(arena, buf_str(&text));
    return true;
}

void token_put_hash(Buf *buf, Str token)
{
    unsigned char hash[TOKEN_HASH_BYTES];

    token_hash(token, hash);
    buf_put_hex(buf, hash, sizeof hash);
}
