/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/row_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"

enum { PIECE = 256 * 1024 };

void row_file_end(RowFile *file)
{
    if (file->part && file->fd >= 0)
        (void)os_unlink(file->part);
    if (file->part)
        os_close(&file->fd);
}

bool row_file_open(Arena *arena, Str path, bool seeks, const char *dir, RowFile *out, Err *err)
{
    *out = (RowFile){.fd = STDOUT_FILENO};
    if (path.len == 0 || str_eq(path, STR("-"))) {
        if (!seeks)
            return true;
        out->copied = true;
        out->part =
            str_printf(arena, "%s/.strata-rows-%d", dir, (int)getpid()).ptr; /* libhdf5 wants a name */
        out->fd = os_open(out->part, O_RDWR | O_CREAT | O_EXCL, 0600);
        return out->fd >= 0 || err_sys(err, ERR_IO, "cannot make a file in '%s'", dir);
    }
    out->path = path.ptr;
    out->part = str_printf(arena, "%s.%d.part", path.ptr, (int)getpid()).ptr;
    out->fd = os_open(out->part, O_RDWR | O_CREAT | O_EXCL, 0666);
    return out->fd >= 0 || err_sys(err, ERR_IO, "cannot write '%s'", path.ptr);
}

static bool copy_out(const RowFile *file, Err *err)
{
    BUF_SCOPE(piece);
    size_t got = 1;

    for (off_t at = 0; got > 0; at += (off_t)got)
        if (!os_pread_all(file->fd, buf_reserve(&piece, PIECE), PIECE, at, &got, err) ||
            !os_write_all(STDOUT_FILENO, (Str){piece.ptr, got}, err))
            return false;
    return true;
}

bool row_file_keep(RowFile *file, Err *err)
{
    if (file->copied)
        return copy_out(file, err);
    if (!file->part)
        return true;
    if (os_fsync(file->fd) < 0 || os_rename(file->part, file->path) < 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", file->path);
    os_close(&file->fd);
    return true;
}
