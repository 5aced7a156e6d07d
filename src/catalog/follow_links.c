/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/follow_links.h"

#include "catalog_sql.h"

void follow_links_init(FollowLinks *links, Arena *arena, Str root)
{
    *links = (FollowLinks){.arena = arena, .root = pathname_hash(root), .everywhere = root.len == 1};
}

void follow_links_release(FollowLinks *links)
{
    buf_release(&links->names);
    buf_release(&links->dirs);
}

static void put_quoted(Buf *array, Str text)
{
    buf_put_byte(array, array->len ? ',' : '{');
    buf_put_byte(array, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_put_byte(array, '\\');
        buf_put_byte(array, text.ptr[i]);
    }
    buf_put_byte(array, '"');
}

void follow_put_hash(Buf *array, const PathHash *hash)
{
    static const char digits[] = "0123456789abcdef";

    buf_put_byte(array, array->len ? ',' : '{');
    for (size_t i = 0; i < sizeof hash->bytes; i++) {
        buf_put_byte(array, digits[hash->bytes[i] >> 4]);
        buf_put_byte(array, digits[hash->bytes[i] & 15]);
    }
}

void follow_links_name(FollowLinks *links, Str path)
{
    Str name = pathname_name(path);
    void **slot = map_slot(&links->seen, links->arena, name);

    if (*slot)
        return;
    *slot = links;
    put_quoted(&links->names, name);
}

void follow_links_moved(FollowLinks *links, Str path)
{
    PathHash hash = pathname_hash(path);

    follow_put_hash(&links->dirs, &hash);
}

static Str end_array(Buf *array)
{
    if (array->len == 0)
        buf_put_byte(array, '{');
    buf_put_byte(array, '}');
    return buf_str(array);
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
                               DB_TEXT(end_array(&links->names)), DB_TEXT(end_array(&links->dirs))),
                       out, err);
    buf_reset(&links->names);
    buf_reset(&links->dirs);
    return ok;
}
