/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "catalog/walk.h"
#include "catalog/walk_work.h"
#include "test/check.h"

static char top[] = "/tmp/strata-checksum-test-XXXXXX";

static int open_new(Arena *arena, const char *name, Str content)
{
    Err err = {0};
    Str path = str_printf(arena, "%s/%s", top, name);

    CHECK(os_write_file(path.ptr, content, 0644, &err));
    return os_open(path.ptr, O_RDONLY, 0);
}

static void hashes_are_those_of_md5sum_and_sha256sum(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(json);
    Err err = {0};
    ChecksumPace pace = {0};
    ChecksumReader *reader = checksum_reader_new(&arena, &pace);
    ChecksumFacts facts, back;
    struct stat st;
    FD_SCOPE(fd);

    fd = open_new(&arena, "abc", STR("abc"));
    CHECK(fstat(fd, &st) == 0);
    CHECK(checksum_file(reader, fd, &facts, &err));
    checksum_put_json(&json, &facts);
    Str expected =
        str_printf(&arena,
                   "{\"md5\":\"900150983cd24fb0d6963f7d28e17f72\",\"sha256\":"
                   "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"size\":3,"
                   "\"mtime\":%lld,\"mtime_ns\":%ld}",
                   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    CHECK(str_eq(buf_str(&json), expected));
    CHECK(checksum_parse(buf_str(&json), &back, &err));
    CHECK(memcmp(back.md5, facts.md5, sizeof back.md5) == 0 && memcmp(back.sha256, facts.sha256, 32) == 0);
    CHECK(back.size == 3 && posix_time_eq(back.mtime, facts.mtime));
}

static void a_large_file_and_an_empty_one_are_read_whole(void)
{
    enum { BYTES = 3 * 1024 * 1024 + 17 };
    ARENA_SCOPE(arena);
    Err err = {0};
    ChecksumPace pace = {0};
    ChecksumReader *reader = checksum_reader_new(&arena, &pace);
    ChecksumFacts facts;
    unsigned char md5[HASH_MD5_BYTES];
    char *content = arena_new(&arena, char, BYTES);
    FD_SCOPE(large);
    FD_SCOPE(empty);

    for (int i = 0; i < BYTES; i++)
        content[i] = (char)(i * 7 >> 3);
    large = open_new(&arena, "large", (Str){content, BYTES});
    hash_md5((Str){content, BYTES}, md5);
    CHECK(checksum_file(reader, large, &facts, &err) && facts.size == BYTES);
    CHECK(memcmp(facts.md5, md5, sizeof md5) == 0 && atomic_load(&pace.read) == BYTES);
    empty = open_new(&arena, "empty", STR(""));
    hash_md5(STR(""), md5);
    CHECK(checksum_file(reader, empty, &facts, &err) && facts.size == 0);
    CHECK(memcmp(facts.md5, md5, sizeof md5) == 0);
}

static void only_an_unchanged_file_is_current(void)
{
    ChecksumFacts old = {.size = 5, .mtime = {10, 20}};
    PosixFacts now = {.size = 5, .mtime = {10, 20}};

    CHECK(checksum_is_current(&old, &now));
    now.size = 6;
    CHECK(!checksum_is_current(&old, &now));
    now = (PosixFacts){.size = 5, .mtime = {10, 21}};
    CHECK(!checksum_is_current(&old, &now));
}

static atomic_bool appending;

static void *append_all_the_time(void *arg)
{
    const int *fd = arg;

    while (atomic_load(&appending))
        if (write(*fd, "x", 1) != 1)
            break;
    return NULL;
}

static void a_file_that_changes_all_the_time_is_a_conflict(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    ChecksumPace pace = {.bytes_per_second = 10000000, .started = time_monotonic()};
    ChecksumReader *reader = checksum_reader_new(&arena, &pace);
    ChecksumFacts facts = {.size = 99};
    struct stat grown = {0};
    char *content = arena_new(&arena, char, 1000000);
    pthread_t thread;
    FD_SCOPE(fd);
    FD_SCOPE(out);

    fd = open_new(&arena, "growing", (Str){content, 1000000});
    out = os_open(str_printf(&arena, "%s/growing", top).ptr, O_WRONLY | O_APPEND, 0);
    atomic_store(&appending, true);
    CHECK(pthread_create(&thread, NULL, append_all_the_time, &out) == 0);
    while (fstat(fd, &grown) == 0 &&
           grown.st_size == 1000000) /* it may take long to begin on a busy machine */
        time_sleep(MILLISECONDS(1));
    pace.started = time_monotonic();
    CHECK(!checksum_file(reader, fd, &facts, &err) && err.code == ERR_CONFLICT && facts.size == 99);
    atomic_store(&appending, false);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(checksum_file(reader, fd, &facts, &err));
}

static void the_rate_is_kept_and_the_stop_flag_heard(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    atomic_bool stop = false;
    ChecksumPace pace = {.bytes_per_second = 10000000, .stop = &stop, .started = time_monotonic()};
    ChecksumReader *reader = checksum_reader_new(&arena, &pace);
    ChecksumFacts facts;
    FD_SCOPE(fd);

    fd = open_new(&arena, "paced", (Str){arena_new(&arena, char, 1000000), 1000000});
    CHECK(checksum_file(reader, fd, &facts, &err));
    CHECK(time_monotonic() - pace.started >= MILLISECONDS(100));
    atomic_store(&stop, true);
    CHECK(!checksum_file(reader, fd, &facts, &err) && err.code == ERR_INTERRUPTED);
}

static void every_failing_call_is_reported(void)
{
    ARENA_SCOPE(arena);
    ChecksumPace pace = {0};
    ChecksumReader *reader = checksum_reader_new(&arena, &pace);
    int failed = 0;
    FD_SCOPE(fd);

    fd = open_new(&arena, "faults", STR("12345"));
    FOR_EACH_FAULT(EIO) {
        Err err = {0};
        ChecksumFacts facts;
        bool ok = checksum_file(reader, fd, &facts, &err);
        bool fired = fault_fired();

        fault_arm(0, 0);
        CHECK(ok == !fired && (ok || (err.code == ERR_IO && err.sys == EIO)));
        failed += !ok;
    }
    CHECK(failed == 4); /* look, two reads, look */
}

static void a_record_that_lacks_something_is_refused(void)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"md5\":\"900150983cd24fb0d6963f7d28e17f72\",\"size\":3,\"mtime\":1}",
        "{\"md5\":\"90\",\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"size\":3,"
        "\"mtime\":1}",
        "{\"md5\":\"900150983cd24fb0d6963f7d28e17f7g\",\"sha256\":"
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"size\":3,\"mtime\":1}",
        "{\"md5\":\"900150983cd24fb0d6963f7d28e17f72\",\"sha256\":"
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"mtime\":1}",
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Err err = {0};
        ChecksumFacts facts;

        CHECK(!checksum_parse(str_from_z(bad[i]), &facts, &err) && err.code == ERR_USAGE);
    }
}

typedef struct Tally {
    atomic_int done, bytes;
    int fail_at; /* the job with this size fails */
} Tally;

static bool count_job(void *ctx, int thread, const WalkFile *file, Err *err)
{
    Tally *tally = ctx;

    if (tally->fail_at && file->facts.size == (uint64_t)tally->fail_at)
        return err_set(err, ERR_CONFLICT, "thread %d: '%.*s'", thread, STR_ARG(file->text));
    (void)atomic_fetch_add(&tally->done, 1);
    (void)atomic_fetch_add(&tally->bytes, (int)file->path.len);
    return true;
}

static void work_is_spread_and_all_of_it_done(void)
{
    enum { FILES = 50000 };
    ARENA_SCOPE(arena);
    Err err = {0};
    Tally tally = {.done = 0};
    WalkWork *work;
    bool ok = true;

    CHECK(walk_work_begin(&arena, 4, count_job, &tally, &work, &err));
    for (int i = 0; i < FILES; i++)
        ok = ok && walk_work_add(work, STR("/a/file"), STR("/a/file"), &(PosixFacts){.size = 1}, &err);
    CHECK(ok && walk_work_end(work, &err));
    CHECK(atomic_load(&tally.done) == FILES && atomic_load(&tally.bytes) == FILES * 7);
}

static void a_failing_job_ends_the_work(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Tally tally = {.fail_at = 7};
    WalkWork *work;
    bool added = true;

    CHECK(walk_work_begin(&arena, 2, count_job, &tally, &work, &err));
    for (uint64_t i = 0; i < 1000000 && added; i++)
        added = walk_work_add(work, STR("/a"), STR("/a"), &(PosixFacts){.size = i}, &err);
    CHECK(!walk_work_end(work, &err) && err.code == ERR_CONFLICT && strstr(err.text, "'/a'"));
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(top))
        return 1;
    RUN(hashes_are_those_of_md5sum_and_sha256sum);
    RUN(a_large_file_and_an_empty_one_are_read_whole);
    RUN(only_an_unchanged_file_is_current);
    RUN(a_file_that_changes_all_the_time_is_a_conflict);
    RUN(the_rate_is_kept_and_the_stop_flag_heard);
    RUN(every_failing_call_is_reported);
    RUN(a_record_that_lacks_something_is_refused);
    RUN(work_is_spread_and_all_of_it_done);
    RUN(a_failing_job_ends_the_work);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
