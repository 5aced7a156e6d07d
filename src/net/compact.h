/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compact -- numbers and buffers as hypercore writes them to the wire (npm compact-encoding; facts: echo 3.4)
 *
 *     uint     0 .. 252 one byte; 253 and 2 bytes, 254 and 4, 255 and 8, little-endian
 *     buffer   uint length, then the bytes; 00 is none
 *
 * Readers take bytes from anywhere: what is not there makes the reader `bad`, from then on it gives zeros, and whoever
 * reads asks once, at the end. A number in more bytes than it needs is taken, as npm takes it.
 */
#ifndef NET_COMPACT_H
#define NET_COMPACT_H

#include "base/buf.h"

void compact_put_uint(Buf *buf, uint64_t number);
void compact_put_buffer(Buf *buf, Str bytes);

typedef struct CompactIn {
    Str rest;
    bool bad;
} CompactIn;

static inline CompactIn compact_in(Str bytes)
{
    return (CompactIn){.rest = bytes};
}

uint64_t compact_uint(CompactIn *in);
Str compact_raw(CompactIn *in, uint64_t len); /* so many bytes, in place; empty when they are not there */
Str compact_buffer(CompactIn *in);

/* A number of things of at least `least` bytes each: more than can be in the rest make it bad. */
uint64_t compact_count(CompactIn *in, size_t least);

/* Whether all has been read, and nothing was missing. */
static inline bool compact_done(const CompactIn *in)
{
    return !in->bad && in->rest.len == 0;
}

#endif
