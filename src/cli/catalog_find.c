/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/find.h"

#include "cli/catalog_view.h"

enum { NOT_GIVEN = -1 };

static const char *const sorts[] = {"none", "path", "size", "mtime", NULL};
static const char *const types[] = {"file", "directory", "link", NULL};

typedef struct Opts {
    CatalogViewOpts view;
    unsigned types;
    Str name, regex, contains, user, group, kind, sha256, variable, bbox;
    bool ignore_case;
    int64_t min_size, max_size, uid, gid;
    Instant since, until, from, to;
    StrList where;
    int sort;
} Opts;

static const Opt opts[] = {
    {OPT_SET, "type", 't', offsetof(Opts, types), "TYPES", "only these", types},
    {OPT_TEXT, "name", 0, offsetof(Opts, name), "GLOB", "the name matches: * ? [abc] [!abc]"},
    {OPT_TEXT, "regex", 0, offsetof(Opts, regex), "REGEX", "some part of the name matches"},
    {OPT_TEXT, "contains", 0, offsetof(Opts, contains), "TEXT", "the name contains it, letter for letter"},
    {OPT_FLAG, "ignore-case", 'i', offsetof(Opts, ignore_case), NULL,
     "names match in upper and lower case alike"},
    {OPT_BYTES, "min-size", 0, offsetof(Opts, min_size), "SIZE", "at least so large"},
    {OPT_BYTES, "max-size", 0, offsetof(Opts, max_size), "SIZE", "at most so large"},
    {OPT_TIME, "since", 0, offsetof(Opts, since), "TIME",
     "changed at this time or later; 7d: in the last 7 days"},
    {OPT_TIME, "until", 0, offsetof(Opts, until), "TIME", "changed at this time or before"},
    {OPT_TEXT, "user", 0, offsetof(Opts, user), "NAME", "of this owner"},
    {OPT_TEXT, "group", 0, offsetof(Opts, group), "NAME", "of this group"},
    {OPT_COUNT, "uid", 0, offsetof(Opts, uid), "N", "of the owner with this number", NULL, 0, UINT32_MAX},
    {OPT_COUNT, "gid", 0, offsetof(Opts, gid), "N", "of the group with this number", NULL, 0, UINT32_MAX},
    {OPT_TEXT, "kind", 0, offsetof(Opts, kind), "GLOB", "format or media type by content"},
    {OPT_TEXT, "sha256", 0, offsetof(Opts, sha256), "HEX", "of this content"},
    {OPT_LIST, "where", 'w', offsetof(Opts, where), "CONDITION",
     "a record has TYPE.KEY.KEY OP VALUE, OP one of = != < <= > >= ~"},
    {OPT_TEXT, "variable", 0, offsetof(Opts, variable), "NAME", "a dataset has this name"},
    {OPT_TIME, "from", 0, offsetof(Opts, from), "TIME", "a dataset has a time from here on"},
    {OPT_TIME, "to", 0, offsetof(Opts, to), "TIME", "a dataset has a time up to here"},
    {OPT_TEXT, "bbox", 0, offsetof(Opts, bbox), "W,S,E,N", "a dataset touches this box, degrees"},
    {OPT_ENUM, "sort", 's', offsetof(Opts, sort), "ORDER", "the largest, or the newest, come first", sorts},
    CATALOG_VIEW_OPTS,
    {.type = OPT_END},
};

/* At most one of the three. */
static bool read_name(const Opts *o, FindQuery *out, Err *err)
{
    const Str given[] = {
        [FIND_NAME_GLOB] = o->name, [FIND_NAME_REGEX] = o->regex, [FIND_NAME_PART] = o->contains};

    for (size_t i = 0; i < COUNT_OF(given); i++) {
        if (!given[i].ptr)
            continue;
        if (out->name.ptr)
            return err_set(err, ERR_USAGE, "only one of --name, --regex and --contains can be given");
        out->name = given[i];
        out->name_form = (FindName)i;
    }
    out->any_case = o->ignore_case;
    return true;
}

static bool read_box(Str text, FindBox *out, Err *err)
{
    double *const edges[] = {&out->west, &out->south, &out->east, &out->north};
    Str rest = text, edge;

    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        rest = str_cut(rest, ',', &edge);
        if (!str_to_double(str_trim(edge), edges[i]))
            return err_set(err, ERR_USAGE, "--bbox takes west,south,east,north in degrees, not '%.*s'",
                           STR_ARG(text));
    }
    return !rest.ptr || err_set(err, ERR_USAGE, "--bbox takes four numbers, not '%.*s'", STR_ARG(text));
}

static const int64_t *if_given(const int64_t *number, int64_t none)
{
    return *number == none ? NULL : number;
}

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;
    FindBox box;
    FindQuery query = {
        .path = path,
        .types = o->types,
        .size_min = if_given(&o->min_size, NOT_GIVEN),
        .size_max = if_given(&o->max_size, NOT_GIVEN),
        .mtime_min = if_given(&o->since, INT64_MIN),
        .mtime_max = if_given(&o->until, INT64_MIN),
        .user = o->user,
        .group = o->group,
        .uid = if_given(&o->uid, NOT_GIVEN),
        .gid = if_given(&o->gid, NOT_GIVEN),
        .kind = o->kind,
        .sha256 = o->sha256,
        .fields = o->where.items,
        .field_count = o->where.count,
        .variable = o->variable,
        .stamp_min = if_given(&o->from, INT64_MIN),
        .stamp_max = if_given(&o->to, INT64_MIN),
        .box = o->bbox.ptr ? &box : NULL,
        .sort = (FindSort)o->sort,
    };

    return read_name(o, &query, err) && (!o->bbox.ptr || read_box(o->bbox, &box, err)) &&
           find(access, &query, sink, err);
}

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"type", "size", "mtime", "user", "path", NULL};

    return catalog_view(call, &list_entries, shown, ask, err);
}

const Cmd cmd_catalog_find = {
    .name = "catalog find",
    .args = "SHARD [PATH]",
    .summary = "find files, directories and links that meet conditions",
    .description =
        "All conditions have to be met. Without --sort the order means nothing, and the first come at once.",
    .opts = opts,
    CMD_OPTS(Opts, .min_size = NOT_GIVEN, .max_size = NOT_GIVEN, .uid = NOT_GIVEN, .gid = NOT_GIVEN,
             .since = INT64_MIN, .until = INT64_MIN, .from = INT64_MIN, .to = INT64_MIN),
    .examples = "# the ten largest files changed in the last week\n"
                "strata catalog find usr --since 7d \\\n"
                "    --sort size -n 10\n"
                "# NetCDF files of a variable in a box\n"
                "strata catalog find data /g/data --name '*.nc' \\\n"
                "    --variable ta --bbox 110,-45,155,-10\n"
                "# more than one link to the file\n"
                "strata catalog find usr -t file \\\n"
                "    --where 'posix.nlink>1'\n",
    .run = run,
};
