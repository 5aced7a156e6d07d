/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that clients of the MAS API keep in a shard (put_ows_cache): when they are forgotten, and when not. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "catalog/ingest.h"
#include "catalog/refresh.h"
#include "catalog/tend.h"
#include "test/unit/catalog/shards.h"

#define DATASET(name)                                           \
    "\tgdal\t{\"geo_metadata\":[{\"namespace\":\"" name         \
    "\",\"timestamps\":[\"2020-01-01T00:00:00Z\"],\"polygon\":" \
    "\"POLYGON ((0 0,0 9,9 9,9 0,0 0))\",\"proj4\":\"+proj=longlat +datum=WGS84 +no_defs \"}]}\n"
#define FILE_OF(bytes) "\tposix\t{\"type\":\"file\",\"size\":" bytes "}\n"

static const char first_lines[] = "/d/f" FILE_OF("1") "/d/f" DATASET("red") "/d/g" FILE_OF("2");

static void put(void)
{
    Err err = {0};

    CHECK(db_script(shards_db,
                    "insert into ows_cache values (md5('q')::uuid, '{}'), (md5('r')::uuid, '[]') "
                    "on conflict (query_id) do nothing",
                    &err));
}

static bool is_kept(void)
{
    Str count = shards_ask("select count(*) from ows_cache");

    CHECK(str_eq_z(count, "0") || str_eq_z(count, "2"));
    return str_eq_z(count, "2");
}

static bool ingest(const char *text, Err *err)
{
    const char *path = pg_path("/lines");
    IngestTotals totals;
    FD_SCOPE(fd);

    if (!os_write_file(path, str_from_z(text), 0600, err))
        return false;
    fd = os_open(path, O_RDONLY, 0);
    return ingest_file(&(IngestOptions){.conninfo = shards_dsn, .shard = STR("d"), .writers = 1}, fd, &totals,
                       err) &&
           (totals.rejected == 0 || err_set(err, ERR_USAGE, "a line was rejected"));
}

static bool refresh(const char *sql, Err *err)
{
    RefreshTotals totals;

    return db_script(shards_db, sql, err) && refresh_full(shards_dsn, STR("d"), NULL, &totals, err);
}

static bool rename_to_and_fro(const char *other, Err *err)
{
    return shard_rename(shards_db, STR("d"), str_from_z(other), err) &&
           shard_rename(shards_db, str_from_z(other), STR("d"), err);
}

static bool empty_shard(const char *nothing, Err *err)
{
    (void)nothing;
    return shard_truncate(shards_db, STR("d"), err);
}

/* From an empty shard on, one after the other. */
static const struct {
    const char *what;
    bool (*change)(const char *word, Err *err);
    const char *word;
    bool kept;
} changes[] = {
    {"a first load", ingest, first_lines, false},
    {"the same again", ingest, first_lines, true},
    {"a refresh of what is right", refresh, "", true},
    {"a file that changed", ingest, "/d/f" FILE_OF("3"), false},
    {"a dataset that changed", ingest, "/d/f" DATASET("nir"), false},
    {"a record of something else", ingest, "/d/f\tnote\t{\"a\":1}\n", false},
    {"that record again", ingest, "/d/f\tnote\t{\"a\": 1}\n", true},
    {"new files only", ingest, "/d/e/h" FILE_OF("1"), false},
    {"a file that is a link now", ingest, "/d/g\tposix\t{\"type\":\"link\",\"target\":\"f\"}\n", false},
    {"a path that is gone", ingest, "/d/g\t-deleted\t{}\n", false},
    {"a path that was not there", ingest, "/d/g\t-deleted\t{}\n", true},
    {"another name", ingest, "/d/x\t-renamed\t{\"from\":\"/d/e\"}\n", false},
    {"another name of nothing", ingest, "/d/y\t-renamed\t{\"from\":\"/d/e\"}\n", true},
    {"a refresh of datasets", refresh, "delete from datasets", false},
    {"a refresh of cells", refresh, "update cells set ce_west = 1", false},
    {"a refresh of files", refresh, "update files set fi_size = 7", false},
    {"a refresh of names", refresh, "update files set fi_name = 'z'", false},
    {"a refresh of files too many", refresh,
     "insert into files (fi_hash, fi_name) values (md5('/d/o')::uuid, 'o')", false},
    {"a refresh of links too many", refresh,
     "insert into links (li_hash, li_name) values (md5('/d/o')::uuid, 'o')", false},
    {"a refresh of directories", refresh, "delete from directories where di_name = 'x'", false},
    {"a refresh of counts", refresh, "update directories set di_count = 9", false},
    {"a refresh of kinds", refresh, "update files set fi_kind = 'x'", false},
    {"a refresh of what is right again", refresh, "", true},
    {"another name of the shard", rename_to_and_fro, "other", false},
    {"nothing in the shard", empty_shard, NULL, false},
};

static void documents_are_forgotten_with_what_changes_the_shard(void)
{
    shards_new("d", "/d");
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        Err err = {0};

        put();
        bool ok = changes[i].change(changes[i].word, &err);
        if (!ok || is_kept() != changes[i].kept)
            printf("# %s: %s\n", changes[i].what, ok ? "" : err.text);
        CHECK(ok && is_kept() == changes[i].kept);
    }
}

/* In a process that is killed at the fault point. */
static void ingest_until(const char *fault, const char *text)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        Err err = {0};

        (void)setenv("STRATA_FAULT", fault, 1);
        _exit(fault_init(&err) && ingest(text, &err) ? 0 : 1);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void nothing_is_out_of_date_after_a_load_that_was_killed(void)
{
    static const struct {
        const char *fault, *text;
        bool kept;
    } loads[] = {
        {"batch_merged:1:kill", first_lines, true}, /* nothing is in */
        {"batch_committed:1:kill", first_lines, false},
        {NULL, first_lines, false}, /* completes what was cut off */
        {"batch_merged:1:kill", "/d/f" DATASET("nir"), true},
        {"batch_committed:1:kill", "/d/f" DATASET("nir"), false},
    };
    Err err = {0};

    CHECK(shard_drop(shards_db, STR("d"), &err));
    shards_new("d", "/d");
    for (size_t i = 0; i < COUNT_OF(loads); i++) {
        put();
        if (loads[i].fault)
            ingest_until(loads[i].fault, loads[i].text);
        else
            CHECK(ingest(loads[i].text, &err));
        if (is_kept() != loads[i].kept)
            printf("# %s: %s", loads[i].fault ? loads[i].fault : "whole", loads[i].text);
        CHECK(is_kept() == loads[i].kept);
    }
}

static void a_document_made_in_the_middle_of_a_first_load_goes_when_it_is_completed(void)
{
    Err err = {0};

    CHECK(shard_truncate(shards_db, STR("d"), &err));
    ingest_until("batch_committed:1:kill", first_lines);
    put();
    CHECK(refresh_complete(shards_dsn, STR("d"), &err));
    CHECK(!is_kept());
    put();
    CHECK(refresh_complete(shards_dsn, STR("d"), &err));
    CHECK(is_kept());
}

static void a_document_made_after_a_load_outlives_what_the_load_left_to_be_done(void)
{
    atomic_bool stop = false;
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *db;

    CHECK(shard_truncate(shards_db, STR("d"), &err));
    CHECK(db_open(&arena, shards_dsn, &db, &err) && tend_hold(db, &err));
    CHECK(ingest(first_lines, &err));
    CHECK_ASK("select count(*) from coverage_new", "0"); /* a first load notes whole directories */
    CHECK(ingest("/d/k" DATASET("red"), &err));
    CHECK_ASK("select count(*) from coverage_new", "1");
    put();
    CHECK(tend_all(db, &stop, &err));
    CHECK_ASK("select count(*) from coverage_new", "0");
    CHECK(is_kept());
}

int main(void)
{
    shards_start();
    RUN(documents_are_forgotten_with_what_changes_the_shard);
    RUN(nothing_is_out_of_date_after_a_load_that_was_killed);
    RUN(a_document_made_in_the_middle_of_a_first_load_goes_when_it_is_completed);
    RUN(a_document_made_after_a_load_outlives_what_the_load_left_to_be_done);
    DONE();
}
