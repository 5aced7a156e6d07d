/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/lines.h"

#include <isa-l/igzip_lib.h>
#include <poll.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/os.h"

typedef enum Packing { PACKING_UNKNOWN, PACKING_NONE, PACKING_GZIP, PACKING_ZSTD } Packing;

struct Lines {
    int fd;
    const atomic_bool *stop; /* NULL: nobody asks to stop */
    Packing packing;
    char *input; /* INPUT_BYTES */
    size_t input_at, input_len;
    bool input_end, inside; /* inside: of a packed part */
    struct inflate_state gzip;
    ZSTD_DStream *zstd;
    Buf text;
    size_t at; /* of what is not given yet in text */
    int64_t number, bytes;
};

enum { INPUT_BYTES = 256 * 1024, OUTPUT_BYTES = 1024 * 1024 };

static void release(void *lines_v)
{
    Lines *lines = lines_v;

    buf_release(&lines->text);
    (void)ZSTD_freeDStream(lines->zstd);
}

Lines *lines_new(Arena *arena, int fd, const atomic_bool *stop)
{
    Lines *lines = arena_new(arena, Lines, 1);

    lines->fd = fd;
    lines->stop = stop;
    lines->input = arena_new(arena, char, INPUT_BYTES);
    arena_defer(arena, release, lines);
    return lines;
}

int64_t lines_number(const Lines *lines)
{
    return lines->number;
}

int64_t lines_bytes(const Lines *lines)
{
    return lines->bytes;
}

/* A signal may wake another thread than this one, so it looks up by itself. Files are always ready. */
static bool wait_for_input(const Lines *lines, Err *err)
{
    enum { LOOK_UP_MS = 100 };
    struct pollfd input = {.fd = lines->fd, .events = POLLIN};

    while (!atomic_load(lines->stop))
        if (poll(&input, 1, LOOK_UP_MS) > 0)
            return true;
    return err_set(err, ERR_INTERRUPTED, "interrupted after line %lld", (long long)lines->number);
}

static bool read_input(Lines *lines, Err *err)
{
    if (lines->stop && !wait_for_input(lines, err))
        return false;
    if (lines->input_at > 0 && lines->input_at < lines->input_len)
        memmove(lines->input, lines->input + lines->input_at, lines->input_len - lines->input_at);
    lines->input_len -= lines->input_at;
    lines->input_at = 0;
    ssize_t n = os_read(lines->fd, lines->input + lines->input_len, INPUT_BYTES - lines->input_len);
    if (n < 0)
        return err_sys(err, ERR_IO, "cannot read");
    lines->input_end = n == 0;
    lines->input_len += (size_t)n;
    lines->bytes += n;
    return true;
}

/* Two or four first bytes tell; a pipe may give them one by one. */
static bool find_packing(Lines *lines, Err *err)
{
    static const struct {
        Str magic;
        Packing packing;
    } magics[] = {{{"\x1f\x8b", 2}, PACKING_GZIP}, {{"\x28\xb5\x2f\xfd", 4}, PACKING_ZSTD}};

    while (!lines->input_end && lines->input_len < 4)
        if (!read_input(lines, err))
            return false;
    lines->packing = PACKING_NONE;
    for (size_t i = 0; i < COUNT_OF(magics); i++)
        if (str_starts((Str){lines->input, lines->input_len}, magics[i].magic))
            lines->packing = magics[i].packing;
    if (lines->packing == PACKING_ZSTD)
        lines->zstd = ZSTD_createDStream();
    return true;
}

static bool unpack_none(Lines *lines, Err *err)
{
    (void)err;
    buf_put(&lines->text, (Str){lines->input + lines->input_at, lines->input_len - lines->input_at});
    lines->input_at = lines->input_len;
    return true;
}

static bool unpack_gzip(Lines *lines, Err *err)
{
    struct inflate_state *gzip = &lines->gzip;

    if (!lines->inside) {
        isal_inflate_init(gzip);
        gzip->crc_flag = ISAL_GZIP;
        lines->inside = true;
    }
    gzip->next_in = (uint8_t *)lines->input + lines->input_at;
    gzip->avail_in = (uint32_t)(lines->input_len - lines->input_at);
    gzip->next_out = (uint8_t *)buf_reserve(&lines->text, OUTPUT_BYTES);
    gzip->avail_out = OUTPUT_BYTES;
    if (isal_inflate(gzip) != ISAL_DECOMP_OK)
        return err_set(err, ERR_CORRUPT, "the gzip data is damaged after line %lld",
                       (long long)lines->number);
    lines->text.len += OUTPUT_BYTES - gzip->avail_out;
    lines->input_at = lines->input_len - gzip->avail_in;
    if (gzip->block_state == ISAL_BLOCK_FINISH)
        lines->inside = false;
    return true;
}

static bool unpack_zstd(Lines *lines, Err *err)
{
    ZSTD_inBuffer in = {lines->input, lines->input_len, lines->input_at};
    ZSTD_outBuffer out = {buf_reserve(&lines->text, OUTPUT_BYTES), OUTPUT_BYTES, 0};
    size_t left = ZSTD_decompressStream(lines->zstd, &out, &in);

    if (ZSTD_isError(left))
        return err_set(err, ERR_CORRUPT, "the zstd data is damaged after line %lld: %s",
                       (long long)lines->number, ZSTD_getErrorName(left));
    lines->text.len += out.pos;
    lines->input_at = in.pos;
    lines->inside = left != 0;
    return true;
}

/* Adds some text. *end when there is no more. */
static bool unpack(Lines *lines, bool *end, Err *err)
{
    static bool (*const unpacks[])(Lines *, Err *) = {
        [PACKING_NONE] = unpack_none, [PACKING_GZIP] = unpack_gzip, [PACKING_ZSTD] = unpack_zstd};
    size_t before = lines->text.len, input_before = lines->input_len - lines->input_at;

    if (lines->packing == PACKING_UNKNOWN && !find_packing(lines, err))
        return false;
    if (lines->input_at == lines->input_len && !lines->input_end && !read_input(lines, err))
        return false;
    if ((lines->input_at < lines->input_len || lines->inside) && !unpacks[lines->packing](lines, err))
        return false;
    bool stuck = lines->text.len == before && lines->input_len - lines->input_at == input_before;
    if (stuck && lines->input_at < lines->input_len && !lines->input_end)
        return read_input(lines, err);
    if (!stuck || !lines->input_end)
        return true;
    if (lines->inside)
        return err_set(err, ERR_CORRUPT, "the packed data is cut off after line %lld",
                       (long long)lines->number);
    *end = true;
    return true;
}

bool lines_next(Lines *lines, Str *out, bool *end, Err *err)
{
    size_t looked = lines->at;

    *end = false;
    for (;;) {
        const char *text = lines->text.ptr;
        const char *newline =
            looked < lines->text.len ? memchr(text + looked, '\n', lines->text.len - looked) : NULL;

        if (newline || (*end && lines->at < lines->text.len)) {
            size_t stop = newline ? (size_t)(newline - text) : lines->text.len;

            *out = (Str){text + lines->at, stop - lines->at};
            lines->at = newline ? stop + 1 : stop;
            lines->number++;
            *end = false;
            return true;
        }
        if (*end)
            return true;
        looked = lines->text.len - lines->at;
        buf_consume(&lines->text, lines->at);
        lines->at = 0;
        if (lines->text.len > LINES_MAX_BYTES)
            return err_set(err, ERR_LIMIT, "line %lld is longer than %d bytes", (long long)lines->number + 1,
                           LINES_MAX_BYTES);
        if (!unpack(lines, end, err))
            return false;
    }
}
