/* SPDX-License-Identifier: Apache-2.0 */
#include "http/token_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/os.h"

enum { NAME_DIGITS = 8 };

typedef struct Store {
    const char *path;
    Arena *arena;
    Buf text;         /* the file */
    TokenLine *lines; /* a place for each line of it, and one more */
    size_t count;
} Store;

static bool lock_directory(const char *path, Arena *arena, int *out, Err *err)
{
    const char *dir = str_to_z(arena, str_dir_name(str_from_z(path)));

    *out = os_open(dir, O_RDONLY | O_DIRECTORY, 0);
    return (*out >= 0 && flock(*out, LOCK_EX) == 0) || err_sys(err, ERR_IO, "cannot lock '%s'", dir);
}

/* Whoever reads the file refuses it as well: http/token.c says how. */
static bool check_file(const char *path, Err *err)
{
    TokenFile *file = token_file_await(path, err);

    token_file_close(file);
    return file != NULL;
}

static bool read_store(const char *path, Arena *arena, Store *out, Err *err)
{
    Store store = {.path = path, .arena = arena};
    const char *wrong;
    size_t lines = 1;
    bool blank;

    if (!check_file(path, err))
        return false;
    if (access(path, F_OK) == 0 && !os_read_file(path, TOKEN_FILE_MAX, &store.text, err)) {
        buf_release(&store.text);
        return false;
    }
    for (size_t i = 0; i < store.text.len; i++)
        lines += store.text.ptr[i] == '\n';
    store.lines = arena_new(arena, TokenLine, lines + 1);
    for (Str line, rest = buf_str(&store.text); rest.len;) {
        rest = str_cut(rest, '\n', &line);
        if (token_line_parse(line, arena, &store.lines[store.count], &blank, &wrong))
            store.count += !blank;
    }
    *out = store;
    return true;
}

static void release(Store *store)
{
    buf_release(&store->text);
}

static bool has_name(const Store *store, Str name)
{
    for (size_t i = 0; i < store->count; i++)
        if (str_eq(store->lines[i].user.name, name))
            return true;
    return false;
}

static bool check_name(const Store *store, Str name, Err *err)
{
    if (!token_is_name(name)) {
        (void)err_set(err, ERR_USAGE, "a token cannot be called '%.*s'", STR_ARG(str_sub(name, 0, 100)));
        return err_hint(err, "names have no blank, '=' or '#' in them, and at most %d bytes", TOKEN_NAME_MAX);
    }
    return !has_name(store, name) ||
           err_set(err, ERR_CONFLICT, "there is a token '%.*s' already", STR_ARG(name));
}

static Str usual_name(Arena *arena, const TokenLine *line)
{
    BUF_SCOPE(hash);

    buf_put_hex(&hash, line->hash, NAME_DIGITS / 2);
    return str_printf(arena, "%s-%.*s", role_name(line->user.role), STR_ARG(buf_str(&hash)));
}

static bool append(Store *store, TokenLine *line, Str *token, Err *err)
{
    if (!token_new(store->arena, token, err))
        return false;
    token_hash(*token, line->hash);
    if (!line->user.name.len)
        line->user.name = usual_name(store->arena, line);
    if (!check_name(store, line->user.name, err))
        return false;
    if (store->count >= TOKEN_LINES_MAX)
        return err_set(err, ERR_LIMIT, "there are %d tokens, which is as many as there can be",
                       TOKEN_LINES_MAX);
    if (store->text.len && store->text.ptr[store->text.len - 1] != '\n')
        buf_put_byte(&store->text, '\n');
    token_line_put(&store->text, line);
    return os_write_file(store->path, buf_str(&store->text), 0600, err);
}

bool token_store_add(const char *path, TokenLine *line, Arena *arena, Str *token, Err *err)
{
    ATTR_CLEANUP(release) Store store = {0};
    FD_SCOPE(lock);

    return lock_directory(path, arena, &lock, err) && read_store(path, arena, &store, err) &&
           append(&store, line, token, err);
}

bool token_store_list(const char *path, Arena *arena, TokenLine **out, size_t *count, Err *err)
{
    ATTR_CLEANUP(release) Store store = {0};

    if (!read_store(path, arena, &store, err))
        return false;
    *out = store.lines;
    *count = store.count;
    return true;
}

/* Every line of the file but those of the token. */
static void copy_others(const Store *store, Str name, Buf *out)
{
    const char *wrong;
    TokenLine found;
    bool blank;

    for (Str line, rest = buf_str(&store->text); rest.len;) {
        rest = str_cut(rest, '\n', &line);
        if (token_line_parse(line, store->arena, &found, &blank, &wrong) && !blank &&
            str_eq(found.user.name, name))
            continue;
        buf_put(out, line);
        buf_put_byte(out, '\n');
    }
}

bool token_store_remove(const char *path, Str name, Err *err)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    ATTR_CLEANUP(release) Store store = {0};
    FD_SCOPE(lock);

    if (!lock_directory(path, &arena, &lock, err) || !read_store(path, &arena, &store, err))
        return false;
    if (!has_name(&store, name)) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no token '%.*s'", STR_ARG(name));
        return err_hint(err, "strata token list shows those there are");
    }
    copy_others(&store, name, &text);
    return os_write_file(path, buf_str(&text), 0600, err);
}
