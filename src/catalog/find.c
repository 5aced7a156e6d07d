/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/find.h"

#include <math.h>

#include "catalog/find_pattern.h"
#include "catalog_sql.h"

enum { ALL_TYPES = ACCESS_FILE | ACCESS_DIRECTORY | ACCESS_LINK };

static const char *const sorts[] = {
    [FIND_BY_KEY] = "key", [FIND_BY_PATH] = "path", [FIND_BY_SIZE] = "size", [FIND_BY_TIME] = "mtime"};

static DbArg text_arg(Str text)
{
    return DB_TEXT_IF(text.len > 0, text);
}

static DbArg int_arg(const int64_t *number)
{
    return number ? DB_INT(*number) : DB_NULL;
}

static DbArg time_arg(Arena *arena, const Instant *at)
{
    char text[TIME_TEXT_MAX];

    return at ? DB_TEXT(str_copy(arena, time_format(*at, text))) : DB_NULL;
}

static DbArg box_arg(const FindBox *box, double value)
{
    return box ? DB_DOUBLE(value) : DB_NULL;
}

/* ---- what was asked ---- */

/* Everything of a query in the form that it is sent in. */
typedef struct Question {
    AccessPath dir;
    unsigned types;
    FindPattern name, kind;
    Str sha256, fields;
    int64_t after_number;
    Str after_hash, after_path;
} Question;

static bool read_sha256(Arena *arena, Str hex, Str *out, Err *err)
{
    bool ok = hex.len == 64;

    for (size_t i = 0; ok && i < hex.len; i++)
        ok = hex.ptr[i] && strchr("0123456789abcdefABCDEF", hex.ptr[i]) != NULL;
    if (!ok)
        return err_set(err, ERR_USAGE, "'%.*s' is not a SHA-256: 64 hexadecimal digits",
                       STR_ARG(str_sub(hex, 0, 100)));
    *out = str_printf(arena, "\\x%.*s", STR_ARG(hex));
    return true;
}

static bool read_fields(const Access *access, const FindQuery *query, Str *out, Err *err)
{
    Arena *arena = access->arena;
    BUF_SCOPE(list);

    if (query->field_count > FIND_FIELDS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d conditions on records", FIND_FIELDS_MAX);
    buf_put_byte(&list, '[');
    for (size_t i = 0; i < query->field_count; i++) {
        if (i > 0)
            buf_put_byte(&list, ',');
        if (!find_field(arena, query->fields[i], &list, err))
            return false;
    }
    buf_put_byte(&list, ']');
    *out = str_copy(arena, buf_str(&list));
    return db_run(access->db, &sql_find_fields, DB_ARGS(DB_TEXT(*out)), NULL, err) ||
           err_wrap(err, "cannot read the conditions on records");
}

static bool read_kind(Arena *arena, Str kind, FindPattern *out, Err *err)
{
    if (!find_pattern(arena, kind, FIND_NAME_GLOB, false, out, err))
        return false;
    if (out->regex.len)
        return err_set(err, ERR_USAGE, "a kind has no '[': '%.*s'", STR_ARG(str_sub(kind, 0, 100)));
    return true;
}

static bool check_box(const FindBox *box, Err *err)
{
    bool ok = isfinite(box->west) && isfinite(box->east) && fabs(box->west) <= 180 &&
              fabs(box->east) <= 180 && fabs(box->south) <= 90 && fabs(box->north) <= 90 &&
              box->south <= box->north;

    if (ok)
        return true;
    (void)err_set(err, ERR_USAGE, "%g,%g,%g,%g is no box of longitude and latitude", box->west, box->south,
                  box->east, box->north);
    return err_hint(err, "west,south,east,north in degrees; east below west is across the antimeridian");
}

static bool check_ranges(const FindQuery *query, Err *err)
{
    if (query->size_min && query->size_max && *query->size_min > *query->size_max)
        return err_set(err, ERR_USAGE, "no size is at least %lld and at most %lld bytes",
                       (long long)*query->size_min, (long long)*query->size_max);
    if (query->mtime_min && query->mtime_max && *query->mtime_min > *query->mtime_max)
        return err_set(err, ERR_USAGE, "the range of mtime ends before it starts");
    if (query->stamp_min && query->stamp_max && *query->stamp_min > *query->stamp_max)
        return err_set(err, ERR_USAGE, "the period ends before it starts");
    return !query->box || check_box(query->box, err);
}

static bool read_after(const FindQuery *query, Str after, Question *out, Err *err)
{
    int numbers = query->sort == FIND_BY_SIZE || query->sort == FIND_BY_TIME;

    if (after.len == 0)
        return true;
    if (query->sort == FIND_BY_PATH) {
        out->after_path = after;
        return true;
    }
    return list_key_uuid(after, numbers, &out->after_number, &out->after_hash, err);
}

/* Only files have what these conditions ask for. */
static unsigned types_of(const FindQuery *query)
{
    bool file = query->size_min || query->size_max || query->kind.len || query->sha256.len ||
                query->variable.len || query->stamp_min || query->stamp_max || query->box ||
                query->sort == FIND_BY_SIZE;
    unsigned types = query->types ? query->types : ALL_TYPES;

    return file ? types & ACCESS_FILE : types;
}

/*
 * Where no order is asked for, that of an index which finds rows that meet a condition one behind another: then
 * a page is all that is read. Rows that such an order leaves out do not meet the condition either.
 */
static FindSort best_sort(const FindQuery *query)
{
    if (query->sort != FIND_BY_KEY)
        return query->sort;
    if (query->size_min || query->size_max)
        return FIND_BY_SIZE;
    if (query->mtime_min || query->mtime_max)
        return FIND_BY_TIME;
    return query->user.len > 0 && types_of(query) == ACCESS_FILE ? FIND_BY_SIZE : FIND_BY_KEY;
}

static bool read_query(const Access *access, const FindQuery *query, Str after, Question *out, Err *err)
{
    Arena *arena = access->arena;

    *out = (Question){.types = types_of(query)};
    return check_ranges(query, err) && read_after(query, after, out, err) &&
           (!query->name.len ||
            find_pattern(arena, query->name, query->name_form, query->any_case, &out->name, err)) &&
           (!query->kind.len || read_kind(arena, query->kind, &out->kind, err)) &&
           (!query->sha256.len || read_sha256(arena, query->sha256, &out->sha256, err)) &&
           (!query->field_count || read_fields(access, query, &out->fields, err)) &&
           access_path(access, query->path, ACCESS_LIST, &out->dir, err);
}

/* ---- asking ---- */

/* Is there a condition besides those on records that an index can lead with? */
static bool is_narrow(const FindQuery *query)
{
    return query->name.len || query->size_min || query->size_max || query->mtime_min || query->mtime_max ||
           query->user.len || query->kind.len || query->sha256.len || query->variable.len ||
           query->stamp_min || query->stamp_max || query->box;
}

static bool send(const Access *access, const FindQuery *query, const Question *q, ListSink *sink, Err *err)
{
    Arena *arena = access->arena;
    const FindBox *box = query->box, none = {0};
    bool whole = str_eq(q->dir.text, access->root);
    const FindBox *b = box ? box : &none;
    DbArg args[] = {
        DB_INT(q->types),
        whole ? DB_NULL : q->dir.arg,
        text_arg(q->name.like),
        text_arg(q->name.regex),
        int_arg(query->size_min),
        int_arg(query->size_max),
        time_arg(arena, query->mtime_min),
        time_arg(arena, query->mtime_max),
        text_arg(query->user),
        text_arg(query->group),
        int_arg(query->uid),
        int_arg(query->gid),
        text_arg(q->kind.like),
        text_arg(q->sha256),
        text_arg(q->fields),
        text_arg(query->variable),
        time_arg(arena, query->stamp_min),
        time_arg(arena, query->stamp_max),
        box_arg(box, b->west),
        box_arg(box, b->south),
        box_arg(box, b->east),
        box_arg(box, b->north),
        access->uid,
        access->groups,
        DB_INT(q->dir.depth),
        DB_TEXT_Z(sorts[query->sort]),
        DB_INT(q->after_number),
        text_arg(q->after_hash),
        text_arg(q->after_path),
        list_count(sink),
        q->dir.arg,
        DB_BOOL(whole && q->fields.len > 0 && !is_narrow(query)),
    };

    return list_run(access->db, &sql_find_entries, args, &list_entries, sink, err);
}

bool find(const Access *access, const FindQuery *query, ListSink *sink, Err *err)
{
    FindQuery sorted = *query;
    Question question;

    sorted.sort = best_sort(query);
    if (!read_query(access, &sorted, sink->after, &question, err) || !db_begin(access->db, err))
        return false;
    TX_SCOPE(access->db);
    /* The server plans a prepared query anew for its values only when it is told so. */
    return db_run(access->db, &sql_find_plan, DB_NO_ARGS, NULL, err) &&
           send(access, &sorted, &question, sink, err) && db_commit(access->db, err);
}
