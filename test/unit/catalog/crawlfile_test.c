/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawlfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/map.h"
#include "base/os.h"
#include "catalog/crawlfile_posix.h"
#include "test/check.h"

static char top[] = "/tmp/strata-crawlfile-test-XXXXXX";

/* What a shell command prints. */
static Str output_of(Arena *arena, const char *command)
{
    BUF_SCOPE(buf);
    FILE *pipe = popen(command, "re");
    size_t n;

    CHECK(pipe != NULL);
    while (pipe && (n = fread(buf_reserve(&buf, 65536), 1, 65536, pipe)) > 0)
        buf.len += n;
    CHECK(pipe && pclose(pipe) == 0);
    return str_copy(arena, buf_str(&buf));
}

static const struct {
    const char *name, *reader;
} packs[] = {{"plain.tsv", "cat"}, {"packed.tsv.gz", "gzip -dc"}, {"packed.tsv.zst", "zstd -dcq"}};

static void lines_come_back_through_other_programs(void)
{
    for (size_t i = 0; i < COUNT_OF(packs); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        CrawlFile *file;
        Str path = str_printf(&arena, "%s/%s", top, packs[i].name);

        CHECK(crawlfile_open(&arena, path.ptr, &file, &err));
        CHECK(crawlfile_add(file, STR("/a\tposix\t{}\n"), &err) &&
              crawlfile_add(file, STR("/b\tx\t1\n"), &err));
        CHECK(access(path.ptr, F_OK) < 0);
        CHECK(crawlfile_close(file, &err));
        CHECK(str_eq(output_of(&arena, str_printf(&arena, "%s %s", packs[i].reader, path.ptr).ptr),
                     STR("/a\tposix\t{}\n/b\tx\t1\n")));
    }
}

static void an_empty_file_is_a_whole_one(void)
{
    for (size_t i = 0; i < COUNT_OF(packs); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        CrawlFile *file;
        Str path = str_printf(&arena, "%s/empty-%s", top, packs[i].name);

        CHECK(crawlfile_open(&arena, path.ptr, &file, &err) && crawlfile_close(file, &err));
        CHECK(output_of(&arena, str_printf(&arena, "%s %s", packs[i].reader, path.ptr).ptr).len == 0);
    }
}

static void what_does_not_shrink_fits_too(void)
{
    enum { BYTES = 3000000 };
    ARENA_SCOPE(arena);
    char *noise = arena_new(&arena, char, BYTES);
    FD_SCOPE(random);

    random = os_open("/dev/urandom", O_RDONLY, 0);
    CHECK(random >= 0 && os_read(random, noise, BYTES) == BYTES);
    for (size_t i = 1; i < COUNT_OF(packs); i++) {
        Err err = {0};
        CrawlFile *file;
        Str path = str_printf(&arena, "%s/noise-%s", top, packs[i].name);

        CHECK(crawlfile_open(&arena, path.ptr, &file, &err));
        CHECK(crawlfile_add(file, (Str){noise, BYTES}, &err) && crawlfile_close(file, &err));
        CHECK(str_eq(output_of(&arena, str_printf(&arena, "%s %s", packs[i].reader, path.ptr).ptr),
                     (Str){noise, BYTES}));
    }
}

static void the_old_file_stays_until_the_new_one_is_whole(void)
{
    ARENA_SCOPE(outer);
    Err err = {0};
    Str path = str_printf(&outer, "%s/replaced.tsv", top);

    CHECK(os_write_file(path.ptr, STR("old"), 0644, &err));
    FOR_EACH_FAULT(ENOSPC) {
        BUF_SCOPE(now);
        CrawlFile *file;
        bool ok;
        {
            ARENA_SCOPE(arena);
            ok = crawlfile_open(&arena, path.ptr, &file, &err) && crawlfile_add(file, STR("new"), &err) &&
                 crawlfile_close(file, &err);
        }
        bool fired = fault_fired();
        fault_arm(0, 0);
        CHECK(ok == !fired && (ok || err.sys == ENOSPC));
        CHECK(os_read_file(path.ptr, 100, &now, &err));
        CHECK(str_eq(buf_str(&now), STR("new")) || (!ok && str_eq(buf_str(&now), STR("old"))));
    }
    CHECK(
        str_eq(output_of(&outer, str_printf(&outer, "ls %s | grep -c 'tmp$' || true", top).ptr), STR("0\n")));
}

static void a_pipe_is_written_as_it_comes(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Str path = str_printf(&arena, "%s/pipe", top);
    CrawlFile *file;
    char got[4] = "";
    struct stat st;

    CHECK(mkfifo(path.ptr, 0600) == 0);
    int reader = open(path.ptr, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CHECK(crawlfile_open(&arena, path.ptr, &file, &err));
    CHECK(crawlfile_add(file, STR("abc"), &err) && crawlfile_close(file, &err));
    CHECK(read(reader, got, 3) == 3 && strcmp(got, "abc") == 0);
    CHECK(stat(path.ptr, &st) == 0 && S_ISFIFO(st.st_mode));
    (void)close(reader);
}

static void a_directory_that_is_missing_is_an_error(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    CrawlFile *file;

    CHECK(!crawlfile_open(&arena, "/nonexistent/x.tsv", &file, &err) && err.code == ERR_IO);
}

static void every_kind_of_line_has_its_form(void)
{
    BUF_SCOPE(out);
    PosixFacts facts = {.has = POSIX_HAS_SIZE, .size = 1};

    crawlfile_put_posix(&out, STR("/g"), STR("x"), &facts);
    crawlfile_put_posix(&out, STR("/"), STR("g"), &facts);
    crawlfile_put_posix(&out, STR("/"), STR(""), &facts);
    crawlfile_put_record(&out, STR("/g/x"), STR("gdal"), STR("{\n\t\"a\": \"b\\n\"\r}"));
    crawlfile_put_deleted(&out, STR("/g/y"));
    crawlfile_put_renamed(&out, STR("/g/\"old\""), STR("/g/new"));
    CHECK(str_eq(buf_str(&out), STR("/g/x\tposix\t{\"type\":\"file\",\"size\":1}\n"
                                    "/g\tposix\t{\"type\":\"file\",\"size\":1}\n"
                                    "/\tposix\t{\"type\":\"file\",\"size\":1}\n"
                                    "/g/x\tgdal\t{  \"a\": \"b\\n\" }\n"
                                    "/g/y\t-deleted\t{}\n"
                                    "/g/new\t-renamed\t{\"from\":\"/g/\\\"old\\\"\"}\n")));
}

/* Every path of find's, and each once, whatever the number of threads. */
static void a_crawl_holds_what_find_finds(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    CrawlFile *file;
    WalkTotals totals;
    Str path = str_printf(&arena, "%s/crawl.tsv.gz", top);

    CHECK(crawlfile_open(&arena, path.ptr, &file, &err));
    CrawlPosix *posix = crawlfile_posix_new(&arena, file);
    WalkSink sink = {.ctx = posix, .dir = crawlfile_posix_dir};
    CHECK(walk_run(STR("/usr/include"), &(WalkOptions){.threads = 3}, &sink, &totals, &err));
    CHECK(crawlfile_posix_flush(posix, &err) && crawlfile_close(file, &err));
    CHECK(output_of(&arena,
                    str_printf(&arena,
                               "gzip -dc %s | cut -f 1 | LC_ALL=C sort >%s/ours; find /usr/include -xdev | "
                               "LC_ALL=C sort | diff - %s/ours",
                               path.ptr, top, top)
                        .ptr)
              .len == 0);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(top))
        return 1;
    RUN(lines_come_back_through_other_programs);
    RUN(an_empty_file_is_a_whole_one);
    RUN(what_does_not_shrink_fits_too);
    RUN(the_old_file_stays_until_the_new_one_is_whole);
    RUN(a_pipe_is_written_as_it_comes);
    RUN(a_directory_that_is_missing_is_an_error);
    RUN(every_kind_of_line_has_its_form);
    RUN(a_crawl_holds_what_find_finds);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
