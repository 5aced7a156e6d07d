/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another process did to a feed that is open for reading. Where its head has come further than this reader, tree and bits on the
 * disk have too, and all that was kept in memory instead is forgotten; what the log has behind that is read again.
 */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/os.h"
#include "feed/feed_inside.h"

enum { TRIES = 3 };

static bool removed(const Feed *feed, Err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the feed in '%s' was removed", feed->path);
}

/* Takes the head of the disk when that is further. */
static bool take_head(Feed *feed, Err *err)
{
    FeedState newest;
    Err why = {0};
    bool gone;

    if (!feed_head_look(feed->head, &newest, &gone, &why)) {
        *err = why;
        return gone ? removed(feed, err) : why.code == ERR_NOT_FOUND;
    }
    if (newest.applied <= feed->state.applied)
        return true;
    feed->state = newest;
    feed_nodes_forget(feed->nodes);
    feed_head_forget(feed->head);
    return true;
}

static bool look(Feed *feed, Err *err)
{
    if (!take_head(feed, err) || !feed_check_floor(feed, err))
        return false;
    feed_log_move(feed->log, feed->state.applied, feed->state.chain);
    return feed_replay(feed, err);
}

/*
 * A writer goes on while this reads. Who reads the end of a segment just before it is written, and the next segment after that, sees
 * what does not fit together; the next look does not.
 */
bool feed_refresh(Feed *feed, bool *changed, Err *err)
{
    uint64_t before = feed->state.applied;
    bool ok = true;

    *changed = false;
    if (feed->writable)
        return true;
    for (int i = 0; i < TRIES; i++) {
        ok = look(feed, err);
        if (ok || err->code != ERR_CORRUPT)
            break;
        feed_batch_begin(feed);
    }
    *changed = feed->state.applied != before;
    return ok;
}

typedef struct Shortest {
    FeedPlace end; /* what is behind it is not seen yet */
    uint64_t length;
} Shortest;

static bool note_truncation(void *shortest_v, const FeedRecord *record, Err *err)
{
    Shortest *shortest = shortest_v;

    (void)err;
    if (record->type == FEED_TRUNCATE && record->place < shortest->end && record->body.len == 16) {
        uint64_t length = bytes_get(record->body.ptr, 8);

        shortest->length = length < shortest->length ? length : shortest->length;
    }
    return true;
}

/* In the log: the head knows the last state only, and the feed may have grown again since it was truncated. */
bool feed_shortest(const Feed *feed, const FeedState *before, uint64_t *length, Err *err)
{
    ARENA_SCOPE(scratch);
    uint64_t now = feed->state.roots.length, then = before->roots.length;
    Shortest shortest = {feed->state.applied, now < then ? now : then};

    if (feed->state.fork != before->fork) {
        FeedLog *log = feed_log_new(&scratch, feed->path, 0, before->applied, before->chain);
        bool ok = feed_log_scan(log, note_truncation, &shortest, err);

        feed_log_close(log);
        if (!ok && err->code != ERR_CORRUPT)
            return false;
    }
    *length = shortest.length;
    return true;
}

bool feed_watch(const Feed *feed, int *fd, Err *err)
{
    *fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (*fd >= 0 &&
        inotify_add_watch(*fd, feed->path, IN_MODIFY | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF) >= 0)
        return true;
    ErrCode code = errno == EMFILE || errno == ENOSPC ? ERR_LIMIT : ERR_IO;
    (void)err_sys(err, code, "cannot watch the feed in '%s'", feed->path);
    os_close(fd);
    return false;
}

void feed_watch_clear(int fd)
{
    char events[4096];

    while (read(fd, events, sizeof events) > 0)
        ;
}
