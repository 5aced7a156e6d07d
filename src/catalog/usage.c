/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/usage.h"

#include "catalog_sql.h"

static const ListColumn directory_columns[] = {
    {"path", LIST_TEXT},    {"depth", LIST_INT},  {"files", LIST_INT}, {"size", LIST_BYTES},
    {"datasets", LIST_INT}, {"mtime", LIST_TIME}, {"user", LIST_TEXT}, {"group", LIST_TEXT},
};
const ListShape usage_directories = {"Usage", directory_columns, COUNT_OF(directory_columns)};

bool usage_below(const Access *access, Str path, int64_t depth, ListSink *sink, Err *err)
{
    AccessPath dir;
    int64_t numbers[2] = {0};
    Str hash = {0};
    bool more = sink->after.len > 0;

    if (depth < 0 || depth > USAGE_DEPTH_MAX)
        return err_set(err, ERR_USAGE, "a depth is 0 to %d", USAGE_DEPTH_MAX);
    if ((more && !list_key_uuid(sink->after, 2, numbers, &hash, err)) ||
        !access_path(access, path, ACCESS_LIST, &dir, err))
        return false;
    return list_run(access->db, &sql_usage_below,
                    DB_ARGS(dir.arg, DB_INT(depth), access->uid, access->groups,
                            more ? DB_INT(numbers[0]) : DB_NULL, more ? DB_INT(numbers[1]) : DB_NULL,
                            DB_TEXT_IF(more, hash), list_count(sink)),
                    &usage_directories, sink, err);
}
