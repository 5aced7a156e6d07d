/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonread.h"

#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

JsonIn json_in(Str text)
{
    if (!text.ptr) /* nothing may be added to it, not even 0 */
        text.ptr = "";
    return (JsonIn){.start = text.ptr, .at = text.ptr, .end = text.ptr + text.len};
}

static bool wrong(JsonIn *in, const char *problem)
{
    if (!in->problem)
        in->problem = problem;
    in->end = in->at; /* nothing more is read */
    return false;
}

static void skip_blanks(JsonIn *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

static bool take(JsonIn *in, char c)
{
    skip_blanks(in);
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

/* ---- strings ---- */

/* The first of `p`..`end` that is a quote, a backslash, a control byte or not ASCII. */
static const char *plain_end(const char *p, const char *end)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(' ');

    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* signed: below a blank are the control bytes and all bytes from 0x80 */
        __m128i special =
            _mm_or_si128(_mm_cmplt_epi8(bytes, blank),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        int mask = _mm_movemask_epi8(special);

        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
    while (p < end && *p >= ' ' && *p != '"' && *p != '\\') /* char is signed on the machines we build for */
        p++;
    return p;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hex digits at `p`, or -1. */
static int hex4(const char *p, const char *end)
{
    int value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool surrogate_high(int unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}
static bool surrogate_low(int unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Behind the backslash of an escape; moves past it. */
static bool check_escape(JsonIn *in)
{
    if (in->at == in->end)
        return wrong(in, "the text ends inside a string");
    char c = *in->at;
    if (c != 'u') {
        if (!strchr("\"\\/bfnrt", c) || c == '\0')
            return wrong(in, "unknown escape in a string");
        in->at++;
        return true;
    }
    int unit = hex4(in->at + 1, in->end);
    if (unit < 0)
        return wrong(in, "\\u without four hex digits");
    if (unit == 0)
        return wrong(in, "\\u0000 cannot be stored");
    if (surrogate_low(unit))
        return wrong(in, "half a surrogate pair");
    in->at += 5;
    if (!surrogate_high(unit))
        return true;
    if (in->end - in->at < 6 || in->at[0] != '\\' || in->at[1] != 'u' ||
        !surrogate_low(hex4(in->at + 2, in->end)))
        return wrong(in, "half a surrogate pair");
    in->at += 6;
    return true;
}

/* Past bytes from 0x80: a run of whole UTF-8 sequences. */
static bool check_utf8(JsonIn *in)
{
    const char *p = in->at;

    while (p < in->end && *p < 0)
        p++;
    Str run = {in->at, (size_t)(p - in->at)};
    if (str_utf8_prefix(run) != run.len)
        return wrong(in, "bytes that are not UTF-8");
    in->at = p;
    return true;
}

/* A string, its opening quote taken; `out` is what stands between the quotes. */
static bool read_string(JsonIn *in, Str *out, bool *escaped)
{
    const char *start = in->at;

    *escaped = false;
    for (;;) {
        in->at = plain_end(in->at, in->end);
        if (in->at == in->end)
            return wrong(in, "the text ends inside a string");
        char c = *in->at;
        if (c == '"')
            break;
        if (c == '\\') {
            *escaped = true;
            in->at++;
            if (!check_escape(in))
                return false;
        } else if (c < 0) {
            if (!check_utf8(in))
                return false;
        } else
            return wrong(in, "a control byte in a string");
    }
    *out = (Str){start, (size_t)(in->at - start)};
    in->at++;
    return true;
}

/* ---- other values ---- */

static bool digits(JsonIn *in)
{
    const char *start = in->at;

    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
    return in->at > start || wrong(in, "a number without digits");
}

enum { NUMBER_MAX = 4096 }; /* bytes: numeric holds 16383 digits behind the point */

static bool read_number(JsonIn *in)
{
    const char *start = in->at;

    if (*in->at == '-')
        in->at++;
    if (in->at < in->end && *in->at == '0')
        in->at++;
    else if (!digits(in))
        return false;
    if (in->at < in->end && *in->at == '.') {
        in->at++;
        if (!digits(in))
            return false;
    }
    if (in->at < in->end && (*in->at == 'e' || *in->at == 'E')) {
        in->at++;
        if (in->at < in->end && (*in->at == '+' || *in->at == '-'))
            in->at++;
        const char *exponent = in->at;
        if (!digits(in))
            return false;
        if (in->at - exponent > 4)
            return wrong(in, "a number too large to store");
    }
    return in->at - start <= NUMBER_MAX || wrong(in, "a number too long to store");
}

static bool read_word(JsonIn *in, JsonValue *out)
{
    static const struct {
        Str word;
        JsonKind kind;
    } words[] = {{{"null", 4}, JSON_NULL}, {{"true", 4}, JSON_TRUE}, {{"false", 5}, JSON_FALSE}};
    Str left = {in->at, (size_t)(in->end - in->at)};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_starts(left, words[i].word)) {
            in->at += words[i].word.len;
            out->kind = words[i].kind;
            return true;
        }
    return wrong(in, "not a JSON value");
}

/* What stands before the next value: nothing at the start and behind a key, else as json_element_next() left it. */
static bool read_scalar(JsonIn *in, JsonValue *out)
{
    const char *start = in->at;

    out->escaped = false;
    if (*in->at == '"') {
        in->at++;
        out->kind = JSON_STRING;
        return read_string(in, &out->raw, &out->escaped);
    }
    if (*in->at == '-' || (*in->at >= '0' && *in->at <= '9')) {
        out->kind = JSON_NUMBER;
        if (!read_number(in))
            return false;
    } else if (!read_word(in, out))
        return false;
    out->raw = (Str){start, (size_t)(in->at - start)};
    return true;
}

bool json_enter(JsonIn *in, char bracket)
{
    if (in->problem || !take(in, bracket))
        return false;
    if (++in->depth > JSON_DEPTH_MAX)
        return wrong(in, "nested too deep");
    in->first = true;
    return true;
}

/* The comma, or the end, of what was entered last. */
static bool next(JsonIn *in, char close)
{
    if (in->problem)
        return false;
    if (take(in, close)) {
        in->depth--;
        in->first = false;
        return false;
    }
    if (!in->first && !take(in, ','))
        return wrong(in, "a comma or the end of the object or array is missing");
    in->first = false;
    return true;
}

bool json_element_next(JsonIn *in)
{
    return next(in, ']');
}

bool json_key_next(JsonIn *in, Str *key)
{
    bool escaped;

    if (!next(in, '}'))
        return false;
    if (!take(in, '"'))
        return wrong(in, "a key is missing");
    if (!read_string(in, key, &escaped))
        return false;
    return take(in, ':') || wrong(in, "a colon is missing");
}

static bool read_nested(JsonIn *in)
{
    int outside = in->depth;
    char closers[JSON_DEPTH_MAX + 1];
    JsonValue scalar;
    Str key;

    /* A loop and not a recursion: the depth of foreign data is not the depth of our stack. */
    for (;;) {
        skip_blanks(in);
        char c = in->at < in->end ? *in->at : 0;

        if (c == '{' || c == '[') {
            closers[in->depth] = c == '{' ? '}' : ']';
            if (!json_enter(in, c))
                return false;
        } else if (c == 0)
            return wrong(in, "the text ends too early");
        else if (!read_scalar(in, &scalar))
            return false;
        for (;;) {
            if (in->depth == outside)
                return true;
            bool object = closers[in->depth - 1] == '}';
            if (object ? json_key_next(in, &key) : json_element_next(in))
                break;
            if (in->problem)
                return false;
        }
    }
}

bool json_value(JsonIn *in, JsonValue *out)
{
    if (in->problem)
        return false;
    skip_blanks(in);
    if (in->at == in->end)
        return wrong(in, "the text ends too early");
    if (*in->at != '{' && *in->at != '[')
        return read_scalar(in, out);

    const char *start = in->at;
    out->kind = *start == '{' ? JSON_OBJECT : JSON_ARRAY;
    out->escaped = false;
    bool outer_first = in->first;
    if (!read_nested(in))
        return false;
    in->first = outer_first && in->depth == 0;
    out->raw = (Str){start, (size_t)(in->at - start)};
    return true;
}

bool json_skip(JsonIn *in)
{
    JsonValue ignored;

    return json_value(in, &ignored);
}

bool json_done(JsonIn *in)
{
    if (in->problem)
        return false;
    skip_blanks(in);
    if (in->depth > 0 || in->at == in->start)
        return wrong(in, "the text ends too early");
    return in->at == in->end || wrong(in, "something behind the end of the value");
}

size_t json_at(const JsonIn *in)
{
    return (size_t)(in->at - in->start);
}

/* ---- values ---- */

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80)
        *out++ = (char)code;
    else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Undoes the \u escape at `p` (behind the u); it was checked before. */
static const char *undo_unicode(const char *p, const char *end, char **out)
{
    unsigned code = (unsigned)hex4(p, end);

    p += 4;
    if (surrogate_high((int)code)) {
        code = 0x10000 + ((code - 0xd800) << 10) + ((unsigned)hex4(p + 2, end) - 0xdc00);
        p += 6;
    }
    *out = put_utf8(*out, code);
    return p;
}

Str json_text(Arena *arena, const JsonValue *value)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";

    if (!value->escaped)
        return value->raw;
    char *text = arena_new(arena, char, value->raw.len + 1), *out = text;
    const char *end = value->raw.ptr + value->raw.len;
    for (const char *p = value->raw.ptr; p < end;) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        const char *letter = strchr(letters, p[1]);
        p += 2;
        if (p[-1] == 'u')
            p = undo_unicode(p, end, &out);
        else
            *out++ = letter ? meanings[letter - letters] : p[-1];
    }
    return (Str){text, (size_t)(out - text)};
}

bool json_to_int64(const JsonValue *value, int64_t *out)
{
    return (value->kind == JSON_NUMBER || value->kind == JSON_STRING) && str_to_int64(value->raw, out);
}

bool json_to_double(const JsonValue *value, double *out)
{
    return value->kind == JSON_NUMBER && str_to_double(value->raw, out);
}
