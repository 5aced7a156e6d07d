/* SPDX-License-Identifier: Apache-2.0 */
/*
 * magic_look -- what kind of data a file holds, and the `magic` record that says so
 *
 *     {"mime":"application/x-netcdf","format":"netcdf","detail":"classic","source":"signature"}
 *     {"mime":"text/x-python","source":"libmagic","encoding":"us-ascii"}
 *
 * Our own table of signatures (signature.def) is asked first: it knows scientific formats better than
 * libmagic, and takes a tenth of a microsecond where libmagic takes half a millisecond.
 */
#ifndef CATALOG_MAGIC_LOOK_H
#define CATALOG_MAGIC_LOOK_H

#include "base/buf.h"
#include "catalog/magic_signature.h"

/* Not to be copied: the texts may point into the signature, or into what libmagic keeps until the next look. */
typedef struct MagicFacts {
    MagicSignature signature; /* where `by_signature` */
    bool by_signature;
    Str mime, format, detail, encoding; /* may be empty, but for mime */
} MagicFacts;

/* One a thread. */
typedef struct MagicReader MagicReader;

/*
 * `with_libmagic`: ask libmagic about what the table does not know; else that is ERR_NOT_FOUND.
 *
 * ERR_CONFIG  libmagic's database cannot be read
 */
bool magic_reader_new(Arena *arena, bool with_libmagic, MagicReader **out, Err *err) ATTR_MUST_USE;

/*
 * Look at an open regular file (walk_open_file()).
 *
 * ERR_NOT_FOUND  nobody knows it
 * ERR_IO         it cannot be read
 */
bool magic_look(MagicReader *reader, int fd, MagicFacts *out, Err *err) ATTR_MUST_USE;

void magic_put_json(Buf *buf, const MagicFacts *facts);

#endif
