/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "base/term.h"
#include "test/check.h"

static const OutColumn columns[] = {
    {"name", OUT_TEXT}, {"last_size", OUT_BYTES}, {"when", OUT_TIME}, {"ok", OUT_BOOL}};

/* What `print` gives, as JSON or as text, in `seen`. */
static void print_into(void (*print)(Out *out), bool json, Buf *seen)
{
    char path[] = "/tmp/strata-out-test-XXXXXX";
    ARENA_SCOPE(arena);
    Err err = {0};
    FD_SCOPE(fd);

    fd = mkstemp(path);
    CHECK(fd >= 0);
    Out *out = out_new(&arena, fd, json, false, false);

    print(out);
    CHECK(out_flush(out, &err));
    CHECK(os_read_file(path, 1 << 24, seen, &err));
    CHECK(os_unlink(path) == 0);
}

static void prints(void (*print)(Out *out), const char *text, const char *json)
{
    BUF_SCOPE(as_text);
    BUF_SCOPE(as_json);

    print_into(print, false, &as_text);
    print_into(print, true, &as_json);
    CHECK(str_eq_z(buf_str(&as_text), text) && str_eq_z(buf_str(&as_json), json));
    if (!str_eq_z(buf_str(&as_text), text))
        printf("# text: %.*s\n", STR_ARG(buf_str(&as_text)));
    if (!str_eq_z(buf_str(&as_json), json))
        printf("# json: %.*s\n", STR_ARG(buf_str(&as_json)));
}

static void print_list(Out *out)
{
    out_list(out, columns, COUNT_OF(columns));
    out_z(out, "a");
    out_int(out, 1536);
    out_int(out, 0);
    out_bool(out, true);
    out_z(out, "longer \"name\"");
    out_null(out);
    out_int(out, SECONDS(1) + 5000);
    out_bool(out, false);
    out_end(out);
}

/* People see whole seconds. */
static void a_list_is_a_table_or_an_object_a_line(void)
{
    prints(
        print_list,
        "NAME           LAST SIZE  WHEN                  OK\n"
        "a                1.5 KiB  1970-01-01T00:00:00Z  yes\n"
        "longer \"name\"          -  1970-01-01T00:00:01Z  no\n",
        "{\"name\":\"a\",\"last_size\":1536,\"when\":\"1970-01-01T00:00:00Z\",\"ok\":true}\n"
        "{\"name\":\"longer \\\"name\\\"\",\"last_size\":null,\"when\":\"1970-01-01T00:00:01.005Z\",\"ok\":false}\n");
}

static void print_record(Out *out)
{
    static const OutColumn rejected[] = {{"line", OUT_INT}, {"reason", OUT_TEXT}};

    out_record(out);
    out_field(out, "lines_read", OUT_INT);
    out_int(out, 3);
    out_field_list(out, "rejected", rejected, COUNT_OF(rejected));
    out_int(out, 2);
    out_z(out, "no tab");
    out_int(out, 3);
    out_z(out, "no path");
    out_end(out);
    out_field(out, "rate", OUT_NUMBER);
    out_double(out, 0.5);
    out_field(out, "more", OUT_JSON);
    out_json(out, STR("{\"a\":[1]}"));
    out_end(out);
}

static void a_record_may_hold_a_list(void)
{
    prints(
        print_record,
        "lines read  3\n\nrejected:\nLINE  REASON\n   2  no tab\n   3  no path\nrate  0.5\nmore  {\"a\":[1]}\n",
        "{\"lines_read\":3,\"rejected\":[{\"line\":2,\"reason\":\"no tab\"},{\"line\":3,\"reason\":\"no path\"}],"
        "\"rate\":0.5,\"more\":{\"a\":[1]}}\n");
}

static void print_nothing(Out *out)
{
    out_list(out, columns, COUNT_OF(columns));
    out_end(out);
}

static void print_long_values(Out *out)
{
    out_record(out);
    out_field(out, "path", OUT_TEXT);
    out_z(out, "/data/with-several-parts/2026/some-file.csv");
    out_field(out, "said_once", OUT_TEXT);
    out_z(out, "where it listens; port 0: the port of the last time\n\033");
    out_field(out, "empty", OUT_TEXT);
    out_z(out, "");
    out_end(out);
}

static const OutColumn spares[] = {{"name", OUT_TEXT},
                                   {"made", OUT_TIME, .spare = 1},
                                   {"size", OUT_INT},
                                   {"other_name", OUT_TEXT, .spare = 2}};

/* More rows than the widths are found over. */
static void print_spares(Out *out)
{
    enum { ROWS = 1500 };

    out_list(out, spares, COUNT_OF(spares));
    for (int i = 0; i < ROWS; i++) {
        out_z(out, "a");
        out_int(out, 0);
        out_int(out, i);
        out_z(out, "b");
    }
    out_end(out);
}

/* What is seen on a terminal that is so wide. */
static void print_at(const char *wide, void (*print)(Out *out), Buf *seen)
{
    enum { PIECE = 4096 };
    ssize_t n;
    FD_SCOPE(master);

    CHECK(setenv("COLUMNS", wide, 1) == 0);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
    pid_t child = fork();
    if (child == 0) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Out *out = out_new(&arena, open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC), false, false, false);

        print(out);
        _exit(out_flush(out, &err) ? 0 : 1);
    }
    while ((n = read(master, buf_reserve(seen, PIECE), PIECE)) > 0)
        seen->len += (size_t)n;
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(unsetenv("COLUMNS") == 0);
}

/* The terminal is one of 30 columns; what is not written at a terminal is not broken. */
static void a_record_breaks_between_words(void)
{
    static const char wanted[] = "path       /data/\r\n"
                                 "           with-several-parts/\r\n"
                                 "           2026/some-file.csv\r\n"
                                 "said once  where it listens;\r\n"
                                 "           port 0: the port of\r\n"
                                 "           the last\r\n"
                                 "           time\\x0a\\x1b\r\n"
                                 "empty      \r\n";
    BUF_SCOPE(seen);
    BUF_SCOPE(plain);

    print_at("30", print_long_values, &seen);
    CHECK(str_eq_z(buf_str(&seen), wanted));
    if (!str_eq_z(buf_str(&seen), wanted))
        printf("# '%.*s'\n", STR_ARG(buf_str(&seen)));
    print_into(print_long_values, false, &plain);
    CHECK(memmem(plain.ptr, plain.len, "the port of the last time", 25) != NULL);
}

static void what_is_missed_least_is_left_away_at_a_narrow_terminal(void)
{
    static const struct {
        const char *columns, *first, *last;
    } cases[] = {
        {"60", "NAME  MADE                  SIZE  OTHER NAME\r\n", "a     1970-01-01T00:00:00Z  1499  b\r\n"},
        {"40", "NAME  MADE                  SIZE\r\n", "a     1970-01-01T00:00:00Z  1499\r\n"},
        {"20", "NAME  SIZE\r\n", "a     1499\r\n"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Str first = str_from_z(cases[i].first), last = str_from_z(cases[i].last);
        BUF_SCOPE(seen);

        print_at(cases[i].columns, print_spares, &seen);
        CHECK(str_starts(buf_str(&seen), first));
        CHECK(str_eq(str_sub(buf_str(&seen), seen.len - last.len, seen.len), last));
    }
}

static void an_empty_list_prints_nothing(void)
{
    prints(print_nothing, "", "");
}

static void print_hostile(Out *out)
{
    static const OutColumn one[] = {{"name", OUT_TEXT}};

    out_list(out, one, 1);
    out_z(out, "a\nb\033[31m\xff");
    out_end(out);
}

static void print_backslashes(Out *out)
{
    static const OutColumn two[] = {{"name", OUT_TEXT}, {"size", OUT_INT}};

    out_list(out, two, 2);
    out_z(out, "a\\b");
    out_int(out, 1);
    out_z(out, "ccc");
    out_int(out, 20);
    out_end(out);
}

static void a_backslash_takes_one_place(void)
{
    prints(print_backslashes, "NAME  SIZE\na\\b      1\nccc     20\n",
           "{\"name\":\"a\\\\b\",\"size\":1}\n{\"name\":\"ccc\",\"size\":20}\n");
}

static void names_cannot_write_on_the_terminal(void)
{
    prints(print_hostile, "NAME\na\\x0ab\\x1b[31m\\xff\n", "{\"name\":\"a\\nb\\u001b[31m\xef\xbf\xbd\"}\n");
}

enum { MANY = 2500 };

static void print_many(Out *out)
{
    static const OutColumn two[] = {{"n", OUT_INT}, {"text", OUT_TEXT}};

    out_list(out, two, 2);
    for (int i = 0; i < MANY; i++) {
        out_int(out, i);
        out_z(out, "x");
    }
    out_end(out);
}

static void a_long_table_has_one_heading_and_every_row(void)
{
    BUF_SCOPE(seen);
    size_t lines = 0, headings = 0;

    print_into(print_many, false, &seen);
    for (Str rest = buf_str(&seen), line; rest.len; lines++) {
        rest = str_cut(rest, '\n', &line);
        headings += str_ends(line, STR("TEXT"));
    }
    CHECK(lines == MANY + 1 && headings == 1);
}

static void a_record_that_was_not_ended_is_not_printed(void)
{
    for (int json = 0; json < 2; json++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(seen);
        Err err = {0};
        int ends[2];

        CHECK(pipe(ends) == 0);
        Out *out = out_new(&arena, ends[1], json, false, false);

        out_raw(out, STR("before\n"));
        out_record(out);
        out_field(out, "x", OUT_INT);
        out_int(out, 1);
        CHECK(out_flush(out, &err));
        os_close(&ends[1]);
        ssize_t n = os_read(ends[0], buf_reserve(&seen, 100), 100);

        CHECK(n == 7);
        os_close(&ends[0]);
    }
}

static void a_full_disk_is_an_error(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    FD_SCOPE(fd);

    fd = os_open("/dev/full", O_WRONLY, 0);
    Out *out = out_new(&arena, fd, true, false, false);

    print_many(out);
    CHECK(!out_flush(out, &err) && err.code == ERR_IO && strstr(err.text, "cannot print"));
}

static void remarks_are_for_people_who_want_them(void)
{
    for (int mode = 0; mode < 3; mode++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(seen);
        Err err = {0};
        int ends[2];

        CHECK(pipe(ends) == 0);
        Out *out = out_new(&arena, ends[1], mode == 1, mode == 2, false);

        out_say(out, "made '%s'", "x");
        CHECK(out_flush(out, &err));
        os_close(&ends[1]);
        ssize_t n = os_read(ends[0], buf_reserve(&seen, 100), 100);

        CHECK(n == (mode == 0 ? 9 : 0));
        os_close(&ends[0]);
    }
}

int main(void)
{
    term_init();
    RUN(a_list_is_a_table_or_an_object_a_line);
    RUN(a_record_may_hold_a_list);
    RUN(a_record_breaks_between_words);
    RUN(what_is_missed_least_is_left_away_at_a_narrow_terminal);
    RUN(an_empty_list_prints_nothing);
    RUN(a_backslash_takes_one_place);
    RUN(names_cannot_write_on_the_terminal);
    RUN(a_long_table_has_one_heading_and_every_row);
    RUN(a_record_that_was_not_ended_is_not_printed);
    RUN(a_full_disk_is_an_error);
    RUN(remarks_are_for_people_who_want_them);
    DONE();
}
