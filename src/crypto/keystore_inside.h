/* SPDX-License-Identifier: Apache-2.0 */
/* keystore_inside -- what the files of the key store share: for no others */
#ifndef CRYPTO_KEYSTORE_INSIDE_H
#define CRYPTO_KEYSTORE_INSIDE_H

#include "base/os.h"
#include "crypto/keystore.h"

struct Keystore {
    const char *dir, *unlock;
    KeystoreGet *get;
    void *ctx;
    SealCost cost;
    Secret root; /* none: locked */
};

/* Paths in the store. */
const char *keystore_own_dir(const Keystore *store, Arena *arena);
const char *keystore_known_dir(const Keystore *store, Arena *arena);
const char *keystore_path(Arena *arena, const char *dir, const unsigned char public_key[SIGN_PUBLIC_BYTES]);

/* Hold the store against all other processes while *fd is open. ERR_IO. */
bool keystore_hold(const Keystore *store, int *fd, Err *err) ATTR_MUST_USE;

/* Write a file of the store in a directory of its own, which is made. ERR_IO. */
bool keystore_write(const char *dir, const char *path, Str bytes, Err *err) ATTR_MUST_USE;

/* What the file of a key says; its bytes are in `bytes`. ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO, ERR_LIMIT. */
bool keystore_read(const char *path, const unsigned char public_key[SIGN_PUBLIC_BYTES], bool own, Buf *bytes,
                   KeyFile *out, Err *err) ATTR_MUST_USE;

/* Does a directory hold any key? ERR_IO. */
bool keystore_any(const char *dir, bool *out, Err *err) ATTR_MUST_USE;

#endif
