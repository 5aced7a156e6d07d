/* SPDX-License-Identifier: Apache-2.0 */
#include "http/gzip.h"

#include <zlib.h>

#include "test/check.h"

/* zlib's reading of what ISA-L wrote; the status of the last step. */
static int unpack(Str packed, Buf *out)
{
    union {
        const char *from;
        Bytef *to;
    } cast = {.from = packed.ptr};
    z_stream stream = {.next_in = cast.to, .avail_in = (uInt)packed.len};
    int status = inflateInit2(&stream, 15 + 16);

    while (status == Z_OK) {
        stream.next_out = (Bytef *)buf_reserve(out, 65536);
        stream.avail_out = 65536;
        status = inflate(&stream, Z_NO_FLUSH);
        out->len += 65536 - stream.avail_out;
        if (stream.avail_in == 0 && stream.avail_out > 0)
            break;
    }
    (void)inflateEnd(&stream);
    return status;
}

static void put_rows(Buf *text, int from, int count)
{
    for (int i = from; i < from + count; i++)
        buf_printf(text, "{\"row\":%d,\"path\":\"/g/data/%d\"}\n", i, i * 7919);
}

static void what_is_packed_in_pieces_unpacks_to_the_whole(void)
{
    BUF_SCOPE(text);
    BUF_SCOPE(packed);
    BUF_SCOPE(again);
    Gzip *gzip = gzip_new();

    for (int i = 0; i < 50; i++) {
        size_t before = text.len;

        put_rows(&text, i * 1000, 1000);
        gzip_put(gzip, str_sub(buf_str(&text), before, text.len), GZIP_MORE, &packed);
    }
    gzip_put(gzip, (Str){"", 0}, GZIP_END, &packed);
    gzip_free(gzip);
    CHECK(packed.len < text.len / 3);
    CHECK(unpack(buf_str(&packed), &again) == Z_STREAM_END);
    CHECK(str_eq(buf_str(&text), buf_str(&again)));
}

static void what_was_put_can_be_read_after_a_flush(void)
{
    BUF_SCOPE(text);
    BUF_SCOPE(packed);
    Gzip *gzip = gzip_new();

    for (int i = 0; i < 3; i++) {
        BUF_SCOPE(again);
        size_t before = text.len;

        put_rows(&text, i, 1);
        gzip_put(gzip, str_sub(buf_str(&text), before, text.len), GZIP_NOW, &packed);
        CHECK(unpack(buf_str(&packed), &again) == Z_OK);
        CHECK(str_eq(buf_str(&text), buf_str(&again)));
    }
    gzip_free(gzip);
}

static void one_is_used_again_after_an_unfinished_stream(void)
{
    BUF_SCOPE(packed);
    BUF_SCOPE(again);
    Gzip *gzip = gzip_new();

    gzip_put(gzip, STR("left in the middle"), GZIP_MORE, &packed);
    gzip_free(gzip);
    buf_reset(&packed);
    gzip = gzip_new();
    gzip_put(gzip, STR("whole"), GZIP_END, &packed);
    gzip_free(gzip);
    CHECK(unpack(buf_str(&packed), &again) == Z_STREAM_END && str_eq_z(buf_str(&again), "whole"));
}

int main(void)
{
    RUN(what_is_packed_in_pieces_unpacks_to_the_whole);
    RUN(what_was_put_can_be_read_after_a_flush);
    RUN(one_is_used_again_after_an_unfinished_stream);
    DONE();
}
