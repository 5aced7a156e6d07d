/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mark on the file system tells of every entry made, changed, moved and deleted anywhere on it: the
 * directory as a file handle, and the name. The handle is opened and asked for its path when the event is
 * read, so the path is today's; watch_batch knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "base/os.h"
#include "catalog/pathname.h"
#include "catalog/watch_source.h"

typedef struct Fanotify {
    int fd;
    int root_fd;         /* while events are read: kept, it would keep the file system from being unmounted */
    Str root, real_root; /* as given, and as the kernel calls it */
    Buf path, from;      /* of the event at hand */
} Fanotify;

static void release(void *what)
{
    Fanotify *fan = what;

    os_close(&fan->fd);
    os_close(&fan->root_fd);
    buf_release(&fan->path);
    buf_release(&fan->from);
}

/* What the kernel calls an open directory; false when it has no name any more. */
static bool name_of(int fd, char out[PATH_MAX], Str *path)
{
    char link[40];
    struct stat st;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, PATH_MAX);
    if (len <= 0 || len == PATH_MAX || fstat(fd, &st) < 0 || st.st_nlink == 0)
        return false;
    *path = (Str){out, (size_t)len};
    return true;
}

/* The path of `dir`, below the root as it was given; false when it is elsewhere. */
static bool put_below_root(const Fanotify *fan, Str dir, Buf *out)
{
    if (!pathname_is_within(dir, fan->real_root))
        return false;
    buf_reset(out);
    if (fan->root.len > 1)
        buf_put(out, fan->root);
    buf_put(out, str_sub(dir, fan->real_root.len > 1 ? fan->real_root.len : 0, dir.len));
    if (out->len == 0)
        buf_put_byte(out, '/');
    else if (out->len > 1 && out->ptr[out->len - 1] == '/')
        out->len--;
    return true;
}

/* The path that a directory's handle and a name make. */
static bool path_of(const Fanotify *fan, const struct fanotify_event_info_fid *info, Buf *out)
{
    struct file_handle *handle = (struct file_handle *)(uintptr_t)info->handle;
    const char *name = (const char *)handle->f_handle + handle->handle_bytes;
    char room[PATH_MAX];
    Str dir;
    FD_SCOPE(fd);

    fd = open_by_handle_at(fan->root_fd, handle, O_PATH | O_CLOEXEC);
    if (fd < 0 || !name_of(fd, room, &dir) || !put_below_root(fan, dir, out))
        return false;
    if (strcmp(name, ".") != 0) {
        if (out->len > 1)
            buf_put_byte(out, '/');
        buf_put_z(out, name);
    }
    return true;
}

typedef struct Found {
    bool has, has_from;
} Found;

/* `at` to `end` is what stands behind an event. */
static Found find_paths(Fanotify *fan, const char *at, const char *end)
{
    Found found = {false, false};

    while (at < end) {
        const struct fanotify_event_info_fid *info = (const void *)at;

        if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME)
            found.has_from = path_of(fan, info, &fan->from);
        else
            found.has = path_of(fan, info, &fan->path);
        at += info->hdr.len;
    }
    return found;
}

/*
 * The kernel joins events of one name to the first of them, so a name's second making may be told before what
 * came between, and it is not said whether it was made or deleted first. Where that leaves doubt, the path is
 * looked at.
 */
static void take_event(Fanotify *fan, const struct fanotify_event_metadata *event, Found found,
                       WatchPending *pending)
{
    bool directory = event->mask & FAN_ONDIR;
    Str path = buf_str(&fan->path), from = buf_str(&fan->from);

    if (event->mask & FAN_RENAME) {
        /* What is elsewhere or gone has no path. */
        watch_pending_moved(pending, found.has_from ? from : STR(""), found.has ? path : STR(""), directory);
        return;
    }
    if (!found.has)
        return;
    if ((event->mask & FAN_DELETE) && !(event->mask & FAN_CREATE))
        watch_pending_gone(pending, path);
    else if (event->mask & FAN_DELETE)
        watch_pending_made(pending, path, true);
    else if (event->mask & FAN_CREATE)
        watch_pending_made(pending, path, directory);
    else
        watch_pending_changed(pending, path);
}

/* Events stand one after another at multiples of four bytes only, so each is copied out. */
static void take_events(Fanotify *fan, const char *at, const char *end, WatchPending *pending)
{
    struct fanotify_event_metadata event;

    for (; (size_t)(end - at) >= sizeof event; at += event.event_len) {
        memcpy(&event, at, sizeof event);
        if (event.mask & FAN_Q_OVERFLOW)
            watch_pending_overflow(pending);
        else
            take_event(fan, &event, find_paths(fan, at + event.metadata_len, at + event.event_len), pending);
    }
}

/* Where the root is gone no event has a path: watch_next() sees to that. */
static void reopen_root(Fanotify *fan)
{
    ARENA_SCOPE(scratch);

    if (fan->root_fd < 0)
        fan->root_fd = os_open(str_to_z(&scratch, fan->root), O_RDONLY | O_DIRECTORY, 0);
}

static bool take(void *self, WatchPending *pending, Err *err)
{
    enum { ROOM = 64 * 1024 };
    Fanotify *fan = self;
    _Alignas(struct fanotify_event_metadata) char room[ROOM];
    ssize_t len;

    while ((len = os_read(fan->fd, room, sizeof room)) >= 0) {
        reopen_root(fan);
        take_events(fan, room, room + len, pending);
    }
    int error = errno;
    os_close(&fan->root_fd);
    errno = error;
    return error == EAGAIN || err_sys(err, ERR_IO, "cannot read changes from fanotify");
}

static bool open_root(Fanotify *fan, Arena *arena, Err *err)
{
    char room[PATH_MAX];
    Str real;

    fan->root_fd = os_open(str_to_z(arena, fan->root), O_RDONLY | O_DIRECTORY, 0);
    if (fan->root_fd < 0)
        return err_sys(err,
                       errno == ENOENT    ? ERR_NOT_FOUND
                       : errno == ENOTDIR ? ERR_USAGE
                                          : ERR_IO,
                       "cannot watch '%.*s'", STR_ARG(fan->root));
    if (!name_of(fan->root_fd, room, &real))
        return err_set(err, ERR_NOT_FOUND, "cannot watch '%.*s': it has no path", STR_ARG(fan->root));
    fan->real_root = str_copy(arena, real);
    return true;
}

/* Asks for the root by its handle, as for every event later: not everybody may, and not on every file system. */
static bool try_handle(const Fanotify *fan)
{
    struct {
        struct file_handle handle;
        unsigned char bytes[MAX_HANDLE_SZ];
    } room = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount;
    FD_SCOPE(fd);

    if (name_to_handle_at(fan->root_fd, "", &room.handle, &mount, AT_EMPTY_PATH) < 0)
        return false;
    fd = open_by_handle_at(fan->root_fd, &room.handle, O_PATH | O_CLOEXEC);
    return fd >= 0;
}

static bool refuse(Str root, Err *err)
{
    bool rights = errno == EPERM;

    (void)err_sys(err, ERR_DENIED, "cannot watch the file system of '%.*s' by fanotify", STR_ARG(root));
    return err_hint(err, rights ? "only root may; everybody may watch by inotify" : "inotify may work there");
}

bool watch_fanotify_open(Arena *arena, Str root, WatchSource *out, Err *err)
{
    const uint64_t mask =
        FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_ONDIR;
    Fanotify *fan = arena_new(arena, Fanotify, 1);

    fan->fd = fan->root_fd = -1;
    fan->root = root;
    arena_defer(arena, release, fan);
    if (!open_root(fan, arena, err))
        return false;
    fan->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);
    if (fan->fd < 0 ||
        fanotify_mark(fan->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, fan->root_fd, NULL) < 0 ||
        !try_handle(fan))
        return refuse(root, err);
    os_close(&fan->root_fd);
    *out = (WatchSource){.fd = fan->fd, .self = fan, .take = take};
    return true;
}
