/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/wire -- the messages of the channel 'hypercore/alpha', byte for byte those of npm hypercore 10 and 11 (facts: echo 3.6)
 *
 * Each has a number, and a payload up to the end of its frame. Readers leave what comes behind what they know unread, as npm
 * does; numbers and lists that cannot be are refused before anything is made of them.
 */
#ifndef FEED_WIRE_H
#define FEED_WIRE_H

#include "feed/proof.h"

#define WIRE_PROTOCOL "hypercore/alpha"

typedef enum WireType {
    WIRE_SYNC,
    WIRE_REQUEST,
    WIRE_CANCEL,
    WIRE_DATA,
    WIRE_NO_DATA,
    WIRE_WANT,
    WIRE_UNWANT,
    WIRE_BITFIELD,
    WIRE_RANGE,
    WIRE_EXTENSION,
} WireType;

/* How far a peer is, and what it means to do. */
typedef struct WireSync {
    uint64_t fork, length;
    uint64_t remote_length; /* what it believes of the other */
    bool can_upgrade, uploading, downloading, has_manifest;
} WireSync;

typedef struct WireRequest {
    uint64_t id;
    uint64_t priority;
    FeedRequest what;
} WireRequest;

/* id 0: not asked for. */
typedef struct WireData {
    uint64_t id;
    FeedProof proof;
} WireData;

typedef struct WireNoData {
    uint64_t id;
    uint64_t reason; /* 0: not said; 1 not available, 2 invalid request */
} WireNoData;

/* want, unwant and range; of a range with `drop`, blocks that are no longer held. */
typedef struct WireRange {
    uint64_t start, length;
    bool drop;
} WireRange;

/* Words of 32 bits, from block `start` on; the lowest bit first. */
typedef struct WireBitfield {
    uint64_t start;
    Str words; /* little-endian */
} WireBitfield;

typedef struct WireExtension {
    Str name; /* empty: as in the one before */
    Str bytes;
} WireExtension;

void wire_put_sync(Buf *out, const WireSync *sync);
void wire_put_request(Buf *out, const WireRequest *request);
void wire_put_cancel(Buf *out, uint64_t id);
void wire_put_data(Buf *out, const WireData *data);
void wire_put_no_data(Buf *out, const WireNoData *no_data);
void wire_put_want(Buf *out, const WireRange *want); /* unwant, too */
void wire_put_bitfield(Buf *out, const WireBitfield *bitfield);
void wire_put_range(Buf *out, const WireRange *range);
void wire_put_extension(Buf *out, const WireExtension *extension);

/* The open handshake of the channel: whoever opens shows that it knows the key. ERR_CORRUPT: it is none. */
enum { WIRE_CAPABILITY_BYTES = 32 };
void wire_put_open(Buf *out, const unsigned char capability[WIRE_CAPABILITY_BYTES]);
bool wire_get_open(Str in, unsigned char capability[WIRE_CAPABILITY_BYTES], Err *err) ATTR_MUST_USE;

/* What a peer of this role shows (facts: echo 3.6); `handshake` is the 64 bytes of the Noise hash. */
void wire_capability(const unsigned char key[FEED_KEY_BYTES], const unsigned char handshake[64],
                     bool initiator, unsigned char out[WIRE_CAPABILITY_BYTES]);

/* ERR_CORRUPT: it is none. What `out` points to is in `in` or in `arena`. */
bool wire_get_sync(Str in, WireSync *out, Err *err) ATTR_MUST_USE;
bool wire_get_request(Str in, WireRequest *out, Err *err) ATTR_MUST_USE;
bool wire_get_cancel(Str in, uint64_t *out, Err *err) ATTR_MUST_USE;
bool wire_get_data(Str in, Arena *arena, WireData *out, Err *err) ATTR_MUST_USE;
bool wire_get_no_data(Str in, WireNoData *out, Err *err) ATTR_MUST_USE;
bool wire_get_want(Str in, WireRange *out, Err *err) ATTR_MUST_USE;
bool wire_get_bitfield(Str in, WireBitfield *out, Err *err) ATTR_MUST_USE;
bool wire_get_range(Str in, WireRange *out, Err *err) ATTR_MUST_USE;
bool wire_get_extension(Str in, WireExtension *out, Err *err) ATTR_MUST_USE;

#endif
