/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/os.h"
#include "base/term.h"
#include "test/check.h"

static const struct {
    ProgressView view;
    int columns;
    const char *line;
} lines[] = {
    {{"crawling", "paths", 500, 1000, 250, SECONDS(2)},
     100,
     "crawling  [############............]  50%  500 of 1.00k paths, 3.0 s left, 250/s"},
    {{"crawling", "paths", 500, 1000, 250, SECONDS(2)},
     60,
     "crawling  500 of 1.00k paths, 3.0 s left, 250/s"},
    {{"crawling", "paths", 500, 1000, 250, SECONDS(2)}, 42, "crawling  500 of 1.00k paths, 3.0 s left"},
    {{"crawling", "paths", 500, 1000, 250, SECONDS(2)}, 30, "crawling  500 of 1.00k paths"},
    {{"crawling", "paths", 500, 1000, 250, SECONDS(2)}, 20, "crawling"},
    {{"crawling", "paths", 500, 1000, 250, SECONDS(2)}, 5, "crawl"},
    {{"crawling", "paths", 12345, 0, 4115, MILLISECONDS(3300)}, 100, "crawling  12.3k paths, 3.0 s, 4.12k/s"},
    {{"reading", NULL, 1536, 3 << 20, 1 << 20, SECONDS(1)},
     90,
     "reading  [........................]   0%  1.5 KiB of 3.0 MiB, 3.0 s left, 1.0 MiB/s"},
    {{"done", "paths", 7, 5, 1, SECONDS(1)}, 80, "done  [########################] 100%  7 of 5 paths, 1/s"},
    {{"none yet", "paths", 0, 5, 0, 0}, 80, "none yet  [........................]   0%  0 of 5 paths, 0/s"},
    {{"\xe6\xb5\x8b\xe8\xaf\x95", "paths", 1, 0, 1, SECONDS(1)},
     3,
     "\xe6\xb5\x8b"}, /* two columns a character */
};

static void a_line_leaves_out_what_does_not_fit(void)
{
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        BUF_SCOPE(out);

        progress_put_line(&lines[i].view, lines[i].columns, &out);
        CHECK(str_eq_z(buf_str(&out), lines[i].line));
        CHECK(term_width(buf_str(&out)) <= lines[i].columns);
        if (!str_eq_z(buf_str(&out), lines[i].line))
            printf("# %zu: '%.*s'\n", i, STR_ARG(buf_str(&out)));
    }
}

/* Reads what `fd` has by now, or waits for the first of it. */
static void read_some(int fd, Buf *out)
{
    ssize_t n = os_read(fd, buf_reserve(out, 65536), 65536);

    out->len += n > 0 ? (size_t)n : 0;
}

static bool holds(const Buf *buf, const char *part)
{
    return buf->len && memmem(buf->ptr, buf->len, part, strlen(part));
}

static void a_terminal_gets_a_bar_that_is_gone_at_the_end(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(seen);
    struct winsize size = {.ws_row = 24, .ws_col = 50};
    FD_SCOPE(master);
    FD_SCOPE(slave);

    master = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = os_open(ptsname(master), O_RDWR | O_NOCTTY, 0);
    CHECK(slave >= 0 && ioctl(slave, TIOCSWINSZ, &size) == 0);

    Progress *progress = progress_begin(
        &arena, (ProgressTask){.what = "counting", .unit = "things", .total = 10, .fd = slave});

    progress_add(progress, 5);
    read_some(master, &seen);
    while (!holds(&seen, "5 of 10 things"))
        read_some(master, &seen);
    progress_note(progress, "one is %s", "odd");
    while (!holds(&seen, "\r\033[Kone is odd\r\n"))
        read_some(master, &seen);
    buf_reset(&seen);
    while (!holds(&seen, "5 of 10 things")) /* it is drawn anew below the note */
        read_some(master, &seen);
    progress_end(progress);
    while (!str_ends(buf_str(&seen), STR("\r\033[K")))
        read_some(master, &seen);
    CHECK(seen.len > 0);
}

static void elsewhere_plain_lines_come_and_a_last_one(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(seen);
    FD_SCOPE(from);
    FD_SCOPE(to);
    int ends[2];

    CHECK(pipe(ends) == 0);
    from = ends[0];
    to = ends[1];
    Progress *progress =
        progress_begin(&arena, (ProgressTask){.what = "counting", .unit = "things", .fd = to});

    progress_add(progress, 1500);
    read_some(from, &seen); /* the first line, after two seconds */
    CHECK(holds(&seen, "counting: 1.50k things, ") && !holds(&seen, "\r"));
    progress_end(progress);
    read_some(from, &seen);
    CHECK(holds(&seen, "counting: 1.50k things in 2.") && str_ends(buf_str(&seen), STR(" s\n")));
}

static void short_work_and_quiet_work_print_nothing(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(seen);
    FD_SCOPE(from);
    int ends[2];

    CHECK(pipe(ends) == 0);
    from = ends[0];
    Progress *progress =
        progress_begin(&arena, (ProgressTask){.what = "counting", .unit = "things", .fd = ends[1]});

    progress_add(progress, 1);
    progress_end(progress);
    progress = progress_begin(&arena, (ProgressTask){.what = "counting", .fd = ends[1], .off = true});
    CHECK(progress == NULL);
    progress_add(progress, 1);
    progress_set_total(progress, 1);
    progress_note(progress, "x");
    progress_end(progress);
    os_close(&ends[1]);
    read_some(from, &seen);
    CHECK(seen.len == 0);
}

static void *add_many(void *progress)
{
    for (int i = 0; i < 100000; i++)
        progress_add(progress, 1);
    return NULL;
}

static void threads_count_together(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(seen);
    FD_SCOPE(from);
    FD_SCOPE(to);
    pthread_t threads[4];
    int ends[2];

    CHECK(pipe(ends) == 0);
    from = ends[0];
    to = ends[1];
    Progress *progress =
        progress_begin(&arena, (ProgressTask){.what = "counting", .unit = "things", .fd = to});

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, add_many, progress) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        (void)pthread_join(threads[i], NULL);
    read_some(from, &seen);
    CHECK(holds(&seen, "counting: 400k things"));
    progress_end(progress);
}

int main(void)
{
    term_init();
    (void)setenv("TERM", "xterm", 1);
    (void)unsetenv("COLUMNS");
    RUN(a_line_leaves_out_what_does_not_fit);
    RUN(a_terminal_gets_a_bar_that_is_gone_at_the_end);
    RUN(elsewhere_plain_lines_come_and_a_last_one);
    RUN(short_work_and_quiet_work_print_nothing);
    RUN(threads_count_together);
    DONE();
}
