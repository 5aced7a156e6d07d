/* SPDX-License-Identifier: Apache-2.0 */
/* Usage by what files are, duplicates, freshness: the rest of usage.h. */
#include "catalog/usage.h"
#include "catalog_sql.h"

static const ListColumn owner_columns[] = {{"value", LIST_TEXT},
                                           {"files", LIST_INT},
                                           {"size", LIST_BYTES},
                                           {"oldest", LIST_TIME},
                                           {"newest", LIST_TIME}};
const ListShape usage_owners = {"Owner", owner_columns, COUNT_OF(owner_columns)};

static const ListColumn age_columns[] = {{"age", LIST_TEXT},
                                         {"files", LIST_INT},
                                         {"size", LIST_BYTES},
                                         {"oldest", LIST_TIME},
                                         {"newest", LIST_TIME}};
const ListShape usage_ages = {"Age", age_columns, COUNT_OF(age_columns)};

/* A null where the whole shard is meant: then no subtree has to be looked for. */
static DbArg below(const Access *access, const AccessPath *dir)
{
    return str_eq(dir->text, access->root) ? DB_NULL : dir->arg;
}

static bool by_age(const Access *access, const AccessPath *dir, ListSink *sink, Err *err)
{
    int64_t after = 0;

    if (sink->after.len > 0 && !str_to_int64(sink->after, &after))
        return err_set(err, ERR_USAGE, "'after' is not a key of this list");
    if (after < 0 || after > 100)
        return err_set(err, ERR_USAGE, "'after' is not a key of this list");
    return list_run(access->db, &sql_usage_by_age,
                    DB_ARGS(below(access, dir), access->uid, access->groups, DB_INT(dir->depth),
                            sink->after.len > 0 ? DB_INT(after) : DB_NULL, list_count(sink)),
                    &usage_ages, sink, err);
}

bool usage_by(const Access *access, Str path, UsageBy by, ListSink *sink, Err *err)
{
    static const char *const names[] = {[USAGE_BY_USER] = "user",
                                        [USAGE_BY_GROUP] = "group",
                                        [USAGE_BY_KIND] = "kind",
                                        [USAGE_BY_SUFFIX] = "suffix"};
    AccessPath dir;
    int64_t size = 0;
    Str value = {0};
    bool more = sink->after.len > 0;

    if (by != USAGE_BY_AGE && more && !list_key_parse(sink->after, 1, &size, &value, err))
        return false;
    if (!access_path(access, path, ACCESS_LIST, &dir, err))
        return false;
    if (by == USAGE_BY_AGE)
        return by_age(access, &dir, sink, err);
    return list_run(access->db, &sql_usage_by_owner,
                    DB_ARGS(below(access, &dir), DB_TEXT_Z(names[by]), access->uid, access->groups,
                            DB_INT(dir.depth), more ? DB_INT(size) : DB_NULL, DB_TEXT_IF(more, value),
                            list_count(sink)),
                    &usage_owners, sink, err);
}

static const ListColumn copy_columns[] = {{"sha256", LIST_HEX},
                                          {"size", LIST_BYTES},
                                          {"copies", LIST_INT},
                                          {"wasted", LIST_BYTES},
                                          {"paths", LIST_JSON}};
const ListShape usage_copies = {"Duplicates", copy_columns, COUNT_OF(copy_columns)};

bool usage_duplicates(const Access *access, Str path, ListSink *sink, Err *err)
{
    AccessPath dir;
    int64_t wasted = 0;
    Str sum = {0};
    bool more = sink->after.len > 0;

    if ((more && !list_key_parse(sink->after, 1, &wasted, &sum, err)) ||
        !access_path(access, path, ACCESS_LIST, &dir, err))
        return false;
    return list_run(access->db, &sql_usage_twins,
                    DB_ARGS(below(access, &dir), access->uid, access->groups, DB_INT(dir.depth),
                            more ? DB_INT(wasted) : DB_NULL, DB_TEXT_IF(more, sum), list_count(sink)),
                    &usage_copies, sink, err);
}

static const ListColumn crawl_columns[] = {
    {"root", LIST_TEXT},     {"kind", LIST_TEXT}, {"covers", LIST_TEXT}, {"started", LIST_TIME},
    {"finished", LIST_TIME}, {"age", LIST_INT},   {"result", LIST_JSON}};
const ListShape usage_crawls = {"Crawl", crawl_columns, COUNT_OF(crawl_columns)};

bool usage_freshness(const Access *access, Str path, ListSink *sink, Err *err)
{
    AccessPath found;
    int64_t after = 0;

    if (sink->after.len > 0 && !str_to_int64(sink->after, &after))
        return err_set(err, ERR_USAGE, "'after' is not a key of this list");
    return access_path(access, path, ACCESS_STAT, &found, err) &&
           list_run(access->db, &sql_usage_fresh,
                    DB_ARGS(DB_TEXT(found.text), sink->after.len > 0 ? DB_INT(after) : DB_NULL, access->uid,
                            access->groups, list_count(sink)),
                    &usage_crawls, sink, err);
}
