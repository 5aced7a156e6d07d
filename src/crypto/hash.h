/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash -- MD5 and SHA-256 by OpenSSL
 *
 * Whole messages: hash_md5() and hash_sha256() keep one context a thread, so a short message costs no
 * allocation. In pieces: a Hash between hash_begin() and hash_end(). MD5 names things here (paths, the
 * catalogue's checksums); it protects nothing.
 *
 * A build of OpenSSL that offers neither (a FIPS-only one has no MD5) ends the program with a message, as
 * running out of memory does: nothing could be done without them.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/str.h"

typedef enum HashKind { HASH_MD5, HASH_SHA256 } HashKind;

enum { HASH_MD5_BYTES = 16, HASH_SHA256_BYTES = 32, HASH_BYTES_MAX = 32 };

void hash_md5(Str message, unsigned char out[HASH_MD5_BYTES]);
void hash_sha256(Str message, unsigned char out[HASH_SHA256_BYTES]);

/* A message in pieces. One thread at a time; after hash_end() the same Hash can hash_begin() again. */
typedef struct Hash {
    struct evp_md_ctx_st *ctx;
    HashKind kind;
} Hash;

#define HASH_SCOPE(name) ATTR_CLEANUP(hash_release) Hash name = {0}

void hash_begin(Hash *hash, HashKind kind);
void hash_add(Hash *hash, Str piece);
size_t hash_end(Hash *hash, unsigned char *out); /* puts the bytes of its kind; returns how many */
void hash_release(Hash *hash);

#endif
