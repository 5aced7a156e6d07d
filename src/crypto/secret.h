/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret -- bytes that nobody else must see, in memory that is neither swapped nor dumped, and wiped when it goes
 *
 * The memory is sodium_malloc()'s: locked where the system allows it (RLIMIT_MEMLOCK), left out of core dumps, with a
 * guard page behind it. A secret has a fixed room, so growing leaves no copies.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/buf.h"

typedef struct Secret {
    unsigned char *ptr; /* NULL: none */
    size_t len, room;
} Secret;

#define SECRET_SCOPE(name) ATTR_CLEANUP(secret_release) Secret name = {0}

/* Room for `room` bytes; what was there is wiped. */
void secret_init(Secret *secret, size_t room);
void secret_release(Secret *secret);

/* Adds bytes; false, with nothing added, when there is no room. */
bool secret_put(Secret *secret, Str bytes) ATTR_MUST_USE;

static inline Str secret_str(const Secret *secret)
{
    return (Str){(const char *)secret->ptr, secret->len};
}

/* Makes libsodium ready: it chooses code for this processor. As often as one likes, on any thread. */
void secret_ready(void);

/* Overwrites what is on the stack, in a way that the compiler keeps. */
void secret_wipe(void *bytes, size_t len);

/* Random bytes from the system. */
void secret_random(void *bytes, size_t len);

/* A Buf that passes through with a secret in it: reserve all its room at first, because growing leaves copies. */
#define SECRET_BUF_SCOPE(name) ATTR_CLEANUP(secret_release_buf) Buf name = {0}

void secret_release_buf(Buf *buf);

#endif
