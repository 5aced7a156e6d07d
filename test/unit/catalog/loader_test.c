/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/loader.h"

#include "test/unit/catalog/shards.h"

typedef struct Line {
    const char *path, *type, *json;
} Line;

static int rejected;
static char rejected_path[64];

static void note_rejected(void *ctx, const BatchRecord *record, const char *reason)
{
    (void)ctx;
    (void)reason;
    rejected++;
    (void)snprintf(rejected_path, sizeof rejected_path, "%.*s", STR_ARG(record->path));
}

/* Loads `lines`, and removes `gone` (may be NULL) with all below it. */
static LoaderTotals load(const char *shard, const Line *lines, size_t count, const char *gone)
{
    ARENA_SCOPE(arena);
    Loader *loader;
    Err err = {0};
    LoaderTotals totals = {0};

    if (!loader_open(
            &arena,
            &(LoaderOptions){.conninfo = shards_dsn, .shard = str_from_z(shard), .reject = note_rejected},
            &loader, &err)) {
        printf("# %s\n", err.text);
        CHECK(!"open");
        return totals;
    }
    Batch *batch = batch_new();
    for (size_t i = 0; i < count; i++) {
        PosixFacts facts;
        BatchRecord record = {.path = str_from_z(lines[i].path),
                              .type = str_from_z(lines[i].type),
                              .json = str_from_z(lines[i].json)};

        if (str_eq(record.type, STR("posix"))) {
            CHECK(posix_parse(&arena, record.json, &facts, &err));
            record.facts = &facts;
        }
        batch_add(batch, &record);
    }
    if (gone)
        batch_add_gone(batch, pathname_hash(str_from_z(gone)));
    bool ok = loader_give(loader, &batch, &err);
    ok = loader_finish(loader, &totals, &err) && ok;
    if (!ok)
        printf("# %s\n", err.text);
    CHECK(ok);
    batch_free(batch);
    return totals;
}

#define LOAD(shard, lines, gone) load((shard), (lines), COUNT_OF(lines), (gone))

static const Line tree[] = {
    {"/d", "posix",
     "{\"type\":\"directory\",\"size\":4096,\"mode\":\"drwxr-x--x\",\"uid\":0,\"inode\":144115188075855873}"},
    {"/d/a", "posix",
     "{\"type\":\"file\",\"size\":10,\"mode\":\"-rw-r--r--\",\"mtime\":1465434771,\"user\":\"u\"}"},
    {"/d/s/t/b", "posix", "{\"type\":\"file\",\"size\":32}"},
    {"/d/s/l", "posix", "{\"type\":\"link\",\"target\":\"../a\",\"intact\":true}"},
    {"/d/s/c", "magic", "{\"format\":\"netCDF\"}"},
    {"/d/s/f", "posix", "{\"type\":\"fifo\"}"},
};

static void check_tree(void)
{
    CHECK_ASK(
        "select string_agg(pa_path || '=' || coalesce(pa_type::text, '-'), ' ' order by pa_path) from paths",
        "/d=directory /d/a=file /d/s=directory /d/s/c=file /d/s/f=- /d/s/l=link /d/s/t=directory /d/s/t/b=file");
    CHECK_ASK("select count(*) from paths where pa_hash <> md5(pa_path)::uuid", "0");
    CHECK_ASK(
        "select string_agg(di_name || ':' || di_count || ':' || di_size, ' ' order by di_name) from directories",
        "d:3:42 s:2:32 t:1:32");
    CHECK_ASK(
        "select pa_parents = array[md5('/d'), md5('/d/s'), md5('/d/s/t')]::uuid[] from paths where pa_path = '/d/s/t/b'",
        "t");
    CHECK_ASK(
        "select fi_parent = md5('/d/s')::uuid and fi_size is null and fi_kind = 'netCDF' from files where fi_name = 'c'",
        "t");
    CHECK_ASK("select di_inode || di_mode from directories where di_name = 'd'",
              "144115188075855873drwxr-x--x");
    CHECK_ASK("select li_intact::text || li_target from links", "true../a");
    CHECK_ASK("select extract(epoch from fi_mtime)::bigint from files where fi_name = 'a'", "1465434771");
    CHECK_ASK("select count(*) from catalog.missing_indexes(false)", "0");
}

static void a_first_load_and_a_merge_give_the_same(void)
{
    LoaderTotals totals;
    Err err = {0};

    shards_new("whole", "/d");
    totals = LOAD("whole", tree, NULL);
    CHECK(totals.bulk && totals.added == 6);
    check_tree();

    CHECK(shard_rename(shards_db, STR("whole"), STR("old"), &err) && shard_drop(shards_db, STR("old"), &err));
    CHECK_ASK("select count(*) from public.paths", "0");
    shards_new("merged", "/d");
    static const Line first[] = {{"/d/a", "posix", "{\"type\":\"file\",\"size\":1}"}};
    (void)LOAD("merged", first, NULL);
    totals = LOAD("merged", tree, NULL);
    CHECK(!totals.bulk && totals.added == 5 && totals.changed == 1);
    check_tree();
}

static void the_same_again_changes_nothing(void)
{
    Str before = shards_ask("select string_agg(xmin::text, ' ' order by pa_path) from paths");
    Str rows = shards_ask("select string_agg(xmin::text, ' ' order by md_hash) from metadata");
    LoaderTotals totals = LOAD("merged", tree, NULL);

    CHECK(totals.added == 0 && totals.changed == 0 && totals.removed == 0);
    CHECK(str_eq(before, shards_ask("select string_agg(xmin::text, ' ' order by pa_path) from paths")));
    CHECK(str_eq(rows, shards_ask("select string_agg(xmin::text, ' ' order by md_hash) from metadata")));
    check_tree();
}

static void what_is_gone_goes_with_all_below_it(void)
{
    LoaderTotals totals = load("merged", NULL, 0, "/d/s");

    CHECK(totals.removed == 6);
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from paths", "/d /d/a");
    CHECK_ASK("select di_count || ':' || di_size from directories", "1:10");
    CHECK_ASK("select count(*) from metadata", "2");
    CHECK_ASK("select (select count(*) from files) + (select count(*) from links)", "1");
}

static void a_file_that_becomes_a_directory_changes_sides(void)
{
    static const Line now[] = {{"/d/a", "posix", "{\"type\":\"directory\"}"},
                               {"/d/a/x", "posix", "{\"type\":\"file\",\"size\":5}"}};
    static const Line back[] = {{"/d/a", "posix", "{\"type\":\"link\",\"target\":\"x\"}"}};

    (void)LOAD("merged", now, NULL);
    CHECK_ASK("select string_agg(fi_name, ' ') from files", "x");
    CHECK_ASK(
        "select string_agg(di_name || ':' || di_count || ':' || di_size, ' ' order by di_name) from directories",
        "a:1:5 d:1:5");
    (void)LOAD("merged", back, NULL);
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from paths", "/d /d/a");
    CHECK_ASK("select di_count || ':' || di_size from directories", "0:0");
    CHECK_ASK("select li_target from links", "x");
}

static void of_two_records_in_a_batch_the_later_counts(void)
{
    static const Line twice[] = {{"/d/q", "posix", "{\"type\":\"file\",\"size\":1}"},
                                 {"/d/q", "note", "{}"},
                                 {"/d/q", "posix", "{\"type\":\"file\",\"size\":2}"}};

    (void)LOAD("merged", twice, NULL);
    CHECK_ASK("select fi_size from files where fi_name = 'q'", "2");
    CHECK_ASK("select count(*) from metadata where md_hash = md5('/d/q')::uuid", "2");
}

static void a_record_the_server_refuses_is_set_aside_alone(void)
{
    static const Line lines[] = {{"/d/g1", "note", "{\"a\":1}"},
                                 {"/d/bad", "note", "{\"a\":1e999999}"},
                                 {"/d/g2", "note", "{\"a\":2}"}};

    rejected = 0;
    (void)LOAD("merged", lines, NULL);
    CHECK(rejected == 1 && strcmp(rejected_path, "/d/bad") == 0);
    CHECK_ASK(
        "select string_agg(pa_path, ' ' order by pa_path) from paths where pa_path like '/d/g%' or pa_path like '/d/b%'",
        "/d/g1 /d/g2");
}

static void public_views_are_the_union_of_all_shards(void)
{
    Err err = {0};

    static const Line other[] = {{"/e/x", "posix", "{\"type\":\"file\",\"size\":1}"}};

    shards_new("other", "/e");
    (void)LOAD("other", other, NULL);
    CHECK_ASK("select count(*) from public.files where fi_name in ('x', 'q')", "2");
    CHECK(!shard_drop(shards_db, STR("whole"), &err) && err.code == ERR_NOT_FOUND);
    CHECK(!shard_create(shards_db, STR("merged"), STR("/f"), false, &err) && err.code == ERR_CONFLICT);
    CHECK(!shard_create(shards_db, STR("pg_x"), STR("/other"), false, &err) && err.code == ERR_USAGE);
    CHECK(shard_rename(shards_db, STR("merged"), STR("renamed"), &err));
    CHECK_ASK("select count(*) from renamed.files where fi_name = 'q'", "1");
    CHECK(shard_truncate(shards_db, STR("renamed"), &err));
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from public.paths", "/e /e/x");
}

int main(void)
{
    shards_start();
    RUN(a_first_load_and_a_merge_give_the_same);
    RUN(the_same_again_changes_nothing);
    RUN(what_is_gone_goes_with_all_below_it);
    RUN(a_file_that_becomes_a_directory_changes_sides);
    RUN(of_two_records_in_a_batch_the_later_counts);
    RUN(a_record_the_server_refuses_is_set_aside_alone);
    RUN(public_views_are_the_union_of_all_shards);
    DONE();
}
