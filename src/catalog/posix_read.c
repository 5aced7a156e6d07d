/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a posix record in one pass. A library that builds a tree of the object first takes seven times as
 * long, and this is done for every line of every crawl; see bench/catalog/posix_json_bench.c.
 */
#include "base/time.h"
#include "catalog/posix.h"
#include "catalog/posix_scan.h"

/* A number, or the text of one. */
static bool take_number_or_text(Scan *scan, Str *out)
{
    return scan_blanks(scan) == '"' ? scan_string(scan, out) : scan_number(scan, out);
}

/* Whole numbers stay exact; what was written with a point or exponent must be one that a double holds. */
static bool take_uint(Scan *scan, uint64_t max, uint64_t *out)
{
    Str text;
    double number;

    if (!scan_plain_uint(scan, out)) {
        if (!take_number_or_text(scan, &text))
            return false;
        if (!str_to_uint64(text, out)) {
            if (!str_to_double(text, &number) || !(number >= 0 && number <= 9007199254740992.0) ||
                number != (double)(uint64_t)number)
                return scan_refuse(scan, "a whole number from 0 was expected");
            *out = (uint64_t)number;
        }
    }
    return *out <= max || scan_refuse(scan, "a number is too large");
}

/* The digits behind the point as nanoseconds; what is beyond nine is cut off. */
static int32_t nanoseconds(Str text)
{
    const char *point = memchr(text.ptr, '.', text.len);
    int32_t value = 0;

    if (!point)
        return 0;
    for (int i = 0; i < 9; i++) {
        const char *digit = point + 1 + i;
        bool is_digit = digit < text.ptr + text.len && *digit >= '0' && *digit <= '9';

        if (!is_digit)
            text.len = (size_t)(digit - text.ptr);
        value = value * 10 + (is_digit ? *digit - '0' : 0);
    }
    return value;
}

static bool take_time(Scan *scan, PosixTime *out)
{
    Str text;
    Instant at;
    uint64_t plain;
    double number;

    size_t from = scan->at;

    if (scan_plain_uint(scan, &plain) && plain <= INT64_MAX) {
        out->sec = (int64_t)plain;
        return true;
    }
    scan->at = from;
    if (!take_number_or_text(scan, &text))
        return false;
    if (str_to_int64(text, &out->sec))
        return true;
    if (str_to_double(text, &number) && number > -9e15 && number < 9e15) {
        out->sec = (int64_t)number - (number < (double)(int64_t)number);
        out->nsec = (int32_t)((number - (double)out->sec) * 1e9);
        if (out->nsec > 999999999) /* a little below a whole second, rounded up */
            out->nsec = 999999999;
        return true;
    }
    if (!time_parse(text, &at))
        return scan_refuse(scan, "a time was expected: seconds since 1970, or RFC 3339");
    out->sec = at / SECONDS(1) - (at % SECONDS(1) < 0);
    out->nsec = nanoseconds(text);
    return true;
}

static bool take_mode(Scan *scan, PosixFacts *out)
{
    Str text;
    PosixType type;
    uint64_t bits;

    if (scan_blanks(scan) != '"') {
        if (!take_uint(scan, UINT32_MAX, &bits))
            return false;
        out->mode = bits & 07777;
        return true;
    }
    if (!scan_string(scan, &text))
        return false;
    /* ls marks an access list, a security context or attributes behind the letters. */
    if (text.len == POSIX_MODE_TEXT + 1 && memchr("+.@", text.ptr[POSIX_MODE_TEXT], 3))
        text.len--;
    if (!posix_mode_from_text(text, &type, &out->mode))
        return scan_refuse(scan, "a mode such as -rw-r--r-- was expected");
    if (!(out->has & POSIX_HAS_TYPE))
        out->type = type;
    return true;
}

static bool take_type(Scan *scan, PosixFacts *out)
{
    Str name;

    if (!scan_string(scan, &name))
        return false;
    if (!posix_type_from_name(name, &out->type))
        return scan_refuse(scan, "the type is not file, directory, link, fifo, socket, block or char");
    return true;
}

static bool take_bool(Scan *scan, bool *out)
{
    *out = scan_blanks(scan) == 't';
    return scan_word(scan, *out ? STR("true") : STR("false"));
}

static bool take_object(Scan *scan, Str *out)
{
    if (scan_blanks(scan) != '{')
        return scan_refuse(scan, "an object was expected");
    size_t from = scan->at;
    if (!scan_skip(scan, 1))
        return false;
    *out = str_sub(scan->json, from, scan->at);
    return true;
}

typedef enum FieldKind { UINT64, UINT32, TIME, NSEC, TEXT, MODE, TYPE, BOOL, OBJECT } FieldKind;

#define KEY(literal)                   \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

/* In the order in which the writer puts them, so that the next key is nearly always the next row. */
static const struct {
    Str key;
    FieldKind kind;
    uint32_t has;
    size_t offset;
} fields[] = {
    {KEY("type"), TYPE, POSIX_HAS_TYPE, 0},
    {KEY("size"), UINT64, POSIX_HAS_SIZE, offsetof(PosixFacts, size)},
    {KEY("mode"), MODE, POSIX_HAS_MODE, 0},
    {KEY("inode"), UINT64, POSIX_HAS_INODE, offsetof(PosixFacts, inode)},
    {KEY("nlink"), UINT32, POSIX_HAS_NLINK, offsetof(PosixFacts, nlink)},
    {KEY("dev"), UINT64, POSIX_HAS_DEV, offsetof(PosixFacts, dev)},
    {KEY("uid"), UINT32, POSIX_HAS_UID, offsetof(PosixFacts, uid)},
    {KEY("gid"), UINT32, POSIX_HAS_GID, offsetof(PosixFacts, gid)},
    {KEY("user"), TEXT, POSIX_HAS_USER, offsetof(PosixFacts, user)},
    {KEY("group"), TEXT, POSIX_HAS_GROUP, offsetof(PosixFacts, group)},
    {KEY("atime"), TIME, POSIX_HAS_ATIME, offsetof(PosixFacts, atime)},
    {KEY("mtime"), TIME, POSIX_HAS_MTIME, offsetof(PosixFacts, mtime)},
    {KEY("ctime"), TIME, POSIX_HAS_CTIME, offsetof(PosixFacts, ctime)},
    {KEY("atime_ns"), NSEC, 0, offsetof(PosixFacts, atime.nsec)},
    {KEY("mtime_ns"), NSEC, 0, offsetof(PosixFacts, mtime.nsec)},
    {KEY("ctime_ns"), NSEC, 0, offsetof(PosixFacts, ctime.nsec)},
    {KEY("btime"), TIME, POSIX_HAS_BTIME, offsetof(PosixFacts, btime)},
    {KEY("btime_ns"), NSEC, 0, offsetof(PosixFacts, btime.nsec)},
    {KEY("target"), TEXT, POSIX_HAS_TARGET, offsetof(PosixFacts, target)},
    {KEY("intact"), BOOL, POSIX_HAS_INTACT, offsetof(PosixFacts, intact)},
    {KEY("xattrs"), OBJECT, POSIX_HAS_XATTRS, offsetof(PosixFacts, xattrs)},
};

/* The row of `key`, looking from `next` on and around; COUNT_OF(fields) when there is none. */
static size_t find_field(Str key, size_t next)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        size_t row = next + i < COUNT_OF(fields) ? next + i : next + i - COUNT_OF(fields);

        if (str_eq(fields[row].key, key))
            return row;
    }
    return COUNT_OF(fields);
}

static bool take_field(Scan *scan, size_t row, PosixFacts *out)
{
    char *place = (char *)out + fields[row].offset;
    uint64_t number = 0;

    switch (fields[row].kind) {
    case UINT64:
        return take_uint(scan, UINT64_MAX, (uint64_t *)(void *)place);
    case UINT32:
        if (!take_uint(scan, UINT32_MAX, &number))
            return false;
        *(uint32_t *)(void *)place = (uint32_t)number;
        return true;
    case TIME:
        return take_time(scan, (PosixTime *)(void *)place);
    case NSEC:
        if (!take_uint(scan, 999999999, &number))
            return false;
        *(int32_t *)(void *)place = (int32_t)number;
        return true;
    case TEXT:
        return scan_string(scan, (Str *)(void *)place);
    case MODE:
        return take_mode(scan, out);
    case TYPE:
        return take_type(scan, out);
    case BOOL:
        return take_bool(scan, (bool *)place);
    default:
        return take_object(scan, (Str *)(void *)place);
    }
}

/* Passes the key of `row` with its quotes and colon if it stands here. */
static bool take_key_of(Scan *scan, size_t row)
{
    Str key = fields[row].key;
    const char *at = scan->json.ptr + scan->at;

    if (scan->json.len - scan->at < key.len + 3 || at[0] != '"' || memcmp(at + 1, key.ptr, key.len) != 0 ||
        at[key.len + 1] != '"' || at[key.len + 2] != ':')
        return false;
    scan->at += key.len + 3;
    return true;
}

/* The row of the key that stands here, COUNT_OF(fields) for an unknown one. */
static bool take_key(Scan *scan, size_t next, size_t *row)
{
    Str key;

    /* The writer leaves keys out, but seldom many in a row. */
    for (*row = next; *row < next + 4 && *row < COUNT_OF(fields); ++*row)
        if (take_key_of(scan, *row))
            return true;
    if (!scan_string(scan, &key) || !scan_take(scan, ':', "a colon was expected"))
        return false;
    *row = find_field(key, next);
    return true;
}

static bool take_member(Scan *scan, size_t *next, PosixFacts *out)
{
    size_t row;

    if (!take_key(scan, *next, &row))
        return false;
    if (row == COUNT_OF(fields) || scan_blanks(scan) == 'n')
        return scan_skip(scan, 1);
    *next = row + 1;
    if (!take_field(scan, row, out))
        return err_wrap(scan->err, "'%.*s'", STR_ARG(fields[row].key));
    out->has |= fields[row].has;
    return true;
}

/* The members, whose opening brace was passed, and the brace behind them. */
static bool take_members(Scan *scan, PosixFacts *out)
{
    size_t next = 0;

    if (scan_blanks(scan) == '}') {
        scan->at++;
        return true;
    }
    for (;;) {
        if (!take_member(scan, &next, out))
            return false;
        if (scan_blanks(scan) != ',')
            return scan_take(scan, '}', "a comma or the end of the object was expected");
        scan->at++;
    }
}

static bool take_record(Scan *scan, PosixFacts *out)
{
    size_t valid = str_utf8_prefix(scan->json);

    if (valid < scan->json.len) {
        scan->at = valid;
        return scan_refuse(scan, "not UTF-8");
    }
    if (!scan_take(scan, '{', "an object was expected") || !take_members(scan, out))
        return false;
    (void)scan_blanks(scan);
    return scan->at == scan->json.len || scan_refuse(scan, "there is something behind the object");
}

bool posix_parse(Arena *arena, Str json, PosixFacts *out, Err *err)
{
    Scan scan = {.json = json, .arena = arena, .err = err};
    PosixFacts facts = {0};

    if (!take_record(&scan, &facts))
        return err_wrap(err, "posix record");
    *out = facts;
    return true;
}
