/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawlfile_line.h"

#include "base/jsonread.h"
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

static bool check_path(Arena *arena, Str root, CrawlfileLine *line, Err *err)
{
    Str text = line->path;

    if (str_utf8_prefix(text) != text.len)
        text = pathname_escape(arena, text);
    if (!pathname_normalise(arena, text, &line->path, err))
        return false;
    for (size_t i = 0; i < line->path.len; i++)
        if ((unsigned char)line->path.ptr[i] < ' ' || line->path.ptr[i] == 0x7f)
            return err_set(err, ERR_USAGE, "the path has a control byte that is not escaped");
    if (!pathname_is_within(line->path, root))
        return err_set(err, ERR_USAGE, "the path is not in '%.*s', the root of the shard", STR_ARG(root));
    return true;
}

bool crawlfile_line_read(Arena *arena, Str text, Str root, CrawlfileLine *out, Err *err)
{
    return split(text, out, err) && check_path(arena, root, out, err);
}

bool crawlfile_json_check(Str json, Err *err)
{
    JsonIn in = json_in(json);
    JsonValue value;

    if (!json_value(&in, &value) || !json_done(&in))
        return err_set(err, ERR_USAGE, "byte %zu of the JSON: %s", json_at(&in) + 1, in.problem);
    if (value.kind != JSON_OBJECT)
        return err_set(err, ERR_USAGE, "the JSON is not an object");
    return true;
}
