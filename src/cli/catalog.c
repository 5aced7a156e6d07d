/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "base/quantity.h"
#include "base/stop.h"
#include "base/term.h"
#include "catalog/access.h"
#include "catalog/shard.h"
#include "db/patience.h"
#include "serve/instance.h"
#include "serve/sections.h"

static const DatabaseSection *database_of(const Instance *instance)
{
    return conf_get(instance_conf(instance), &database_section, (Str){0});
}

/* Threads of a crawl connect as well, so it is a line of its own; a bar that stands there is drawn anew below it. */
static void say_waiting(void *instance_v, const Err *why)
{
    char limit[QUANTITY_TEXT_MAX];
    BUF_SCOPE(text);
    Err ignored;

    if (term_is_tty(STDERR_FILENO) && term_can_redraw())
        buf_put_z(&text, "\r\033[K");
    buf_printf(&text, "waiting for the database, %.*s at most: %s\n",
               STR_ARG(quantity_format_duration(database_of(instance_v)->patience, limit)), why->text);
    (void)!os_write_all(STDERR_FILENO, buf_str(&text), &ignored);
}

static bool open_patiently(const Call *call, Instance **out, Err *err)
{
    if (!instance_open(call->arena, call->dir.ptr, &config_set, out, err))
        return false;
    patience_set(&(Patience){.limit = database_of(*out)->patience,
                             .stop = stop_flag(),
                             .waiting = call->quiet || call->json ? NULL : say_waiting,
                             .ctx = *out});
    return true;
}

bool catalog_open(const Call *call, Db **out, Err *err)
{
    Instance *instance;

    return open_patiently(call, &instance, err) &&
           instance_connect(instance, call->arena, INSTANCE_OWNER, out, err);
}

bool catalog_peek(const Call *call, Db **out, Err *err)
{
    Instance *instance;

    return instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) &&
           instance_connect(instance, call->arena, INSTANCE_OWNER, out, err);
}

/* Also to tell early, and in one place, that there is a server. */
static bool find_root(const Call *call, Instance *instance, Str shard, Str *out, Err *err)
{
    Access access = {0};
    Db *db;

    *out = (Str){0};
    if (!instance_connect(instance, call->arena, INSTANCE_OWNER, &db, err))
        return false;
    bool ok = shard.len == 0 ||
              (shard_use(db, shard, err) && access_open(call->arena, db, shard, NULL, &access, err));
    db_close(db);
    *out = access.root;
    return ok || err->code == ERR_NOT_FOUND;
}

bool catalog_shard_dsn(const Call *call, Str shard, const char **out, Str *out_root, Err *err)
{
    Instance *instance;

    return open_patiently(call, &instance, err) && find_root(call, instance, shard, out_root, err) &&
           instance_database_dsn(instance, call->arena, INSTANCE_OWNER, out, err);
}

bool catalog_dsn(const Call *call, const char **out, Err *err)
{
    Str none;

    return catalog_shard_dsn(call, (Str){0}, out, &none, err);
}

/* The path up to its last part '..' as the kernel takes it, with links; as it is where there is no such directory here. */
static Str resolve_parents(Arena *arena, Str path)
{
    Str part, rest = path;
    size_t end = 0; /* of the last such part */

    while (rest.len > 0) {
        rest = str_cut(rest, '/', &part);
        if (str_eq_z(part, ".."))
            end = path.len - rest.len;
    }
    char *real = end ? realpath(str_to_z(arena, str_sub(path, 0, end)), NULL) : NULL;
    if (real)
        path = str_printf(arena, "%s/%.*s", real, STR_ARG(str_sub(path, end, path.len)));
    free(real);
    return path;
}

/* The current directory as the user went there, through links too: a shard's root may be one. */
static bool current_dir(Arena *arena, const char **out, Err *err)
{
    const char *said = getenv("PWD");
    struct stat here, there;

    if (said && said[0] == '/' && stat(".", &here) == 0 && stat(said, &there) == 0 &&
        here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
        *out = said;
        return true;
    }
    char *real = getcwd(NULL, 0);
    if (!real)
        return err_sys(err, ERR_USAGE, "cannot tell the current directory");
    *out = str_to_z(arena, str_from_z(real));
    free(real);
    return true;
}

bool catalog_path(const Call *call, Str given, Str *out, Err *err)
{
    Str path = given;
    const char *here = NULL;

    if (given.len && given.ptr[0] != '/') {
        if (!current_dir(call->arena, &here, err))
            return false;
        path = str_printf(call->arena, "%s/%.*s", here, STR_ARG(given));
    }
    path = resolve_parents(call->arena, path);
    if (!pathname_normalise(call->arena, path, &path, err))
        return false;
    *out = pathname_escape(call->arena, path);
    return true;
}

/* The path that the kernel knows; empty where there is none. */
static Str real_path(Arena *arena, Str text)
{
    char *real = realpath(str_to_z(arena, pathname_unescape(arena, text)), NULL);
    Str copy = real ? str_copy(arena, str_from_z(real)) : (Str){0};

    free(real);
    return copy;
}

bool catalog_path_in(const Call *call, Str given, Str root, Str *out, Err *err)
{
    if (!catalog_path(call, given, out, err))
        return false;
    if (root.len == 0 || pathname_is_within(*out, root))
        return true;
    Str top = real_path(call->arena, root), real = real_path(call->arena, *out);
    if (top.len == 0 || !pathname_is_within(real, top))
        return true;
    Str below = str_eq_z(top, "/") ? real : str_sub(real, top.len, real.len);
    return pathname_normalise(
        call->arena,
        str_printf(call->arena, "%.*s%.*s", STR_ARG(root), STR_ARG(pathname_escape(call->arena, below))), out,
        err);
}
