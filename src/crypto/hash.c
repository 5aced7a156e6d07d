/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {[HASH_MD5] = "MD5", [HASH_SHA256] = "SHA256"};

/* Fetched once: looking a digest up by name costs more than hashing a path with it. */
static EVP_MD *digests[COUNT_OF(names)];
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static _Thread_local EVP_MD_CTX *whole;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "OpenSSL cannot compute %s\n", what);
    abort();
}

static void free_context(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void fetch(void)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        digests[i] = EVP_MD_fetch(NULL, names[i], "-fips");
        check(digests[i] != NULL, names[i]);
    }
    check(pthread_key_create(&at_thread_end, free_context) == 0, "anything: no thread-specific data");
}

static EVP_MD_CTX *new_context(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    check(ctx != NULL, "anything: out of memory");
    return ctx;
}

static void hash_whole(HashKind kind, Str message, unsigned char *out)
{
    unsigned len;

    (void)pthread_once(&fetched, fetch);
    if (!whole) {
        whole = new_context();
        (void)pthread_setspecific(at_thread_end, whole);
    }
    check(EVP_DigestInit_ex2(whole, digests[kind], NULL) &&
              EVP_DigestUpdate(whole, message.ptr, message.len) && EVP_DigestFinal_ex(whole, out, &len),
          names[kind]);
}

void hash_md5(Str message, unsigned char out[HASH_MD5_BYTES])
{
    hash_whole(HASH_MD5, message, out);
}

void hash_sha256(Str message, unsigned char out[HASH_SHA256_BYTES])
{
    hash_whole(HASH_SHA256, message, out);
}

void hash_begin(Hash *hash, HashKind kind)
{
    (void)pthread_once(&fetched, fetch);
    if (!hash->ctx)
        hash->ctx = new_context();
    hash->kind = kind;
    check(EVP_DigestInit_ex2(hash->ctx, digests[kind], NULL), names[kind]);
}

void hash_add(Hash *hash, Str piece)
{
    check(EVP_DigestUpdate(hash->ctx, piece.ptr, piece.len), names[hash->kind]);
}

size_t hash_end(Hash *hash, unsigned char *out)
{
    unsigned len = 0;

    check(EVP_DigestFinal_ex(hash->ctx, out, &len), names[hash->kind]);
    return len;
}

void hash_release(Hash *hash)
{
    EVP_MD_CTX_free(hash->ctx);
    *hash = (Hash){0};
}
