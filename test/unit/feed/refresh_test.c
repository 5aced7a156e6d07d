/* SPDX-License-Identifier: Apache-2.0 */
/* A reader that stays open, beside a writer of another process. */
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "feed/feed.h"
#include "test/check.h"

enum { SEGMENT = 2000 };

static char dir[] = "/tmp/strata-refresh-XXXXXX", path[64];
static const FeedOptions options = {.segment_bytes = SEGMENT};
static SignPair pair;
static FeedIdentity identity;

static Str block(uint64_t number, char *bytes, size_t size)
{
    int len = snprintf(bytes, size, "%llu %*s", (unsigned long long)number, (int)(number * 37 % 300), "x");

    return (Str){bytes, (size_t)len};
}

static bool append(Feed *feed, uint64_t count, FeedCare care)
{
    Err err = {0};

    for (uint64_t i = 0; i < count; i++) {
        char bytes[400];
        Str one = block(feed_state(feed)->roots.length, bytes, sizeof bytes);

        if (!feed_append(feed, &pair, &one, 1, care, &err)) {
            printf("# %s\n", err.text);
            return false;
        }
    }
    return true;
}

static bool is_block(Feed *feed, uint64_t number)
{
    char bytes[400];
    BUF_SCOPE(got);
    Err err = {0};

    return feed_get(feed, number, &got, &err) && str_eq(buf_str(&got), block(number, bytes, sizeof bytes));
}

static void begin(Arena *arena, Feed **writer, Feed **reader)
{
    Err err = {0};

    CHECK(feed_create(arena, path, &identity, &options, writer, &err));
    CHECK(append(*writer, 3, FEED_BUFFERED));
    CHECK(feed_open(arena, path, FEED_READ, &options, reader, &err));
}

static void end(Feed *writer, Feed *reader)
{
    Err err = {0};

    feed_close(reader);
    feed_close(writer);
    CHECK(os_remove_tree(path, &err));
}

static void a_reader_sees_what_was_appended_truncated_and_cleared_since(void)
{
    ARENA_SCOPE(arena);
    Feed *writer, *reader;
    uint64_t cleared, bad;
    bool changed, held;
    Err err = {0};

    begin(&arena, &writer, &reader);
    CHECK(feed_refresh(reader, &changed, &err) && !changed);
    CHECK(append(writer, 40, FEED_BUFFERED));
    CHECK(feed_state(reader)->roots.length == 3);
    CHECK(feed_refresh(reader, &changed, &err) && changed && feed_state(reader)->roots.length == 43);
    CHECK(is_block(reader, 42) && is_block(reader, 0));
    CHECK(feed_sync(writer, &err) && append(writer, 1, FEED_BUFFERED));
    CHECK(feed_refresh(reader, &changed, &err) && changed && feed_state(reader)->roots.length == 44);
    CHECK(is_block(reader, 43));
    CHECK(feed_truncate(writer, &pair, 10, FEED_BUFFERED, &err) && append(writer, 2, FEED_BUFFERED));
    CHECK(feed_refresh(reader, &changed, &err) && changed && feed_state(reader)->roots.length == 12 &&
          feed_state(reader)->fork == 1);
    CHECK(is_block(reader, 11) && feed_verify(reader, NULL, &bad, &err));
    CHECK(feed_clear(writer, 0, 5, &cleared, &err) && cleared == 5);
    CHECK(append(writer, 30, FEED_BUFFERED));
    CHECK(feed_refresh(reader, &changed, &err) && changed);
    CHECK(feed_holds(reader, 4, &held, &err) && !held);
    CHECK(feed_holds(reader, 5, &held, &err) && held && is_block(reader, 5) && is_block(reader, 41));
    CHECK(feed_verify(reader, NULL, &bad, &err));
    CHECK(feed_refresh(writer, &changed, &err) && !changed);
    end(writer, reader);
}

static void the_shortest_of_a_feed_is_known_when_it_has_grown_again(void)
{
    ARENA_SCOPE(arena);
    Feed *writer, *reader;
    uint64_t shortest, cleared;
    bool changed;
    Err err = {0};

    begin(&arena, &writer, &reader);
    CHECK(append(writer, 40, FEED_BUFFERED) && feed_refresh(reader, &changed, &err));
    FeedState before = *feed_state(reader);
    CHECK(feed_shortest(reader, &before, &shortest, &err) && shortest == 43);
    CHECK(feed_truncate(writer, &pair, 10, FEED_BUFFERED, &err) && append(writer, 50, FEED_BUFFERED));
    CHECK(feed_truncate(writer, &pair, 30, FEED_BUFFERED, &err) && append(writer, 50, FEED_BUFFERED));
    CHECK(feed_sync(writer, &err));
    CHECK(feed_shortest(reader, &before, &shortest, &err) && shortest == 43); /* not seen yet */
    CHECK(feed_refresh(reader, &changed, &err) && feed_state(reader)->roots.length == 80);
    CHECK(feed_shortest(reader, &before, &shortest, &err) && shortest == 10);
    before = *feed_state(reader);
    CHECK(append(writer, 1, FEED_BUFFERED) && feed_refresh(reader, &changed, &err));
    CHECK(feed_shortest(reader, &before, &shortest, &err) && shortest == 80);
    CHECK(feed_truncate(writer, &pair, 40, FEED_BUFFERED, &err) && append(writer, 41, FEED_BUFFERED));
    CHECK(feed_clear(writer, 0, 81, &cleared, &err) && feed_refresh(reader, &changed, &err));
    CHECK(feed_shortest(reader, &before, &shortest, &err) && (shortest == 40 || shortest == 80));
    end(writer, reader);
}

/* A process that appends so many blocks. */
static pid_t write_apart(int count)
{
    pid_t child = fork();

    if (child == 0) {
        ARENA_SCOPE(arena);
        Feed *writer;
        Err err = {0};
        bool ok = feed_open(&arena, path, FEED_WRITE, &options, &writer, &err) &&
                  append(writer, count, FEED_BUFFERED);

        _exit(!ok);
    }
    return child;
}

/* Small segments, so that the reader often stands at the end of one while the next is begun. */
static void a_reader_beside_a_busy_writer_sees_whole_batches_only(void)
{
    enum { MOST = 6000 };
    ARENA_SCOPE(arena);
    Feed *writer, *reader;
    uint64_t seen = 3, bad;
    int status = 1, looks = 0;
    Err err = {0};

    begin(&arena, &writer, &reader);
    feed_close(writer);
    pid_t child = write_apart(MOST - 3);
    while (seen < MOST) {
        bool changed = false;

        if (!feed_refresh(reader, &changed, &err) || feed_state(reader)->roots.length < seen) {
            printf("# at %llu: %s\n", (unsigned long long)seen, err.text);
            break;
        }
        looks++;
        if (changed) {
            CHECK(is_block(reader, feed_state(reader)->roots.length - 1) && is_block(reader, seen / 2));
            seen = feed_state(reader)->roots.length;
        }
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(seen == MOST && looks > 1 && feed_verify(reader, NULL, &bad, &err));
    feed_close(reader);
    CHECK(os_remove_tree(path, &err));
}

/* The same of one that opens the feed again and again. */
static void who_opens_a_feed_beside_a_busy_writer_sees_whole_batches_only(void)
{
    enum { MOST = 4000 };
    ARENA_SCOPE(arena);
    Feed *writer, *reader;
    uint64_t seen = 3;
    int status = 1;
    Err err = {0};

    begin(&arena, &writer, &reader);
    feed_close(reader);
    feed_close(writer);
    pid_t child = write_apart(MOST - 3);
    while (seen < MOST) {
        ARENA_SCOPE(scratch);

        if (!feed_open(&scratch, path, FEED_READ, &options, &reader, &err)) {
            printf("# at %llu: %s\n", (unsigned long long)seen, err.text);
            break;
        }
        bool ok = feed_state(reader)->roots.length >= seen &&
                  is_block(reader, feed_state(reader)->roots.length - 1);
        seen = feed_state(reader)->roots.length;
        feed_close(reader);
        CHECK(ok);
        if (!ok)
            break;
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(seen == MOST);
    CHECK(os_remove_tree(path, &err));
}

static void a_reader_is_told_that_the_feed_is_gone(void)
{
    ARENA_SCOPE(arena);
    Feed *writer, *reader, *another;
    bool changed;
    Err err = {0};

    begin(&arena, &writer, &reader);
    CHECK(os_remove_tree(path, &err));
    CHECK(!feed_refresh(reader, &changed, &err) && err.code == ERR_NOT_FOUND);
    CHECK(feed_create(&arena, path, &identity, &options, &another, &err));
    CHECK(!feed_refresh(reader, &changed, &err) && err.code == ERR_NOT_FOUND);
    feed_close(another);
    end(writer, reader);
}

static bool is_readable(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    return poll(&one, 1, 0) == 1;
}

static void who_watches_is_woken_by_a_batch(void)
{
    ARENA_SCOPE(arena);
    Feed *writer, *reader;
    FD_SCOPE(fd);
    Err err = {0};

    begin(&arena, &writer, &reader);
    CHECK(feed_watch(reader, &fd, &err) && !is_readable(fd));
    CHECK(append(writer, 1, FEED_BUFFERED) && is_readable(fd));
    feed_watch_clear(fd);
    CHECK(!is_readable(fd));
    end(writer, reader);
}

int main(void)
{
    Err err = {0};

    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/feed", dir);
    sign_pair_new(&pair);
    feed_identity_new(pair.public_key, &identity);
    RUN(a_reader_sees_what_was_appended_truncated_and_cleared_since);
    RUN(the_shortest_of_a_feed_is_known_when_it_has_grown_again);
    RUN(a_reader_beside_a_busy_writer_sees_whole_batches_only);
    RUN(who_opens_a_feed_beside_a_busy_writer_sees_whole_batches_only);
    RUN(a_reader_is_told_that_the_feed_is_gone);
    RUN(who_watches_is_woken_by_a_batch);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
