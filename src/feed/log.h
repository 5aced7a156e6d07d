/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/log -- the segments of a feed: batches of records, each there whole or not at all (docs/format/feed.md)
 *
 *     feed_log_put(log, FEED_BLOCK, number, bytes, &place, err);   as often as one likes
 *     feed_log_commit(log, body, durable, err);                    and then all of it counts
 *
 * Records are gathered in memory and written together; a batch of more than some megabytes is written as it comes, and
 * does not count until its commit. One writer; readers of other processes see whole batches only.
 */
#ifndef FEED_LOG_H
#define FEED_LOG_H

#include "base/buf.h"

enum {
    FEED_BLOCK_MAX = 15 * 1024 * 1024,
    FEED_RECORD_HEAD = 16,
    FEED_SEGMENT_HEAD = 16,
};
#define FEED_SEGMENT_BYTES ((uint32_t)64 << 20)

typedef enum FeedRecordType {
    FEED_BLOCK = 1,
    FEED_NODES,
    FEED_COMMIT,
    FEED_CLEAR,
    FEED_TRUNCATE,
    FEED_IDENTITY,
    FEED_ROOTS
} FeedRecordType;

/* Segment number << 32 | offset. */
typedef uint64_t FeedPlace;

#define FEED_PLACE_FIRST ((FeedPlace)FEED_SEGMENT_HEAD)

typedef struct FeedLog FeedLog;

/*
 * The log in directory `path`, from `end` on, which is behind a commit with `chain`; for a new one FEED_PLACE_FIRST and 0.
 * Nothing is read. `segment_bytes`: 0 is FEED_SEGMENT_BYTES.
 */
FeedLog *feed_log_new(Arena *arena, const char *path, uint32_t segment_bytes, FeedPlace end, uint64_t chain);
void feed_log_close(FeedLog *log); /* what is not committed is forgotten */

FeedPlace feed_log_end(const FeedLog *log);
uint64_t feed_log_chain(const FeedLog *log);

/* A record that is there whole. `body` is valid until the taker returns. */
typedef struct FeedRecord {
    FeedRecordType type;
    FeedPlace place;
    Str body; /* of a commit: without the chain */
} FeedRecord;

/* Gets every record in order; those behind the last commit turn out not to count. */
typedef bool FeedLogTake(void *ctx, const FeedRecord *record, Err *err);

/*
 * Give all that is behind feed_log_end() to `take`, and move it behind the last commit.
 *
 * ERR_IO       it cannot be read
 * any          from `take`
 */
bool feed_log_scan(FeedLog *log, FeedLogTake *take, void *ctx, Err *err) ATTR_MUST_USE;

/*
 * Read the whole log up to feed_log_end(), whatever was given to a scan before, and give `take` each record. Every head of a segment,
 * every check and the chain of commits have to be right. Below `floor` records may be missing where there are zeros: space that was
 * given back. *bad: the place that is not right, where that is why it fails.
 *
 * ERR_CORRUPT  something is damaged
 * ERR_IO       it cannot be read
 * any          from `take`
 */
bool feed_log_check(FeedLog *log, FeedPlace floor, FeedLogTake *take, void *ctx, FeedPlace *bad,
                    Err *err) ATTR_MUST_USE;

/* The name of the file that has a place, without its directory. */
const char *feed_log_file(FeedPlace place, char out[16]);

/*
 * For a reader: go on from `end`, which is behind a commit with `chain`, and forget what was read. A writer that began anew may have
 * put another file in the place of the one that is open.
 */
void feed_log_move(FeedLog *log, FeedPlace end, uint64_t chain);

/* Before the first write: cut off what does not count. ERR_IO. */
bool feed_log_cut(FeedLog *log, Err *err) ATTR_MUST_USE;

/*
 * Add a record to the batch: `number` (blocks only), then `bytes`. *place gets where it will be.
 *
 * ERR_IO, ERR_LIMIT  the batch is undone
 */
bool feed_log_put(FeedLog *log, FeedRecordType type, uint64_t number, Str bytes, FeedPlace *place,
                  Err *err) ATTR_MUST_USE;

/*
 * End the batch; `body` is that of the commit behind its chain. With `durable` this returns when the batch is on stable
 * storage. *rotated: a new segment was begun.
 *
 * ERR_IO  the batch is undone; after a failed sync the log takes no more until it is opened again
 */
bool feed_log_commit(FeedLog *log, Str body, bool durable, bool *rotated, Err *err) ATTR_MUST_USE;

/* Make all that is committed durable. ERR_IO. */
bool feed_log_sync(FeedLog *log, Err *err) ATTR_MUST_USE;

/* Forget the batch. */
void feed_log_undo(FeedLog *log);

/*
 * The record at `place`; `out` is valid until the next call.
 *
 * ERR_CORRUPT  it is not there, or not what was written
 * ERR_IO       it cannot be read
 */
bool feed_log_read(FeedLog *log, FeedPlace place, FeedRecordType type, Str *out, Err *err) ATTR_MUST_USE;

/*
 * Whether no block's record lies between two places that are behind each other: only commits, nodes, the end of a segment, or
 * what was given back. For places below the end that a synced head has. ERR_IO.
 */
bool feed_log_is_dead(FeedLog *log, FeedPlace from, FeedPlace to, bool *out, Err *err) ATTR_MUST_USE;

/*
 * Give the bytes between two places back to the file system, and with them the rest of its blocks where nothing else is in them.
 * A segment that is left with nothing loses its file. ERR_IO.
 */
bool feed_log_punch(FeedLog *log, FeedPlace from, FeedPlace to, Err *err) ATTR_MUST_USE;

/* How many segments have a file. ERR_IO. */
bool feed_log_segments(const FeedLog *log, uint64_t *out, Err *err) ATTR_MUST_USE;

/* The bytes that the log takes on the disk. ERR_IO. */
bool feed_log_disk(const FeedLog *log, uint64_t *out, Err *err) ATTR_MUST_USE;

#endif
