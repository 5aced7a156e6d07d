/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/catalog/{shard}/find: parameters of a request as conditions of catalog/find.h. */
#include "catalog/find.h"

#include "serve/catalog_routes.h"

static const Param params[] = {
    CATALOG_SHARD,
    CATALOG_PATH,
    {"type", PARAM_LIST, .max = "3", .help = "Only these: file, directory, link, with commas.",
     .example = "file,link"},
    {"name", PARAM_RAW, .max = "4096", .help = "A glob that the name has to match: * ? [abc] [!abc].",
     .example = "*.nc"},
    {"regex", PARAM_RAW, .max = "4096",
     .help = "A regular expression that some part of the name has to match.", .example = "_20(19|20)"},
    {"contains", PARAM_RAW, .max = "4096", .help = "What the name has to contain, letter for letter.",
     .example = "rain"},
    {"ignore_case", PARAM_BOOL, .default_text = "no", .help = "Names match in upper and lower case alike."},
    {"min_size", PARAM_SIZE, .help = "Bytes at least.", .example = "1.5M"},
    {"max_size", PARAM_SIZE, .help = "Bytes at most.", .example = "2G"},
    {"since", PARAM_TEXT, .max = "64",
     .help = "Changed (mtime) at this time or later; 7d: in the last 7 days.", .example = "7d"},
    {"until", PARAM_TEXT, .max = "64",
     .help = "Changed (mtime) at this time or before; 7d: at least 7 days ago.", .example = "2026-01-01"},
    {"user", PARAM_TEXT, .max = "256", .help = "Name of the owner.", .example = "root"},
    {"group", PARAM_TEXT, .max = "256", .help = "Name of the group.", .example = "users"},
    {"uid", PARAM_UINT, .max = "4294967295", .help = "Number of the owner.", .example = "1000"},
    {"gid", PARAM_UINT, .max = "4294967295", .help = "Number of the group.", .example = "100"},
    {"kind", PARAM_TEXT, .max = "256", .help = "Format or media type by content; * and ? are wildcards.",
     .example = "image/*"},
    {"sha256", PARAM_TEXT, .max = "64", .help = "SHA-256 of the content, 64 hexadecimal digits.",
     .example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"where", PARAM_RAW,
     .help =
         "Conditions on records, with ';' between them: TYPE.KEY.KEY OP VALUE, OP one of = != < <= > >= ~.",
     .example = "gdal.file_type=GTiff"},
    {"variable", PARAM_TEXT, .max = "1024", .help = "A dataset of the file has this name.",
     .example = "temperature"},
    {"from", PARAM_TIME, .help = "A dataset of the file has a time from here on.", .example = "2020-07-01"},
    {"to", PARAM_TIME, .help = "A dataset of the file has a time up to here.",
     .example = "2020-07-31T12:00:00Z"},
    {"bbox", PARAM_DOUBLES, .min = "4", .max = "4",
     .help = "A dataset of the file touches west,south,east,north (degrees).", .example = "110,-45,155,-10"},
    {"sort", PARAM_ENUM, .choices = "none|path|size|mtime", .default_text = "none",
     .help = "The order; the largest and the newest first. Without one the first page comes soonest."},
    CATALOG_LIST_PARAMS,
};

static bool read_types(const Request *request, unsigned *out, Err *err)
{
    const Value *value = arg(request, "type");

    for (size_t i = 0; i < value->count; i++) {
        AccessType type = list_type_from_name(value->list[i]);

        if (!type) {
            (void)err_set(err, ERR_USAGE, "parameter 'type' is not a type: '%.*s'",
                          STR_ARG(str_sub(value->list[i], 0, 60)));
            return err_hint(err, "the types are file, directory, link");
        }
        *out |= type;
    }
    return true;
}

/* At most one of the three, each with its form. */
static bool read_name(const Request *request, FindQuery *out, Err *err)
{
    static const struct {
        const char *name;
        FindName form;
    } forms[] = {{"name", FIND_NAME_GLOB}, {"regex", FIND_NAME_REGEX}, {"contains", FIND_NAME_PART}};

    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (!arg_given(request, forms[i].name))
            continue;
        if (out->name.len > 0)
            return err_set(err, ERR_USAGE,
                           "only one of the parameters name, regex and contains can be given");
        out->name = arg_text(request, forms[i].name);
        out->name_form = forms[i].form;
    }
    out->any_case = arg_number(request, "ignore_case") != 0;
    return true;
}

/* A time, or how long ago. */
bool catalog_read_time(const Request *request, const char *name, const Instant **out, Err *err)
{
    Instant *at = arena_new(request->arena, Instant, 1);
    Duration age;

    if (!arg_given(request, name))
        return true;
    if (time_parse_duration(arg_text(request, name), &age))
        *at = time_now() - age;
    else if (!time_parse(arg_text(request, name), at))
        return err_set(err, ERR_USAGE,
                       "parameter '%s' is not an RFC 3339 time or a duration such as 7d: '%.*s'", name,
                       STR_ARG(arg_text(request, name)));
    *out = at;
    return true;
}

static const int64_t *number_or_null(const Request *request, const char *name)
{
    return arg_given(request, name) ? &arg(request, name)->number : NULL;
}

static void read_fields(const Request *request, FindQuery *out)
{
    Str rest = arg_text(request, "where");
    Str *fields = arena_new(request->arena, Str, FIND_FIELDS_MAX + 1);

    while (rest.len > 0 && out->field_count <= FIND_FIELDS_MAX)
        rest = str_cut(rest, ';', &fields[out->field_count++]);
    out->fields = fields;
}

static bool ask(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    const Value *box = arg(request, "bbox");
    FindBox edges;
    FindQuery query = {
        .path = arg_text(request, "path"),
        .size_min = number_or_null(request, "min_size"),
        .size_max = number_or_null(request, "max_size"),
        .user = arg_text(request, "user"),
        .group = arg_text(request, "group"),
        .uid = number_or_null(request, "uid"),
        .gid = number_or_null(request, "gid"),
        .kind = arg_text(request, "kind"),
        .sha256 = arg_text(request, "sha256"),
        .variable = arg_text(request, "variable"),
        .stamp_min = number_or_null(request, "from"),
        .stamp_max = number_or_null(request, "to"),
        .sort = (FindSort)arg_number(request, "sort"),
    };

    if (box->given) {
        edges = (FindBox){box->reals[0], box->reals[1], box->reals[2], box->reals[3]};
        query.box = &edges;
    }
    read_fields(request, &query);
    return read_types(request, &query.types, err) && read_name(request, &query, err) &&
           catalog_read_time(request, "since", &query.mtime_min, err) &&
           catalog_read_time(request, "until", &query.mtime_max, err) && find(access, &query, sink, err);
}

static bool answer(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ITEMS, &list_entries, ask, err);
}

static const Route routes[] = {
    {"GET", "/api/v1/catalog/{shard}/find", "What lies below a directory and meets conditions.",
     .params = params, .param_count = COUNT_OF(params), .handler = answer, .needs = READER,
     .reply = "EntryList"},
};

bool catalog_routes_mount_find(Server *server, CatalogService *service, Err *err)
{
    return server_mount(server, routes, COUNT_OF(routes), service, err);
}
