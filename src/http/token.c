/* SPDX-License-Identifier: Apache-2.0 */
#include "http/token.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/lock.h"
#include "base/os.h"

enum { FILE_MAX_BYTES = 1 << 20, HASH_BYTES = 32, RANDOM_BYTES = 32 };

typedef struct Token {
    unsigned char hash[HASH_BYTES];
    User user;
    Instant expires; /* 0: never */
} Token;

/* The content of the file, as of one reading. */
typedef struct Tokens {
    Arena arena;
    Token *at;
    size_t count;
} Tokens;

struct TokenFile {
    Arena home;
    const char *path;
    pthread_mutex_t lock; /* of what follows */
    Tokens tokens;
    struct stat seen;
    Duration looked; /* time_monotonic() of the last look at the file */
    Err problem;     /* of the last reading; code ERR_NONE when it went well */
};

static const char *const role_names[] = {"nobody", "reader", "writer", "admin"};

const char *role_name(Role role)
{
    return role_names[role];
}

bool role_from_name(Str name, Role *out)
{
    for (Role role = READER; role <= ADMIN; role++) {
        if (str_eq_z(name, role_names[role])) {
            *out = role;
            return true;
        }
    }
    return false;
}

static bool parse_hash(Str hex, unsigned char out[HASH_BYTES])
{
    if (hex.len != TOKEN_HASH_HEX)
        return false;
    for (size_t i = 0; i < hex.len; i++) {
        char c = hex.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0)
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | digit : digit << 4);
    }
    return true;
}

static bool parse_id(Str text, unsigned *out)
{
    uint64_t number;

    if (!str_to_uint64(text, &number) || number >= UINT32_MAX)
        return false;
    *out = (unsigned)number;
    return true;
}

static bool parse_groups(Str text, Arena *arena, User *user)
{
    gid_t *groups = arena_new(arena, gid_t, TOKEN_GROUPS_MAX);

    while (text.len) {
        Str one;

        text = str_cut(text, ',', &one);
        if (user->group_count == TOKEN_GROUPS_MAX || !parse_id(one, &groups[user->group_count]))
            return false;
        user->group_count++;
    }
    user->groups = groups;
    return true;
}

/* "uid=12" and its like. */
static bool parse_extra(Str word, Arena *arena, Token *out)
{
    Str name, value = str_cut(word, '=', &name);

    if (str_eq_z(name, "uid")) {
        out->user.filtered = true;
        return parse_id(value, &out->user.uid);
    }
    if (str_eq_z(name, "groups"))
        return parse_groups(value, arena, &out->user);
    return str_eq_z(name, "expires") && time_parse(value, &out->expires);
}

static Str next_word(Str *line)
{
    Str word;

    *line = str_trim(*line);
    size_t blank = 0;
    while (blank < line->len && line->ptr[blank] != ' ' && line->ptr[blank] != '\t')
        blank++;
    word = str_sub(*line, 0, blank);
    *line = str_trim(str_sub(*line, blank, line->len));
    return word;
}

static bool parse_line(Str line, Arena *arena, Token *out, const char **wrong)
{
    *wrong = "the hash is not 64 lower-case hex digits";
    if (!parse_hash(next_word(&line), out->hash))
        return false;
    *wrong = "the role is not reader, writer or admin";
    if (!role_from_name(next_word(&line), &out->user.role))
        return false;
    *wrong = "the name is missing";
    out->user.name = str_copy(arena, next_word(&line));
    if (!out->user.name.len || memchr(out->user.name.ptr, '=', out->user.name.len))
        return false;
    while (line.len) {
        *wrong = "behind the name come uid=N, groups=N,N and expires=TIME only";
        if (!parse_extra(next_word(&line), arena, out))
            return false;
    }
    *wrong = "groups need a uid";
    return out->user.filtered || !out->user.group_count;
}

static bool parse_file(Str text, const char *path, Tokens *out, Err *err)
{
    size_t lines = 1, number = 0;
    const char *wrong;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    out->at = arena_new(&out->arena, Token, lines);
    while (text.len) {
        Str line, content;

        text = str_cut(text, '\n', &line);
        number++;
        (void)str_cut(line, '#', &content);
        content = str_trim(content);
        if (!content.len)
            continue;
        if (out->count == TOKEN_LINES_MAX)
            return err_set(err, ERR_CONFIG, "'%s' has more than %d tokens", path, TOKEN_LINES_MAX);
        if (!parse_line(content, &out->arena, &out->at[out->count], &wrong))
            return err_set(err, ERR_CONFIG, "'%s' line %zu: %s", path, number, wrong);
        out->count++;
    }
    return true;
}

static bool read_tokens(const char *path, Tokens *out, Err *err)
{
    BUF_SCOPE(text);
    struct stat st;
    Tokens tokens = {0};

    if (!os_read_file(path, FILE_MAX_BYTES, &text, err))
        return err_wrap(err, "cannot read the tokens");
    if (stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH))) {
        err_set(err, ERR_CONFIG, "'%s' can be written by others than its owner", path);
        return err_hint(err, "chmod go-w '%s'", path);
    }
    if (!parse_file(buf_str(&text), path, &tokens, err)) {
        arena_free(&tokens.arena);
        return false;
    }
    *out = tokens;
    return true;
}

TokenFile *token_file_open(const char *path, Err *err)
{
    Arena home = {0};
    Tokens tokens;

    if (!read_tokens(path, &tokens, err))
        return NULL;
    TokenFile *file = arena_new(&home, TokenFile, 1);
    file->home = home;
    file->path = str_to_z(&file->home, str_from_z(path));
    file->tokens = tokens;
    (void)stat(path, &file->seen);
    file->looked = time_monotonic();
    (void)pthread_mutex_init(&file->lock, NULL);
    return file;
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
    if (!gone && !read_tokens(file->path, &tokens, &file->problem))
        return;
    if (gone)
        err_set(&file->problem, ERR_NOT_FOUND, "the file of tokens '%s' is gone", file->path);
    arena_free(&file->tokens.arena);
    file->tokens = tokens;
}

static bool hash_token(Str token, unsigned char out[HASH_BYTES])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, token.ptr, token.len, out) == 0;
}

/* Looks at every token, and at every byte, so that the time taken tells nothing. */
static const Token *find_hash(const Tokens *tokens, const unsigned char hash[HASH_BYTES])
{
    const Token *found = NULL;

    for (size_t i = 0; i < tokens->count; i++)
        if (gnutls_memcmp(tokens->at[i].hash, hash, HASH_BYTES) == 0)
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
    unsigned char hash[HASH_BYTES];
    LOCK_SCOPE(held, &file->lock);

    refresh(file);
    const Token *found =
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
    unsigned char hash[HASH_BYTES] = {0};

    (void)hash_token(token, hash);
    buf_put_hex(buf, hash, sizeof hash);
}
