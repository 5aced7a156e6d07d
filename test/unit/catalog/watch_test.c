/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "test/unit/catalog/watch_model.h"

static char top[] = "/tmp/strata-watch-test-XXXXXX";

static Str new_tree(Arena *arena, const char *name)
{
    Err err = {0};
    Str path = str_printf(arena, "%s/%s", top, name);

    CHECK(os_make_dirs(path.ptr, 0755, &err));
    return path;
}

static const char *below(Arena *arena, Str dir, const char *name)
{
    return str_printf(arena, "%.*s/%s", STR_ARG(dir), name).ptr;
}

static void put_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd >= 0) {
        (void)!write(fd, content, strlen(content));
        (void)close(fd);
    }
}

static WatchMethod method; /* of the tests below */

/* NULL where the system does not allow the method. */
static Watch *start(Arena *arena, Str dir, Model *model, const WatchOptions *more)
{
    WatchOptions options = *more;
    Watch *watch;
    Err err = {0};

    options.method = method;
    if (!watch_open(arena, dir, &options, &watch, &err)) {
        printf("# %s\n", err.text);
        CHECK(method == WATCH_FANOTIFY && err.code == ERR_DENIED);
        return NULL;
    }
    CHECK(watch_method(watch) == method);
    model->names = posix_names_new(&model->arena);
    model->root = dir;
    rescan(model, dir);
    return watch;
}

static bool has(const WatchBatch *batch, WatchKind kind, const char *path, const char *from)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->events[i].kind == kind && str_eq_z(batch->events[i].path, path) &&
            (!from || str_eq_z(batch->events[i].from, from)))
            return true;
    return false;
}

static void each_change_is_told_as_what_it_is(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "kinds-f" : "kinds-i");
    const char *file = below(&arena, dir, "file"), *moved = below(&arena, dir, "moved"),
               *sub = below(&arena, dir, "sub");
    WatchBatch batch;
    Err err = {0};
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){.settle = MILLISECONDS(20)});

    if (!watch)
        return;
    put_file(file, "1");
    CHECK(watch_next(watch, SECONDS(10), &batch, &err) && has(&batch, WATCH_CHANGED, file, NULL));
    CHECK(has(&batch, WATCH_CHANGED, dir.ptr, NULL) && batch.count == 2);
    put_file(file, "2");
    CHECK(watch_next(watch, SECONDS(10), &batch, &err) && has(&batch, WATCH_CHANGED, file, NULL) &&
          batch.count == 1);
    CHECK(chmod(file, 0600) == 0);
    CHECK(watch_next(watch, SECONDS(10), &batch, &err) && has(&batch, WATCH_CHANGED, file, NULL));
    CHECK(rename(file, moved) == 0);
    CHECK(watch_next(watch, SECONDS(10), &batch, &err) && has(&batch, WATCH_RENAMED, moved, file));
    CHECK(unlink(moved) == 0);
    CHECK(watch_next(watch, SECONDS(10), &batch, &err) && has(&batch, WATCH_DELETED, moved, NULL));
    CHECK(mkdir(sub, 0755) == 0);
    CHECK(watch_next(watch, SECONDS(10), &batch, &err) && has(&batch, WATCH_RESCAN, sub, NULL));
    CHECK(watch_next(watch, MILLISECONDS(50), &batch, &err) && batch.count == 0);
    CHECK(rmdir(sub) == 0);
    CHECK(watch_next(watch, SECONDS(10), &batch, &err) && has(&batch, WATCH_DELETED, sub, NULL));
}

static void what_is_made_in_new_directories_at_once_is_not_missed(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "new-f" : "new-i");
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){.settle = MILLISECONDS(20)});
    Err err = {0};

    if (!watch)
        return;
    for (int i = 0; i < 200; i++) {
        Str deep = str_printf(&arena, "%s/n%d/a/b/c", dir.ptr, i);

        CHECK(os_make_dirs(deep.ptr, 0755, &err));
        put_file(below(&arena, deep, "file"), "x");
        if (i % 3 == 0)
            CHECK(rename(str_printf(&arena, "%s/n%d", dir.ptr, i).ptr,
                         str_printf(&arena, "%s/m%d", dir.ptr, i).ptr) == 0);
        if (i % 5 == 0) {
            WatchBatch batch;

            CHECK(watch_next(watch, 0, &batch, &err));
            apply(&model, &batch);
        }
    }
    drain(watch, &model);
    for (int i = 0; i < 200; i++)
        put_file(str_printf(&arena, "%s/%c%d/a/b/c/file", dir.ptr, i % 3 ? 'n' : 'm', i).ptr, "more");
    drain(watch, &model);
    CHECK(differences(&model, dir) == 0);
}

static void two_names_exchanged_are_looked_at(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "swap-f" : "swap-i");
    const char *a = below(&arena, dir, "a"), *b = below(&arena, dir, "b");

    CHECK(mkdir(a, 0755) == 0 && mkdir(b, 0755) == 0);
    put_file(below(&arena, dir, "a/in-a"), "1");
    put_file(below(&arena, dir, "b/in-b"), "22");
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){0});
    if (!watch)
        return;
    CHECK(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0);
    drain(watch, &model);
    CHECK(differences(&model, dir) == 0);
}

static void moving_in_and_out_is_making_and_deleting(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "in-f" : "in-i");
    Str other = new_tree(&arena, method == WATCH_FANOTIFY ? "out-f" : "out-i");

    CHECK(mkdir(below(&arena, dir, "leaves"), 0755) == 0 && mkdir(below(&arena, other, "comes"), 0755) == 0);
    put_file(below(&arena, dir, "leaves/x"), "1");
    put_file(below(&arena, other, "comes/y"), "1");
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){0});
    if (!watch)
        return;
    CHECK(rename(below(&arena, dir, "leaves"), below(&arena, other, "left")) == 0);
    CHECK(rename(below(&arena, other, "comes"), below(&arena, dir, "came")) == 0);
    drain(watch, &model);
    CHECK(differences(&model, dir) == 0);
    size_t events = model.events;
    put_file(below(&arena, other, "left/x"), "2"); /* not ours any more */
    drain(watch, &model);
    CHECK(model.events == events);
    put_file(below(&arena, dir, "came/y"), "2");
    drain(watch, &model);
    CHECK(model.events > events && differences(&model, dir) == 0);
}

static void what_is_excluded_is_not_told(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "ex-f" : "ex-i");
    Str exclude[] = {STR("*.tmp"), STR("/cache")};
    Watch *watch;

    CHECK(mkdir(below(&arena, dir, "cache"), 0755) == 0 && mkdir(below(&arena, dir, "kept"), 0755) == 0);
    watch =
        start(&arena, dir, &model, &(WatchOptions){.exclude = exclude, .exclude_count = 2, .settle = 1000});
    if (!watch)
        return;
    put_file(below(&arena, dir, "cache/x"), "1");
    put_file(below(&arena, dir, "kept/x.tmp"), "1");
    drain(watch, &model);
    CHECK(model.events == 0);
    CHECK(rename(below(&arena, dir, "kept/x.tmp"), below(&arena, dir, "kept/x")) == 0);
    drain(watch, &model);
    CHECK(map_get(&model.paths, str_from_z(below(&arena, dir, "kept/x"))));
}

static uint64_t random_state = 20261121;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

/* Few names, so that they are used again and again, as files and as directories. */
static Str random_path(Arena *arena, Str dir)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    unsigned depth = 1 + random_below(1 + random_below(4)); /* shallow ones more often */
    Str path = dir;

    for (unsigned i = 0; i < depth; i++)
        path = str_printf(arena, "%.*s/%s", STR_ARG(path), names[random_below(COUNT_OF(names))]);
    return path;
}

/* Whether it succeeds depends on what is there. */
static void random_change(Str dir)
{
    ARENA_SCOPE(arena);
    Str path = random_path(&arena, dir), other = random_path(&arena, dir);
    Err err = {0};

    switch (random_below(10)) {
    case 0:
    case 1:
        put_file(path.ptr, "content");
        break;
    case 2:
    case 3:
    case 4:
        (void)mkdir(path.ptr, 0755);
        break;
    case 5:
        (void)unlink(path.ptr);
        break;
    case 6:
        (void)!os_remove_tree(path.ptr, &err);
        break;
    case 7:
        (void)chmod(path.ptr, 0700 + random_below(8) * 8);
        break;
    case 8:
        (void)rename(path.ptr, other.ptr);
        break;
    default:
        (void)renameat2(AT_FDCWD, path.ptr, AT_FDCWD, other.ptr,
                        random_below(2) ? RENAME_EXCHANGE : RENAME_NOREPLACE);
        break;
    }
}

static void random_changes_in_between_lead_to_the_real_tree(void)
{
    enum { ROUNDS = 15, CHANGES = 150 };
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "random-f" : "random-i");
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){.settle = MILLISECONDS(1)});
    int wrong = 0;

    for (int round = 0; watch && round < ROUNDS && wrong == 0; round++) {
        for (int i = 0; i < CHANGES; i++) {
            WatchBatch batch;
            Err err = {0};

            random_change(dir);
            if (random_below(8))
                continue;
            CHECK(watch_next(watch, 0, &batch, &err));
            apply(&model, &batch);
        }
        drain(watch, &model);
        wrong = differences(&model, dir);
        CHECK(wrong == 0);
    }
    printf("# %zu events, %zu of them to walk\n", model.events, model.rescans);
}

typedef struct Storm {
    Str dir;
    atomic_bool done;
} Storm;

static void *blow(void *arg)
{
    enum { CHANGES = 6000 };
    Storm *storm = arg;

    for (int i = 0; i < CHANGES; i++)
        random_change(storm->dir);
    atomic_store(&storm->done, true);
    return NULL;
}

static void a_storm_meanwhile_leads_to_the_real_tree(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Storm storm = {.dir = new_tree(&arena, method == WATCH_FANOTIFY ? "storm-f" : "storm-i")};
    Watch *watch = start(&arena, storm.dir, &model, &(WatchOptions){.settle = MILLISECONDS(5)});
    pthread_t thread;

    if (!watch)
        return;
    CHECK(pthread_create(&thread, NULL, blow, &storm) == 0);
    while (!atomic_load(&storm.done)) {
        WatchBatch batch;
        Err err = {0};

        CHECK(watch_next(watch, MILLISECONDS(10), &batch, &err));
        apply(&model, &batch);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    drain(watch, &model);
    CHECK(differences(&model, storm.dir) == 0);
}

static void an_overflow_asks_for_the_whole_tree(void)
{
    enum { FILES = 20000 }; /* the kernel keeps 16384 events unless told otherwise */
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "flood-f" : "flood-i");
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){0});

    if (!watch)
        return;
    CHECK(mkdir(below(&arena, dir, "sub"), 0755) == 0);
    for (int i = 0; i < FILES; i++) {
        ARENA_SCOPE(scratch);

        put_file(str_printf(&scratch, "%s/f%d", dir.ptr, i).ptr, "");
        CHECK(unlink(str_printf(&scratch, "%s/f%d", dir.ptr, i).ptr) == 0);
    }
    put_file(below(&arena, dir, "last"), "");
    drain(watch, &model);
    CHECK(differences(&model, dir) == 0 && model.rescans > 0);
    put_file(below(&arena, dir, "sub/after"), "");
    drain(watch, &model);
    CHECK(differences(&model, dir) == 0);
}

static void the_roots_end_and_the_stop_flag_end_the_watch(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "end-f" : "end-i");
    atomic_bool stop = false;
    WatchBatch batch;
    Err err = {0};
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){.stop = &stop});

    if (!watch)
        return;
    atomic_store(&stop, true);
    CHECK(!watch_next(watch, SECONDS(100), &batch, &err) && err.code == ERR_INTERRUPTED);
    atomic_store(&stop, false);
    CHECK(rmdir(dir.ptr) == 0);
    CHECK(!watch_next(watch, SECONDS(1), &batch, &err) && err.code == ERR_NOT_FOUND);
}

/* By whose name there is another directory now. */
static void another_directory_in_the_roots_place_ends_the_watch(void)
{
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    Str dir = new_tree(&arena, method == WATCH_FANOTIFY ? "place-f" : "place-i");
    WatchBatch batch;
    Err err = {0};
    Watch *watch = start(&arena, dir, &model, &(WatchOptions){0});

    if (!watch)
        return;
    CHECK(rename(dir.ptr, str_printf(&arena, "%s-moved", dir.ptr).ptr) == 0 && mkdir(dir.ptr, 0755) == 0);
    CHECK(!watch_next(watch, SECONDS(1), &batch, &err) && err.code == ERR_NOT_FOUND && err.hint[0]);
}

static void a_root_that_is_none_is_an_error(void)
{
    ARENA_SCOPE(arena);
    WatchOptions options = {.method = method};
    Watch *watch;
    Err err = {0};
    Str file = str_printf(&arena, "%s/a-file", top);

    put_file(file.ptr, "");
    CHECK(!watch_open(&arena, STR("relative"), &options, &watch, &err) && err.code == ERR_USAGE);
    CHECK(!watch_open(&arena, STR("/nonexistent"), &options, &watch, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!watch_open(&arena, file, &options, &watch, &err) && err.code == ERR_USAGE);
}

/* Not told of what is in a directory that is closed; all of it, and what comes later, when it opens. */
static void directories_may_open_later(Arena *arena, Watch *watch, Str dir)
{
    const char *closed = below(arena, dir, "closed"), *inside = below(arena, dir, "closed/inside");
    MODEL_SCOPE(model);

    model.root = dir;
    model.names = posix_names_new(&model.arena);
    CHECK(mkdir(closed, 0700) == 0 && mkdir(inside, 0700) == 0 && chmod(closed, 0) == 0);
    drain(watch, &model);
    CHECK(map_get(&model.paths, str_from_z(closed)) && !map_get(&model.paths, str_from_z(inside)));
    CHECK(chmod(closed, 0700) == 0);
    drain(watch, &model);
    put_file(below(arena, dir, "closed/inside/new"), "");
    drain(watch, &model);
    CHECK(differences(&model, dir) == 0);
}

static void who_may_not_use_fanotify_gets_inotify(void)
{
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "nobody");

    CHECK(chmod(top, 0755) == 0 && chmod(dir.ptr, 0777) == 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        Watch *watch;
        Err err = {0};

        check_bad = 0;
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(1);
        CHECK(watch_open(&arena, dir, &(WatchOptions){0}, &watch, &err) &&
              watch_method(watch) == WATCH_INOTIFY);
        directories_may_open_later(&arena, watch, dir);
        CHECK(!watch_open(&arena, dir, &(WatchOptions){.method = WATCH_FANOTIFY}, &watch, &err));
        CHECK(err.code == ERR_DENIED);
        (void)fflush(stdout);
        _exit(check_bad != 0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* In a user namespace of its own, which has limits of its own. False where that is not allowed. */
static bool allow_watches(int count)
{
    enum { TEXT = 16 };
    char text[TEXT];
    int len = snprintf(text, sizeof text, "%d", count);
    FD_SCOPE(fd);

    if (unshare(CLONE_NEWUSER) == 0)
        fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, (size_t)len) == len;
}

/* The root and two directories may be watched: the third one is one too many. */
static void come_to_the_limit(Arena *arena, Str dir)
{
    WatchOptions options = {.method = WATCH_INOTIFY};
    WatchBatch batch;
    Watch *watch;
    Err err = {0};

    CHECK(watch_open(arena, dir, &options, &watch, &err));
    CHECK(mkdir(below(arena, dir, "2"), 0755) == 0 && watch_next(watch, SECONDS(1), &batch, &err));
    CHECK(mkdir(below(arena, dir, "3"), 0755) == 0 && !watch_next(watch, SECONDS(1), &batch, &err));
    CHECK(err.code == ERR_LIMIT && strstr(err.hint, "sysctl fs.inotify.max_user_watches"));
    err = (Err){0};
    CHECK(!watch_open(arena, dir, &options, &watch, &err) && err.code == ERR_LIMIT && err.hint[0]);
}

static void too_few_watches_are_an_error_that_says_which_setting(void)
{
    ARENA_SCOPE(arena);
    Str dir = new_tree(&arena, "limit");
    int status;

    CHECK(mkdir(below(&arena, dir, "1"), 0777) == 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        check_bad = 0;
        if (allow_watches(3))
            come_to_the_limit(&arena, dir);
        else
            printf("# no user namespaces here\n");
        (void)fflush(stdout);
        _exit(check_bad != 0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void run_all(WatchMethod which)
{
    method = which;
    printf("# by %s\n", which == WATCH_FANOTIFY ? "fanotify" : "inotify");
    RUN(each_change_is_told_as_what_it_is);
    RUN(what_is_made_in_new_directories_at_once_is_not_missed);
    RUN(two_names_exchanged_are_looked_at);
    RUN(moving_in_and_out_is_making_and_deleting);
    RUN(what_is_excluded_is_not_told);
    RUN(random_changes_in_between_lead_to_the_real_tree);
    RUN(a_storm_meanwhile_leads_to_the_real_tree);
    RUN(an_overflow_asks_for_the_whole_tree);
    RUN(the_roots_end_and_the_stop_flag_end_the_watch);
    RUN(another_directory_in_the_roots_place_ends_the_watch);
    RUN(a_root_that_is_none_is_an_error);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(top))
        return 1;
    run_all(WATCH_INOTIFY);
    run_all(WATCH_FANOTIFY);
    RUN(who_may_not_use_fanotify_gets_inotify);
    RUN(too_few_watches_are_an_error_that_says_which_setting);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
