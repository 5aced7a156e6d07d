/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void before_value(JsonOut *out)
{
    if (out->comma)
        buf_put_byte(out->buf, ',');
    out->comma = true;
}

void json_begin(JsonOut *out, char bracket)
{
    before_value(out);
    buf_put_byte(out->buf, bracket);
    out->comma = false;
}

void json_end(JsonOut *out, char bracket)
{
    buf_put_byte(out->buf, bracket);
    out->comma = true;
}

void json_key_str(JsonOut *out, Str key)
{
    before_value(out);
    json_put_quoted(out->buf, key);
    buf_put_byte(out->buf, ':');
    out->comma = false;
}

void json_key(JsonOut *out, const char *key)
{
    json_key_str(out, str_from_z(key));
}

void json_str(JsonOut *out, Str value)
{
    before_value(out);
    json_put_quoted(out->buf, value);
}

void json_z(JsonOut *out, const char *value)
{
    if (value)
        json_str(out, str_from_z(value));
    else
        json_null(out);
}

void json_int(JsonOut *out, int64_t value)
{
    before_value(out);
    buf_put_int(out->buf, value);
}

void json_uint(JsonOut *out, uint64_t value)
{
    before_value(out);
    buf_printf(out->buf, "%llu", (unsigned long long)value);
}

void json_double(JsonOut *out, double value)
{
    char text[32];

    if (!isfinite(value)) {
        json_null(out);
        return;
    }
    before_value(out);
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_put_z(out->buf, text);
}

void json_bool(JsonOut *out, bool value)
{
    before_value(out);
    buf_put_z(out->buf, value ? "true" : "false");
}

void json_null(JsonOut *out)
{
    before_value(out);
    buf_put_z(out->buf, "null");
}

void json_raw(JsonOut *out, Str value)
{
    before_value(out);
    buf_put(out->buf, value);
}

void json_line(JsonOut *out)
{
    buf_put_byte(out->buf, '\n');
    out->comma = false;
}

/* The letter behind the backslash for a byte that has one, 'u' for other control bytes, 0 for plain bytes. */
static char escape_letter(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return c < 0x20 ? 'u' : 0;
    }
}

static void put_escaped(Buf *buf, Str valid)
{
    size_t plain = 0;

    for (size_t i = 0; i < valid.len; i++) {
        char letter = escape_letter((unsigned char)valid.ptr[i]);

        if (!letter)
            continue;
        buf_put(buf, str_sub(valid, plain, i));
        plain = i + 1;
        buf_put_byte(buf, '\\');
        buf_put_byte(buf, letter);
        if (letter == 'u')
            buf_printf(buf, "%04x", (unsigned char)valid.ptr[i]);
    }
    buf_put(buf, str_sub(valid, plain, valid.len));
}

void json_put_quoted(Buf *buf, Str value)
{
    buf_put_byte(buf, '"');
    for (;;) {
        size_t valid = str_utf8_prefix(value);

        put_escaped(buf, str_sub(value, 0, valid));
        if (valid == value.len)
            break;
        buf_put_z(buf, "\xef\xbf\xbd");
        value = str_sub(value, valid + 1, value.len);
    }
    buf_put_byte(buf, '"');
}

void json_err(JsonOut *out, const Err *err)
{
    json_begin(out, '{');
    json_key(out, "error");
    json_begin(out, '{');
    json_key(out, "code");
    json_z(out, err_name(err->code));
    json_key(out, "message");
    json_z(out, err->text);
    json_key(out, "hint");
    json_z(out, err->hint);
    json_end(out, '}');
    json_end(out, '}');
}
