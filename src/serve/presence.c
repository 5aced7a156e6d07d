/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static const char *file_in_run(Arena *arena, const char *dir, const char *name)
{
    return str_printf(arena, "%s/run/%s", dir, name).ptr;
}

/* Locks of open file descriptions: they can be asked about without taking them, and outlive no process. */
static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

bool presence_take(const char *dir, int *out, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = file_in_run(&scratch, dir, "strata.pid");
    struct flock lock = whole_file();
    FD_SCOPE(fd);

    fd = os_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", path);
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return err_set(err, ERR_CONFLICT, "the instance '%s' is up", dir);
        return err_sys(err, ERR_IO, "cannot lock '%s'", path);
    }
    if (os_ftruncate(fd, 0) < 0 || !os_write_all(fd, str_printf(&scratch, "%ld\n", (long)getpid()), err))
        return err_sys(err, ERR_IO, "cannot write '%s'", path);
    *out = fd;
    fd = -1;
    return true;
}

static pid_t read_pid(const char *path)
{
    BUF_SCOPE(text);
    Err ignored;
    int64_t pid;

    if (!os_read_file(path, FILE_MAX_BYTES, &text, &ignored) ||
        !str_to_int64(str_trim(buf_str(&text)), &pid) || pid <= 1 || pid > INT32_MAX)
        return 0;
    return (pid_t)pid;
}

pid_t presence_pid(const char *dir)
{
    ARENA_SCOPE(scratch);
    const char *path = file_in_run(&scratch, dir, "strata.pid");
    struct flock lock = whole_file();
    FD_SCOPE(fd);

    lock.l_type = F_RDLCK; /* enough to meet the service's, and allowed with a file open for reading */
    fd = os_open(path, O_RDONLY, 0);
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return read_pid(path);
}

bool presence_put(const char *dir, const char *name, Str text, Err *err)
{
    ARENA_SCOPE(scratch);

    return os_write_file(file_in_run(&scratch, dir, name), text, 0644, err);
}

bool presence_get(const char *dir, const char *name, Arena *arena, Str *out, Err *err)
{
    BUF_SCOPE(text);

    if (!os_read_file(file_in_run(arena, dir, name), FILE_MAX_BYTES, &text, err))
        return false;
    *out = str_copy(arena, buf_str(&text));
    return true;
}

void presence_remove(const char *dir, const char *name)
{
    ARENA_SCOPE(scratch);

    (void)os_unlink(file_in_run(&scratch, dir, name));
}

bool presence_wait_gone(const char *dir, Duration patience)
{
    Duration until = time_monotonic() + patience;

    while (presence_pid(dir) != 0) {
        if (time_monotonic() >= until)
            return false;
        time_sleep(MILLISECONDS(20));
    }
    return true;
}
