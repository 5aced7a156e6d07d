/* SPDX-License-Identifier: Apache-2.0 */
/* The pool against an extractor that behaves as the path tells it to: this program itself, with --worker. */
#include "catalog/extract.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "test/check.h"

/* --- the extractor --- */

static void send_frame(char kind, const char *text, size_t len)
{
    uint32_t head = (uint32_t)len + 1;

    if (write(1, &head, 4) != 4 || write(1, &kind, 1) != 1 || write(1, text, len) != (ssize_t)len)
        exit(1);
}

static void answer(const char *path)
{
    if (strstr(path, "crash"))
        abort();
    if (strstr(path, "noisy")) {
        (void)fprintf(stderr, "double free\nor corruption\n");
        (void)raise(SIGTERM);
    }
    if (strstr(path, "hang"))
        for (;;)
            (void)pause();
    if (strstr(path, "exit"))
        exit(3);
    if (strstr(path, "garbage")) {
        if (write(1, "\xff\xff\xff\xff", 4) != 4)
            exit(1);
        return;
    }
    if (strstr(path, "partial"))
        send_frame('W', "one dataset is missing", 22);
    if (strstr(path, "problem"))
        send_frame('X', "truncated", 9);
    else if (strstr(path, "text"))
        send_frame('N', "no data", 7);
    else
        send_frame('R', path, strlen(path));
}

static int be_extractor(const char *mode)
{
    uint32_t len;
    char frame[20000];

    if (strcmp(mode, "dead") == 0)
        return 1;
    if (strcmp(mode, "bad-rules") == 0) {
        send_frame('E', "rules: line 1", 13);
        return 3;
    }
    send_frame('H', "0", 1);
    while (read(0, &len, 4) == 4) {
        for (size_t n = 0; n < len;)
            n += (size_t)read(0, frame + n, len - n);
        frame[len] = 0;
        answer(frame + 1);
    }
    return 0;
}

/* --- what the pool hands out --- */

typedef struct Seen {
    int found, none, failed, problems;
    char last_problem[256];
    int stop_after; /* answers; 0: never */
} Seen;

static bool count(void *ctx, const ExtractAnswer *answered, Err *err)
{
    Seen *seen = ctx;

    seen->found += answered->outcome == EXTRACT_FOUND;
    seen->none += answered->outcome == EXTRACT_NO_DATA;
    seen->failed += answered->outcome == EXTRACT_FAILED;
    CHECK(answered->outcome != EXTRACT_FOUND || str_eq(answered->record, answered->path));
    CHECK(answered->tag == seen);
    if (answered->outcome != EXTRACT_FOUND || answered->problem.len > 0) {
        seen->problems++;
        (void)snprintf(seen->last_problem, sizeof seen->last_problem, "%.*s", STR_ARG(answered->problem));
    }
    if (seen->stop_after > 0 && seen->found >= seen->stop_after)
        return err_set(err, ERR_INTERRUPTED, "enough");
    return true;
}

static const char *self;

/* The paths of `list` go through a pool of two; what is left when they are answered. */
static Seen run(const char *const *list, Duration limit, int *restarts)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Seen seen = {0};
    ExtractPool *pool = NULL;
    ExtractOptions options = {
        .done = count, .ctx = &seen, .workers = 2, .program = self, .time_limit = limit};

    CHECK(extract_open(&arena, &options, &pool, &err));
    for (; pool && *list; list++)
        CHECK(extract_submit(pool, str_from_z(*list), &seen, &err));
    CHECK(pool && extract_drain(pool, &err));
    if (restarts && pool)
        *restarts = extract_restarts(pool);
    return seen;
}

static void every_path_is_answered_once(void)
{
    enum { N = 1000 };
    ARENA_SCOPE(arena);
    const char **list = arena_new(&arena, const char *, N + 1);
    Seen seen;
    int restarts = -1;

    for (int i = 0; i < N; i++)
        list[i] = str_printf(&arena, "/%s%d", i % 3 == 0 ? "text" : i % 5 == 0 ? "problem" : "data", i).ptr;
    seen = run(list, 0, &restarts);
    CHECK(seen.none == 334 && seen.failed == 133 && seen.found == 533 && restarts == 0);
}

static void a_crash_is_one_files_problem(void)
{
    static const char *const list[] = {"/a", "/crash", "/b", "/c", "/noisy", "/d", "/exit", "/e", NULL};
    int restarts = 0;
    Seen seen = run(list, 0, &restarts);

    CHECK(seen.found == 5 && seen.failed == 3 && restarts == 3);
}

static void a_crash_is_told_with_its_signal_and_last_words(void)
{
    static const char *const crash[] = {"/crash", NULL}, *const noisy[] = {"/noisy", NULL};

    CHECK(strcmp(run(crash, 0, NULL).last_problem, "the reader of this file crashed (Aborted)") == 0);
    CHECK(strstr(run(noisy, 0, NULL).last_problem, "crashed (Terminated): double free or corruption"));
}

static void a_file_that_takes_too_long_is_stopped(void)
{
    static const char *const list[] = {"/a", "/hang", "/b", "/hang2", "/c", NULL};
    int restarts = 0;
    Seen seen = run(list, SECONDS(2), &restarts);

    CHECK(seen.found == 3 && seen.failed == 2 && restarts == 2);
    CHECK(strstr(seen.last_problem, "was stopped after 2.0 s"));
}

static void nonsense_from_an_extractor_ends_it(void)
{
    static const char *const list[] = {"/a", "/garbage", "/b", NULL};
    int restarts = 0;
    Seen seen = run(list, 0, &restarts);

    CHECK(seen.found == 2 && seen.failed == 1 && restarts == 1);
    CHECK(strstr(seen.last_problem, "cannot be read"));
}

static void a_record_may_come_with_a_problem(void)
{
    static const char *const list[] = {"/partial", "/a", NULL};
    Seen seen = run(list, 0, NULL);

    CHECK(seen.found == 2 && seen.problems == 1 && strcmp(seen.last_problem, "one dataset is missing") == 0);
}

static void what_cannot_start_is_told_at_once(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    ExtractPool *pool = NULL;
    ExtractOptions options = {.done = count, .program = "/nonexistent/x"};

    CHECK(!extract_open(&arena, &options, &pool, &err) && err.code == ERR_NOT_FOUND);
    options.program = self;
    (void)setenv("FAKE", "dead", 1);
    CHECK(!extract_open(&arena, &options, &pool, &err) && err.code == ERR_IO);
    (void)setenv("FAKE", "bad-rules", 1);
    CHECK(!extract_open(&arena, &options, &pool, &err) && err.code == ERR_CONFIG);
    CHECK(strcmp(err.text, "rules: line 1") == 0);
    (void)unsetenv("FAKE");
}

static void the_caller_can_stop(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Seen seen = {.stop_after = 1};
    ExtractPool *pool = NULL;
    ExtractOptions options = {.done = count, .ctx = &seen, .workers = 1, .program = self};
    char *huge = arena_new(&arena, char, EXTRACT_PATH_MAX + 1);

    memset(huge, 'a', EXTRACT_PATH_MAX + 1);
    CHECK(extract_open(&arena, &options, &pool, &err));
    CHECK(!extract_submit(pool, (Str){huge, EXTRACT_PATH_MAX + 1}, &seen, &err) && err.code == ERR_LIMIT);
    CHECK(!(extract_submit(pool, STR("/a"), &seen, &err) && extract_drain(pool, &err)));
    CHECK(err.code == ERR_INTERRUPTED);
    extract_close(pool);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* no child is left */
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return be_extractor(getenv("FAKE") ? getenv("FAKE") : "");
    self = realpath(argv[0], NULL);
    RUN(every_path_is_answered_once);
    RUN(a_crash_is_one_files_problem);
    RUN(a_crash_is_told_with_its_signal_and_last_words);
    RUN(a_file_that_takes_too_long_is_stopped);
    RUN(nonsense_from_an_extractor_ends_it);
    RUN(a_record_may_come_with_a_problem);
    RUN(what_cannot_start_is_told_at_once);
    RUN(the_caller_can_stop);
    DONE();
}
