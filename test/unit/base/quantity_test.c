/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantity.h"

#include "test/check.h"

static const struct {
    const char *text;
    int64_t bytes; /* -1: refused */
} sizes[] = {
    {"0", 0},
    {"4096", 4096},
    {"64K", 65536},
    {"64k", 65536},
    {"64KiB", 65536},
    {"64 KiB", 65536},
    {"64kB", 64000},
    {"1.5G", 3LL << 29},
    {"2TB", 2000000000000},
    {"7EiB", -1},
    {"", -1},
    {"K", -1},
    {"1.2.3M", -1},
    {"12Q", -1},
    {"9223372036854775807", INT64_MAX},
    {"9223372036854775808", -1},
    {"99999999999P", -1},
    {"1e3", -1},
    {"-1K", -1},
};

static void sizes_are_read_as_people_write_them(void)
{
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int64_t bytes = -1;
        bool ok = quantity_parse_bytes(str_from_z(sizes[i].text), &bytes);

        CHECK(ok == (sizes[i].bytes >= 0) && bytes == sizes[i].bytes);
        if (bytes != sizes[i].bytes)
            printf("# '%s' is read as %lld\n", sizes[i].text, (long long)bytes);
    }
}

enum { AS_BYTES, AS_COUNT, AS_DURATION };

static const struct {
    int as;
    double amount;
    const char *text;
} amounts[] = {
    {AS_BYTES, 0, "0 B"},
    {AS_BYTES, 1023, "1023 B"},
    {AS_BYTES, 1536, "1.5 KiB"},
    {AS_BYTES, 1048575, "1.0 MiB"},
    {AS_BYTES, 244813135872.0, "228 GiB"},
    {AS_BYTES, 0x1p62, "4.0 EiB"},
    {AS_COUNT, 0, "0"},
    {AS_COUNT, 999, "999"},
    {AS_COUNT, 999.7, "1.00k"},
    {AS_COUNT, 12345, "12.3k"},
    {AS_COUNT, 4.56e6, "4.56M"},
    {AS_DURATION, 850, "850 us"},
    {AS_DURATION, 90e3, "90 ms"},
    {AS_DURATION, 1.5e6, "1.5 s"},
    {AS_DURATION, 125e6, "2 min 5 s"},
    {AS_DURATION, 3600e6, "1 h"},
    {AS_DURATION, 352800e6, "4 d 2 h"},
};

static void amounts_are_short(void)
{
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        char text[QUANTITY_TEXT_MAX];
        double amount = amounts[i].amount;
        Str is = amounts[i].as == AS_BYTES   ? quantity_format_bytes((int64_t)amount, text)
                 : amounts[i].as == AS_COUNT ? quantity_format_count(amount, text)
                                             : quantity_format_duration((Duration)amount, text);

        CHECK(str_eq_z(is, amounts[i].text));
        if (!str_eq_z(is, amounts[i].text))
            printf("# %g is '%.*s', not '%s'\n", amount, STR_ARG(is), amounts[i].text);
    }
}

int main(void)
{
    RUN(sizes_are_read_as_people_write_them);
    RUN(amounts_are_short);
    DONE();
}
