/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of list.h: their columns and queries. */
#include "catalog/list.h"
#include "catalog_sql.h"

static const ListColumn entry_columns[] = {
    {"path", LIST_TEXT},   {"name", LIST_TEXT},  {"type", LIST_TEXT}, {"size", LIST_BYTES},
    {"mtime", LIST_TIME},  {"mode", LIST_TEXT},  {"uid", LIST_INT},   {"gid", LIST_INT},
    {"user", LIST_TEXT},   {"group", LIST_TEXT}, {"kind", LIST_TEXT}, {"files", LIST_INT},
    {"target", LIST_TEXT},
};
const ListShape list_entries = {"Entry", entry_columns, COUNT_OF(entry_columns)};

/* The path of a directory as a prefix of what is in it. */
static Str with_slash(Arena *arena, Str path)
{
    return str_eq(path, STR("/")) ? path : str_printf(arena, "%.*s/", STR_ARG(path));
}

bool list_directory(const Access *access, Str path, ListSort sort, AccessType type, ListSink *sink, Err *err)
{
    AccessPath dir;
    int64_t number;
    Str name = sink->after;
    bool more = sink->after.len > 0;

    if (more && sort != LIST_BY_NAME && !list_key_parse(sink->after, 1, &number, &name, err))
        return false;
    if (!access_path(access, path, ACCESS_LIST, &dir, err))
        return false;
    DbArg prefix = DB_TEXT(with_slash(access->arena, dir.text));
    DbArg only = type ? DB_TEXT_Z(list_type_name(type)) : DB_NULL;
    if (sort == LIST_BY_NAME)
        return list_run(access->db, &sql_list_names,
                        DB_ARGS(dir.arg, prefix, DB_TEXT_IF(more, name), only, access->uid, access->groups,
                                list_count(sink)),
                        &list_entries, sink, err);
    return list_run(access->db, &sql_list_sorted,
                    DB_ARGS(dir.arg, prefix, DB_TEXT_Z(sort == LIST_BY_SIZE ? "size" : "mtime"),
                            more ? DB_INT(number) : DB_NULL, DB_TEXT_IF(more, name), only, access->uid,
                            access->groups, list_count(sink)),
                    &list_entries, sink, err);
}

static const ListColumn fact_columns[] = {
    {"path", LIST_TEXT},    {"name", LIST_TEXT},     {"type", LIST_TEXT},   {"size", LIST_BYTES},
    {"mtime", LIST_TIME},   {"ctime", LIST_TIME},    {"atime", LIST_TIME},  {"mode", LIST_TEXT},
    {"inode", LIST_TEXT},   {"uid", LIST_INT},       {"gid", LIST_INT},     {"user", LIST_TEXT},
    {"group", LIST_TEXT},   {"kind", LIST_TEXT},     {"sha256", LIST_HEX},  {"files", LIST_INT},
    {"datasets", LIST_INT}, {"target", LIST_TEXT},   {"intact", LIST_BOOL}, {"learned", LIST_TIME},
    {"records", LIST_JSON}, {"problems", LIST_JSON},
};
const ListShape list_facts = {"Facts", fact_columns, COUNT_OF(fact_columns)};

bool list_stat(const Access *access, Str path, ListSink *sink, Err *err)
{
    AccessPath found;

    return access_path(access, path, ACCESS_STAT, &found, err) &&
           list_run(access->db, &sql_list_stat, DB_ARGS(found.arg, access->uid, access->groups), &list_facts,
                    sink, err);
}

static const ListColumn record_columns[] = {{"type", LIST_TEXT}, {"learned", LIST_TIME}, {"json", LIST_JSON}};
const ListShape list_records = {"Record", record_columns, COUNT_OF(record_columns)};

bool list_metadata(const Access *access, Str path, Str type, ListSink *sink, Err *err)
{
    AccessPath found;

    return access_path(access, path, ACCESS_STAT, &found, err) &&
           list_run(access->db, &sql_list_metadata,
                    DB_ARGS(found.arg, DB_TEXT_IF(type.len > 0, type),
                            DB_TEXT_IF(sink->after.len > 0, sink->after), access->uid, access->groups,
                            list_count(sink)),
                    &list_records, sink, err);
}

static const ListColumn trouble_columns[] = {
    {"path", LIST_TEXT}, {"type", LIST_TEXT}, {"text", LIST_TEXT}, {"at", LIST_TIME}};
const ListShape list_troubles = {"Problem", trouble_columns, COUNT_OF(trouble_columns)};

bool list_problems(const Access *access, Str path, Str type, ListSink *sink, Err *err)
{
    AccessPath found;
    Str after_type = {0}, after_path = sink->after;

    if (sink->after.len > 0) {
        after_path = str_cut(sink->after, '\t', &after_type);
        if (after_path.len == 0)
            return err_set(err, ERR_USAGE, "'after' is not a key of this list");
    }
    return access_path(access, path, ACCESS_STAT, &found, err) &&
           list_run(access->db, &sql_list_problems,
                    DB_ARGS(DB_TEXT(found.text), DB_TEXT(with_slash(access->arena, found.text)),
                            DB_TEXT_IF(type.len > 0, type), access->uid, access->groups,
                            DB_TEXT_IF(sink->after.len > 0, after_path),
                            DB_TEXT_IF(sink->after.len > 0, after_type), list_count(sink)),
                    &list_troubles, sink, err);
}

static const ListColumn shard_columns[] = {
    {"name", LIST_TEXT},    {"path", LIST_TEXT},     {"files", LIST_INT},   {"size", LIST_BYTES},
    {"datasets", LIST_INT}, {"unlogged", LIST_BOOL}, {"created", LIST_TIME}};
const ListShape list_shard_facts = {"Shard", shard_columns, COUNT_OF(shard_columns)};

bool list_shards(Db *db, ListSink *sink, Err *err)
{
    return list_run(db, &sql_list_shards,
                    DB_ARGS(DB_TEXT_IF(sink->after.len > 0, sink->after), list_count(sink)),
                    &list_shard_facts, sink, err);
}

static const ListColumn branch_columns[] = {{"path", LIST_TEXT}, {"depth", LIST_INT},  {"name", LIST_TEXT},
                                            {"type", LIST_TEXT}, {"size", LIST_BYTES}, {"files", LIST_INT},
                                            {"mtime", LIST_TIME}};
const ListShape list_branches = {"Branch", branch_columns, COUNT_OF(branch_columns)};

bool list_tree(const Access *access, Str path, int64_t depth, bool all, ListSink *sink, Err *err)
{
    AccessPath dir;

    if (depth < 1 || depth > 100)
        return err_set(err, ERR_USAGE, "a tree's depth is 1 to 100");
    return access_path(access, path, ACCESS_LIST, &dir, err) &&
           list_run(access->db, &sql_list_tree,
                    DB_ARGS(dir.arg, DB_TEXT(with_slash(access->arena, dir.text)), DB_INT(depth),
                            DB_BOOL(all), access->uid, access->groups,
                            DB_TEXT_IF(sink->after.len > 0, sink->after), list_count(sink)),
                    &list_branches, sink, err);
}

static const ListColumn news_columns[] = {{"path", LIST_TEXT},  {"type", LIST_TEXT}, {"size", LIST_BYTES},
                                          {"mtime", LIST_TIME}, {"user", LIST_TEXT}, {"learned", LIST_TIME}};
const ListShape list_news = {"News", news_columns, COUNT_OF(news_columns)};

bool list_learned(const Access *access, Str path, const Instant *since, ListSink *sink, Err *err)
{
    AccessPath dir;
    char text[TIME_TEXT_MAX];
    int64_t at = 0;
    Str hash = {0};
    bool more = sink->after.len > 0;

    if ((more && !list_key_uuid(sink->after, 1, &at, &hash, err)) ||
        !access_path(access, path, ACCESS_LIST, &dir, err))
        return false;
    return list_run(access->db, &sql_list_learned,
                    DB_ARGS(str_eq(dir.text, access->root) ? DB_NULL : dir.arg, dir.arg,
                            since ? DB_TEXT(time_format(*since, text)) : DB_NULL, access->uid, access->groups,
                            DB_INT(dir.depth), more ? DB_INT(at) : DB_NULL, DB_TEXT_IF(more, hash),
                            list_count(sink)),
                    &list_news, sink, err);
}
