/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"

/* ---- chunks ---- */

static void *grow(void *list, size_t count, size_t *size)
{
    if (count < *size)
        return list;
    *size = *size ? *size * 2 : 16;
    list = realloc(list, *size * sizeof(char *));
    if (!list)
        abort();
    return list;
}

SpoolPool spool_pool_new(const char *dir, size_t bytes)
{
    return (SpoolPool){.dir = dir, .most = bytes / SPOOL_CHUNK};
}

void spool_pool_release(SpoolPool *pool)
{
    for (size_t i = 0; i < pool->free_count; i++)
        free(pool->free[i]);
    free(pool->free);
    *pool = (SpoolPool){0};
}

static char *take_chunk(SpoolPool *pool)
{
    char *chunk = pool->free_count > 0 ? pool->free[--pool->free_count] : malloc(SPOOL_CHUNK);

    if (!chunk)
        abort();
    pool->taken++;
    return chunk;
}

static void give_back(SpoolPool *pool, char *chunk)
{
    pool->free = grow(pool->free, pool->free_count, &pool->free_size);
    pool->free[pool->free_count++] = chunk;
    pool->taken--;
}

/* ---- life ---- */

Spool spool_new(SpoolPool *pool)
{
    return (Spool){.pool = pool, .fd = -1};
}

static void drop_chunks(Spool *spool)
{
    while (spool->count > 0)
        give_back(spool->pool, spool->chunks[--spool->count]);
    spool->last = 0;
}

void spool_reset(Spool *spool)
{
    os_close(&spool->fd);
    drop_chunks(spool);
    spool->in_file = 0;
}

void spool_release(Spool *spool)
{
    spool_reset(spool);
    free(spool->chunks);
    spool->chunks = NULL;
    spool->size = 0;
}

static size_t chunk_len(const Spool *spool, size_t chunk)
{
    return chunk + 1 < spool->count ? SPOOL_CHUNK : spool->last;
}

int64_t spool_len(const Spool *spool)
{
    return spool->in_file +
           (spool->count > 0 ? (int64_t)((spool->count - 1) * SPOOL_CHUNK + spool->last) : 0);
}

/* ---- the file ---- */

/* It has no name, or none for long, so it goes with the process. Not every file system makes one without. */
static bool make_file(Spool *spool, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *dir = spool->pool->dir;

    if (spool->fd >= 0)
        return true;
    spool->fd = os_open(dir, O_TMPFILE | O_RDWR, 0600);
    if (spool->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        const char *path =
            str_printf(&scratch, "%s/.strata-spool-%d-%p", dir, (int)getpid(), (void *)spool).ptr;

        spool->fd = os_open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
        if (spool->fd >= 0)
            (void)os_unlink(path);
    }
    return spool->fd >= 0 || err_sys(err, ERR_IO, "cannot make a file in '%s'", dir);
}

static bool move_to_file(Spool *spool, Err *err)
{
    if (!make_file(spool, err))
        return err_wrap(err, "cannot keep what came so far");
    for (size_t i = 0; i < spool->count; i++) {
        Str bytes = {spool->chunks[i], chunk_len(spool, i)};

        if (!os_pwrite_all(spool->fd, bytes, spool->in_file, err))
            return err_wrap(err, "cannot keep what came so far in '%s'", spool->pool->dir);
        spool->in_file += (int64_t)bytes.len;
    }
    drop_chunks(spool);
    return true;
}

/* ---- in and out ---- */

static bool add_chunk(Spool *spool, Err *err)
{
    if (spool->pool->taken >= spool->pool->most && spool->count > 0 && !move_to_file(spool, err))
        return false;
    spool->chunks = grow(spool->chunks, spool->count, &spool->size);
    spool->chunks[spool->count++] = take_chunk(spool->pool);
    spool->last = 0;
    return true;
}

bool spool_put(Spool *spool, Str bytes, Err *err)
{
    while (bytes.len > 0) {
        if ((spool->count == 0 || spool->last == SPOOL_CHUNK) && !add_chunk(spool, err))
            return false;
        size_t room = SPOOL_CHUNK - spool->last, now = bytes.len < room ? bytes.len : room;

        memcpy(spool->chunks[spool->count - 1] + spool->last, bytes.ptr, now);
        spool->last += now;
        bytes = str_sub(bytes, now, bytes.len);
    }
    return true;
}

/* What is passed on of all bytes, and how far that came. */
typedef struct Giving {
    int64_t at, from, to;
    SpoolTake *take;
    void *ctx;
} Giving;

static bool give_piece(Giving *giving, Str bytes, Err *err)
{
    int64_t from = giving->from - giving->at, to = giving->to - giving->at, len = (int64_t)bytes.len;

    giving->at += len;
    from = from < 0 ? 0 : from;
    to = to > len ? len : to;
    return from >= to || giving->take(giving->ctx, str_sub(bytes, (size_t)from, (size_t)to), err);
}

static bool give_file(Spool *spool, Giving *giving, Err *err)
{
    BUF_SCOPE(piece);

    for (int64_t at = 0; at < spool->in_file;) {
        size_t got = 0;

        if (!os_pread_all(spool->fd, buf_reserve(&piece, SPOOL_CHUNK), SPOOL_CHUNK, at, &got, err))
            return false;
        if (got == 0)
            return err_set(err, ERR_IO, "what was kept in '%s' is not there any more", spool->pool->dir);
        if (!give_piece(giving, (Str){piece.ptr, got}, err))
            return false;
        at += (int64_t)got;
    }
    return true;
}

bool spool_give(Spool *spool, size_t skip_front, size_t skip_back, SpoolTake *take, void *ctx, Err *err)
{
    Giving giving = {
        .from = (int64_t)skip_front, .to = spool_len(spool) - (int64_t)skip_back, .take = take, .ctx = ctx};

    if (!give_file(spool, &giving, err))
        return false;
    for (size_t i = 0; i < spool->count; i++)
        if (!give_piece(&giving, (Str){spool->chunks[i], chunk_len(spool, i)}, err))
            return false;
    spool_reset(spool);
    return true;
}
