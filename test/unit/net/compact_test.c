/* SPDX-License-Identifier: Apache-2.0 */
#include "net/compact.h"

#include "test/check.h"

static void numbers_take_as_many_bytes_as_they_need(void)
{
    static const struct {
        uint64_t number;
        Str bytes;
    } rows[] = {
        {0, {"\x00", 1}},
        {252, {"\xfc", 1}},
        {253, {"\xfd\xfd\x00", 3}},
        {65535, {"\xfd\xff\xff", 3}},
        {65536, {"\xfe\x00\x00\x01\x00", 5}},
        {4294967295, {"\xfe\xff\xff\xff\xff", 5}},
        {4294967296, {"\xff\x00\x00\x00\x00\x01\x00\x00\x00", 9}},
        {UINT64_MAX, {"\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9}},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        BUF_SCOPE(buf);
        CompactIn in = compact_in(rows[i].bytes);

        compact_put_uint(&buf, rows[i].number);
        CHECK(str_eq(buf_str(&buf), rows[i].bytes));
        CHECK(compact_uint(&in) == rows[i].number && compact_done(&in));
        for (size_t cut = 0; cut < rows[i].bytes.len; cut++) {
            CompactIn less = compact_in(str_sub(rows[i].bytes, 0, cut));

            CHECK(compact_uint(&less) == 0 && less.bad && !compact_done(&less));
        }
    }
}

static void buffers_come_back(void)
{
    BUF_SCOPE(buf);

    compact_put_buffer(&buf, STR("some"));
    compact_put_buffer(&buf, STR(""));
    CompactIn in = compact_in(buf_str(&buf));
    CHECK(str_eq_z(compact_buffer(&in), "some") && compact_buffer(&in).len == 0 && compact_done(&in));
}

static void what_is_not_there_is_noticed_once_and_for_all(void)
{
    CompactIn long_buffer = compact_in((Str){"\xff\xff\xff\xff\xff\xff\xff\xff\xff!", 10});
    CompactIn many = compact_in((Str){"\x03"
                                      "abcd",
                                      5}),
              some = compact_in((Str){"\x02"
                                      "abcd",
                                      5});

    CHECK(compact_buffer(&long_buffer).len == 0 && long_buffer.bad);
    CHECK(compact_uint(&long_buffer) == 0 && compact_raw(&long_buffer, 0).len == 0 && long_buffer.bad);
    CHECK(compact_count(&many, 2) == 0 && many.bad);
    CHECK(compact_count(&some, 2) == 2 && !some.bad);
}

int main(void)
{
    RUN(numbers_take_as_many_bytes_as_they_need);
    RUN(buffers_come_back);
    RUN(what_is_not_there_is_noticed_once_and_for_all);
    DONE();
}
