/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/walk_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "catalog/pathname.h"

/* A second call for more entries is made while at least this much room is left. */
enum { ROOM_MIN = WALK_PIECE_BYTES / 2 };

void walk_worker_init(WalkWorker *worker, Walk *walk, int index)
{
    *worker = (WalkWorker){.walk = walk, .index = index};
    worker->entries = calloc(WALK_ENTRIES_MAX, sizeof *worker->entries);
    worker->raw = malloc(WALK_PIECE_BYTES);
    if (!worker->entries || !worker->raw) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
}

void walk_worker_release(WalkWorker *worker)
{
    free(worker->entries);
    free(worker->raw);
    buf_release(&worker->path);
    arena_free(&worker->piece);
    arena_free(&worker->dir);
}

bool walk_vanished(int error)
{
    return error == ENOENT || error == ESRCH || error == ENOTDIR;
}

void walk_problem(WalkWorker *worker, const char *what, int error)
{
    const WalkSink *sink = worker->walk->sink;

    worker->totals.problems++;
    if (sink->problem)
        sink->problem(sink->ctx, buf_str(&worker->path), what, error);
}

/* Cut the path back to the directory's own, and put `name` behind it if there is one. */
static void set_path(WalkWorker *worker, Str name)
{
    worker->path.len = worker->path_len;
    if (name.len) {
        if (worker->path_len > 1)
            buf_put_byte(&worker->path, '/');
        buf_put(&worker->path, name);
    }
    *buf_reserve(&worker->path, 1) = '\0';
}

/* The path of a directory, put together from the names up to the root. */
static void set_dir_path(WalkWorker *worker, const WalkNode *node)
{
    Str root = worker->walk->root;
    size_t base = root.len > 1 ? root.len : 0, len = base;

    for (const WalkNode *n = node; n->parent; n = n->parent)
        len += n->name_len + 1;
    buf_reset(&worker->path);
    char *path = buf_reserve(&worker->path, len + 2), *at = path + len;
    *at = '\0';
    for (const WalkNode *n = node; n->parent; n = n->parent) {
        at -= n->name_len;
        memcpy(at, n->name, n->name_len);
        *--at = '/';
    }
    memcpy(path, root.ptr, base);
    if (len == 0)
        memcpy(path, "/", 2);
    worker->path.len = worker->path_len = len ? len : 1;
    worker->below_root = base + 1;
}

int walk_open(int dir, char *path, size_t len, int flags, bool follow)
{
    FD_SCOPE(step);
    size_t from = 0;

    while (len - from >= PATH_MAX) {
        size_t to = from + PATH_MAX - 1;

        while (path[to] != '/')
            to--;
        path[to] = '\0';
        int fd = follow ? os_open_at(dir, path + from, O_PATH | O_DIRECTORY, 0)
                        : os_open_below(dir, path + from, O_PATH | O_DIRECTORY);
        path[to] = '/';
        os_close(&step);
        step = dir = fd;
        if (fd < 0)
            return -1;
        from = to + 1;
    }
    return follow ? os_open_at(dir, path + from, flags, 0) : os_open_below(dir, path + from, flags);
}

/* Without leaving a trace in the access time where that is allowed. */
static int open_quietly(WalkWorker *worker)
{
    const Walk *walk = worker->walk;
    bool is_root = worker->path_len < worker->below_root || worker->path_len == 1;
    char here[] = ".", *path = is_root ? here : worker->path.ptr + worker->below_root;
    size_t len = is_root ? 1 : worker->path_len - worker->below_root;
    int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;
    int fd = walk_open(walk->root_fd, path, len, flags | O_NOATIME, walk->options.follow_links);

    if (fd < 0 && errno == EPERM)
        fd = walk_open(walk->root_fd, path, len, flags, walk->options.follow_links);
    return fd;
}

/* A directory that does not open: gone, or a link in its place (which is another's entry), or a problem. */
static void cannot_read(WalkWorker *worker, const char *what, int error)
{
    if (walk_vanished(error) || (error == ELOOP && !worker->walk->options.follow_links))
        worker->totals.vanished++;
    else
        walk_problem(worker, what, error);
}

static bool is_loop(const WalkNode *node)
{
    for (const WalkNode *up = node->parent; up; up = up->parent)
        if (up->inode == node->inode && up->dev == node->dev)
            return true;
    return false;
}

static bool is_elsewhere(const Walk *walk, uint64_t dev)
{
    return dev != walk->root_dev && !walk->options.cross_file_systems;
}

/* The facts of the directory itself, before anything of it is read. */
static bool look_at_self(WalkWorker *worker, WalkNode *node, int fd, WalkDir *dir)
{
    WalkEntry self;

    if (!walk_entry_look(worker, fd, "", &self)) {
        cannot_read(worker, "look at directory", errno);
        return false;
    }
    dir->facts = self.facts;
    dir->facts.xattrs = str_copy(&worker->dir, self.facts.xattrs);
    node->dev = self.facts.dev;
    node->inode = self.facts.inode;
    if (worker->walk->options.follow_links && is_loop(node)) {
        walk_problem(worker, "follow link", ELOOP);
        return false;
    }
    return !is_elsewhere(worker->walk, node->dev);
}

/* Takes up a directory that was left. What it keeps of the facts is all but the extended attributes. */
static int resume_dir(WalkWorker *worker, WalkNode *node, WalkDir *dir)
{
    WalkPause *pause = node->pause;
    int fd = pause->fd;

    dir->facts = pause->facts;
    if (fd >= 0) {
        pause->fd = -1;
        (void)atomic_fetch_sub(&worker->walk->queue.paused_fds, 1);
        return fd;
    }
    fd = open_quietly(worker);
    if (fd >= 0 && lseek(fd, pause->offset, SEEK_SET) < 0)
        os_close(&fd);
    if (fd < 0)
        cannot_read(worker, "read directory", errno);
    return fd;
}

/* Opens the directory and learns its facts; -1 when there is nothing to read, which was told then. */
static int open_dir(WalkWorker *worker, WalkNode *node, WalkDir *dir)
{
    if (node->pause)
        return resume_dir(worker, node, dir);
    if (worker->path_len > PATHNAME_MAX) {
        walk_problem(worker, "open directory", ENAMETOOLONG);
        return -1;
    }
    int fd = open_quietly(worker);
    if (fd < 0)
        cannot_read(worker, "open directory", errno);
    else if (!look_at_self(worker, node, fd, dir))
        os_close(&fd);
    return fd;
}

typedef enum Reading { READ_MORE, READ_END, READ_FAILED } Reading;

/* Fills worker->raw as far as the kernel's pieces fit. */
static Reading read_raw(WalkWorker *worker, int fd, size_t *used)
{
    for (*used = 0; WALK_PIECE_BYTES - *used >= ROOM_MIN;) {
        ssize_t n = os_getdents(fd, worker->raw + *used, WALK_PIECE_BYTES - *used);

        if (n < 0)
            return READ_FAILED;
        if (n == 0)
            return READ_END;
        *used += (size_t)n;
    }
    return READ_MORE;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Does `type` say for sure that this is not a directory, nor, if links are followed, a way to one? */
static bool is_no_directory(const Walk *walk, unsigned char type)
{
    return type != DT_DIR && type != DT_UNKNOWN && !(type == DT_LNK && walk->options.follow_links);
}

static bool is_wanted(const WalkWorker *worker, const char *name, bool directory)
{
    const Walk *walk = worker->walk;
    const char *path = worker->path.ptr + worker->below_root;

    return directory || walk->include.count == 0 || walk_match_any(&walk->include, path, name);
}

/* What the directory says of an entry that cannot be looked at: that it is there, and perhaps its type. */
static void set_bare_facts(WalkEntry *entry, const char *name, unsigned char type, Arena *arena)
{
    struct statx st = {.stx_mode = (uint16_t)DTTOIF(type)};

    posix_from_statx(&st, &entry->facts);
    entry->facts = (PosixFacts){.type = entry->facts.type, .has = type == DT_UNKNOWN ? 0 : POSIX_HAS_TYPE};
    entry->name = str_from_z(name);
    entry->text = pathname_escape(arena, entry->name);
}

static void look_at_entry(WalkWorker *worker, int fd, const struct dirent64 *raw)
{
    const Walk *walk = worker->walk;
    WalkEntry *entry = &worker->entries[worker->count];
    bool sure = is_no_directory(walk, raw->d_type);

    set_path(worker, str_from_z(raw->d_name));
    if (walk_match_any(&walk->exclude, worker->path.ptr + worker->below_root, raw->d_name))
        return;
    if (sure && !is_wanted(worker, raw->d_name, false))
        return;
    if (!walk_entry_look(worker, fd, raw->d_name, entry)) {
        if (walk_vanished(errno)) {
            worker->totals.vanished++;
            return;
        }
        walk_problem(worker, "look at", errno);
        set_bare_facts(entry, raw->d_name, raw->d_type, &worker->piece);
    }
    if (sure || is_wanted(worker, raw->d_name, entry->facts.type == POSIX_DIRECTORY))
        worker->count++;
}

static void look_at_entries(WalkWorker *worker, int fd, size_t used)
{
    worker->count = 0;
    arena_reset(&worker->piece);
    for (size_t at = 0; at < used;) {
        const struct dirent64 *raw = (const struct dirent64 *)(const void *)(worker->raw + at);

        at += raw->d_reclen;
        worker->resume = raw->d_off;
        if (!is_dots(raw->d_name))
            look_at_entry(worker, fd, raw);
    }
    set_path(worker, STR(""));
}

static bool may_go_below(const Walk *walk, const WalkNode *node)
{
    return walk->options.max_depth == 0 || node->depth + 1 < walk->options.max_depth;
}

/* The directories among the entries, chained in front of `behind`. */
static WalkNode *chain_directories(WalkWorker *worker, WalkNode *node, WalkNode *behind)
{
    const Walk *walk = worker->walk;

    if (!may_go_below(walk, node))
        return behind;
    for (size_t i = worker->count; i > 0; i--) {
        const WalkEntry *entry = &worker->entries[i - 1];

        if (entry->facts.type != POSIX_DIRECTORY || !(entry->facts.has & POSIX_HAS_DEV) ||
            is_elsewhere(walk, entry->facts.dev))
            continue;
        WalkNode *child = walk_node_new(node, entry->name, false);
        child->below = behind;
        behind = child;
    }
    return behind;
}

/* Keep what is needed to go on with the directory later; it goes below what was found in it. */
static WalkNode *pause_dir(WalkWorker *worker, WalkNode *node, const WalkDir *dir, int *fd)
{
    WalkQueue *queue = &worker->walk->queue;

    if (!node->pause)
        node->pause = calloc(1, sizeof *node->pause);
    if (!node->pause) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    *node->pause = (WalkPause){.fd = -1, .offset = worker->resume, .facts = dir->facts};
    node->pause->facts.has &= ~(uint32_t)POSIX_HAS_XATTRS;
    if (atomic_fetch_add(&queue->paused_fds, 1) < worker->walk->options.left_open) {
        node->pause->fd = *fd;
        *fd = -1;
    } else {
        (void)atomic_fetch_sub(&queue->paused_fds, 1);
    }
    (void)atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    return node;
}

/* Wait until this many more entries are due. */
static void keep_pace(const WalkWorker *worker)
{
    Walk *walk = worker->walk;
    uint64_t rate = walk->options.entries_per_second;

    if (rate == 0)
        return;
    double due = (double)(atomic_fetch_add(&walk->paced, worker->count) + worker->count) / (double)rate * 1e6;
    while ((double)(time_monotonic() - walk->started) < due) {
        Duration left = (Duration)due - (time_monotonic() - walk->started);

        if (walk->options.stop && atomic_load(walk->options.stop))
            return;
        time_sleep(left > MILLISECONDS(50) ? MILLISECONDS(50) : left > 0 ? left : 1);
    }
}

static bool deliver(WalkWorker *worker, WalkDir *dir, Err *err)
{
    const WalkSink *sink = worker->walk->sink;

    keep_pace(worker);
    dir->entries = worker->entries;
    dir->count = worker->count;
    worker->totals.entries += worker->count;
    bool ok = sink->dir(sink->ctx, dir, err);
    dir->first = false;
    return ok;
}

static bool read_pieces(WalkWorker *worker, WalkNode *node, WalkDir *dir, int *fd, Err *err)
{
    const Walk *walk = worker->walk;
    Reading reading = READ_MORE;
    size_t used;

    while (reading == READ_MORE && *fd >= 0) {
        WalkNode *found = NULL;

        if (walk->options.stop && atomic_load_explicit(walk->options.stop, memory_order_relaxed))
            return err_set(err, ERR_INTERRUPTED, "the walk was stopped");
        reading = read_raw(worker, *fd, &used);
        int error = errno;
        look_at_entries(worker, *fd, used);
        if (reading == READ_FAILED)
            cannot_read(worker, "read directory", error);
        dir->fd = *fd;
        dir->last = reading == READ_END;
        if ((worker->count || reading == READ_END) && !deliver(worker, dir, err))
            return false;
        if (reading == READ_MORE && atomic_load_explicit(&walk->queue.full, memory_order_relaxed))
            found = pause_dir(worker, node, dir, fd);
        bool paused = found != NULL;
        found = chain_directories(worker, node, found);
        if (found)
            walk_queue_push(&worker->walk->queue, found);
        if (paused)
            break;
    }
    return true;
}

/* Ask the sink whether it knows the directory's entries; if so, queue the directories among them. */
static bool ask_unchanged(WalkWorker *worker, WalkNode *node, WalkDir *dir, bool *unchanged, Err *err)
{
    const WalkSink *sink = worker->walk->sink;
    WalkKnown known = {0};
    WalkNode *found = NULL;

    if (!sink->unchanged(sink->ctx, dir, &worker->dir, &known, err))
        return false;
    *unchanged = known.unchanged;
    if (!known.unchanged)
        return true;
    worker->totals.unchanged++;
    worker->count = 0;
    dir->unchanged = dir->last = true;
    dir->fd = -1;
    if (!deliver(worker, dir, err))
        return false;
    for (size_t i = known.count; i > 0 && may_go_below(worker->walk, node); i--) {
        WalkNode *child = walk_node_new(node, known.subdirs[i - 1], true);

        child->below = found;
        found = child;
    }
    if (found)
        walk_queue_push(&worker->walk->queue, found);
    return true;
}

bool walk_dir_read(WalkWorker *worker, WalkNode *node, Err *err)
{
    WalkDir dir = {.depth = node->depth, .thread = worker->index, .first = !node->pause};
    bool unchanged = false;
    FD_SCOPE(fd);

    arena_reset(&worker->dir);
    arena_reset(&worker->piece);
    set_dir_path(worker, node);
    fd = open_dir(worker, node, &dir);
    if (fd < 0)
        return true;
    dir.unlisted = node->unlisted || !node->parent;
    dir.path = str_copy(&worker->dir, buf_str(&worker->path));
    dir.text = pathname_escape(&worker->dir, dir.path);
    dir.fd = fd;
    if (dir.first) {
        worker->totals.directories++;
        if (worker->walk->sink->unchanged && !ask_unchanged(worker, node, &dir, &unchanged, err))
            return false;
    }
    return unchanged || read_pieces(worker, node, &dir, &fd, err);
}
