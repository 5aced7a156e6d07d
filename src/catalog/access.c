/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/access.h"

#include "catalog_sql.h"

enum { READ = 4, SEARCH = 1 };

bool access_may(const AccessUser *user, int need, int64_t owner, int64_t group, int mode)
{
    if (user->uid == 0)
        return true;
    if (user->uid == owner)
        return (mode >> 6 & need) == need;
    for (size_t i = 0; i < user->group_count; i++)
        if (user->groups[i] == group)
            return (mode >> 3 & need) == need;
    return (mode & need) == need;
}

/* The groups as PostgreSQL reads an array: {1,2}. */
static Str groups_text(Arena *arena, const AccessUser *user)
{
    BUF_SCOPE(text);

    buf_put_byte(&text, '{');
    for (size_t i = 0; i < user->group_count; i++) {
        if (i > 0)
            buf_put_byte(&text, ',');
        buf_put_int(&text, user->groups[i]);
    }
    buf_put_byte(&text, '}');
    return str_copy(arena, buf_str(&text));
}

bool access_open(Arena *arena, Db *db, Str shard, const AccessUser *user, Access *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_shard_find, DB_ARGS(DB_TEXT(shard)), &rows, err))
        return false;
    if (db_count(rows) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no shard '%.*s'", STR_ARG(str_sub(shard, 0, 100)));
        return err_hint(err, "strata catalog shard list shows those there are");
    }
    *out = (Access){.arena = arena,
                    .db = db,
                    .shard = str_copy(arena, shard),
                    .root = str_copy(arena, db_text(rows, 0, 0)),
                    .uid = user ? DB_INT(user->uid) : DB_NULL,
                    .groups = user ? DB_TEXT(groups_text(arena, user)) : DB_NULL,
                    .user = user};
    return true;
}

/* ---- paths ---- */

/* The keys from the first directory of the catalogue down to the path itself. */
typedef struct Chain {
    PathHash *keys;
    size_t count;
} Chain;

static Chain chain_of(Arena *arena, Str text)
{
    size_t above = str_eq(text, STR("/")) ? 0 : pathname_depth(text);
    PathHash *keys = arena_new(arena, PathHash, above + 2);

    if (str_eq(text, STR("/"))) {
        keys[0] = pathname_hash(text);
        return (Chain){keys, 1};
    }
    keys[0] = pathname_hash(STR("/"));
    pathname_ancestors(text, keys + 1);
    keys[above + 1] = pathname_hash(text);
    return (Chain){keys, above + 2};
}

static void put_uuid(Buf *out, const PathHash *key)
{
    buf_put_hex(out, key->bytes, sizeof key->bytes);
}

static bool look_up(const Access *access, const PathHash *keys, size_t count, DbRows *rows, Err *err)
{
    BUF_SCOPE(list);

    buf_put_byte(&list, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_byte(&list, ',');
        put_uuid(&list, &keys[i]);
    }
    buf_put_byte(&list, '}');
    return db_query(access->db, &sql_access_path, DB_ARGS(DB_TEXT(buf_str(&list))), rows, err);
}

/* Is the row's directory open to the user for `need`? */
static bool row_allows(const Access *access, const PGresult *rows, int row, int need)
{
    if (access->user->uid == 0)
        return true;
    return !db_is_null(rows, row, 4) &&
           access_may(access->user, need, db_is_null(rows, row, 2) ? -1 : db_int(rows, row, 2),
                      db_is_null(rows, row, 3) ? -1 : db_int(rows, row, 3), (int)db_int(rows, row, 4));
}

/* As the kernel walks: the first directory above that may not be searched ends it. */
static bool check_above(const Access *access, Str text, const PGresult *rows, size_t count, Err *err)
{
    for (int r = 0; r < db_count(rows) && (size_t)db_int(rows, r, 0) < count; r++)
        if (!row_allows(access, rows, r, SEARCH))
            return err_set(err, ERR_DENIED, "user %lld may not look for '%.*s'", (long long)access->user->uid,
                           STR_ARG(str_sub(text, 0, 300)));
    return true;
}

static bool not_found(const Access *access, Str text, Err *err)
{
    Str known = text;

    (void)err_set(err, ERR_NOT_FOUND, "shard '%.*s' has no path '%.*s'", STR_ARG(access->shard),
                  STR_ARG(str_sub(text, 0, 400)));
    if (!pathname_is_within(text, access->root))
        return err_hint(err, "the shard is of '%.*s'", STR_ARG(str_sub(access->root, 0, 200)));
    while (known.len > 1 && known.len > access->root.len) {
        RESULT_SCOPE(rows);
        Err ignored = {0};
        known = pathname_parent(known);
        PathHash key = pathname_hash(known);
        if (!look_up(access, &key, 1, &rows, &ignored))
            return false;
        if (db_count(rows) > 0)
            return err_hint(err, "'%.*s' is known", STR_ARG(str_sub(known, 0, 200)));
    }
    return err_hint(err, "nothing was crawled yet: strata catalog crawl %.*s %.*s", STR_ARG(access->shard),
                    STR_ARG(str_sub(access->root, 0, 100)));
}

static AccessType type_of(Str name)
{
    return str_eq_z(name, "directory") ? ACCESS_DIRECTORY
           : str_eq_z(name, "link")    ? ACCESS_LINK
                                       : ACCESS_FILE;
}

/* `found` is false when there is no such path; fails when the user may not know. */
static bool find_text(const Access *access, Str text, AccessNeed need, AccessPath *out, bool *found, Err *err)
{
    RESULT_SCOPE(rows);
    Chain chain = chain_of(access->arena, text);
    const PathHash *keys = access->user ? chain.keys : chain.keys + chain.count - 1;
    size_t count = access->user ? chain.count : 1;

    if (!look_up(access, keys, count, &rows, err) ||
        (access->user && !check_above(access, text, rows, count, err)))
        return false;
    int last = db_count(rows) - 1;
    *found = last >= 0 && (size_t)db_int(rows, last, 0) == count;
    if (!*found)
        return true;
    AccessType type = type_of(db_text(rows, last, 1));
    if (need == ACCESS_LIST && type != ACCESS_DIRECTORY)
        return err_set(err, ERR_USAGE, "'%.*s' is not a directory", STR_ARG(str_sub(text, 0, 400)));
    if (need == ACCESS_LIST && access->user && !row_allows(access, rows, last, READ | SEARCH))
        return err_set(err, ERR_DENIED, "user %lld may not read '%.*s'", (long long)access->user->uid,
                       STR_ARG(str_sub(text, 0, 400)));
    *out = (AccessPath){.text = text,
                        .hash = chain.keys[chain.count - 1],
                        .depth = str_eq(text, STR("/")) ? -1 : (int)pathname_depth(text),
                        .type = type};
    PathHash *key = arena_new(access->arena, PathHash, 1);
    *key = out->hash;
    out->arg = DB_BINARY(((Str){(const char *)key->bytes, sizeof key->bytes}));
    return true;
}

bool access_path(const Access *access, Str path, AccessNeed need, AccessPath *out, Err *err)
{
    Str normal, text;
    bool found = false;

    if (path.len == 0)
        path = access->root;
    if (!pathname_normalise(access->arena, path, &normal, err))
        return false;
    text = pathname_escape(access->arena, normal);
    if (!find_text(access, text, need, out, &found, err))
        return false;
    /* An answer's path given back: it is text already, and was escaped once too often. */
    if (!found && !str_eq(text, normal) &&
        str_eq(pathname_escape(access->arena, pathname_unescape(access->arena, normal)), normal) &&
        !find_text(access, normal, need, out, &found, err))
        return false;
    return found || not_found(access, text, err);
}
