/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawlfile_line.h"

#include "catalog/pathname.h"

static bool split(Str text, CrawlfileLine *line, Err *err)
{
    enum { TYPE_MAX = 100 };

    Str rest = str_cut(str_cut(text, '\t', &line->path), '\t', &line->type);

    line->json = str_trim(rest);
    if (line->type.len == 0 || !rest.ptr)
        return err_set(err, ERR_USAGE, "not three fields with tabs between them");
    if (line->type.len > TYPE_MAX || str_utf8_prefix(line->type) != line->type.len)
        return err_set(err, ERR_USAGE, "the type is not text of at most %d bytes", TYPE_MAX);
    return true;
}

bool crawlfile_line_read(Arena *arena, Str text, Str root, CrawlfileLine *out, Err *err)
{
    return split(text, out, err) && pathname_take(arena, out->path, root, &out->path, err);
}
