/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a posix record in one pass. A library that builds a tree of the object first takes ten times as
 * long, and this is done for every line of every crawl; see bench/catalog/posix_json_bench.c.
 */
#include "base/time.h"
#include "catalog/posix.h"

enum { NESTING_MAX = 64 };

typedef struct Scan {
    Str json;
    size_t at;
    Arena *arena;
    Err *err;
} Scan;

static bool refuse(Scan *scan, const char *what)
{
    return err_set(scan->err, ERR_USAGE, "posix record, byte %zu: %s", scan->at + 1, what);
}

static char peek(const Scan *scan)
{
    return scan->at < scan->json.len ? scan->json.ptr[scan->at] : '\0';
}

static char skip_blanks(Scan *scan)
{
    while (peek(scan) == ' ' || peek(scan) == '\t' || peek(scan) == '\n' || peek(scan) == '\r')
        scan->at++;
    return peek(scan);
}

static bool take(Scan *scan, char c, const char *what)
{
    if (skip_blanks(scan) != c)
        return refuse(scan, what);
    scan->at++;
    return true;
}

static bool take_hex4(Scan *scan, uint32_t *out)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++, scan->at++) {
        char c = peek(scan), low = (char)(c | 0x20);

        if (c >= '0' && c <= '9')
            value = value * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            value = value * 16 + (uint32_t)(low - 'a') + 10;
        else
            return refuse(scan, "\\u without four hexadecimal digits");
    }
    *out = value;
    return true;
}

static size_t put_utf8(char *out, uint32_t c)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[len] | c);
    return len;
}

/* Behind `\u`: one character, or the two halves of one. */
static bool take_unicode(Scan *scan, char *out, size_t *len)
{
    uint32_t c, low;

    if (!take_hex4(scan, &c))
        return false;
    if (c >= 0xd800 && c < 0xdc00 && str_starts(str_sub(scan->json, scan->at, scan->at + 2), STR("\\u"))) {
        scan->at += 2;
        if (!take_hex4(scan, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return refuse(scan, "half a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
        return refuse(scan, "a character that no text can hold");
    *len += put_utf8(out + *len, c);
    return true;
}

static bool take_escape(Scan *scan, char *out, size_t *len)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = peek(scan);
    const char *found = c ? memchr(letters, c, sizeof letters - 1) : NULL;

    scan->at++;
    if (c == 'u')
        return take_unicode(scan, out, len);
    if (!found)
        return refuse(scan, "unknown escape in a string");
    out[(*len)++] = values[found - letters];
    return true;
}

/* The rest of a string that has escapes; `from` is where it starts, behind the quote. */
static bool take_escaped_string(Scan *scan, size_t from, Str *out)
{
    size_t len = scan->at - from;
    char *text = arena_new(scan->arena, char, scan->json.len - from + 1);

    memcpy(text, scan->json.ptr + from, len);
    for (;;) {
        char c = peek(scan);

        if ((unsigned char)c < 0x20)
            return refuse(scan, "a string that does not end");
        scan->at++;
        if (c == '"')
            break;
        if (c != '\\')
            text[len++] = c;
        else if (!take_escape(scan, text, &len))
            return false;
    }
    *out = (Str){text, len};
    return true;
}

static bool take_string(Scan *scan, Str *out)
{
    if (!take(scan, '"', "a string was expected"))
        return false;
    for (size_t from = scan->at;; scan->at++) {
        char c = peek(scan);

        if (c == '\\')
            return take_escaped_string(scan, from, out);
        if ((unsigned char)c < 0x20)
            return refuse(scan, "a string that does not end");
        if (c == '"') {
            *out = str_sub(scan->json, from, scan->at++);
            return true;
        }
    }
}

static size_t skip_digits(Scan *scan)
{
    size_t from = scan->at;

    while (peek(scan) >= '0' && peek(scan) <= '9')
        scan->at++;
    return scan->at - from;
}

static bool take_number(Scan *scan, Str *out)
{
    size_t from = scan->at;

    if (peek(scan) == '-')
        scan->at++;
    bool zero = peek(scan) == '0';
    size_t digits = skip_digits(scan);
    if (digits == 0 || (zero && digits > 1))
        return refuse(scan, "a value was expected");
    if (peek(scan) == '.') {
        scan->at++;
        if (skip_digits(scan) == 0)
            return refuse(scan, "a number without digits behind the point");
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->at++;
        if (skip_digits(scan) == 0)
            return refuse(scan, "a number without an exponent");
    }
    *out = str_sub(scan->json, from, scan->at);
    return true;
}

static bool take_word(Scan *scan, Str word)
{
    if (!str_starts(str_sub(scan->json, scan->at, scan->json.len), word))
        return refuse(scan, "a value was expected");
    scan->at += word.len;
    return true;
}

static bool skip_value(Scan *scan, int nesting);

/* The members of an object or array, whose opening bracket was passed. */
static bool skip_members(Scan *scan, char close, int nesting)
{
    Str key;

    if (nesting == NESTING_MAX)
        return refuse(scan, "nested too deep");
    if (skip_blanks(scan) == close) {
        scan->at++;
        return true;
    }
    for (;;) {
        if (close == '}' && (!take_string(scan, &key) || !take(scan, ':', "a colon was expected")))
            return false;
        if (!skip_value(scan, nesting + 1))
            return false;
        if (skip_blanks(scan) != ',')
            return take(scan, close, "a comma or the end was expected");
        scan->at++;
    }
}

static bool skip_value(Scan *scan, int nesting)
{
    Str value;

    switch (skip_blanks(scan)) {
    case '"':
        return take_string(scan, &value);
    case '{':
        scan->at++;
        return skip_members(scan, '}', nesting);
    case '[':
        scan->at++;
        return skip_members(scan, ']', nesting);
    case 't':
        return take_word(scan, STR("true"));
    case 'f':
        return take_word(scan, STR("false"));
    case 'n':
        return take_word(scan, STR("null"));
    default:
        return take_number(scan, &value);
    }
}

/* A number, or the text of one. */
static bool take_number_or_text(Scan *scan, Str *out)
{
    return skip_blanks(scan) == '"' ? take_string(scan, out) : take_number(scan, out);
}

/* Whole numbers stay exact; what was written with a point or exponent must be one that a double holds. */
static bool take_uint(Scan *scan, uint64_t max, uint64_t *out)
{
    Str text;
    uint64_t value;
    double number;

    if (!take_number_or_text(scan, &text))
        return false;
    if (!str_to_uint64(text, &value)) {
        if (!str_to_double(text, &number) || !(number >= 0 && number <= 9007199254740992.0) ||
            number != (double)(uint64_t)number)
            return refuse(scan, "a whole number from 0 was expected");
        value = (uint64_t)number;
    }
    if (value > max)
        return refuse(scan, "a number is too large");
    *out = value;
    return true;
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
    double number;

    if (!take_number_or_text(scan, &text))
        return false;
    if (str_to_int64(text, &out->sec))
        return true;
    if (str_to_double(text, &number) && number > -9e15 && number < 9e15) {
        out->sec = (int64_t)number - (number < (double)(int64_t)number);
        out->nsec = (int32_t)((number - (double)out->sec) * 1e9);
        return true;
    }
    if (!time_parse(text, &at))
        return refuse(scan, "a time was expected: seconds since 1970, or RFC 3339");
    out->sec = at / SECONDS(1) - (at % SECONDS(1) < 0);
    out->nsec = nanoseconds(text);
    return true;
}

static bool take_mode(Scan *scan, PosixFacts *out)
{
    Str text;
    PosixType type;
    uint64_t bits;

    if (skip_blanks(scan) != '"') {
        if (!take_uint(scan, UINT32_MAX, &bits))
            return false;
        out->mode = bits & 07777;
        return true;
    }
    if (!take_string(scan, &text))
        return false;
    /* ls marks an access list, a security context or attributes behind the letters. */
    if (text.len == POSIX_MODE_TEXT + 1 && memchr("+.@", text.ptr[POSIX_MODE_TEXT], 3))
        text.len--;
    if (!posix_mode_from_text(text, &type, &out->mode))
        return refuse(scan, "a mode such as -rw-r--r-- was expected");
    if (!(out->has & POSIX_HAS_TYPE))
        out->type = type;
    return true;
}

static bool take_type(Scan *scan, PosixFacts *out)
{
    Str name;

    if (!take_string(scan, &name))
        return false;
    if (!posix_type_from_name(name, &out->type))
        return refuse(scan, "the type is not file, directory, link, fifo, socket, block or char");
    return true;
}

static bool take_bool(Scan *scan, bool *out)
{
    *out = skip_blanks(scan) == 't';
    return take_word(scan, *out ? STR("true") : STR("false"));
}

static bool take_object(Scan *scan, Str *out)
{
    if (skip_blanks(scan) != '{')
        return refuse(scan, "an object was expected");
    size_t from = scan->at;
    if (!skip_value(scan, 1))
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
        return take_string(scan, (Str *)(void *)place);
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

static bool take_member(Scan *scan, size_t *next, PosixFacts *out)
{
    Str key;

    if (!take_string(scan, &key) || !take(scan, ':', "a colon was expected"))
        return false;
    size_t row = find_field(key, *next);
    if (row == COUNT_OF(fields) || skip_blanks(scan) == 'n')
        return skip_value(scan, 1);
    *next = row + 1;
    if (!take_field(scan, row, out))
        return err_wrap(scan->err, "'%.*s'", STR_ARG(key));
    out->has |= fields[row].has;
    return true;
}

/* The members, whose opening brace was passed, and the brace behind them. */
static bool take_members(Scan *scan, PosixFacts *out)
{
    size_t next = 0;

    if (skip_blanks(scan) == '}') {
        scan->at++;
        return true;
    }
    for (;;) {
        if (!take_member(scan, &next, out))
            return false;
        if (skip_blanks(scan) != ',')
            return take(scan, '}', "a comma or the end of the object was expected");
        scan->at++;
    }
}

bool posix_parse(Arena *arena, Str json, PosixFacts *out, Err *err)
{
    Scan scan = {.json = json, .arena = arena, .err = err};
    PosixFacts facts = {0};

    scan.at = str_utf8_prefix(json);
    if (scan.at < json.len)
        return refuse(&scan, "not UTF-8");
    scan.at = 0;
    if (!take(&scan, '{', "an object was expected") || !take_members(&scan, &facts))
        return false;
    (void)skip_blanks(&scan);
    if (scan.at < json.len)
        return refuse(&scan, "there is something behind the object");
    *out = facts;
    return true;
}
