/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_input -- blocks out of a stream of bytes, in batches of bounded memory
 *
 *     lines    each line without its newline is a block; a last one without newline counts, empty lines are empty blocks
 *     u32      4 bytes of length, little-endian, then so many bytes
 *     whole    all of it is one block
 */
#ifndef CLI_FEED_INPUT_H
#define CLI_FEED_INPUT_H

#include "cli/feeds.h"

enum {
    FEED_INPUT_BYTES = 8 * 1024 * 1024, /* of the blocks in a batch; a longer block is a batch of its own */
    FEED_INPUT_BLOCKS = 128 * 1024,     /* in a batch */
};

typedef struct FeedInput {
    int fd;
    FeedFraming framing;
    bool live;           /* a batch ends where the input pauses, too */
    Buf bytes;           /* read; those before `used` are in blocks of the batch in hand */
    size_t used, looked; /* up to there no newline is */
    uint64_t base;       /* offset in the input of the first of them */
    uint64_t blocks;     /* before the batch in hand */
    Buf spans;           /* where the blocks of the batch are */
    uint64_t batch_bytes;
    bool ended, whole_given;
} FeedInput;

void feed_input_release(FeedInput *input);

/*
 * The next batch; *count is 0 at the end. The blocks are valid until the next call.
 *
 * ERR_USAGE        the input ends in the middle of a block
 * ERR_LIMIT        a block is longer than FEED_BLOCK_MAX
 * ERR_INTERRUPTED  a signal came; what was read since the last batch is in none
 * ERR_IO
 */
bool feed_input_batch(FeedInput *input, Arena *arena, Str **blocks, size_t *count, Err *err) ATTR_MUST_USE;

/* How many bytes of the input are in batches that were given, up to the one in hand. */
uint64_t feed_input_before(const FeedInput *input);

#endif
