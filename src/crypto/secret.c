/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

void secret_ready(void)
{
    if (sodium_init() >= 0)
        return;
    (void)fputs("libsodium cannot be used: there is no source of random numbers\n", stderr);
    abort();
}

void secret_init(Secret *secret, size_t room)
{
    secret_ready();
    secret_release(secret);
    secret->ptr = sodium_malloc(room);
    if (!secret->ptr) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    secret->room = room;
}

void secret_release(Secret *secret)
{
    sodium_free(secret->ptr); /* wipes it */
    *secret = (Secret){0};
}

bool secret_put(Secret *secret, Str bytes)
{
    if (bytes.len > secret->room - secret->len)
        return false;
    if (bytes.len)
        memcpy(secret->ptr + secret->len, bytes.ptr, bytes.len);
    secret->len += bytes.len;
    return true;
}

void secret_wipe(void *bytes, size_t len)
{
    sodium_memzero(bytes, len);
}

void secret_random(void *bytes, size_t len)
{
    secret_ready();
    randombytes_buf(bytes, len);
}

void secret_release_buf(Buf *buf)
{
    if (buf->ptr)
        sodium_memzero(buf->ptr, buf->size);
    buf_release(buf);
}
