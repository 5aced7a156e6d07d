/* SPDX-License-Identifier: Apache-2.0 */
#include "http/url.h"

#include <strings.h>

const Pair *pairs_find(Pairs pairs, const char *name)
{
    for (size_t i = 0; i < pairs.count; i++)
        if (str_eq_z(pairs.at[i].name, name))
            return &pairs.at[i];
    return NULL;
}

Str pairs_header(Pairs pairs, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < pairs.count; i++)
        if (pairs.at[i].name.len == len && strncasecmp(pairs.at[i].name.ptr, name, len) == 0)
            return pairs.at[i].value;
    return (Str){"", 0};
}

/* What is behind "scheme://authority" of an absolute target; a target that starts with '/' has none. */
static Str without_host(Str target)
{
    const char *colons = target.len && target.ptr[0] != '/' ? memmem(target.ptr, target.len, "://", 3) : NULL;

    if (!colons)
        return target;
    size_t at = (size_t)(colons - target.ptr) + 3;
    while (at < target.len && target.ptr[at] != '/' && target.ptr[at] != '?')
        at++;
    return str_sub(target, at, target.len);
}

void url_split(Str target, Str *out_path, Str *out_query)
{
    Str whole, path;

    (void)str_cut(without_host(target), '#', &whole);
    Str query = str_cut(whole, '?', &path);
    *out_path = path.len ? path : STR("/");
    *out_query = query;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Whether decoding would change nothing, which is so for nearly every name and most values. */
static bool is_plain(Str raw, bool plus)
{
    return !memchr(raw.ptr, '%', raw.len) && !(plus && memchr(raw.ptr, '+', raw.len));
}

bool url_decode(Arena *arena, Str raw, bool plus, Str *out)
{
    bool whole = true;
    size_t len = 0;

    if (!raw.len || is_plain(raw, plus)) {
        *out = raw;
        return true;
    }
    char *text = arena_new(arena, char, raw.len + 1);
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];

        if (c == '%') {
            int high = i + 2 < raw.len ? hex_digit(raw.ptr[i + 1]) : -1;
            int low = i + 2 < raw.len ? hex_digit(raw.ptr[i + 2]) : -1;

            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            } else {
                whole = false;
            }
        } else if (c == '+' && plus) {
            c = ' ';
        }
        text[len++] = c;
    }
    *out = (Str){text, len};
    return whole;
}

static size_t count_pieces(Str raw)
{
    size_t count = 0;

    while (raw.len) {
        Str piece;

        raw = str_cut(raw, '&', &piece);
        count += piece.len > 0;
    }
    return count;
}

bool url_pairs(Arena *arena, Str raw, Pairs *out, Err *err)
{
    size_t count = count_pieces(raw);
    Pairs pairs = {0};

    if (count > URL_PAIRS_MAX)
        return err_set(err, ERR_USAGE, "there are %zu parameters, more than %d", count, URL_PAIRS_MAX);
    pairs.at = arena_new(arena, Pair, count + 1); /* never nothing, for the analyzer's peace */
    while (raw.len) {
        Str piece, name;

        raw = str_cut(raw, '&', &piece);
        if (!piece.len)
            continue;
        Pair *pair = &pairs.at[pairs.count++];
        Str value = str_cut(piece, '=', &name);
        bool name_ok = url_decode(arena, name, true, &pair->name);
        bool value_ok = url_decode(arena, value, true, &pair->value);
        pair->malformed = !name_ok || !value_ok;
    }
    *out = pairs;
    return true;
}

void url_encode(Buf *buf, Str s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '_' || c == '.' || c == '~';

        if (safe) {
            buf_put_byte(buf, (char)c);
            continue;
        }
        buf_put_byte(buf, '%');
        buf_put_byte(buf, digits[c >> 4]);
        buf_put_byte(buf, digits[c & 15]);
    }
}
