/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyroot -- the two small files that stand before all keys of a store: its root key, sealed, and the key file that opens it
 * where there is no passphrase (docs/format/keystore.md)
 */
#ifndef CRYPTO_KEYROOT_H
#define CRYPTO_KEYROOT_H

#include "crypto/seal.h"
#include "crypto/secret.h"

enum { KEYROOT_MAX = 512 /* bytes of either file */, KEYROOT_UNLOCKS_MAX = 2 };

typedef enum RootLock {
    ROOT_LOCK_PASSPHRASE = 1,
    ROOT_LOCK_FILE,
} RootLock;

typedef struct KeyRoot {
    RootLock lock;
    SealCost cost; /* of a passphrase */
    unsigned char salt[SEAL_SALT_BYTES];
    Str before, sealed;
} KeyRoot;

/* ERR_CORRUPT, ERR_LIMIT: as keyfile_read(). */
bool keyroot_read(Str bytes, KeyRoot *out, Err *err) ATTR_MUST_USE;

/* The root key, when `key` is the one it was sealed with; `out` has room for it. */
bool keyroot_take(const KeyRoot *root, const unsigned char key[SEAL_KEY_BYTES], Secret *out) ATTR_MUST_USE;

/* Puts the file: `key` is that of a key file, or seal_derive()'s of a passphrase with this salt and cost. */
void keyroot_put(const KeyRoot *how, const unsigned char key[SEAL_KEY_BYTES], const Secret *root, Buf *out);

/*
 * The keys of a key file, one behind the other: one, or while it is exchanged two.
 *
 * ERR_DENIED   there is no such file
 * ERR_CONFIG   it is somebody else's, or others may read it
 * ERR_CORRUPT  it is not what was written
 * ERR_IO, ERR_LIMIT
 */
bool keyroot_read_unlock(const char *path, Secret *out, Err *err) ATTR_MUST_USE;

/*
 * Replace or make it, for its owner only, and remove it; by one process at a time. What a killed one left beside it, which
 * has keys in it as well, is removed by both. ERR_IO.
 */
bool keyroot_write_unlock(const char *path, const Secret *keys, Err *err) ATTR_MUST_USE;
bool keyroot_remove_unlock(const char *path, Err *err) ATTR_MUST_USE;

#endif
