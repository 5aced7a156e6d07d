/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/posix_scan.h"

#include <string.h>

enum { NESTING_MAX = 64 };

bool scan_refuse(Scan *scan, const char *what)
{
    return err_set(scan->err, ERR_USAGE, "byte %zu: %s", scan->at + 1, what);
}

char scan_blanks(Scan *scan)
{
    while (scan_peek(scan) == ' ' || scan_peek(scan) == '\t' || scan_peek(scan) == '\n' ||
           scan_peek(scan) == '\r')
        scan->at++;
    return scan_peek(scan);
}

bool scan_take(Scan *scan, char c, const char *what)
{
    if (scan_blanks(scan) != c)
        return scan_refuse(scan, what);
    scan->at++;
    return true;
}

static bool take_hex4(Scan *scan, uint32_t *out)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++, scan->at++) {
        char c = scan_peek(scan), low = (char)(c | 0x20);

        if (c >= '0' && c <= '9')
            value = value * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            value = value * 16 + (uint32_t)(low - 'a') + 10;
        else
            return scan_refuse(scan, "\\u without four hexadecimal digits");
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
            return scan_refuse(scan, "half a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
        return scan_refuse(scan, "a character that no text can hold");
    *len += put_utf8(out + *len, c);
    return true;
}

static bool take_escape(Scan *scan, char *out, size_t *len)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = scan_peek(scan);
    const char *found = c ? memchr(letters, c, sizeof letters - 1) : NULL;

    scan->at++;
    if (c == 'u')
        return take_unicode(scan, out, len);
    if (!found)
        return scan_refuse(scan, "unknown escape in a string");
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
        char c = scan_peek(scan);

        if ((unsigned char)c < 0x20)
            return scan_refuse(scan, "a string that does not end");
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

bool scan_string(Scan *scan, Str *out)
{
    if (!scan_take(scan, '"', "a string was expected"))
        return false;
    size_t from = scan->at, at = from;

    while (at < scan->json.len && (unsigned char)scan->json.ptr[at] >= 0x20 && scan->json.ptr[at] != '"' &&
           scan->json.ptr[at] != '\\')
        at++;
    scan->at = at;
    if (scan_peek(scan) == '\\')
        return take_escaped_string(scan, from, out);
    if (scan_peek(scan) != '"')
        return scan_refuse(scan, "a string that does not end");
    *out = (Str){scan->json.ptr + from, at - from};
    scan->at++;
    return true;
}

static size_t skip_digits(Scan *scan)
{
    size_t from = scan->at;

    while (scan_peek(scan) >= '0' && scan_peek(scan) <= '9')
        scan->at++;
    return scan->at - from;
}

bool scan_number(Scan *scan, Str *out)
{
    size_t from = scan->at;

    if (scan_peek(scan) == '-')
        scan->at++;
    bool zero = scan_peek(scan) == '0';
    size_t digits = skip_digits(scan);
    if (digits == 0 || (zero && digits > 1))
        return scan_refuse(scan, "a value was expected");
    if (scan_peek(scan) == '.') {
        scan->at++;
        if (skip_digits(scan) == 0)
            return scan_refuse(scan, "a number without digits behind the point");
    }
    if (scan_peek(scan) == 'e' || scan_peek(scan) == 'E') {
        scan->at++;
        if (scan_peek(scan) == '+' || scan_peek(scan) == '-')
            scan->at++;
        if (skip_digits(scan) == 0)
            return scan_refuse(scan, "a number without an exponent");
    }
    *out = str_sub(scan->json, from, scan->at);
    return true;
}

bool scan_word(Scan *scan, Str word)
{
    if (!str_starts(str_sub(scan->json, scan->at, scan->json.len), word))
        return scan_refuse(scan, "a value was expected");
    scan->at += word.len;
    return true;
}

/* The members of an object or array, whose opening bracket was passed. */
static bool skip_members(Scan *scan, char close, int nesting)
{
    Str key;

    if (nesting == NESTING_MAX)
        return scan_refuse(scan, "nested too deep");
    if (scan_blanks(scan) == close) {
        scan->at++;
        return true;
    }
    for (;;) {
        if (close == '}' && (!scan_string(scan, &key) || !scan_take(scan, ':', "a colon was expected")))
            return false;
        if (!scan_skip(scan, nesting + 1))
            return false;
        if (scan_blanks(scan) != ',')
            return scan_take(scan, close, "a comma or the end was expected");
        scan->at++;
    }
}

bool scan_skip(Scan *scan, int nesting)
{
    Str value;

    switch (scan_blanks(scan)) {
    case '"':
        return scan_string(scan, &value);
    case '{':
        scan->at++;
        return skip_members(scan, '}', nesting);
    case '[':
        scan->at++;
        return skip_members(scan, ']', nesting);
    case 't':
        return scan_word(scan, STR("true"));
    case 'f':
        return scan_word(scan, STR("false"));
    case 'n':
        return scan_word(scan, STR("null"));
    default:
        return scan_number(scan, &value);
    }
}

/* Nothing but digits, as nearly all numbers are; else nothing is taken. */
bool scan_plain_uint(Scan *scan, uint64_t *out)
{
    enum { DIGITS = 19 }; /* always fit */
    size_t at = scan->at;
    uint64_t value = 0;

    while (at < scan->json.len && at - scan->at < DIGITS && scan->json.ptr[at] >= '0' &&
           scan->json.ptr[at] <= '9')
        value = value * 10 + (uint64_t)(scan->json.ptr[at++] - '0');
    if (at == scan->at || at == scan->json.len || (scan->json.ptr[at] != ',' && scan->json.ptr[at] != '}') ||
        (scan->json.ptr[scan->at] == '0' && at - scan->at > 1))
        return false;
    scan->at = at;
    *out = value;
    return true;
}
