/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/follow_links.h"

#include "catalog_sql.h"
#include "db/array.h"

void follow_links_init(FollowLinks *links, Arena *arena, Str root)
{
    *links = (FollowLinks){.arena = arena, .root = pathname_hash(root), .everywhere = root.len == 1};
}

void follow_links_release(FollowLinks *links)
{
    buf_release(&links->names);
    buf_release(&links->dirs);
}

void follow_links_name(FollowLinks *links, Str path)
{
    Str name = pathname_name(path);
    void **slot = map_slot(&links->seen, links->arena, name);

    if (*slot)
        return;
    *slot = links;
    array_put_text(&links->names, name);
}

void follow_links_moved(FollowLinks *links, Str path)
{
    PathHash hash = pathname_hash(path);

    array_put_uuid(&links->dirs, hash.bytes);
}

bool follow_links_ask(FollowLinks *links, Db *db, DbRows *out, Err *err)
{
    *out = NULL;
    if (links->names.len == 0 && links->dirs.len == 0)
        return true;
    bool ok = db_query(db, &sql_links_through,
                       DB_ARGS(links->everywhere
                                   ? DB_NULL
                                   : DB_BINARY(((Str){(char *)links->root.bytes, sizeof links->root.bytes})),
                               DB_TEXT(array_end(&links->names)), DB_TEXT(array_end(&links->dirs))),
                       out, err);
    buf_reset(&links->names);
    buf_reset(&links->dirs);
    return ok;
}
