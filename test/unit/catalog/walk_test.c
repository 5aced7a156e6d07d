/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/os.h"
#include "catalog/pathname.h"
#include "test/check.h"

static char top[] = "/tmp/strata-walk-test-XXXXXX";

/* What a walk delivered: texts of paths, and the facts of each. */
typedef struct Seen {
    pthread_mutex_t mutex;
    Arena arena;
    Map paths; /* text -> PosixFacts */
    Map problems;
    Map known; /* directory -> WalkKnown */
    int delivered_twice, pieces, lasts, unlisted, unchanged;
    size_t largest_piece;
    Str refuse; /* the sink raises an error for this directory */
} Seen;

static void keep(Seen *seen, Str path, const PosixFacts *facts)
{
    PosixFacts **slot = (PosixFacts **)map_slot(&seen->paths, &seen->arena, path);

    seen->delivered_twice += *slot != NULL;
    *slot = arena_new(&seen->arena, PosixFacts, 1);
    **slot = *facts;
    (*slot)->user = str_copy(&seen->arena, facts->user); /* lives as long as the walk */
    (*slot)->target = str_copy(&seen->arena, facts->target);
    (*slot)->xattrs = str_copy(&seen->arena, facts->xattrs);
}

static bool take_dir(void *ctx, const WalkDir *dir, Err *err)
{
    Seen *seen = ctx;
    LOCK_SCOPE(held, &seen->mutex);

    if (seen->refuse.len && str_eq(seen->refuse, dir->text))
        return err_set(err, ERR_CONFLICT, "refused '%.*s'", STR_ARG(dir->text));
    seen->pieces++;
    seen->lasts += dir->last;
    seen->unchanged += dir->unchanged;
    if (dir->unlisted && dir->first) {
        seen->unlisted++;
        keep(seen, dir->text, &dir->facts);
    }
    if (dir->count > seen->largest_piece)
        seen->largest_piece = dir->count;
    for (size_t i = 0; i < dir->count; i++)
        keep(seen, pathname_join(&seen->arena, dir->text, dir->entries[i].text), &dir->entries[i].facts);
    return true;
}

static bool ask_known(void *ctx, const WalkDir *dir, Arena *arena, WalkKnown *out, Err *err)
{
    Seen *seen = ctx;
    LOCK_SCOPE(held, &seen->mutex);
    const WalkKnown *known = map_get(&seen->known, dir->text);

    (void)arena;
    (void)err;
    if (known)
        *out = *known;
    return true;
}

static void take_problem(void *ctx, Str path, const char *what, int error)
{
    Seen *seen = ctx;
    LOCK_SCOPE(held, &seen->mutex);

    *map_slot(&seen->problems, &seen->arena, str_printf(&seen->arena, "%s %.*s", what, STR_ARG(path))) =
        str_printf(&seen->arena, "%s", strerrorname_np(error)).len ? &seen->problems : NULL;
}

static void seen_release(Seen *seen)
{
    arena_free(&seen->arena);
}

#define SEEN_SCOPE(name) ATTR_CLEANUP(seen_release) Seen name = {.mutex = PTHREAD_MUTEX_INITIALIZER}

static bool walk_with(Str root, const WalkOptions *options, Seen *seen, WalkTotals *totals, Err *err)
{
    const WalkSink sink = {.ctx = seen,
                           .dir = take_dir,
                           .unchanged = seen->known.count ? ask_known : NULL,
                           .problem = take_problem};

    return walk_run(root, options, &sink, totals, err);
}

/* A walk that must succeed. */
static WalkTotals walk(Str root, const WalkOptions *options, Seen *seen)
{
    Err err = {0};
    WalkTotals totals;

    CHECK(walk_with(root, options, seen, &totals, &err));
    if (err.code)
        printf("# %s\n", err.text);
    return totals;
}

static const PosixFacts *facts_of(const Seen *seen, Str dir, const char *below)
{
    ARENA_SCOPE(arena);

    return map_get(&seen->paths, *below ? str_printf(&arena, "%.*s/%s", STR_ARG(dir), below) : dir);
}

/* An empty directory of its own for a test. */
static Str new_tree(Arena *arena, const char *name)
{
    Err err = {0};
    Str path = str_printf(arena, "%s/%s", top, name);

    CHECK(os_make_dirs(path.ptr, 0755, &err));
    return path;
}

static char *below(Arena *arena, Str dir, const char *name)
{
    Str path = str_printf(arena, "%.*s/%s", STR_ARG(dir), name);

    return str_to_z(arena, path);
}

static void put_file(Arena *arena, Str dir, const char *name, const char *content)
{
    FD_SCOPE(fd);
    Err err = {0};

    fd = os_open(below(arena, dir, name), O_WRONLY | O_CREAT, 0640);
    CHECK(fd >= 0 && os_write_all(fd, str_from_z(content), &err));
}

static void put_dir(Arena *arena, Str dir, const char *name)
{
    CHECK(os_mkdir(below(arena, dir, name), 0755) == 0);
}

static void every_kind_of_file_is_delivered_once_with_its_facts(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "kinds");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    put_file(&arena, dir, "file", "12345");
    put_dir(&arena, dir, "sub");
    put_file(&arena, dir, "sub/inner", "");
    CHECK(link(below(&arena, dir, "file"), below(&arena, dir, "sub/hard")) == 0);
    CHECK(symlink("file", below(&arena, dir, "good")) == 0);
    CHECK(symlink("no\twhere", below(&arena, dir, "broken")) == 0);
    CHECK(mkfifo(below(&arena, dir, "fifo"), 0600) == 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", below(&arena, dir, "socket"));
    CHECK(bind(sock, (struct sockaddr *)&address, sizeof address) == 0);
    (void)close(sock);

    WalkTotals totals = walk(dir, &(WalkOptions){0}, &seen);
    CHECK(seen.paths.count == 9 && seen.delivered_twice == 0 && totals.entries == 8);
    CHECK(totals.directories == 2 && seen.lasts == 2 && totals.problems == 0 && seen.unlisted == 1);

    const PosixFacts *file = facts_of(&seen, dir, "file"), *hard = facts_of(&seen, dir, "sub/hard");
    CHECK(stat(below(&arena, dir, "file"), &st) == 0);
    CHECK(file && file->type == POSIX_FILE && file->size == 5 && file->nlink == 2 &&
          file->mode == (st.st_mode & 07777));
    CHECK(file && file->inode == st.st_ino && file->dev == st.st_dev && file->uid == st.st_uid);
    CHECK(file && file->mtime.sec == st.st_mtim.tv_sec && file->mtime.nsec == st.st_mtim.tv_nsec);
    CHECK(file && file->atime.sec == st.st_atim.tv_sec && file->ctime.nsec == st.st_ctim.tv_nsec);
    CHECK(file && (geteuid() != 0 || str_eq(file->user, STR("root"))));
    CHECK(file && hard && hard->inode == file->inode && hard->nlink == 2);

    const PosixFacts *good = facts_of(&seen, dir, "good"), *broken = facts_of(&seen, dir, "broken");
    CHECK(good && good->type == POSIX_LINK && good->intact && str_eq(good->target, STR("file")));
    CHECK(broken && broken->type == POSIX_LINK && !broken->intact &&
          str_eq(broken->target, STR("no\\x09where")));
    CHECK(facts_of(&seen, dir, "fifo")->type == POSIX_FIFO);
    CHECK(facts_of(&seen, dir, "socket")->type == POSIX_SOCKET);
    CHECK(facts_of(&seen, dir, "")->type == POSIX_DIRECTORY);
}

static void names_of_any_bytes_are_delivered_escaped(void)
{
    static const char *const names[][2] = {{"new\nline", "new\\x0aline"},   {"ta\tb", "ta\\x09b"},
                                           {"\xff\xfe", "\\xff\\xfe"},      {"back\\slash", "back\\slash"},
                                           {"looks\\x41", "looks\\x5cx41"}, {" ", " "},
                                           {"gr\xc3\xbc", "gr\xc3\xbc"},    {"...", "..."}};
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "names");

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        put_dir(&arena, dir, names[i][0]);
        put_file(&arena, dir, str_to_z(&arena, str_printf(&arena, "%s/in", names[i][0])), "x");
    }
    (void)walk(dir, &(WalkOptions){0}, &seen);
    CHECK(seen.paths.count == 1 + 2 * COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        CHECK(facts_of(&seen, dir, str_to_z(&arena, str_printf(&arena, "%s/in", names[i][1]))));
}

static void a_large_directory_comes_in_pieces(void)
{
    enum { ENTRIES = 12000 };
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "large");

    for (int i = 0; i < ENTRIES; i++)
        put_file(&arena, dir, str_to_z(&arena, str_printf(&arena, "entry-%d", i)), "");
    WalkTotals totals = walk(dir, &(WalkOptions){0}, &seen);
    CHECK(totals.entries == ENTRIES && seen.paths.count == ENTRIES + 1 && seen.delivered_twice == 0);
    CHECK(seen.pieces > 3 && seen.lasts == 1 && seen.largest_piece < ENTRIES / 3);
}

/* Directories are left and taken up again, with one thread by another descriptor. */
static void a_wide_tree_waits_in_bounded_memory(void)
{
    enum { OUTER = 200, INNER = 40, WIDE = 6000, LIMIT = 4096 };
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "wide"), wide = str_printf(&arena, "%s/wide/0/wide", top);

    for (int i = 0; i < OUTER; i++) {
        put_dir(&arena, dir, str_printf(&arena, "%d", i).ptr);
        for (int j = 0; j < INNER; j++)
            put_dir(&arena, dir, str_printf(&arena, "%d/%d", i, j).ptr);
    }
    put_dir(&arena, dir, "0/wide");
    for (int i = 0; i < WIDE; i++) {
        ARENA_SCOPE(scratch);

        put_dir(&scratch, wide, str_printf(&scratch, "%d", i).ptr);
    }
    for (int threads = 1; threads <= 4; threads += 3) {
        SEEN_SCOPE(seen);
        WalkTotals totals = walk(
            dir, &(WalkOptions){.queue_bytes = LIMIT, .left_open = threads > 1 ? 2 : -1, .threads = threads},
            &seen);

        CHECK(totals.entries == OUTER + OUTER * INNER + 1 + WIDE && seen.delivered_twice == 0);
        CHECK(totals.directories == totals.entries + 1 && (uint64_t)seen.lasts == totals.directories);
        /* A piece of 64 KiB has at most 2730 directories of 130 bytes here, on two levels. */
        CHECK(totals.queued_bytes > LIMIT &&
              totals.queued_bytes < LIMIT + (size_t)(threads + 1) * 2730 * 130);
        printf("# %d threads: %llu bytes queued\n", threads, (unsigned long long)totals.queued_bytes);
    }
}

/* Makes `depth` directories one in another, without ever using a long path. */
static void put_deep(Str dir, const char *name, int depth)
{
    ARENA_SCOPE(arena);
    FD_SCOPE(at);

    at = os_open(str_to_z(&arena, dir), O_RDONLY | O_DIRECTORY, 0);
    for (int i = 0; i < depth; i++) {
        CHECK(mkdirat(at, name, 0755) == 0);
        int next = os_open_at(at, name, O_RDONLY | O_DIRECTORY, 0);
        os_close(&at);
        at = next;
    }
    FD_SCOPE(file);
    file = os_open_at(at, "bottom", O_WRONLY | O_CREAT, 0644);
    CHECK(file >= 0);
}

/* Takes away what put_deep() made; its paths are too long for others. */
static void remove_deep(int dir, const char *name)
{
    FD_SCOPE(inner);

    inner = os_open_at(dir, name, O_RDONLY | O_DIRECTORY, 0);
    if (inner >= 0)
        remove_deep(inner, name);
    (void)unlinkat(dir, "bottom", 0);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

static void a_tree_is_read_however_deep_and_long_its_paths(void)
{
    enum { DEPTH = 200 };
    static const char name[] =
        "a-directory-with-a-name-so-long-that-two-hundred-of-it-are-far-more-than-the-kernel-takes";
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    SEEN_SCOPE(linked);
    Str dir = new_tree(&arena, "deep");
    size_t longest = 0, at = 0;
    Str path;
    void *facts;

    put_deep(dir, name, DEPTH);
    WalkTotals totals = walk(dir, &(WalkOptions){0}, &seen);
    CHECK(totals.directories == DEPTH + 1 && totals.entries == DEPTH + 1 && totals.problems == 0);
    while (map_next(&seen.paths, &at, &path, &facts))
        if (path.len > longest)
            longest = path.len;
    CHECK(longest > 4 * (size_t)4096);
    totals = walk(dir, &(WalkOptions){.follow_links = true}, &linked);
    CHECK(totals.entries == DEPTH + 1);

    FD_SCOPE(fd);
    fd = os_open(str_to_z(&arena, dir), O_RDONLY | O_DIRECTORY, 0);
    remove_deep(fd, name);
}

static void depth_is_limited_as_find_does(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(one);
    SEEN_SCOPE(two);
    Str dir = new_tree(&arena, "depth");

    put_deep(dir, "d", 5);
    CHECK(walk(dir, &(WalkOptions){.max_depth = 1}, &one).entries == 1);
    CHECK(walk(dir, &(WalkOptions){.max_depth = 3}, &two).entries == 3);
}

static void patterns_choose_by_name_or_by_path(void)
{
    static const struct {
        Str include[2], exclude[2];
        size_t entries;
    } cases[] = {
        {{{0}}, {{0}}, 8},
        {{{0}}, {{"cache", 5}}, 5},   /* the directory with all in it, and a file of that name */
        {{{0}}, {{"/cache", 6}}, 6},  /* only the one in the root */
        {{{0}}, {{"*/cache", 7}}, 7}, /* only the one below */
        {{{"*.nc", 4}}, {{0}}, 4},    /* directories stay */
        {{{"*.nc", 4}}, {{"cache", 5}}, 2},
        {{{"*.nc", 4}, {"a/*.txt", 7}}, {{0}}, 5},
        {{{0}}, {{"*", 1}}, 0},
    };
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "patterns");

    put_dir(&arena, dir, "a");
    put_dir(&arena, dir, "cache");
    put_file(&arena, dir, "cache/x.nc", "");
    put_file(&arena, dir, "a/cache", "");
    put_file(&arena, dir, "a/y.nc", "");
    put_file(&arena, dir, "a/z.txt", "");
    put_file(&arena, dir, "a/w", "");
    put_file(&arena, dir, "v.csv", "");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        SEEN_SCOPE(seen);
        WalkOptions options = {.include = cases[i].include, .exclude = cases[i].exclude};

        while (options.include_count < 2 && options.include[options.include_count].len)
            options.include_count++;
        while (options.exclude_count < 2 && options.exclude[options.exclude_count].len)
            options.exclude_count++;
        CHECK(walk(dir, &options, &seen).entries == cases[i].entries);
    }
}

static void links_are_followed_when_asked_and_loops_end(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "loops");

    put_dir(&arena, dir, "a");
    put_file(&arena, dir, "a/file", "123");
    CHECK(symlink("a", below(&arena, dir, "to-a")) == 0);
    CHECK(symlink("..", below(&arena, dir, "a/up")) == 0);
    CHECK(symlink("self", below(&arena, dir, "self")) == 0);
    CHECK(symlink("a/file", below(&arena, dir, "to-file")) == 0);

    WalkTotals totals = walk(dir, &(WalkOptions){.follow_links = true}, &seen);
    const PosixFacts *to_file = facts_of(&seen, dir, "to-file"), *self = facts_of(&seen, dir, "self");
    CHECK(facts_of(&seen, dir, "to-a/file") && !facts_of(&seen, dir, "a/up/a"));
    CHECK(to_file && to_file->type == POSIX_FILE && to_file->size == 3 &&
          str_eq(to_file->target, STR("a/file")));
    CHECK(self && self->type == POSIX_LINK && !self->intact);
    CHECK(totals.problems == 2); /* a/up and to-a/up */
}

static void what_cannot_be_read_is_a_problem_and_not_the_end(void)
{
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "denied");

    put_dir(&arena, dir, "open");
    put_file(&arena, dir, "open/file", "");
    put_dir(&arena, dir, "closed");
    put_file(&arena, dir, "closed/file", "");
    put_dir(&arena, dir, "unsearchable");
    put_file(&arena, dir, "unsearchable/file", "");
    CHECK(chmod(below(&arena, dir, "closed"), 0311) == 0);
    CHECK(chmod(below(&arena, dir, "unsearchable"), 0744) == 0 && chmod(top, 0755) == 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        check_bad = 0;
        SEEN_SCOPE(seen);

        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(1);
        if (getuid() != 65534)
            (void)chmod(below(&arena, dir, "unsearchable"), 0444);
        WalkTotals totals = walk(dir, &(WalkOptions){0}, &seen);
        CHECK(totals.problems == 2 && facts_of(&seen, dir, "open/file") &&
              !facts_of(&seen, dir, "closed/file"));
        CHECK(map_get(&seen.problems, str_printf(&arena, "open directory %s/closed", dir.ptr)));
        CHECK(map_get(&seen.problems, str_printf(&arena, "look at %s/unsearchable/file", dir.ptr)));
        const PosixFacts *file = facts_of(&seen, dir, "unsearchable/file");
        CHECK(file && file->has == POSIX_HAS_TYPE && file->type == POSIX_FILE);
        Err err = {0};
        CHECK(!walk_check_root(str_printf(&arena, "%s/closed", dir.ptr), &err) && err.code == ERR_DENIED);
        (void)fflush(stdout);
        _exit(check_bad != 0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(chmod(below(&arena, dir, "unsearchable"), 0755) == 0 &&
          chmod(below(&arena, dir, "closed"), 0755) == 0);
}

static void a_root_that_is_none_is_an_error(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "root");
    WalkTotals totals;
    Err err = {0};

    put_file(&arena, dir, "file", "");
    CHECK(!walk_with(STR("relative"), &(WalkOptions){0}, &seen, &totals, &err) && err.code == ERR_USAGE);
    CHECK(!walk_with(STR("/nonexistent"), &(WalkOptions){0}, &seen, &totals, &err) &&
          err.code == ERR_NOT_FOUND);
    CHECK(!walk_with(str_printf(&arena, "%s/file", dir.ptr), &(WalkOptions){0}, &seen, &totals, &err) &&
          err.code == ERR_USAGE && strstr(err.text, "not a directory"));
}

static void the_sinks_error_ends_the_walk(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "refused");
    WalkTotals totals;
    Err err = {0};

    put_deep(dir, "d", 20);
    seen.refuse = str_printf(&arena, "%s/d/d/d", dir.ptr);
    CHECK(!walk_with(dir, &(WalkOptions){0}, &seen, &totals, &err) && err.code == ERR_CONFLICT);
    CHECK(totals.directories == 4);
}

static void the_stop_flag_ends_the_walk(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    atomic_bool stop = true;
    WalkTotals totals;
    Err err = {0};

    CHECK(!walk_with(new_tree(&arena, "stopped"), &(WalkOptions){.stop = &stop}, &seen, &totals, &err));
    CHECK(err.code == ERR_INTERRUPTED);
}

static void an_unchanged_directory_is_not_read_but_its_directories_are(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "unchanged");
    Str subdirs[] = {STR("a"), STR("gone")};

    put_dir(&arena, dir, "a");
    put_dir(&arena, dir, "a/b");
    put_file(&arena, dir, "a/file", "");
    put_file(&arena, dir, "unseen", "");
    *map_slot(&seen.known, &seen.arena, dir) = &(WalkKnown){true, subdirs, COUNT_OF(subdirs)};
    WalkTotals totals = walk(dir, &(WalkOptions){0}, &seen);
    CHECK(totals.unchanged == 1 && seen.unchanged == 1 && totals.directories == 3 && totals.vanished == 1);
    CHECK(seen.unlisted == 2 && facts_of(&seen, dir, "a") && facts_of(&seen, dir, "a/file"));
    CHECK(!facts_of(&seen, dir, "unseen"));
}

typedef struct Vanisher {
    Str dir;
    atomic_bool stop;
} Vanisher;

/* Makes and deletes files and directories all the time. */
static void *make_and_delete(void *arg)
{
    Vanisher *vanisher = arg;

    while (!atomic_load(&vanisher->stop)) {
        ARENA_SCOPE(arena);
        Err err = {0};

        for (int i = 0; i < 20; i++) {
            if (!os_make_dirs(below(&arena, vanisher->dir, str_printf(&arena, "v%d/w", i).ptr), 0755, &err))
                return vanisher;
            put_file(&arena, vanisher->dir, str_printf(&arena, "v%d/w/f", i).ptr, "");
        }
        for (int i = 0; i < 20; i++)
            if (!os_remove_tree(below(&arena, vanisher->dir, str_printf(&arena, "v%d", i).ptr), &err))
                return vanisher;
    }
    return NULL;
}

static void what_vanishes_meanwhile_is_no_problem(void)
{
    enum { TURNS = 100 };
    ARENA_SCOPE(arena);
    Vanisher vanisher = {.dir = new_tree(&arena, "vanish")};
    pthread_t thread;
    uint64_t vanished = 0;

    put_file(&arena, vanisher.dir, "stays", "");
    CHECK(pthread_create(&thread, NULL, make_and_delete, &vanisher) == 0);
    for (int i = 0; i < TURNS; i++) {
        SEEN_SCOPE(seen);
        WalkTotals totals = walk(vanisher.dir, &(WalkOptions){0}, &seen);

        CHECK(totals.problems == 0 && facts_of(&seen, vanisher.dir, "stays"));
        vanished += totals.vanished;
    }
    atomic_store(&vanisher.stop, true);
    void *failed;
    CHECK(pthread_join(thread, &failed) == 0 && !failed);
    printf("# %llu vanished\n", (unsigned long long)vanished);
}

static void proc_can_be_walked(void)
{
    SEEN_SCOPE(seen);
    WalkTotals totals = walk(STR("/proc"), &(WalkOptions){0}, &seen);

    CHECK(totals.entries > 1000 && seen.delivered_twice == 0);
    CHECK(map_get(&seen.paths, STR("/proc/version")) && map_get(&seen.paths, STR("/proc/self")));
}

static void one_file_system_is_the_default(void)
{
    SEEN_SCOPE(seen);

    (void)walk(STR("/dev"), &(WalkOptions){0}, &seen);
    CHECK(map_get(&seen.paths, STR("/dev/null")));
    const PosixFacts *null = map_get(&seen.paths, STR("/dev/null")), *dev = map_get(&seen.paths, STR("/dev"));
    const PosixFacts *pts = map_get(&seen.paths, STR("/dev/pts"));
    CHECK(null && null->type == POSIX_CHAR);
    if (pts && dev && pts->dev != dev->dev) {
        SEEN_SCOPE(all);

        CHECK(!map_get(&seen.paths, STR("/dev/pts/ptmx")));
        (void)walk(STR("/dev"), &(WalkOptions){.cross_file_systems = true}, &all);
        CHECK(map_get(&all.paths, STR("/dev/pts/ptmx")));
    }
}

static void the_rate_is_kept(void)
{
    enum { FILES = 300, RATE = 2000 };
    ARENA_SCOPE(arena);
    SEEN_SCOPE(seen);
    Str dir = new_tree(&arena, "rate");
    struct timespec from, to;

    for (int i = 0; i < FILES; i++)
        put_file(&arena, dir, str_printf(&arena, "f%d", i).ptr, "");
    CHECK(clock_gettime(CLOCK_MONOTONIC, &from) == 0);
    (void)walk(dir, &(WalkOptions){.entries_per_second = RATE}, &seen);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &to) == 0);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    CHECK(seconds >= (double)FILES / RATE);
}

static void attributes_are_read_when_asked(void)
{
    ARENA_SCOPE(arena);
    SEEN_SCOPE(with);
    SEEN_SCOPE(without);
    Str dir = new_tree(&arena, "xattrs");

    put_file(&arena, dir, "file", "");
    if (setxattr(below(&arena, dir, "file"), "user.kind", "raster", 6, 0) < 0) {
        printf("# no user attributes on this file system: %s\n", strerrordesc_np(errno));
        return;
    }
    (void)walk(dir, &(WalkOptions){.xattrs = true}, &with);
    CHECK(str_eq(facts_of(&with, dir, "file")->xattrs, STR("{\"user.kind\":\"raster\"}")));
    (void)walk(dir, &(WalkOptions){0}, &without);
    CHECK(!(facts_of(&without, dir, "file")->has & POSIX_HAS_XATTRS));
}

static void a_single_path_is_looked_at(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    PosixNames *names = posix_names_new(&arena);
    Str dir = new_tree(&arena, "single"), file = str_printf(&arena, "%s/single/file", top);
    PosixFacts facts;

    put_file(&arena, dir, "file", "12");
    CHECK(walk_stat(&arena, names, dir, file, &facts, &err) && facts.type == POSIX_FILE && facts.size == 2);
    CHECK(walk_stat(&arena, names, STR("/"), STR("/"), &facts, &err) && facts.type == POSIX_DIRECTORY);
    CHECK(!walk_stat(&arena, names, STR("/"), STR("/nonexistent/x"), &facts, &err) &&
          err.code == ERR_NOT_FOUND);
    CHECK(!walk_stat(&arena, names, STR("/"), STR("x"), &facts, &err) && err.code == ERR_USAGE);
}

/* What is told below a link that has come in a directory's place is not there for a walk of all. */
static void a_part_is_walked_as_the_whole_would(void)
{
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "part"), exclude[] = {STR("/a/b/no")};

    put_dir(&arena, dir, "a");
    put_dir(&arena, dir, "a/b");
    put_dir(&arena, dir, "a/b/no");
    put_dir(&arena, dir, "a/b/yes");
    put_file(&arena, dir, "a/b/yes/file", "");
    put_file(&arena, dir, "a/b/yes/deep", "");
    put_file(&arena, dir, "a/file", "");
    CHECK(symlink("a", below(&arena, dir, "link")) == 0);
    {
        SEEN_SCOPE(seen);
        WalkOptions options = {.exclude = exclude,
                               .exclude_count = 1,
                               .max_depth = 3,
                               .start = str_from_z(below(&arena, dir, "a/b"))};
        WalkTotals totals = walk(dir, &options, &seen);

        CHECK(totals.entries == 1 && facts_of(&seen, dir, "a/b") && facts_of(&seen, dir, "a/b/yes"));
        CHECK(!facts_of(&seen, dir, "a/file") && !facts_of(&seen, dir, "a/b/no"));
    }
    static const char *const not_there[] = {"link/b", "gone", "a/file"};
    for (size_t i = 0; i < COUNT_OF(not_there); i++) {
        SEEN_SCOPE(seen);
        WalkOptions options = {.start = str_from_z(below(&arena, dir, not_there[i]))};

        CHECK(walk(dir, &options, &seen).entries == 0 && seen.problems.count == 0);
    }
}

static void nothing_is_looked_at_through_a_link_below_the_root(void)
{
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "through");
    PosixNames *names = posix_names_new(&arena);
    PosixFacts facts;
    Err err = {0};

    put_dir(&arena, dir, "a");
    put_dir(&arena, dir, "a/b");
    put_dir(&arena, dir, "a/b/yes");
    CHECK(symlink("a", below(&arena, dir, "link")) == 0);
    CHECK(walk_stat(&arena, names, dir, str_from_z(below(&arena, dir, "a/b/yes")), &facts, &err));
    CHECK(walk_stat(&arena, names, dir, str_from_z(below(&arena, dir, "link")), &facts, &err));
    CHECK(!walk_stat(&arena, names, dir, str_from_z(below(&arena, dir, "link/b")), &facts, &err) &&
          err.code == ERR_NOT_FOUND);
    CHECK(walk_stat(&arena, names, str_from_z(below(&arena, dir, "link")),
                    str_from_z(below(&arena, dir, "link/b/yes")), &facts, &err));
}

/* Whichever call fails: the walk says so, as its error or as a problem, or what failed was left out. */
static void every_failing_call_is_told(void)
{
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "faults");
    int told = 0;

    put_dir(&arena, dir, "a");
    put_file(&arena, dir, "a/file", "");
    CHECK(symlink("a/file", below(&arena, dir, "link")) == 0);
    FOR_EACH_FAULT(EIO) {
        SEEN_SCOPE(seen);
        WalkTotals totals;
        Err err = {0};
        bool ok = walk_with(dir, &(WalkOptions){.threads = 1}, &seen, &totals, &err);
        bool fired = fault_fired();
        const PosixFacts *link = facts_of(&seen, dir, "link");

        fault_arm(0, 0);
        CHECK(ok ? !fired || totals.problems == 1 || (link && !link->intact) : err.sys == EIO);
        CHECK(fired || (ok && totals.entries == 3 && totals.problems == 0));
        told += fired;
    }
    CHECK(told >= 12);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(top))
        return 1;
    RUN(every_kind_of_file_is_delivered_once_with_its_facts);
    RUN(names_of_any_bytes_are_delivered_escaped);
    RUN(a_large_directory_comes_in_pieces);
    RUN(a_wide_tree_waits_in_bounded_memory);
    RUN(a_tree_is_read_however_deep_and_long_its_paths);
    RUN(depth_is_limited_as_find_does);
    RUN(patterns_choose_by_name_or_by_path);
    RUN(links_are_followed_when_asked_and_loops_end);
    RUN(what_cannot_be_read_is_a_problem_and_not_the_end);
    RUN(a_root_that_is_none_is_an_error);
    RUN(the_sinks_error_ends_the_walk);
    RUN(the_stop_flag_ends_the_walk);
    RUN(an_unchanged_directory_is_not_read_but_its_directories_are);
    RUN(what_vanishes_meanwhile_is_no_problem);
    RUN(proc_can_be_walked);
    RUN(one_file_system_is_the_default);
    RUN(the_rate_is_kept);
    RUN(attributes_are_read_when_asked);
    RUN(a_single_path_is_looked_at);
    RUN(a_part_is_walked_as_the_whole_would);
    RUN(nothing_is_looked_at_through_a_link_below_the_root);
    RUN(every_failing_call_is_told);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
