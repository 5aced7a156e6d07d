/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include <sodium.h>

#include "crypto/secret.h"

_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(SEAL_SALT_BYTES == crypto_pwhash_SALTBYTES, "salt");

static const unsigned char *raw(Str bytes)
{
    return (const unsigned char *)bytes.ptr;
}

bool seal_derive(Str passphrase, const unsigned char salt[SEAL_SALT_BYTES], SealCost cost,
                 unsigned char out[SEAL_KEY_BYTES], Err *err)
{
    if (cost.memory_bytes < SEAL_MEMORY_MIN || cost.memory_bytes > SEAL_MEMORY_MAX || cost.passes < 1 ||
        cost.passes > SEAL_PASSES_MAX)
        return err_set(
            err, ERR_LIMIT,
            "a passphrase of %llu bytes of memory and %u passes is not tried: at most %llu MiB and %d",
            (unsigned long long)cost.memory_bytes, cost.passes, (unsigned long long)SEAL_MEMORY_MAX >> 20,
            SEAL_PASSES_MAX);
    if (crypto_pwhash(out, SEAL_KEY_BYTES, passphrase.ptr, passphrase.len, salt, cost.passes,
                      (size_t)cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return err_set(err, ERR_LIMIT, "a passphrase needs %llu MiB of memory, which are not there",
                       (unsigned long long)cost.memory_bytes >> 20);
    return true;
}

void seal_put(const unsigned char key[SEAL_KEY_BYTES], Str beside, Str secret, Buf *out)
{
    unsigned char nonce[SEAL_NONCE_BYTES];
    unsigned long long len;

    secret_random(nonce, sizeof nonce);
    buf_put(out, (Str){(const char *)nonce, sizeof nonce});
    char *to = buf_reserve(out, secret.len + SEAL_TAG_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt((unsigned char *)to, &len, raw(secret), secret.len,
                                                     raw(beside), beside.len, NULL, nonce, key);
    out->len += (size_t)len;
}

bool seal_take(const unsigned char key[SEAL_KEY_BYTES], Str beside, Str sealed, unsigned char *out)
{
    unsigned long long len;

    if (sealed.len < SEAL_MORE)
        return false;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, &len, NULL, raw(sealed) + SEAL_NONCE_BYTES,
                                                      sealed.len - SEAL_NONCE_BYTES, raw(beside), beside.len,
                                                      raw(sealed), key) == 0;
}

void seal_check(Str bytes, unsigned char out[SEAL_CHECK_BYTES])
{
    (void)crypto_generichash(out, SEAL_CHECK_BYTES, raw(bytes), bytes.len, NULL, 0);
}

void seal_put_check(Buf *buf, size_t from)
{
    unsigned char check[SEAL_CHECK_BYTES];

    seal_check(str_sub(buf_str(buf), from, buf->len), check);
    buf_put(buf, (Str){(const char *)check, sizeof check});
}

bool seal_take_check(Str *bytes)
{
    unsigned char check[SEAL_CHECK_BYTES];

    if (bytes->len < sizeof check)
        return false;
    Str before = str_sub(*bytes, 0, bytes->len - sizeof check);
    seal_check(before, check);
    if (memcmp(check, before.ptr + before.len, sizeof check) != 0)
        return false;
    *bytes = before;
    return true;
}
