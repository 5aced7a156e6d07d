/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawl.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <utime.h>

#include "catalog/ingest.h"
#include "test/unit/catalog/shards.h"

static const char *tree;

static const char *below(const char *name)
{
    return str_printf(&pg_arena, "%s/%s", tree, name).ptr;
}

static void put_file(const char *name, size_t size)
{
    ARENA_SCOPE(scratch);
    Err err = {0};

    CHECK(os_write_file(below(name), (Str){arena_new(&scratch, char, size + 1), size}, 0644, &err));
}

static CrawlTotals crawl(bool incremental)
{
    const CrawlOptions options = {.conninfo = shards_dsn, .shard = STR("c"), .incremental = incremental};
    CrawlTotals totals;
    Err err = {0};
    bool ok = crawl_posix(&options, str_from_z(tree), &totals, &err);

    if (!ok)
        printf("# %s\n", err.text);
    CHECK(ok);
    return totals;
}

static void make_tree(void)
{
    Err err = {0};

    tree = pg_path("/tree");
    CHECK(os_make_dirs(below("a/b"), 0755, &err) && os_make_dirs(below("c"), 0755, &err));
    put_file("x", 10);
    put_file("a/y", 20);
    put_file("a/b/z", 30);
    put_file("c/odd\nname\xff", 1);
    CHECK(symlink("x", below("link")) == 0 && symlink("nowhere", below("broken")) == 0);
}

static void a_first_crawl_takes_all_of_a_tree(void)
{
    make_tree();
    shards_new("c", tree);
    CrawlTotals totals = crawl(false);

    CHECK(totals.files == 4 && totals.directories == 4 && totals.links == 2 && totals.problems == 0);
    CHECK(totals.added == 10 && totals.removed == 0);
    CHECK_ASK(
        "select di_count || ':' || di_size from directories where di_parent is null or di_name = 'tree'",
        "4:61");
    CHECK_ASK("select string_agg(li_name || li_intact::text, ' ' order by li_name) from links",
              "brokenfalse linktrue");
    CHECK_ASK("select fi_name from files where fi_size = 1", "odd\\x0aname\\xff");
    CHECK_ASK("select count(*) from scans", "4");
    CHECK_ASK("select cr_finished is not null from crawls", "t");
}

static void again_it_finds_nothing_to_do(void)
{
    for (int incremental = 0; incremental < 2; incremental++) {
        CrawlTotals totals = crawl(incremental);

        CHECK(totals.files == 4 && totals.directories == 4 && totals.links == 2);
        CHECK(totals.added == 0 && totals.changed == 0 && totals.removed == 0 && totals.unchanged == 4);
    }
}

static void what_changed_is_taken_in_and_what_is_gone_removed(void)
{
    Err err = {0};

    put_file("a/y", 25);
    put_file("a/new", 5);
    CHECK(os_remove_tree(below("c"), &err) && os_unlink(below("broken")) == 0);
    CHECK(rename(below("a/b"), below("moved")) == 0);
    CrawlTotals totals = crawl(false);

    CHECK(totals.removed == 5); /* c with its file, broken, a/b with its file */
    CHECK_ASK("select string_agg(fi_name || fi_size, ' ' order by fi_name) from files", "new5 x10 y25 z30");
    CHECK_ASK(
        "select string_agg(di_name || ':' || di_count || ':' || di_size, ' ' order by di_name) from directories",
        "a:2:30 moved:1:30 tree:4:70");
    CHECK_ASK("select count(*) from paths where pa_hash <> md5(pa_path)::uuid", "0");
}

static void an_incremental_crawl_sees_new_names_but_not_changes_in_place(void)
{
    struct utimbuf old = {.actime = 1000000000, .modtime = 1000000000};

    CHECK(utime(tree, &old) == 0 && utime(below("a"), &old) == 0);
    time_sleep(SECONDS(3)); /* times of the last two seconds are not trusted */
    (void)crawl(false);
    CHECK(chmod(below("a/y"), 0600) == 0);
    CHECK(crawl(true).changed == 0);
    CHECK(crawl(false).changed == 1);
    put_file("moved/one", 1);
    CHECK(crawl(true).added == 1);
}

static void ingest(Str lines)
{
    const IngestOptions options = {.conninfo = shards_dsn, .shard = STR("c")};
    const char *path = pg_path("/lines");
    IngestTotals totals;
    Err err = {0};
    FD_SCOPE(fd);

    CHECK(os_write_file(path, lines, 0600, &err));
    fd = os_open(path, O_RDONLY, 0);
    CHECK(ingest_file(&options, fd, &totals, &err));
    CHECK(totals.rejected == 0 && totals.lines > 0);
}

static Str everything(void)
{
    return shards_ask(
        "select string_agg(concat_ws(' ', pa_path, pa_type, fi_size, di_count, di_mode), ', ' order by pa_path) "
        "from paths left join files on fi_hash = pa_hash left join directories on di_hash = pa_hash");
}

static const char *const said[] = {
    "/later\tposix\t{\"type\":\"file\",\"size\":7}",
    "/1\tposix\t{\"type\":\"file\",\"size\":7}",
    "/2\tposix\t{\"type\":\"directory\"}",
    "/3/in\tposix\t{\"type\":\"file\",\"size\":7}",
    "/4/in/deep\tposix\t{\"type\":\"file\",\"size\":7}",
    "/d/5\tposix\t{\"type\":\"file\",\"size\":7}",
    "/d/6\t-deleted\t{}",
    "/d/7/file\t-deleted\t{}",
    "/d/8\tposix\t{\"type\":\"directory\",\"mode\":\"drwx-wx-wx\"}",
    "/d/8/other\tnote\t{}",
    "\tposix\t{\"type\":\"directory\",\"mode\":\"drwx-wx-wx\"}",
};

/* What somebody else said of the tree is put right where it is not so, though nothing in the tree changed since. */
static void a_crawl_puts_right_what_a_crawl_file_said(void)
{
    BUF_SCOPE(lines);
    Err err = {0};

    for (int i = 1; i <= 8; i++) {
        if (i > 4)
            CHECK(os_make_dirs(below(str_printf(&pg_arena, "d/%d", i).ptr), 0755, &err));
        put_file(str_printf(&pg_arena, i > 4 ? "d/%d/file" : "%d", i).ptr, 1);
    }
    for (size_t i = 0; i < COUNT_OF(said); i++)
        buf_printf(&lines, "%s%s\n", tree, said[i]);
    (void)crawl(false);
    Str before = everything();
    for (int incremental = 0; incremental < 2; incremental++) {
        ingest(buf_str(&lines));
        CHECK(!str_eq(everything(), before));
        (void)crawl(incremental);
        Str after = everything();
        CHECK(str_eq(after, before));
        if (!str_eq(after, before))
            printf("# before %.*s\n# after %.*s\n", STR_ARG(before), STR_ARG(after));
    }
}

static void a_link_that_was_crawled_into_is_a_link_to_the_next_crawl(void)
{
    const CrawlOptions options = {.conninfo = shards_dsn, .shard = STR("c")};
    CrawlTotals totals;
    Err err = {0};

    CHECK(os_make_dirs(below("a/b"), 0755, &err) && symlink("a", below("way")) == 0);
    put_file("a/b/deep", 3);
    (void)crawl(false);
    Str before = everything();
    CHECK(crawl_posix(&options, str_from_z(below("way")), &totals, &err));
    CHECK(totals.files == 3 && totals.directories == 2 && totals.links == 0);
    CHECK_ASK("select pa_type from paths where pa_path like '%/way'", "directory");
    CHECK_ASK("select count(*) from paths where pa_path like '%/way/%'", "4");
    (void)crawl(false);
    CHECK(str_eq(everything(), before));
    CHECK(crawl_posix(&options, str_from_z(below("way/b")), &totals, &err));
    CHECK_ASK("select count(*) from paths where pa_path like '%/way/%'", "2");
    (void)crawl(false);
    CHECK(str_eq(everything(), before));
}

static void a_root_outside_the_shard_is_refused(void)
{
    const CrawlOptions options = {.conninfo = shards_dsn, .shard = STR("c")};
    CrawlTotals totals;
    Err err = {0};

    CHECK(!crawl_posix(&options, STR("/usr"), &totals, &err) && err.code == ERR_USAGE);
    const CrawlOptions nowhere = {.conninfo = shards_dsn, .shard = STR("none")};
    CHECK(!crawl_posix(&nowhere, STR("/usr"), &totals, &err) && err.code == ERR_NOT_FOUND && err.hint[0]);
}

int main(void)
{
    shards_start();
    RUN(a_first_crawl_takes_all_of_a_tree);
    RUN(again_it_finds_nothing_to_do);
    RUN(what_changed_is_taken_in_and_what_is_gone_removed);
    RUN(an_incremental_crawl_sees_new_names_but_not_changes_in_place);
    RUN(a_crawl_puts_right_what_a_crawl_file_said);
    RUN(a_link_that_was_crawled_into_is_a_link_to_the_next_crawl);
    RUN(a_root_outside_the_shard_is_refused);
    DONE();
}
