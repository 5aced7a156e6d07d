/* SPDX-License-Identifier: Apache-2.0 */
/* The log beside a model, which is a text: what was committed, in order. */
#include "feed/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/check.h"

enum { SEGMENT = 400 };

static char dir[] = "/tmp/strata-feed-log-XXXXXX";

/* ---- reading ---- */

typedef struct Seen {
    Buf whole, batch; /* committed; since the last commit */
} Seen;

static bool take(void *ctx, const FeedRecord *record, Err *err)
{
    Seen *seen = ctx;

    (void)err;
    if (record->type != FEED_COMMIT) {
        buf_printf(&seen->batch, "%d:%.*s ", (int)record->type,
                   STR_ARG(str_sub(record->body, record->type == FEED_BLOCK ? 8 : 0, record->body.len)));
        return true;
    }
    buf_put(&seen->whole, buf_str(&seen->batch));
    buf_printf(&seen->whole, "[%.*s] ", STR_ARG(record->body));
    buf_reset(&seen->batch);
    return true;
}

/* All that counts, from the beginning; the log is left open behind it. */
static FeedLog *reopen(Arena *arena, Buf *whole)
{
    Seen seen = {0};
    Err err = {0};
    FeedLog *log = feed_log_new(arena, dir, SEGMENT, FEED_PLACE_FIRST, 0);

    CHECK(feed_log_scan(log, take, &seen, &err));
    buf_reset(whole);
    buf_put(whole, buf_str(&seen.whole));
    buf_release(&seen.whole);
    buf_release(&seen.batch);
    return log;
}

static bool counts(const char *expected)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(whole);

    feed_log_close(reopen(&arena, &whole));
    bool same = str_eq_z(buf_str(&whole), expected);
    if (!same)
        printf("# counts: %.*s\n# expected: %s\n", STR_ARG(buf_str(&whole)), expected);
    return same;
}

/* ---- writing ---- */

/* One batch of so many blocks; the model gets it when it is committed. */
static bool write_batch(FeedLog *log, int number, int blocks, bool durable, Buf *model, Err *err)
{
    BUF_SCOPE(batch);
    ARENA_SCOPE(arena);
    bool rotated;

    for (int i = 0; i < blocks; i++) {
        Str block = str_printf(&arena, "block %d of %d in batch %d", i, blocks, number);
        FeedPlace place;

        if (!feed_log_put(log, FEED_BLOCK, (uint64_t)i, block, &place, err))
            return false;
        buf_printf(&batch, "1:%.*s ", STR_ARG(block));
    }
    Str end = str_printf(&arena, "%d", number);
    if (!feed_log_commit(log, end, durable, &rotated, err))
        return false;
    buf_put(model, buf_str(&batch));
    buf_printf(model, "[%.*s] ", STR_ARG(end));
    return true;
}

static void clean(void)
{
    Err err = {0};

    CHECK(os_remove_tree(dir, &err) && mkdir(dir, 0700) == 0);
}

static const char *text(Buf *model)
{
    buf_put_byte(model, 0);
    model->len--;
    return model->ptr;
}

static void batches_come_back_whoever_reads(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(model);
    Err err = {0};
    FeedLog *log = feed_log_new(&arena, dir, SEGMENT, FEED_PLACE_FIRST, 0);

    CHECK(counts(""));
    for (int number = 0; number < 40; number++) {
        CHECK(write_batch(log, number, number % 7, number % 2, &model, &err));
        CHECK(counts(text(&model)));
        if (number % 5 == 4) { /* another writer goes on */
            BUF_SCOPE(whole);

            feed_log_close(log);
            log = reopen(&arena, &whole);
            CHECK(feed_log_cut(log, &err));
        }
    }
    CHECK(feed_log_end(log) >> 32 > 5);
    feed_log_close(log);
    clean();
}

static void a_batch_that_is_not_committed_does_not_count(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(model);
    Err err = {0};
    FeedPlace place;
    FeedLog *log = feed_log_new(&arena, dir, SEGMENT, FEED_PLACE_FIRST, 0);

    CHECK(write_batch(log, 0, 3, false, &model, &err));
    for (int i = 0; i < 30; i++) /* over segments */
        CHECK(feed_log_put(log, FEED_BLOCK, 7, STR("lost"), &place, &err));
    CHECK(counts(text(&model)));
    feed_log_undo(log);
    CHECK(write_batch(log, 1, 2, false, &model, &err));
    CHECK(counts(text(&model)));
    feed_log_close(log);
    clean();
}

static void every_failed_call_leaves_the_batch_undone_and_the_next_goes_on(void)
{
    int fired = 0;

    FOR_EACH_FAULT(ENOSPC) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(model);
        Err err = {0};
        FeedLog *log = feed_log_new(&arena, dir, SEGMENT, FEED_PLACE_FIRST, 0);
        int nth = fault_n;

        fault_arm(0, 0);
        CHECK(write_batch(log, 0, 2, true, &model, &err));
        fault_arm(nth, ENOSPC);
        bool ok = write_batch(log, 1, 30, true, &model, &err);
        bool failed = fault_fired();
        fault_arm(0, 0);
        CHECK(ok || (failed && err.code == ERR_IO && err.sys == ENOSPC));
        CHECK(counts(text(&model)));
        feed_log_close(log);

        BUF_SCOPE(whole);
        log = reopen(&arena, &whole);
        CHECK(feed_log_cut(log, &err) && write_batch(log, 2, 3, true, &model, &err));
        CHECK(counts(text(&model)));
        feed_log_close(log);
        clean();
        fired += failed;
    }
    CHECK(fired > 12);
}

/* ---- what a crash or a disk leaves ---- */

static void read_segment(Buf *out)
{
    ARENA_SCOPE(arena);
    Err err = {0};

    buf_reset(out);
    CHECK(os_read_file(str_printf(&arena, "%s/00000000.log", dir).ptr, 1 << 20, out, &err));
}

static void write_segment(Str bytes)
{
    ARENA_SCOPE(arena);
    Err err = {0};

    CHECK(os_write_file(str_printf(&arena, "%s/00000000.log", dir).ptr, bytes, 0600, &err));
}

/* The model's text is `whole` or the beginning of it, up to the end of a batch. */
static bool is_beginning(Str whole, Str part)
{
    return str_starts(whole, part) && (part.len == 0 || str_ends(part, STR("] ")));
}

static void whatever_is_cut_or_turned_only_whole_batches_count(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(model);
    BUF_SCOPE(bytes);
    Err err = {0};
    FeedLog *log = feed_log_new(&arena, dir, 0, FEED_PLACE_FIRST, 0);

    for (int number = 0; number < 4; number++)
        CHECK(write_batch(log, number, 2, false, &model, &err));
    feed_log_close(log);
    read_segment(&bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        BUF_SCOPE(whole);

        write_segment(str_sub(buf_str(&bytes), 0, i));
        feed_log_close(reopen(&arena, &whole));
        CHECK(is_beginning(buf_str(&model), buf_str(&whole)) && whole.len < model.len);
        bytes.ptr[i] ^= 16;
        write_segment(buf_str(&bytes));
        bytes.ptr[i] ^= 16;
        feed_log_close(reopen(&arena, &whole));
        CHECK(is_beginning(buf_str(&model), buf_str(&whole)) && whole.len < model.len);
    }
    clean();
}

static FeedLog *log_with(Arena *arena, const char *const *blocks, Str commit)
{
    BUF_SCOPE(whole);
    Err err = {0};
    FeedPlace place;
    bool rotated;
    FeedLog *log = reopen(arena, &whole);

    CHECK(feed_log_cut(log, &err));
    for (; *blocks; blocks++)
        CHECK(feed_log_put(log, FEED_BLOCK, 0, str_from_z(*blocks), &place, &err));
    CHECK(feed_log_commit(log, commit, false, &rotated, &err));
    return log;
}

/* Its records stand where those of the next could, and are right by themselves. */
static void what_a_failed_batch_left_is_no_part_of_the_next(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(failed);
    BUF_SCOPE(next);

    feed_log_close(log_with(&arena, (const char *const[]){"first", NULL}, STR("0")));
    read_segment(&next);
    feed_log_close(log_with(&arena, (const char *const[]){"lost1", "lost2", NULL}, STR("lost2")));
    read_segment(&failed);
    write_segment(buf_str(&next));
    feed_log_close(log_with(&arena, (const char *const[]){"other", NULL}, STR("lost2")));
    read_segment(&next);
    CHECK(next.len < failed.len);
    buf_put(&next, str_sub(buf_str(&failed), next.len, failed.len));
    write_segment(buf_str(&next));
    CHECK(counts("1:first [0] 1:other [lost2] "));
    clean();
}

static void a_record_is_read_at_its_place_or_not_at_all(void)
{
    ARENA_SCOPE(arena);
    Str out;
    BUF_SCOPE(large);
    Err err = {0};
    FeedPlace small_at, large_at, much_at;
    FeedLog *log = feed_log_new(&arena, dir, 0, FEED_PLACE_FIRST, 0);
    bool rotated;

    memset(buf_reserve(&large, FEED_BLOCK_MAX + 1), 'x', FEED_BLOCK_MAX + 1);
    large.len = FEED_BLOCK_MAX;
    CHECK(feed_log_put(log, FEED_BLOCK, 5, STR("small"), &small_at, &err));
    CHECK(feed_log_put(log, FEED_BLOCK, 6, buf_str(&large), &large_at, &err));
    CHECK(feed_log_commit(log, STR(""), false, &rotated, &err));
    CHECK(feed_log_read(log, small_at, FEED_BLOCK, &out, &err) &&
          str_eq_z(str_sub(out, 8, out.len), "small"));
    CHECK(feed_log_read(log, large_at, FEED_BLOCK, &out, &err) && out.len == (size_t)FEED_BLOCK_MAX + 8);
    CHECK(str_eq(str_sub(out, 8, out.len), buf_str(&large)));
    CHECK(!feed_log_read(log, small_at, FEED_NODES, &out, &err) && err.code == ERR_CORRUPT);
    CHECK(!feed_log_read(log, small_at + 1, FEED_BLOCK, &out, &err) && err.code == ERR_CORRUPT);
    CHECK(!feed_log_read(log, feed_log_end(log), FEED_BLOCK, &out, &err) && err.code == ERR_CORRUPT);
    CHECK(!feed_log_read(log, (FeedPlace)9 << 32, FEED_BLOCK, &out, &err) && err.code == ERR_CORRUPT);
    large.len++;
    CHECK(!feed_log_put(log, FEED_BLOCK, 7, buf_str(&large), &much_at, &err) && err.code == ERR_LIMIT);
    feed_log_close(log);
    clean();
}

int main(void)
{
    CHECK(mkdtemp(dir) != NULL);
    RUN(batches_come_back_whoever_reads);
    RUN(a_batch_that_is_not_committed_does_not_count);
    RUN(every_failed_call_leaves_the_batch_undone_and_the_next_goes_on);
    RUN(whatever_is_cut_or_turned_only_whole_batches_count);
    RUN(what_a_failed_batch_left_is_no_part_of_the_next);
    RUN(a_record_is_read_at_its_place_or_not_at_all);
    (void)rmdir(dir);
    DONE();
}
