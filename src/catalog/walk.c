/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/os.h"
#include "catalog/pathname.h"
#include "catalog/walk_dir.h"

static int thread_count(int asked)
{
    enum { LEAST = 4 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (asked > 0)
        return asked < WALK_THREADS_MAX ? asked : WALK_THREADS_MAX;
    if (cores * 2 > WALK_THREADS_MAX)
        return WALK_THREADS_MAX;
    return cores * 2 < LEAST ? LEAST : (int)cores * 2;
}

static void add_totals(Walk *walk, const WalkTotals *more)
{
    LOCK_SCOPE(held, &walk->mutex);
    walk->totals.directories += more->directories;
    walk->totals.unchanged += more->unchanged;
    walk->totals.entries += more->entries;
    walk->totals.problems += more->problems;
    walk->totals.vanished += more->vanished;
}

/* The first failure is the walk's; the others end because the queue does. */
static void end_with(Walk *walk, const Err *err)
{
    {
        LOCK_SCOPE(held, &walk->mutex);
        if (walk->err.code == ERR_NONE)
            walk->err = *err;
    }
    walk_queue_end(&walk->queue);
}

static void run_worker(Walk *walk, int index)
{
    Err err = {0};
    WalkWorker worker;
    WalkNode *node;
    bool was_busy = false;

    walk_worker_init(&worker, walk, index);
    while ((node = walk_queue_pop(&walk->queue, was_busy)) != NULL) {
        was_busy = true;
        if (!walk_dir_read(&worker, node, &err))
            end_with(walk, &err);
        walk_node_drop(node);
    }
    add_totals(walk, &worker.totals);
    walk_worker_release(&worker);
}

typedef struct Thread {
    pthread_t id;
    Walk *walk;
    int index;
} Thread;

static void *thread_main(void *arg)
{
    const Thread *thread = arg;

    run_worker(thread->walk, thread->index);
    return NULL;
}

/* The caller's thread is the first worker. Signals stay with the threads that the program made itself. */
static void run_threads(Walk *walk, int count)
{
    Thread threads[WALK_THREADS_MAX];
    sigset_t all, before;
    int made = 1;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; made < count; made++) {
        threads[made] = (Thread){.walk = walk, .index = made};
        if (pthread_create(&threads[made].id, NULL, thread_main, &threads[made]) != 0)
            break;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    run_worker(walk, 0);
    while (--made > 0)
        (void)pthread_join(threads[made].id, NULL);
}

static bool open_directory(Arena *arena, Str path, int *out, Err *err)
{
    int fd = walk_open(AT_FDCWD, str_to_z(arena, path), path.len, O_RDONLY | O_DIRECTORY, true);

    if (fd < 0 && errno == ENOTDIR)
        return err_set(err, ERR_USAGE, "'%.*s' is not a directory", STR_ARG(path));
    if (fd < 0)
        return err_sys(err,
                       errno == ENOENT || errno == ELOOP   ? ERR_NOT_FOUND
                       : errno == EACCES || errno == EPERM ? ERR_DENIED
                                                           : ERR_IO,
                       "cannot open directory '%.*s'", STR_ARG(path));
    *out = fd;
    return true;
}

bool walk_check_root(Str root, Err *err)
{
    ARENA_SCOPE(scratch);
    FD_SCOPE(fd);

    return open_directory(&scratch, root, &fd, err);
}

static bool open_root(Walk *walk, Arena *arena, Err *err)
{
    struct statx st;

    if (!open_directory(arena, walk->root, &walk->root_fd, err))
        return false;
    if (os_statx(walk->root_fd, "", AT_EMPTY_PATH, STATX_INO, &st) < 0) {
        (void)err_sys(err, ERR_IO, "cannot look at '%.*s'", STR_ARG(walk->root));
        os_close(&walk->root_fd);
        return false;
    }
    PosixFacts facts;
    posix_from_statx(&st, &facts);
    walk->root_dev = facts.dev;
    return true;
}

/* What the walk begins with: the root, or a directory in it as if it had been found there. */
static WalkNode *first_node(const Walk *walk)
{
    Str start = walk->options.start;
    WalkNode *root = walk_node_new(NULL, STR(""), true);

    if (start.len <= walk->root.len)
        return root;
    Str below = str_sub(start, walk->root.len > 1 ? walk->root.len + 1 : 1, start.len);
    WalkNode *first = walk_node_new(root, below, true);
    for (size_t i = 0; i < below.len; i++)
        first->depth += below.ptr[i] == '/';
    walk_node_drop(root);
    return first;
}

enum { LEFT_OPEN = 128 };

bool walk_run(Str root, const WalkOptions *options, const WalkSink *sink, WalkTotals *out, Err *err)
{
    ARENA_SCOPE(arena);
    Walk walk = {.options = *options, .sink = sink, .started = time_monotonic()};

    *out = (WalkTotals){0};
    if (options->left_open == 0)
        walk.options.left_open = LEFT_OPEN;
    if (!pathname_normalise(&arena, root, &walk.root, err) || !open_root(&walk, &arena, err))
        return false;
    walk.names = options->names ? options->names : posix_names_new(&arena);
    walk.include = walk_match_new(&arena, options->include, options->include_count);
    walk.exclude = walk_match_new(&arena, options->exclude, options->exclude_count);
    (void)pthread_mutex_init(&walk.mutex, NULL);
    walk_queue_init(&walk.queue, options->queue_bytes ? options->queue_bytes : WALK_QUEUE_BYTES);
    walk_queue_push(&walk.queue, first_node(&walk));
    run_threads(&walk, thread_count(options->threads));
    walk.totals.queued_bytes = walk.queue.most_bytes;
    walk_queue_release(&walk.queue);
    (void)pthread_mutex_destroy(&walk.mutex);
    os_close(&walk.root_fd);
    *out = walk.totals;
    if (walk.err.code == ERR_NONE)
        return true;
    *err = walk.err;
    return false;
}
