/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/alpha -- the messages of the channel 'hypercore/alpha', byte for byte those of npm hypercore 10 and 11 (facts: echo 3.6)
 *
 * Each has a number, and a payload up to the end of its frame. Readers leave what comes behind what they know unread, as npm
 * does; numbers and lists that cannot be are refused before anything is made of them.
 */
#ifndef FEED_ALPHA_H
#define FEED_ALPHA_H

#include "feed/proof.h"

#define ALPHA_PROTOCOL "hypercore/alpha"

typedef enum AlphaType {
    ALPHA_SYNC,
    ALPHA_REQUEST,
    ALPHA_CANCEL,
    ALPHA_DATA,
    ALPHA_NO_DATA,
    ALPHA_WANT,
    ALPHA_UNWANT,
    ALPHA_BITFIELD,
    ALPHA_RANGE,
    ALPHA_EXTENSION,
} AlphaType;

/* How far a peer is, and what it means to do. */
typedef struct AlphaSync {
    uint64_t fork, length;
    uint64_t remote_length; /* what it believes of the other */
    bool can_upgrade, uploading, downloading, has_manifest;
} AlphaSync;

typedef struct AlphaRequest {
    uint64_t id;
    uint64_t priority;
    FeedRequest what;
} AlphaRequest;

/* id 0: not asked for. */
typedef struct AlphaData {
    uint64_t id;
    FeedProof proof;
} AlphaData;

typedef struct AlphaNoData {
    uint64_t id;
    uint64_t reason; /* 0: not said; 1 not available, 2 invalid request */
} AlphaNoData;

/* want, unwant and range; of a range with `drop`, blocks that are no longer held. */
typedef struct AlphaRange {
    uint64_t start, length;
    bool drop;
} AlphaRange;

/* Words of 32 bits, from block `start` on; the lowest bit first. */
typedef struct AlphaBitfield {
    uint64_t start;
    Str words; /* little-endian */
} AlphaBitfield;

typedef struct AlphaExtension {
    Str name; /* empty: as in the one before */
    Str bytes;
} AlphaExtension;

void alpha_put_sync(Buf *out, const AlphaSync *sync);
void alpha_put_request(Buf *out, const AlphaRequest *request);
void alpha_put_cancel(Buf *out, uint64_t id);
void alpha_put_data(Buf *out, const AlphaData *data);
void alpha_put_no_data(Buf *out, const AlphaNoData *no_data);
void alpha_put_want(Buf *out, const AlphaRange *want); /* unwant, too */
void alpha_put_bitfield(Buf *out, const AlphaBitfield *bitfield);
void alpha_put_range(Buf *out, const AlphaRange *range);
void alpha_put_extension(Buf *out, const AlphaExtension *extension);

/* The open handshake of the channel: whoever opens shows that it knows the key. ERR_CORRUPT: it is none. */
enum { ALPHA_CAPABILITY_BYTES = 32 };
void alpha_put_open(Buf *out, const unsigned char capability[ALPHA_CAPABILITY_BYTES]);
bool alpha_get_open(Str in, unsigned char capability[ALPHA_CAPABILITY_BYTES], Err *err) ATTR_MUST_USE;

/* What a peer of this role shows (facts: echo 3.6); `handshake` is the 64 bytes of the Noise hash. */
void alpha_capability(const unsigned char key[FEED_KEY_BYTES], const unsigned char handshake[64],
                      bool initiator, unsigned char out[ALPHA_CAPABILITY_BYTES]);

/* ERR_CORRUPT: it is none. What `out` points to is in `in` or in `arena`. */
bool alpha_get_sync(Str in, AlphaSync *out, Err *err) ATTR_MUST_USE;
bool alpha_get_request(Str in, AlphaRequest *out, Err *err) ATTR_MUST_USE;
bool alpha_get_cancel(Str in, uint64_t *out, Err *err) ATTR_MUST_USE;
bool alpha_get_data(Str in, Arena *arena, AlphaData *out, Err *err) ATTR_MUST_USE;
bool alpha_get_no_data(Str in, AlphaNoData *out, Err *err) ATTR_MUST_USE;
bool alpha_get_want(Str in, AlphaRange *out, Err *err) ATTR_MUST_USE;
bool alpha_get_bitfield(Str in, AlphaBitfield *out, Err *err) ATTR_MUST_USE;
bool alpha_get_range(Str in, AlphaRange *out, Err *err) ATTR_MUST_USE;
bool alpha_get_extension(Str in, AlphaExtension *out, Err *err) ATTR_MUST_USE;

#endif
