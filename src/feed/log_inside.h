/* SPDX-License-Identifier: Apache-2.0 */
/* feed/log_inside -- what the files of log.h share */
#ifndef FEED_LOG_INSIDE_H
#define FEED_LOG_INSIDE_H

#define XXH_STATIC_LINKING_ONLY /* the state of a hash inside of a struct */
#include <xxhash.h>

#include "feed/log.h"

struct FeedLog {
    const char *path;
    uint32_t segment_bytes;
    FeedPlace end;  /* behind the last commit */
    uint64_t chain; /* of the last commit */

    int fd; /* of segment `open`, or -1 */
    uint32_t open;
    int flags;

    /* the batch in hand */
    FeedPlace next;      /* of the next record */
    Buf out;             /* what is not yet written, */
    FeedPlace out_at;    /* from here on */
    XXH3_state_t checks; /* of the batch in hand, and of the one that is read */
    bool fresh, rotated; /* nothing is put yet; a segment was begun */
    bool broken;         /* a sync failed: what is on the disk is not known */

    /* what was read last: whoever reads in order gets much at once */
    Buf ahead;
    FeedPlace ahead_at, ahead_end; /* of its first byte; behind the last record taken from it */
};

enum { FEED_LOG_NAME_MAX = 4096 + 16 };

static inline uint32_t segment_of(FeedPlace place)
{
    return (uint32_t)(place >> 32);
}

static inline uint32_t offset_of(FeedPlace place)
{
    return (uint32_t)place;
}

static inline FeedPlace first_of(uint32_t segment)
{
    return (FeedPlace)segment << 32 | FEED_SEGMENT_HEAD;
}

/* Reads records one behind the other. */
typedef struct FeedLogReader {
    FeedLog *log;
    FeedPlace at; /* of the next record; its segment is in use */
    Buf in;       /* bytes, of which those from `used` on begin there */
    size_t used;
} FeedLogReader;

/* More of the segment, so that at least `want` bytes are there, unless it ends before. ERR_IO. */
bool feed_log_fill(FeedLogReader *reader, size_t want, Err *err) ATTR_MUST_USE;

/* The record at reader->at; `*len` is 0 when there is none. ERR_IO. */
bool feed_log_next(FeedLogReader *reader, FeedRecord *record, size_t *len, Err *err) ATTR_MUST_USE;

/* Behind `len` bytes of the segment that are there. */
void feed_log_skip(FeedLogReader *reader, size_t len);

/* To the beginning of a segment; *there is whether it has a head. ERR_NOT_FOUND: it has no file. ERR_IO. */
bool feed_log_go(FeedLogReader *reader, uint32_t segment, bool *there, Err *err) ATTR_MUST_USE;

/* Say that what is at that place is damaged. ERR_CORRUPT. Always false. */
bool feed_log_damaged(const FeedLog *log, FeedPlace place, Err *err);

/* The name of a segment's file. */
const char *feed_log_name(const FeedLog *log, uint32_t segment, char out[FEED_LOG_NAME_MAX]);

/* Open a segment, or say with ERR_NOT_FOUND that there is none. ERR_IO. */
bool feed_log_use(FeedLog *log, uint32_t segment, int flags, Err *err) ATTR_MUST_USE;

/* See a record in `bytes`, which begin at `place`: its length with the head, or 0 when it is not there whole. */
size_t feed_log_see(Str bytes, FeedPlace place, FeedRecord *out);

#endif
