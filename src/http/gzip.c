/* SPDX-License-Identifier: Apache-2.0 */
#include "http/gzip.h"

#include <isa-l/igzip_lib.h>

#include "base/lock.h"

enum { KEPT_MAX = 8, OUTPUT_STEP = 32 * 1024, INPUT_STEP = 1 << 30 };

struct Gzip {
    struct isal_zstream stream;
    uint8_t level[ISAL_DEF_LVL1_MEDIUM];
    struct Gzip *next;
    Arena home;
};

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static Gzip *kept;
static int kept_count;

static Gzip *take_kept(void)
{
    LOCK_SCOPE(held, &kept_lock);
    Gzip *gzip = kept;

    if (gzip) {
        kept = gzip->next;
        kept_count--;
    }
    return gzip;
}

static bool keep(Gzip *gzip)
{
    LOCK_SCOPE(held, &kept_lock);

    if (kept_count == KEPT_MAX)
        return false;
    gzip->next = kept;
    kept = gzip;
    kept_count++;
    return true;
}

Gzip *gzip_new(void)
{
    Gzip *gzip = take_kept();

    if (!gzip) {
        Arena home = {0};

        gzip = arena_new(&home, Gzip, 1);
        gzip->home = home;
    }
    isal_deflate_init(&gzip->stream);
    gzip->stream.level = 1;
    gzip->stream.level_buf = gzip->level;
    gzip->stream.level_buf_size = sizeof gzip->level;
    gzip->stream.gzip_flag = IGZIP_GZIP;
    return gzip;
}

void gzip_free(Gzip *gzip)
{
    if (keep(gzip))
        return;
    Arena home = gzip->home;
    arena_free(&home);
}

/* Compresses at most INPUT_STEP bytes, because ISA-L counts in 32 bits. */
static void put_some(struct isal_zstream *stream, Str in, GzipFlush flush, Buf *out)
{
    /* ISA-L reads only; its pointer is not const for old compilers' sake. */
    union {
        const char *from;
        uint8_t *to;
    } cast = {.from = in.ptr};

    stream->next_in = cast.to;
    stream->avail_in = (uint32_t)in.len;
    stream->flush = flush == GZIP_NOW ? SYNC_FLUSH : NO_FLUSH;
    stream->end_of_stream = flush == GZIP_END;
    do {
        stream->next_out = (uint8_t *)buf_reserve(out, OUTPUT_STEP);
        stream->avail_out = OUTPUT_STEP;
        (void)isal_deflate(stream);
        out->len += OUTPUT_STEP - stream->avail_out;
    } while (stream->avail_out == 0 || stream->avail_in > 0);
}

void gzip_put(Gzip *gzip, Str in, GzipFlush flush, Buf *out)
{
    while (in.len > INPUT_STEP) {
        put_some(&gzip->stream, str_sub(in, 0, INPUT_STEP), GZIP_MORE, out);
        in = str_sub(in, INPUT_STEP, in.len);
    }
    put_some(&gzip->stream, in, flush, out);
}
