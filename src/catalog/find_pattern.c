/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/find_pattern.h"

#include "base/json.h"
#include "base/jsonread.h"

/* ---- names ---- */

static void put_like_byte(Buf *out, char c)
{
    if (c == '%' || c == '_' || c == '\\')
        buf_put_byte(out, '\\');
    buf_put_byte(out, c);
}

static void put_regex_byte(Buf *out, char c)
{
    if (strchr(".^$*+?()[]{}|\\", c))
        buf_put_byte(out, '\\');
    buf_put_byte(out, c);
}

/* The bracket that starts at `at`, as a regular expression writes it; returns what is behind it, or 0 when it is open. */
static size_t put_bracket(Str glob, size_t at, Buf *out)
{
    size_t first = at + 1;

    if (first < glob.len && (glob.ptr[first] == '!' || glob.ptr[first] == '^'))
        first++;
    size_t end = first + 1;
    while (end < glob.len && glob.ptr[end] != ']')
        end++;
    if (end >= glob.len)
        return 0;
    buf_put_z(out, first > at + 1 ? "[^" : "[");
    for (size_t i = first; i < end; i++) {
        /* A backslash is itself in a bracket of a glob; [. [= [: mean nothing there. */
        if (glob.ptr[i] == '\\' || glob.ptr[i] == '[')
            buf_put_byte(out, '\\');
        buf_put_byte(out, glob.ptr[i]);
    }
    buf_put_byte(out, ']');
    return end + 1;
}

/* With brackets or in any case as a regular expression, else for LIKE, which is several times as fast. */
static bool put_glob(Str glob, bool regex, Buf *out, Err *err)
{
    for (size_t i = 0; i < glob.len; i++) {
        char c = glob.ptr[i];

        if (c == '*') {
            buf_put_z(out, regex ? ".*" : "%");
        } else if (c == '?') {
            buf_put_z(out, regex ? "." : "_");
        } else if (c == '[' && regex) {
            size_t next = put_bracket(glob, i, out);
            if (next == 0)
                return err_set(err, ERR_USAGE, "'%.*s' has a '[' without a ']'",
                               STR_ARG(str_sub(glob, 0, 200)));
            i = next - 1;
        } else {
            if (c == '\\' && ++i == glob.len)
                return err_set(err, ERR_USAGE, "'%.*s' ends with a backslash",
                               STR_ARG(str_sub(glob, 0, 200)));
            (regex ? put_regex_byte : put_like_byte)(out, glob.ptr[i]);
        }
    }
    return true;
}

static void put_part(Str text, bool regex, Buf *out)
{
    if (!regex)
        buf_put_byte(out, '%');
    for (size_t i = 0; i < text.len; i++)
        (regex ? put_regex_byte : put_like_byte)(out, text.ptr[i]);
    if (!regex)
        buf_put_byte(out, '%');
}

/*
 * Bytes that no name's text has can match nothing as they are, so they are written as the text has them. A
 * backslash stays: in a pattern it is the pattern's.
 */
static Str escape_odd_bytes(Arena *arena, Str text, FindName form)
{
    BUF_SCOPE(out);
    size_t at = 0;

    if (form == FIND_NAME_PART)
        return pathname_escape(arena, text);
    while (at < text.len) {
        size_t good = str_utf8_prefix(str_sub(text, at, text.len));

        for (size_t i = at; i < at + good; i++) {
            unsigned char c = (unsigned char)text.ptr[i];
            if (c < 0x20 || c == 0x7f)
                buf_printf(&out, "\\\\x%02x", c);
            else
                buf_put_byte(&out, text.ptr[i]);
        }
        at += good;
        if (at < text.len)
            buf_printf(&out, "\\\\x%02x", (unsigned char)text.ptr[at++]);
    }
    return str_copy(arena, buf_str(&out));
}

bool find_pattern(Arena *arena, Str text, FindName form, bool any_case, FindPattern *out, Err *err)
{
    BUF_SCOPE(made);
    bool regex =
        any_case || form == FIND_NAME_REGEX || (form == FIND_NAME_GLOB && memchr(text.ptr, '[', text.len));

    text = escape_odd_bytes(arena, text, form);
    if (regex)
        buf_put_z(&made, any_case ? "(?i)" : "");
    if (form == FIND_NAME_REGEX) {
        buf_put(&made, text);
    } else if (form == FIND_NAME_PART) {
        put_part(text, regex, &made);
    } else {
        buf_put_z(&made, regex ? "^" : "");
        if (!put_glob(text, regex, &made, err))
            return false;
        buf_put_z(&made, regex ? "$" : "");
    }
    Str pattern = str_copy(arena, buf_str(&made));
    *out = regex ? (FindPattern){.regex = pattern} : (FindPattern){.like = pattern};
    return true;
}

/* ---- fields of records ---- */

/* Longer ones first, so that <= is not read as <. */
static const struct {
    const char *sign, *path; /* as written; as SQL/JSON has it */
} operators[] = {{"<=", "<="}, {">=", ">="}, {"!=", "!="}, {"==", "=="},
                 {"=", "=="},  {"<", "<"},   {">", ">"},   {"~", "~"}};

/* Where the first operator stands, and which; false when there is none. */
static bool find_operator(Str condition, size_t *out_at, size_t *out_operator)
{
    for (size_t at = 0; at < condition.len; at++) {
        for (size_t o = 0; o < COUNT_OF(operators); o++) {
            if (str_starts(str_sub(condition, at, condition.len), str_from_z(operators[o].sign))) {
                *out_at = at;
                *out_operator = o;
                return true;
            }
        }
    }
    return false;
}

/* $."key"."key"; a number is a key or a place in an array, so it is looked for as both. */
static bool put_keys(Str keys, Buf *out)
{
    buf_put_byte(out, '$');
    while (keys.len > 0) {
        Str key;

        keys = str_cut(keys, '.', &key);
        if (key.len == 0)
            return false;
        buf_put_byte(out, '.');
        json_put_quoted(out, key);
    }
    return true;
}

/* A JSON number, true, false or null, which is also compared as such. */
static bool is_plain_json(Str value)
{
    JsonIn in = json_in(value);
    JsonValue read;

    return json_value(&in, &read) && json_done(&in) && read.kind != JSON_OBJECT && read.kind != JSON_ARRAY &&
           read.kind != JSON_STRING;
}

static void put_test(const char *operator, Str value, Buf *out)
{
    if (strcmp(operator, "~") == 0) {
        buf_put_z(out, " ? (@ like_regex ");
        json_put_quoted(out, value);
        buf_put_byte(out, ')');
    } else if (!is_plain_json(value)) {
        buf_printf(out, " ? (@ %s $text)", operator);
    } else {
        /* Different from both, or equal to one of them. */
        buf_printf(out, " ? (@ %s $value %s @ %s $text)", operator,
                   strcmp(operator, "!=") == 0 ? "&&" : "||", operator);
    }
}

static bool is_no_condition(Str condition, Err *err)
{
    (void)err_set(err, ERR_USAGE, "'%.*s' is no condition on a record", STR_ARG(str_sub(condition, 0, 200)));
    return err_hint(err,
                    "write TYPE.KEY.KEY OP VALUE, OP one of = != < <= > >= ~, for example posix.nlink>=2");
}

bool find_field(Arena *arena, Str condition, Buf *out, Err *err)
{
    BUF_SCOPE(path);
    JsonOut json = json_out(out);
    size_t at = condition.len, o = 0;
    bool compares = find_operator(condition, &at, &o);
    Str type, keys = str_cut(str_trim(str_sub(condition, 0, at)), '.', &type);
    Str value = {0};

    (void)arena;
    if (type.len == 0 || keys.len == 0 || keys.ptr[keys.len - 1] == '.' || !put_keys(keys, &path) ||
        str_utf8_prefix(condition) != condition.len)
        return is_no_condition(condition, err);
    if (compares) {
        value = str_trim(str_sub(condition, at + strlen(operators[o].sign), condition.len));
        put_test(operators[o].path, value, &path);
    }
    json_begin(&json, '{');
    json_key(&json, "type");
    json_str(&json, type);
    json_key(&json, "path");
    json_str(&json, buf_str(&path));
    json_key(&json, "vars");
    json_begin(&json, '{');
    json_key(&json, "text");
    json_str(&json, value);
    if (compares && is_plain_json(value)) {
        json_key(&json, "value");
        json_raw(&json, value);
    }
    json_end(&json, '}');
    json_end(&json, '}');
    return true;
}
