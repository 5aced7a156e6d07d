/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"

enum { PIECE = 256 * 1024 };

Spool spool_new(const char *dir, size_t in_memory)
{
    return (Spool){.dir = dir, .in_memory = in_memory, .fd = -1};
}

void spool_release(Spool *spool)
{
    os_close(&spool->fd);
    buf_release(&spool->bytes);
}

void spool_reset(Spool *spool)
{
    os_close(&spool->fd);
    buf_reset(&spool->bytes);
    spool->in_file = 0;
}

/* It has no name, or none for long, so it goes with the process. Not every file system makes one without. */
static bool make_file(Spool *spool, Err *err)
{
    ARENA_SCOPE(scratch);

    if (spool->fd >= 0)
        return true;
    spool->fd = os_open(spool->dir, O_TMPFILE | O_RDWR, 0600);
    if (spool->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        const char *path =
            str_printf(&scratch, "%s/.strata-spool-%d-%p", spool->dir, (int)getpid(), (void *)spool).ptr;

        spool->fd = os_open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
        if (spool->fd >= 0)
            (void)os_unlink(path);
    }
    return spool->fd >= 0 || err_sys(err, ERR_IO, "cannot make a file in '%s'", spool->dir);
}

static bool move_to_file(Spool *spool, Err *err)
{
    if (!make_file(spool, err) || !os_pwrite_all(spool->fd, buf_str(&spool->bytes), spool->in_file, err))
        return err_wrap(err, "cannot keep what came so far");
    spool->in_file += (int64_t)spool->bytes.len;
    buf_reset(&spool->bytes);
    return true;
}

bool spool_put(Spool *spool, Str bytes, Err *err)
{
    buf_put(&spool->bytes, bytes);
    /* Once there is a file it gets large pieces; until then all that memory may hold. */
    return spool->bytes.len < (spool->fd < 0 ? spool->in_memory : (size_t)PIECE) || move_to_file(spool, err);
}

static bool give_file(Spool *spool, int fd, Err *err)
{
    BUF_SCOPE(piece);

    for (int64_t at = 0; at < spool->in_file;) {
        size_t got = 0;

        if (!os_pread_all(spool->fd, buf_reserve(&piece, PIECE), PIECE, at, &got, err))
            return false;
        if (got == 0)
            return err_set(err, ERR_IO, "what was kept in '%s' is not there any more", spool->dir);
        if (!os_write_all(fd, (Str){piece.ptr, got}, err))
            return false;
        at += (int64_t)got;
    }
    return true;
}

bool spool_give(Spool *spool, int fd, Err *err)
{
    if (!give_file(spool, fd, err) || !os_write_all(fd, buf_str(&spool->bytes), err))
        return false;
    spool_reset(spool);
    return true;
}
