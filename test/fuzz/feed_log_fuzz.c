/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any records as the log of a feed, with right checks: the feed is opened or refused, what it holds can be read or is refused.
 * A record is a byte of its type, two of its length, and its body; a commit's begins behind the chain.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/os.h"
#include "feed/feed.h"

static char dir[] = "/tmp/strata-feed-fuzz-XXXXXX";
static bool made;

static void end(void)
{
    Err ignored = {0};

    (void)!os_remove_tree(dir, &ignored);
}

static void read_all(Feed *feed)
{
    BUF_SCOPE(block);
    uint64_t length = feed_state(feed)->roots.length, first_bad;
    Err err = {0};

    for (uint64_t i = 0; i < length && i < 64; i++)
        (void)!feed_get(feed, i, &block, &err);
    (void)!feed_verify(feed, NULL, &first_bad, &err);
}

static bool put(FeedLog *log, unsigned type, Str body, Err *err)
{
    FeedPlace place;
    bool rotated;

    if (type == FEED_COMMIT)
        return feed_log_commit(log, body, false, &rotated, err);
    if (type == FEED_BLOCK && body.len >= 8)
        return feed_log_put(log, FEED_BLOCK, bytes_get(body.ptr, 8), str_sub(body, 8, body.len), &place, err);
    return feed_log_put(log, (FeedRecordType)type, 0, body, &place, err);
}

static _Noreturn void give_up(const Err *err)
{
    (void)fprintf(stderr, "%s\n", err->text);
    abort();
}

static void write_log(Arena *arena, Str in)
{
    FeedLog *log = feed_log_new(arena, dir, 0, FEED_PLACE_FIRST, 0);
    Err err = {0};

    if (!feed_log_cut(log, &err))
        give_up(&err);
    while (in.len >= 3) {
        size_t len = (size_t)bytes_get(in.ptr + 1, 2);
        unsigned type = (unsigned char)in.ptr[0] % 8;

        len = len < in.len - 3 ? len : in.len - 3;
        if (type > 0 && !put(log, type, str_sub(in, 3, 3 + len), &err))
            give_up(&err);
        in = str_sub(in, 3 + len, in.len);
    }
    feed_log_close(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    Feed *feed;
    Err err = {0};

    if (!made) {
        if (!mkdtemp(dir))
            abort();
        made = true;
        (void)atexit(end);
    }
    write_log(&arena, (Str){(const char *)data, size});
    if (feed_open(&arena, dir, FEED_READ, NULL, &feed, &err)) {
        read_all(feed);
        feed_close(feed);
    }
    return 0;
}
