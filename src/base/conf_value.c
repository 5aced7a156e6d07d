/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf_value.h"

#include <stdio.h>

#include "base/quantity.h"

/* The place of `word` in "a|b|c". */
static bool place_in_words(Str word, const char *words, int *out)
{
    Str rest = str_from_z(words), one;

    for (int place = 0; rest.len; place++) {
        rest = str_cut(rest, '|', &one);
        if (str_eq(one, word)) {
            *out = place;
            return true;
        }
    }
    return false;
}

static bool parse_amount(ConfType type, Str text, int64_t *out)
{
    if (type == CONF_BYTES)
        return quantity_parse_bytes(text, out) && *out >= 0;
    if (type == CONF_DURATION)
        return time_parse_duration(text, out);
    return str_to_int64(text, out) && *out >= 0;
}

static bool parse_in_range(const ConfKey *key, Str text, int64_t *out)
{
    int64_t value, limit;

    if (!parse_amount(key->type, text, &value))
        return false;
    if (key->min[0] && (!parse_amount(key->type, str_from_z(key->min), &limit) || value < limit))
        return false;
    if (key->max[0] && (!parse_amount(key->type, str_from_z(key->max), &limit) || value > limit))
        return false;
    *out = value;
    return true;
}

static bool is_port(Str text)
{
    int64_t port;

    return text.len && text.ptr[0] != '+' && str_to_int64(text, &port) && port >= 0 && port <= 65535;
}

static bool is_address(Str text)
{
    const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;

    if (!colon || !is_port(str_sub(text, (size_t)(colon - text.ptr) + 1, text.len)))
        return false;
    Str host = str_sub(text, 0, (size_t)(colon - text.ptr));

    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        return true;
    return host.len && !memchr(host.ptr, ':', host.len) && !memchr(host.ptr, ' ', host.len);
}

bool conf_value_store(const ConfKey *key, Str text, void *values)
{
    void *field = (char *)values + key->offset;
    int place;

    switch (key->type) {
    case CONF_ADDRESS:
        if (!is_address(text) && !(text.len == 0 && key->preset[0] == '\0'))
            return false;
        *(Str *)field = text;
        return true;
    case CONF_TEXT:
    case CONF_PATH:
        *(Str *)field = text;
        return true;
    case CONF_COUNT:
    case CONF_BYTES:
    case CONF_DURATION:
        return parse_in_range(key, text, field);
    case CONF_ENUM:
        return place_in_words(text, key->min, field);
    case CONF_BOOL:
        if (!place_in_words(text, "no|yes", &place))
            return false;
        *(bool *)field = place == 1;
        return true;
    }
    return false;
}

static const char *const type_names[] = {
    [CONF_TEXT] = "text",
    [CONF_PATH] = "a path",
    [CONF_ADDRESS] = "an address: HOST:PORT or [IPV6]:PORT",
    [CONF_COUNT] = "a whole number",
    [CONF_BYTES] = "a size such as 64K or 1.5GiB",
    [CONF_DURATION] = "a duration such as 500ms, 90s or 2h",
    [CONF_ENUM] = "one of ",
    [CONF_BOOL] = "yes or no",
};

void conf_put_range(const ConfKey *key, Buf *out)
{
    Str words = str_from_z(key->min), word;

    buf_put_z(out, type_names[key->type]);
    if (key->type == CONF_ENUM) {
        while (words.len) {
            words = str_cut(words, '|', &word);
            buf_printf(out, "%.*s%s", STR_ARG(word), words.len ? ", " : "");
        }
        return;
    }
    if (key->min[0])
        buf_printf(out, key->max[0] ? " from %s" : ", at least %s", key->min);
    if (key->max[0])
        buf_printf(out, key->min[0] ? " to %s" : ", at most %s", key->max);
}
