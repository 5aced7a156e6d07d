/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/head -- how far tree and bits of a feed follow its log, in four slots of its file `head`; and the bits, which say
 * which blocks are held (docs/format/feed.md)
 */
#ifndef FEED_HEAD_H
#define FEED_HEAD_H

#include "feed/identity.h"
#include "feed/log.h"

/* What one slot says. */
typedef struct FeedState {
    FeedIdentity identity;
    uint64_t fork;
    TreeRoots roots; /* with length and bytes */
    uint64_t held;   /* blocks */
    unsigned char signature[FEED_SIGNATURE_MAX];
    size_t signature_len; /* 0: the feed is empty and has none */
    FeedPlace applied;    /* behind the last commit in this */
    uint64_t chain;       /* of that commit */
} FeedState;

typedef struct FeedHeadFile FeedHeadFile;

#define FEED_HEAD_BITS 16384 /* where the bits begin in the file, bytes */

FeedHeadFile *feed_head_new(Arena *arena, const char *dir);
void feed_head_close(FeedHeadFile *head); /* without flushing */

/*
 * The state of the newest slot that counts. With `write`, no other process can open it so at the same time.
 *
 * ERR_NOT_FOUND  no slot counts: the log is to be read from its beginning
 * ERR_BUSY       another process writes
 * ERR_LIMIT      it is of a version that is not known
 */
bool feed_head_open(FeedHeadFile *head, bool write, FeedState *out, Err *err) ATTR_MUST_USE;

/* Whether the slot was written while this kernel runs: else bits may be there of what the log has lost with the machine's power. */
bool feed_head_is_of_now(const FeedHeadFile *head);

/*
 * The newest slot as it is now, for a feed open for reading. What was read and marked so far stays: feed_head_forget().
 *
 * ERR_NOT_FOUND  no slot counts, or the file is another one by now: *gone
 */
bool feed_head_look(FeedHeadFile *head, FeedState *out, bool *gone, Err *err) ATTR_MUST_USE;

/* Forget the bits that were read, and those that are marked and not written. */
void feed_head_forget(FeedHeadFile *head);

/* Blocks from `first` on are held, or not; in memory until it is flushed. */
void feed_head_mark(FeedHeadFile *head, uint64_t first, uint64_t count, bool held);

size_t feed_head_waiting(const FeedHeadFile *head); /* how many changes of bits are in memory only */

/* ERR_IO */
bool feed_head_holds(FeedHeadFile *head, uint64_t block, bool *out, Err *err) ATTR_MUST_USE;

/* How many of the blocks from `first` up to `end` are held. ERR_IO. */
bool feed_head_count(FeedHeadFile *head, uint64_t first, uint64_t end, uint64_t *out, Err *err) ATTR_MUST_USE;

/* The first block from `first` up to `end` that is held, or is not; `end` where there is none. ERR_IO. */
bool feed_head_next(FeedHeadFile *head, uint64_t first, uint64_t end, bool held, uint64_t *out,
                    Err *err) ATTR_MUST_USE;

/* Write the bits, then the state. With `sync`, what the state stands on (log, tree) has been synced before. ERR_IO. */
bool feed_head_flush(FeedHeadFile *head, const FeedState *state, bool sync, Err *err) ATTR_MUST_USE;

#endif
