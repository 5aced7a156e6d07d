/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawlfile_pack.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

CrawlPack crawlfile_pack_of(Str path)
{
    return str_ends(path, STR(".gz"))    ? CRAWLFILE_GZIP
           : str_ends(path, STR(".zst")) ? CRAWLFILE_ZSTD
                                         : CRAWLFILE_PLAIN;
}

static bool pack_gzip(Str piece, Buf *out, Err *err)
{
    /* The most that deflate may add to what does not shrink, and the header and trailer, with room to spare. */
    size_t most = piece.len + piece.len / 64 + 1024;
    BUF_SCOPE(window);
    BUF_SCOPE(input);
    struct isal_zstream stream;

    buf_put(&input, piece); /* the library's input is not const */
    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_GZIP;
    stream.end_of_stream = 1;
    stream.flush = NO_FLUSH;
    stream.level = 1;
    stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream.level_buf = (uint8_t *)buf_reserve(&window, stream.level_buf_size);
    stream.next_in = (uint8_t *)buf_reserve(&input, 1) - input.len;
    stream.avail_in = (uint32_t)piece.len;
    stream.next_out = (uint8_t *)buf_reserve(out, most);
    stream.avail_out = (uint32_t)most;

    int state = isal_deflate_stateless(&stream);
    if (state != COMP_OK)
        return err_set(err, ERR_IO, "isa-l cannot compress: error %d", state);
    out->len += stream.total_out;
    return true;
}

static bool pack_zstd(Str piece, Buf *out, Err *err)
{
    enum { LEVEL = 3 };
    size_t most = ZSTD_compressBound(piece.len);
    size_t len = ZSTD_compress(buf_reserve(out, most), most, piece.ptr, piece.len, LEVEL);

    if (ZSTD_isError(len))
        return err_set(err, ERR_IO, "zstd cannot compress: %s", ZSTD_getErrorName(len));
    out->len += len;
    return true;
}

bool crawlfile_pack(CrawlPack pack, Str piece, Buf *out, Err *err)
{
    switch (pack) {
    case CRAWLFILE_GZIP:
        return pack_gzip(piece, out, err);
    case CRAWLFILE_ZSTD:
        return pack_zstd(piece, out, err);
    default:
        return true;
    }
}
