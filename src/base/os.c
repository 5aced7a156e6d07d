/* SPDX-License-Identifier: Apache-2.0 */
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

/* Repeats a call that a signal interrupted, and asks the fault seam first. */
#define CALL(type, call)                      \
    do {                                      \
        type result;                          \
        if (fault_next())                     \
            return -1;                        \
        do                                    \
            result = (call);                  \
        while (result < 0 && errno == EINTR); \
        return result;                        \
    } while (0)

int os_open(const char *path, int flags, mode_t mode)
{
    CALL(int, open(path, flags | O_CLOEXEC, mode));
}

int os_open_at(int dir, const char *path, int flags, mode_t mode)
{
    CALL(int, openat(dir, path, flags | O_CLOEXEC, mode));
}

ssize_t os_read(int fd, void *data, size_t len)
{
    CALL(ssize_t, read(fd, data, len));
}

ssize_t os_pread(int fd, void *data, size_t len, off_t at)
{
    CALL(ssize_t, pread(fd, data, len, at));
}

ssize_t os_pwrite(int fd, const void *data, size_t len, off_t at)
{
    CALL(ssize_t, pwrite(fd, data, len, at));
}

ssize_t os_write(int fd, const void *data, size_t len)
{
    CALL(ssize_t, write(fd, data, len));
}

int os_fsync(int fd)
{
    CALL(int, fsync(fd));
}

int os_fdatasync(int fd)
{
    CALL(int, fdatasync(fd));
}

int os_punch_hole(int fd, off_t at, off_t len)
{
    CALL(int, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, len));
}

int os_rename(const char *from, const char *to)
{
    CALL(int, rename(from, to));
}

int os_unlink(const char *path)
{
    CALL(int, unlink(path));
}

int os_mkdir(const char *path, mode_t mode)
{
    CALL(int, mkdir(path, mode));
}

int os_ftruncate(int fd, off_t len)
{
    CALL(int, ftruncate(fd, len));
}

int os_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out)
{
    CALL(int, statx(dir, path, flags, mask, out));
}

ssize_t os_readlink_at(int dir, const char *path, char *out, size_t size)
{
    CALL(ssize_t, readlinkat(dir, path, out, size));
}

ssize_t os_getdents(int fd, void *entries, size_t size)
{
    CALL(ssize_t, syscall(SYS_getdents64, fd, entries, size));
}

static int open_without_links(int dir, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static bool has_openat2;
static pthread_once_t openat2_asked = PTHREAD_ONCE_INIT;

static void ask_for_openat2(void)
{
    FD_SCOPE(fd);

    fd = open_without_links(AT_FDCWD, ".", O_PATH);
    has_openat2 = fd >= 0 || (errno != ENOSYS && errno != EPERM);
}

int os_open_below(int dir, const char *path, int flags)
{
    (void)pthread_once(&openat2_asked, ask_for_openat2);
    if (!has_openat2)
        CALL(int, openat(dir, path, flags | O_CLOEXEC | O_NOFOLLOW));
    CALL(int, open_without_links(dir, path, flags));
}

void os_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

bool os_read_file(const char *path, size_t max, Buf *out, Err *err)
{
    enum { PIECE = 64 * 1024 };
    size_t start = out->len;
    FD_SCOPE(fd);

    fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path);
    for (;;) {
        ssize_t n = os_read(fd, buf_reserve(out, PIECE), PIECE);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read '%s'", path);
        if (n == 0)
            return true;
        out->len += (size_t)n;
        if (out->len - start > max)
            return err_set(err, ERR_LIMIT, "'%s' is longer than %zu bytes", path, max);
    }
}

bool os_write_all(int fd, Str data, Err *err)
{
    while (data.len > 0) {
        ssize_t n = os_write(fd, data.ptr, data.len);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot write");
        data = str_sub(data, (size_t)n, data.len);
    }
    return true;
}

bool os_pwrite_all(int fd, Str data, off_t at, Err *err)
{
    while (data.len > 0) {
        ssize_t n = os_pwrite(fd, data.ptr, data.len, at);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot write");
        data = str_sub(data, (size_t)n, data.len);
        at += n;
    }
    return true;
}

bool os_pread_all(int fd, void *data, size_t len, off_t at, size_t *got, Err *err)
{
    for (*got = 0; *got < len;) {
        ssize_t n = os_pread(fd, (char *)data + *got, len - *got, at + (off_t)*got);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return true;
}

static bool write_and_sync(const char *path, Str data, mode_t mode, Err *err)
{
    FD_SCOPE(fd);

    fd = os_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot create '%s'", path);
    if (!os_write_all(fd, data, err))
        return err_wrap(err, "cannot write '%s'", path);
    if (os_fsync(fd) < 0)
        return err_sys(err, ERR_IO, "cannot sync '%s'", path);
    return true;
}

bool os_sync_dir(const char *path, Err *err)
{
    FD_SCOPE(fd);

    fd = os_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 || os_fsync(fd) < 0)
        return err_sys(err, ERR_IO, "cannot sync directory '%s'", path);
    return true;
}

bool os_write_file(const char *path, Str data, mode_t mode, Err *err)
{
    ARENA_SCOPE(scratch);
    Str beside = str_printf(&scratch, "%s.%ld.tmp", path, (long)getpid());
    char *dir = str_to_z(&scratch, str_dir_name(str_from_z(path)));

    if (!write_and_sync(beside.ptr, data, mode, err)) {
        (void)unlink(beside.ptr);
        return false;
    }
    if (os_rename(beside.ptr, path) < 0) {
        (void)err_sys(err, ERR_IO, "cannot rename '%s' to '%s'", beside.ptr, path);
        (void)unlink(beside.ptr);
        return false;
    }
    return os_sync_dir(dir, err);
}

bool os_make_dirs(const char *path, mode_t mode, Err *err)
{
    ARENA_SCOPE(scratch);
    char *part = str_to_z(&scratch, str_from_z(path));

    for (char *at = part + 1; *part; at++) {
        char end = *at;

        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (os_mkdir(part, mode) < 0 && errno != EEXIST)
            return err_sys(err, ERR_IO, "cannot make directory '%s'", part);
        if (end == '\0')
            break;
        *at = end;
    }
    return true;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

bool os_remove_tree(const char *path, Err *err)
{
    enum { OPEN_DIRS = 32 };

    if (nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return err_sys(err, ERR_IO, "cannot remove '%s'", path);
    return true;
}
