/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clearing: the log says that blocks are no longer held, tree and head follow it onto the disk, and then the bytes are given back.
 * From then on the log cannot be read from its beginning, and need not be: the head on the disk begins behind it.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/os.h"
#include "feed/feed_inside.h"

enum { CLEAR_AT_ONCE = 16384 }; /* blocks */

/* Where the record of a block lies. */
typedef struct Extent {
    FeedPlace from, to;
    uint64_t block;
} Extent;

static bool collect(Feed *feed, uint64_t first, uint64_t end, Buf *out, Err *err)
{
    while (first < end) {
        FeedPlace place = 0;
        TreeNode leaf;

        if (!feed_head_next(feed->head, first, end, true, &first, err))
            return false;
        if (first == end)
            return true;
        if (!feed_nodes_get(feed->nodes, 2 * first, &leaf, &place, err))
            return false;
        Extent extent = {place, place + FEED_RECORD_HEAD + 8 + leaf.size, first};
        if (place)
            buf_put(out, (Str){(const char *)&extent, sizeof extent});
        first++;
    }
    return true;
}

static bool note(Feed *feed, uint64_t first, uint64_t end, Err *err)
{
    BUF_SCOPE(body);
    FeedPlace place;

    feed_batch_begin(feed);
    bytes_put(&body, first, 8);
    bytes_put(&body, end - first, 8);
    if (!feed_batch_clear(feed, first, end, err) ||
        !feed_log_put(feed->log, FEED_CLEAR, 0, buf_str(&body), &place, err)) {
        feed_batch_undo(feed);
        return false;
    }
    return feed_batch_commit(feed, FEED_DURABLE, err);
}

static int compare_extents(const void *a_v, const void *b_v)
{
    const Extent *a = a_v, *b = b_v;

    return (a->from > b->from) - (a->from < b->from);
}

/* Blocks that were appended together lie together, but for commits and nodes: these are not needed any more, either. */
static bool punch_all(Feed *feed, Buf *extents, Err *err)
{
    Extent *at = (Extent *)(void *)extents->ptr;
    size_t count = extents->len / sizeof *at;

    if (count > 1)
        qsort(at, count, sizeof *at, compare_extents);
    for (size_t i = 0, next; i < count; i = next) {
        FeedPlace to = at[i].to;

        for (next = i + 1; next < count; next++) {
            bool dead;

            if (!feed_log_is_dead(feed->log, to, at[next].from, &dead, err))
                return false;
            if (!dead)
                break;
            to = at[next].to;
        }
        if (!feed_log_punch(feed->log, at[i].from, to, err))
            return false;
    }
    return true;
}

/* ---- from where on the log has to be there ---- */

enum { FLOOR_BYTES = 24 };
static const char magic[8] = {'S', 'T', 'R', 'F', 'E', 'E', 'D', 'C'};

bool feed_write_floor(const Feed *feed, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(body);

    buf_put(&body, (Str){magic, sizeof magic});
    bytes_put(&body, feed->state.applied, 8);
    bytes_put(&body, XXH3_64bits(body.ptr, body.len), 8);
    return os_write_file(str_printf(&scratch, "%s/floor", feed->path).ptr, buf_str(&body), 0600, err);
}

bool feed_read_floor(const Feed *feed, FeedPlace *out, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(body);
    Err why = {0};

    *out = 0;
    if (!os_read_file(str_printf(&scratch, "%s/floor", feed->path).ptr, FLOOR_BYTES, &body, &why)) {
        if (why.code != ERR_NOT_FOUND)
            *err = why;
        return why.code == ERR_NOT_FOUND;
    }
    if (body.len != FLOOR_BYTES || memcmp(body.ptr, magic, sizeof magic) != 0 ||
        XXH3_64bits(body.ptr, FLOOR_BYTES - 8) != bytes_get(body.ptr + FLOOR_BYTES - 8, 8))
        return err_set(err, ERR_CORRUPT, "'%s/floor' is damaged", feed->path);
    *out = bytes_get(body.ptr + 8, 8);
    return true;
}

bool feed_check_floor(const Feed *feed, Err *err)
{
    FeedPlace floor;

    if (!feed_read_floor(feed, &floor, err))
        return false;
    if (feed->state.applied >= floor)
        return true;
    (void)err_set(err, ERR_CORRUPT, "the head of the feed in '%s' is lost", feed->path);
    return err_hint(
        err,
        "blocks of it were cleared, so it cannot be made from the log: restore a backup, or copy it from a peer");
}

/* ---- what is to be given back ---- */

/*
 * It stands in a file before the blocks are noted as cleared: afterwards nothing else knows where they were, and a clear that failed in
 * between, or was killed, would never give their space back. The next one does.
 */
static const char *list_path(const Feed *feed, Arena *arena)
{
    return str_printf(arena, "%s/clearing", feed->path).ptr;
}

static bool write_list(const Feed *feed, const Buf *extents, Err *err)
{
    const Extent *at = (const Extent *)(const void *)extents->ptr;
    ARENA_SCOPE(scratch);
    BUF_SCOPE(body);

    for (size_t i = 0; i < extents->len / sizeof *at; i++) {
        bytes_put(&body, at[i].from, 8);
        bytes_put(&body, at[i].to, 8);
        bytes_put(&body, at[i].block, 8);
    }
    bytes_put(&body, XXH3_64bits(body.ptr, body.len), 8);
    return os_write_file(list_path(feed, &scratch), buf_str(&body), 0600, err);
}

/* Of a list that a clear has left, what is cleared: a block that is held where it says is not. */
static bool read_list(Feed *feed, Str body, Buf *extents, Err *err)
{
    for (size_t at = 0; at + sizeof(Extent) < body.len; at += sizeof(Extent)) {
        Extent extent = {bytes_get(body.ptr + at, 8), bytes_get(body.ptr + at + 8, 8),
                         bytes_get(body.ptr + at + 16, 8)};
        FeedPlace place = 0;
        TreeNode leaf;
        Err why = {0};

        if (!feed_nodes_get(feed->nodes, 2 * extent.block, &leaf, &place, &why) &&
            why.code != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        if (place != extent.from)
            buf_put(extents, (Str){(const char *)&extent, sizeof extent});
    }
    return true;
}

static bool give_back(Feed *feed, Buf *extents, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = list_path(feed, &scratch);

    if (!feed_sync(feed, err) || !feed_write_floor(feed, err) || !fault_pass(FAULT_feed_clear_synced, err) ||
        !punch_all(feed, extents, err))
        return false;
    return os_unlink(path) == 0 || err_sys(err, ERR_IO, "cannot remove '%s'", path);
}

/* Empty where there is none. */
static bool take_list(const Feed *feed, Buf *body, Err *err)
{
    ARENA_SCOPE(scratch);
    Err why = {0};

    if (!os_read_file(list_path(feed, &scratch), CLEAR_AT_ONCE * sizeof(Extent) + 8, body, &why)) {
        if (why.code != ERR_NOT_FOUND)
            *err = why;
        return why.code == ERR_NOT_FOUND;
    }
    return (body->len >= 8 &&
            XXH3_64bits(body->ptr, body->len - 8) == bytes_get(body->ptr + body->len - 8, 8)) ||
           err_set(err, ERR_CORRUPT, "'%s' is damaged", list_path(feed, &scratch));
}

bool feed_check_clearing(const Feed *feed, Err *err)
{
    BUF_SCOPE(body);

    return take_list(feed, &body, err);
}

static bool finish_last(Feed *feed, Err *err)
{
    BUF_SCOPE(body);
    BUF_SCOPE(extents);

    if (!take_list(feed, &body, err))
        return false;
    if (body.len == 0)
        return true;
    return read_list(feed, buf_str(&body), &extents, err) && give_back(feed, &extents, err);
}

static bool clear_some(Feed *feed, uint64_t first, uint64_t end, uint64_t *cleared, Err *err)
{
    BUF_SCOPE(extents);
    uint64_t before = feed->state.held;

    if (!collect(feed, first, end, &extents, err) || !write_list(feed, &extents, err) ||
        !note(feed, first, end, err))
        return false;
    *cleared += before - feed->state.held;
    return fault_pass(FAULT_feed_clear_noted, err) && give_back(feed, &extents, err) &&
           fault_pass(FAULT_feed_clear_punched, err);
}

bool feed_clear(Feed *feed, uint64_t first, uint64_t end, uint64_t *cleared, Err *err)
{
    uint64_t held;

    *cleared = 0;
    if (!feed->writable)
        return err_set(err, ERR_USAGE, "the feed in '%s' is open for reading only", feed->path);
    if (first > end || end > feed->state.roots.length)
        return err_set(
            err, ERR_USAGE, "the feed has %llu blocks: there is nothing from %llu to %llu to clear",
            (unsigned long long)feed->state.roots.length, (unsigned long long)first, (unsigned long long)end);
    if ((feed->pending && !feed_batch_commit(feed, FEED_BUFFERED, err)) || !finish_last(feed, err))
        return false;
    for (; first < end; first += CLEAR_AT_ONCE) {
        uint64_t to = end - first > CLEAR_AT_ONCE ? first + CLEAR_AT_ONCE : end;

        if (!feed_head_count(feed->head, first, to, &held, err))
            return false;
        if (held > 0 && !clear_some(feed, first, to, cleared, err))
            return false;
    }
    return true;
}
