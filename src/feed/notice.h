/* SPDX-License-Identifier: Apache-2.0 */
/* feed/notice -- what people are told of peers and feeds while feeds are exchanged: commands, the service and the library say the same */
#ifndef FEED_NOTICE_H
#define FEED_NOTICE_H

#include "feed/peering.h"

/* Who is told: one sentence, which is no failure. `say` may be NULL. */
typedef struct Notice {
    void (*say)(void *ctx, const char *text);
    void *ctx;
} Notice;

/* Any sentence. */
void notice_say(const Notice *notice, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* The first digits of a key: enough for people. */
const char *notice_short(Arena *arena, const unsigned char key[32]);

/* `peer` has more of a feed of this node: what is here is an old copy. */
void notice_longer(const Notice *notice, const char *peer, const unsigned char feed[32], uint64_t fork,
                   uint64_t length);

/* `peer` has another history of it. */
void notice_fork(const Notice *notice, const char *peer, const unsigned char feed[32]);

/* The block (RANGES_NONE: the head) cannot be given to peers: `why`. Of *told such blocks of a feed only the first ones. */
void notice_damage(const Notice *notice, const unsigned char feed[32], uint64_t block, const Err *why,
                   uint64_t *told);

/* Blocks that peers say to have and do not give: which, whenever there are others than *said. While some are on their way nothing is said. */
void notice_not_given(const Notice *notice, const unsigned char feed[32], Peering *peering, uint64_t *said);

/* A connection ended, or could not be made: `why`, with the address once. Nothing where it just ended. */
void notice_end(const Notice *notice, const char *address, const Err *why);

#endif
