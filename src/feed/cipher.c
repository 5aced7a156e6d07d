/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/cipher.h"

#include <assert.h>
#include <sodium.h>

#include "base/bytes.h"
#include "crypto/secret.h"

enum { NONCE_BYTES = crypto_stream_NONCEBYTES, NUMBER_BYTES = 8 };
_Static_assert(CIPHER_KEY_BYTES == crypto_stream_KEYBYTES, "keys of XSalsa20");
_Static_assert(NUMBER_BYTES + CIPHER_PADDING < NONCE_BYTES, "the rest of a nonce is zero");

/* ---- keys ---- */

/* BLAKE2b-256 of two or three pieces, keyed or not. */
static void hash(const Str *pieces, size_t count, Str key, unsigned char out[CIPHER_KEY_BYTES])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, (const unsigned char *)key.ptr, key.len, CIPHER_KEY_BYTES);
    for (size_t i = 0; i < count; i++)
        (void)crypto_generichash_update(&state, (const unsigned char *)pieces[i].ptr, pieces[i].len);
    (void)crypto_generichash_final(&state, out, CIPHER_KEY_BYTES);
    secret_wipe(&state, sizeof state);
}

void cipher_init(Cipher *out, const FeedIdentity *identity, const unsigned char reading_key[CIPHER_KEY_BYTES])
{
    Str feed = {(const char *)identity->key, FEED_KEY_BYTES},
        reading = {(const char *)reading_key, CIPHER_KEY_BYTES},
        space = {(const char *)feed_space(FEED_SPACE_ENCRYPTION), FEED_KEY_BYTES};

    assert(!identity->anonymous);
    if (identity->compat)
        hash(&reading, 1, feed, out->block);
    else
        hash((Str[]){space, feed, reading}, 3, (Str){0}, out->block);
    hash(&(Str){(const char *)out->block, CIPHER_KEY_BYTES}, 1, (Str){0}, out->blinding);
}

void cipher_wipe(Cipher *cipher)
{
    secret_wipe(cipher, sizeof *cipher);
}

/* ---- blocks ---- */

static void put_number(uint64_t number, unsigned char out[NUMBER_BYTES])
{
    for (int i = 0; i < NUMBER_BYTES; i++)
        out[i] = (unsigned char)(number >> 8 * i);
}

/* Hides the number of the fork, or shows it. */
static void blind(const Cipher *cipher, uint64_t number, unsigned char padding[CIPHER_PADDING])
{
    unsigned char nonce[NONCE_BYTES] = {0};

    put_number(number, nonce);
    (void)crypto_stream_xor(padding, padding, CIPHER_PADDING, nonce, cipher->blinding);
}

/* Encrypts, or decrypts, in place: what the padding hides and the number make the nonce. */
static void turn(const Cipher *cipher, uint64_t number, const unsigned char padding[CIPHER_PADDING],
                 unsigned char *bytes, size_t len)
{
    unsigned char nonce[NONCE_BYTES] = {0};

    if (len == 0) /* there may be no bytes to point to, which libsodium is promised */
        return;
    put_number(number, nonce);
    memcpy(nonce + NUMBER_BYTES, padding, CIPHER_PADDING);
    (void)crypto_stream_xor(bytes, bytes, len, nonce, cipher->block);
}

void cipher_put(const Cipher *cipher, uint64_t number, uint64_t fork, Str plain, Buf *out)
{
    unsigned char padding[CIPHER_PADDING];

    put_number(fork, padding);
    blind(cipher, number, padding);
    (void)buf_reserve(out, CIPHER_PADDING + plain.len);
    buf_put(out, (Str){(const char *)padding, CIPHER_PADDING});
    size_t from = out->len;
    buf_put(out, plain);
    turn(cipher, number, padding, (unsigned char *)out->ptr + from, plain.len);
}

/* With another key the fork comes out as any number of 64 bits, which one of the feed's own is not but by a chance of next to nothing. */
static bool is_of_fork(const Cipher *cipher, uint64_t number, uint64_t fork, Str block)
{
    unsigned char padding[CIPHER_PADDING];

    if (block.len < CIPHER_PADDING)
        return false;
    memcpy(padding, block.ptr, CIPHER_PADDING);
    blind(cipher, number, padding);
    return bytes_get((const char *)padding, CIPHER_PADDING) <= fork;
}

bool cipher_take(const Cipher *cipher, uint64_t number, uint64_t fork, Str block, Buf *out, Err *err)
{
    if (!is_of_fork(cipher, number, fork, block))
        return err_set(err, ERR_DENIED, "block %llu is not encrypted with the reading key that is here",
                       (unsigned long long)number);
    Str body = str_sub(block, CIPHER_PADDING, block.len);
    size_t from = out->len;
    buf_put(out, body);
    turn(cipher, number, (const unsigned char *)block.ptr, (unsigned char *)out->ptr + from, body.len);
    return true;
}
