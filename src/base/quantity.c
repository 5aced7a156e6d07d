/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantity.h"

#include <stdio.h>

static const struct {
    const char *name;
    double factor;
} byte_units[] = {
    {"", 1},       {"B", 1},        {"K", 0x1p10},   {"KiB", 0x1p10}, {"k", 0x1p10},
    {"kB", 1e3},   {"KB", 1e3},     {"M", 0x1p20},   {"MiB", 0x1p20}, {"MB", 1e6},
    {"G", 0x1p30}, {"GiB", 0x1p30}, {"GB", 1e9},     {"T", 0x1p40},   {"TiB", 0x1p40},
    {"TB", 1e12},  {"P", 0x1p50},   {"PiB", 0x1p50}, {"PB", 1e15},
};

static size_t number_length(Str text)
{
    size_t len = 0;

    while (len < text.len && ((text.ptr[len] >= '0' && text.ptr[len] <= '9') || text.ptr[len] == '.'))
        len++;
    return len;
}

bool quantity_parse_bytes(Str text, int64_t *out)
{
    size_t digits = number_length(text);
    Str unit = str_trim(str_sub(text, digits, text.len));
    double value;

    if (digits == text.len)
        return str_to_int64(text, out);
    if (!str_to_double(str_sub(text, 0, digits), &value))
        return false;
    for (size_t i = 0; i < COUNT_OF(byte_units); i++)
        if (str_eq_z(unit, byte_units[i].name) && value * byte_units[i].factor < 0x1p63) {
            *out = (int64_t)(value * byte_units[i].factor);
            return true;
        }
    return false;
}

Str quantity_format_bytes(int64_t bytes, char out[QUANTITY_TEXT_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    int digits;

    while (value >= 1023.5 && unit + 1 < COUNT_OF(units)) {
        value /= 1024;
        unit++;
    }
    digits = unit == 0 || value >= 99.95 ? 0 : 1;
    int len = snprintf(out, QUANTITY_TEXT_MAX, "%.*f %s", digits, value, units[unit]);
    return (Str){out, (size_t)len};
}

Str quantity_format_count(double count, char out[QUANTITY_TEXT_MAX])
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;
    int digits;

    while (count >= 999.5 && unit + 1 < COUNT_OF(units)) {
        count /= 1000;
        unit++;
    }
    digits = unit == 0 || count >= 99.95 ? 0 : count >= 9.995 ? 1 : 2;
    int len = snprintf(out, QUANTITY_TEXT_MAX, "%.*f%s", digits, count, units[unit]);
    return (Str){out, (size_t)len};
}

/* From the largest unit down: where it starts to be used, and the smaller one that is named with it. */
static const struct {
    const char *name, *minor_name;
    Duration unit, minor;
} steps[] = {
    {"d", "h", SECONDS(86400), SECONDS(3600)},
    {"h", "min", SECONDS(3600), SECONDS(60)},
    {"min", "s", SECONDS(60), SECONDS(1)},
};

Str quantity_format_duration(Duration duration, char out[QUANTITY_TEXT_MAX])
{
    int len = 0;

    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (duration >= steps[i].unit) {
            long long whole = duration / steps[i].unit, rest = duration % steps[i].unit / steps[i].minor;

            len = snprintf(out, QUANTITY_TEXT_MAX, rest ? "%lld %s %lld %s" : "%lld %s", whole, steps[i].name,
                           rest, steps[i].minor_name);
            return (Str){out, (size_t)len};
        }
    if (duration >= SECONDS(1))
        len = snprintf(out, QUANTITY_TEXT_MAX, "%.1f s", (double)duration / 1e6);
    else if (duration >= MILLISECONDS(1))
        len = snprintf(out, QUANTITY_TEXT_MAX, "%lld ms", (long long)(duration / 1000));
    else
        len = snprintf(out, QUANTITY_TEXT_MAX, "%lld us", (long long)duration);
    return (Str){out, (size_t)len};
}
