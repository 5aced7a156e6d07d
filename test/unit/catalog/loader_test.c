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
    static const char stamps[] =
        "select string_agg(xmin::text, ' ' order by h) from (select xmin, md_hash h from records "
        "union all select xmin, fi_hash from files union all select xmin, li_hash from links) r";
    Str before = shards_ask("select string_agg(xmin::text, ' ' order by pa_path) from paths");
    Str rows = shards_ask(stamps);
    LoaderTotals totals = LOAD("merged", tree, NULL);

    CHECK(totals.added == 0 && totals.changed == 0 && totals.removed == 0);
    CHECK(str_eq(before, shards_ask("select string_agg(xmin::text, ' ' order by pa_path) from paths")));
    CHECK(str_eq(rows, shards_ask(stamps)));
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
    static const Line known[] = {{"/d/a", "magic", "{\"format\":\"netCDF\"}"}, {"/d/a", "note", "{}"}};

    (void)LOAD("merged", known, NULL);
    (void)LOAD("merged", now, NULL);
    CHECK_ASK("select string_agg(md_type, ' ') from metadata where md_hash = md5('/d/a')::uuid", "posix");
    CHECK_ASK("select string_agg(fi_name, ' ') from files", "x");
    CHECK_ASK(
        "select string_agg(di_name || ':' || di_count || ':' || di_size, ' ' order by di_name) from directories",
        "a:1:5 d:1:5");
    (void)LOAD("merged", back, NULL);
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from paths", "/d /d/a");
    CHECK_ASK("select di_count || ':' || di_size from directories", "0:0");
    CHECK_ASK("select li_target from links", "x");
}

/* Records as our own writer has them, and others that say the same in another order or more than columns hold. */
static const Line records[] = {
    {"/p/file", "posix",
     "{\"type\":\"file\",\"size\":9007199254740993,\"mode\":\"-rwsr-xr-t\",\"inode\":18446744073709551615,\"nlink\":4294967295,"
     "\"dev\":2049,\"uid\":4294967295,\"gid\":0,\"user\":\"\xc3\xa9 \\\"x\\\"\",\"group\":\"\",\"atime\":-1,\"mtime\":1465434771,"
     "\"ctime\":0,\"atime_ns\":999999999,\"mtime_ns\":1,\"ctime_ns\":1001,\"btime\":-62135596800,\"btime_ns\":123456789}"},
    {"/p/bare", "posix", "{\"type\":\"file\"}"},
    {"/p/dir", "posix",
     "{\"type\":\"directory\",\"size\":4096,\"mode\":\"drwxrwxrwt\",\"nlink\":3,\"uid\":1000}"},
    {"/p/link", "posix",
     "{\"type\":\"link\",\"size\":7,\"mode\":\"lrwxrwxrwx\",\"mtime\":5,\"target\":\"no\\\\x0awhere\",\"intact\":false}"},
    {"/p/loose", "posix", "{\"type\":\"link\",\"mode\":\"lrwxr-xr-x\",\"target\":\"x\"}"},
    {"/p/shuffled", "posix", "{ \"size\": 1, \"nlink\" : 2,\"type\":\"file\" }"},
    {"/p/order", "posix", "{\"size\":1,\"size\":1,\"type\":\"file\"}"},
    {"/p/words", "posix", "{\"type\":\"file\",\"mtime\":\"1970-01-01T00:00:00Z\"}"},
    {"/p/more", "posix", "{\"type\":\"file\",\"size\":1,\"colour\":\"red\"}"},
    {"/p/untyped", "posix", "{\"size\":1}"},
    {"/p/attributes", "posix", "{\"type\":\"file\",\"xattrs\":{\"user.a\":\"b\"}}"},
    {"/p/pipe", "posix", "{\"type\":\"fifo\",\"mode\":\"prw-------\"}"},
    {"/p/late", "posix", "{\"type\":\"file\",\"mtime\":9223372036854775}"},
};

static void check_records(void)
{
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        const char *query =
            str_printf(&pg_arena,
                       "select md_json = '%s'::jsonb from metadata where md_type = 'posix' and md_hash = "
                       "md5('%s')::uuid",
                       records[i].json, records[i].path)
                .ptr;

        CHECK_ASK(query, "t");
    }
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from records join paths on pa_hash = md_hash",
              "/p/attributes /p/late /p/loose /p/more /p/order /p/pipe /p/untyped /p/words");
    CHECK_ASK("select count(*) from metadata", "13");
    CHECK_ASK("select fi_mtime is null from files where fi_name = 'late'", "t");
}

static void a_posix_record_is_whole_whether_or_not_it_is_kept_as_json(void)
{
    shards_new("records", "/p");
    rejected = 0;
    (void)LOAD("records", records, NULL);
    CHECK(rejected == 0);
    check_records();
    (void)LOAD("records", records, NULL);
    check_records();
}

static void a_posix_record_moves_between_json_and_columns(void)
{
    static const Line plain[] = {{"/p/order", "posix", "{\"type\":\"file\",\"size\":2}"},
                                 {"/p/pipe", "posix", "{\"type\":\"file\"}"},
                                 {"/p/loose", "posix", "{\"type\":\"directory\"}"}};
    static const Line odd[] = {{"/p/file", "posix", "{\"size\":3,\"type\":\"file\",\"by\":4}"},
                               {"/p/dir", "posix", "{\"uid\":\"1\",\"type\":\"directory\"}"},
                               {"/p/link", "posix", "{\"type\":\"socket\"}"}};
    LoaderTotals totals = LOAD("records", plain, NULL);

    CHECK(totals.changed == 1 && totals.added == 2 && totals.removed == 2);
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from records join paths on pa_hash = md_hash",
              "/p/attributes /p/late /p/more /p/untyped /p/words");
    totals = LOAD("records", odd, NULL);
    CHECK(totals.changed == 2 && totals.added == 1 && totals.removed == 1);
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from records join paths on pa_hash = md_hash",
              "/p/attributes /p/dir /p/file /p/late /p/link /p/more /p/untyped /p/words");
    CHECK_ASK("select md_json::text from metadata where md_hash = md5('/p/file')::uuid",
              "{\"by\": 4, \"size\": 3, \"type\": \"file\"}");
    CHECK_ASK("select count(*) from metadata", "13");
    CHECK(shard_drop(shards_db, STR("records"), &(Err){0}));
}

static void of_two_records_in_a_batch_the_later_counts(void)
{
    static const Line twice[] = {{"/d/q", "posix", "{\"type\":\"file\",\"size\":1}"},
                                 {"/d/q", "note", "{}"},
                                 {"/d/q", "posix", "{\"type\":\"file\",\"size\":2}"}};
    Err err = {0};

    CHECK(shard_use(shards_db, STR("merged"), &err));
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

/* As where a crawl fails before it has anything to load: in a first load, and in one after it. */
static void one_that_is_not_finished_ends_with_its_arena(void)
{
    Err err = {0};

    shards_new("leaving", "/leaving");
    for (int i = 0; i < 2; i++) {
        ARENA_SCOPE(arena);
        Loader *loader;

        CHECK(loader_open(&arena, &(LoaderOptions){.conninfo = shards_dsn, .shard = STR("leaving")}, &loader,
                          &err));
    }
    static const Line lines[] = {{"/leaving/a", "posix", "{\"type\":\"file\",\"size\":1}"}};
    (void)LOAD("leaving", lines, NULL);
    CHECK_ASK("select di_count from directories", "1");
    CHECK_ASK("select count(*) from catalog.missing_indexes(false)", "0");
}

int main(void)
{
    shards_start();
    RUN(a_first_load_and_a_merge_give_the_same);
    RUN(the_same_again_changes_nothing);
    RUN(what_is_gone_goes_with_all_below_it);
    RUN(a_file_that_becomes_a_directory_changes_sides);
    RUN(a_posix_record_is_whole_whether_or_not_it_is_kept_as_json);
    RUN(a_posix_record_moves_between_json_and_columns);
    RUN(of_two_records_in_a_batch_the_later_counts);
    RUN(a_record_the_server_refuses_is_set_aside_alone);
    RUN(public_views_are_the_union_of_all_shards);
    RUN(one_that_is_not_finished_ends_with_its_arena);
    DONE();
}
