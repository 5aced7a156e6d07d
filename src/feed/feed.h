/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/feed -- one signed append-only log of blocks in a directory (docs/format/feed.md)
 *
 *     feed_create(&arena, path, &identity, &feed, err);
 *     feed_append(feed, &pair, blocks, count, FEED_DURABLE, err);     all of them or none
 *     feed_get(feed, 0, &bytes, err);
 *     feed_close(feed);
 *
 * One writer at a time, in one process; any number of readers, each of which sees what was committed when it opened the
 * feed. At most three descriptors are open. Opening costs what the head costs, and what the log has behind it: some
 * megabytes at most.
 */
#ifndef FEED_FEED_H
#define FEED_FEED_H

#include "feed/head.h"

typedef struct Feed Feed;

typedef enum FeedCare {
    FEED_DURABLE,  /* on stable storage when the call returns */
    FEED_BUFFERED, /* survives the end of this process, not that of the machine */
} FeedCare;

typedef enum FeedMode { FEED_READ, FEED_WRITE } FeedMode;

typedef struct FeedOptions {
    uint32_t segment_bytes; /* 0: FEED_SEGMENT_BYTES */
} FeedOptions;

/*
 * A new, empty feed in a directory that is made here.
 *
 * ERR_CONFLICT  there is something at `path`
 * ERR_IO
 */
bool feed_create(Arena *arena, const char *path, const FeedIdentity *identity, const FeedOptions *options,
                 Feed **out, Err *err) ATTR_MUST_USE;

/*
 * ERR_NOT_FOUND  there is no feed
 * ERR_BUSY       another process writes to it
 * ERR_CORRUPT    its files do not fit together
 * ERR_LIMIT      it is of a newer version
 */
bool feed_open(Arena *arena, const char *path, FeedMode mode, const FeedOptions *options, Feed **out,
               Err *err) ATTR_MUST_USE;

/* What is committed is kept whether or not this is called. */
void feed_close(Feed *feed);

const FeedState *feed_state(const Feed *feed);

/*
 * Append `count` blocks, all or none. `pair` is the signer's.
 *
 * ERR_USAGE  the pair is not the signer's, or the feed is open for reading
 * ERR_CONFLICT  the feed has forked (feed/forks.h)
 * ERR_LIMIT  a block is longer than FEED_BLOCK_MAX, or the feed is full
 * ERR_IO     nothing is appended
 */
bool feed_append(Feed *feed, const SignPair *pair, const Str *blocks, size_t count, FeedCare care,
                 Err *err) ATTR_MUST_USE;

/*
 * Make the feed `length` blocks long, and begin its next fork. Whoever has a copy is told by the higher fork.
 *
 * ERR_USAGE  it is shorter, or as for feed_append()
 * ERR_IO     nothing changed
 */
bool feed_truncate(Feed *feed, const SignPair *pair, uint64_t length, FeedCare care, Err *err) ATTR_MUST_USE;

/*
 * Hold the blocks from `first` up to `end` no longer, and give their space back. They stay proven: the tree keeps their hashes, and
 * a peer that has them can send them again. *cleared: how many were held.
 *
 * ERR_USAGE  the range is none, or the feed is open for reading
 * ERR_IO     some may be cleared already
 */
bool feed_clear(Feed *feed, uint64_t first, uint64_t end, uint64_t *cleared, Err *err) ATTR_MUST_USE;

/*
 * The bytes of a block, checked against the feed's tree.
 *
 * ERR_NOT_FOUND  the feed is shorter, or does not hold it
 * ERR_CORRUPT    what is stored is not what was appended
 * ERR_IO
 */
bool feed_get(Feed *feed, uint64_t block, Buf *out, Err *err) ATTR_MUST_USE;

/*
 * As feed_get(), for passing it on: against the check of its record only, not against the tree; whoever gets it does that. *out is
 * valid until the next call.
 */
bool feed_peek(Feed *feed, uint64_t block, Str *out, Err *err) ATTR_MUST_USE;

/* Whether a block is held here. ERR_IO. */
bool feed_holds(Feed *feed, uint64_t block, bool *out, Err *err) ATTR_MUST_USE;

#define FEED_NO_BLOCK UINT64_MAX

/* What is damaged: a block, or FEED_NO_BLOCK, and where in the feed's directory; `file` is empty where that is no one place. */
typedef struct FeedDamage {
    uint64_t block;
    char file[16];
    uint64_t offset; /* bytes */
} FeedDamage;

typedef struct FeedVerify {
    bool (*progress)(void *ctx, uint64_t done); /* so many blocks are read; false: stop */
    void *progress_ctx;
    FeedDamage *damage; /* written where that is why it fails; may be NULL */
} FeedVerify;

/*
 * Read and hash all that is held, up to the roots and their signature; and all of the log, the tree and the bits
 * (docs/format/feed.md). *first_bad gets the first block that is not as signed, or the length where there is none. `options` may be
 * NULL.
 *
 * ERR_CORRUPT      there is one, or something else is damaged; or the head is not signed by the feed's signer
 * ERR_INTERRUPTED  `progress` said so
 * ERR_BUSY         another process changes it all the time
 * ERR_IO
 */
bool feed_verify(Feed *feed, const FeedVerify *options, uint64_t *first_bad, Err *err) ATTR_MUST_USE;

/* The bytes that the feed takes on the disk, holes apart. ERR_IO. */
bool feed_disk(const Feed *feed, uint64_t *out, Err *err) ATTR_MUST_USE;

/*
 * See what another process appended, truncated or cleared since; nothing where the feed is open for writing. *changed: there was
 * something.
 *
 * ERR_NOT_FOUND  the feed was removed
 * ERR_CORRUPT, ERR_IO  it is as it was
 */
bool feed_refresh(Feed *feed, bool *changed, Err *err) ATTR_MUST_USE;

/*
 * The shortest that the feed was since `before`, which it was once: for who follows it. Where the log was cleared
 * meanwhile and cannot tell, the shorter of what it was and what it is. ERR_IO.
 */
bool feed_shortest(const Feed *feed, const FeedState *before, uint64_t *length, Err *err) ATTR_MUST_USE;

/*
 * A descriptor that becomes readable when a file of the feed changes (inotify): then feed_watch_clear(), and look. Not every such
 * change is one of the feed. The caller closes it. ERR_IO, ERR_LIMIT: the system has no more of them.
 */
bool feed_watch(const Feed *feed, int *fd, Err *err) ATTR_MUST_USE;
void feed_watch_clear(int fd);

/* How many files the log has, and whether blocks were ever cleared from it. ERR_IO. */
bool feed_segments(const Feed *feed, uint64_t *out, Err *err) ATTR_MUST_USE;
bool feed_is_cleared(const Feed *feed);

/* Make all that is appended durable, and the next opening cheap. ERR_IO. */
bool feed_sync(Feed *feed, Err *err) ATTR_MUST_USE;

#endif
