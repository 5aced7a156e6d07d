/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum -- MD5 and SHA-256 of a file in one pass, and the `checksum` record that keeps them
 *
 *     {"md5":"...","sha256":"...","size":5,"mtime":1795230786,"mtime_ns":41037489}
 *
 * Size and time are the file's while it was read: a file that still has them need not be read again, so an
 * interrupted run goes on with the file that it was at.
 */
#ifndef CATALOG_CHECKSUM_H
#define CATALOG_CHECKSUM_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/time.h"
#include "catalog/posix.h"
#include "crypto/hash.h"

typedef struct ChecksumFacts {
    unsigned char md5[HASH_MD5_BYTES], sha256[HASH_SHA256_BYTES];
    uint64_t size;
    PosixTime mtime;
} ChecksumFacts;

/* How fast all threads together may read. */
typedef struct ChecksumPace {
    uint64_t bytes_per_second; /* 0: as fast as it goes */
    const atomic_bool *stop;   /* may be NULL */
    atomic_uint_fast64_t read; /* since `started` */
    Duration started;          /* time_monotonic() */
} ChecksumPace;

/* One a thread: buffers and contexts. */
typedef struct ChecksumReader ChecksumReader;
ChecksumReader *checksum_reader_new(Arena *arena, ChecksumPace *pace);

/*
 * Read an open regular file (walk_open_file()) from its start to its end. A file that changes meanwhile is
 * read again, three times in all.
 *
 * ERR_CONFLICT     it changed each time
 * ERR_IO           it cannot be read
 * ERR_INTERRUPTED  pace->stop
 */
bool checksum_file(ChecksumReader *reader, int fd, ChecksumFacts *out, Err *err) ATTR_MUST_USE;

/* Does what is known of the file, by its posix facts, still say what this record was made of? */
bool checksum_is_current(const ChecksumFacts *old, const PosixFacts *now);

void checksum_put_json(Buf *buf, const ChecksumFacts *facts);

/*
 * Read a record back.
 *
 * ERR_USAGE  it is not one, or lacks a hash, the size or the time
 */
bool checksum_parse(Str json, ChecksumFacts *out, Err *err) ATTR_MUST_USE;

#endif
