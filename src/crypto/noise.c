/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/noise.h"

#include <assert.h>
#include <sodium.h>

#define BYTES(array) ((Str){(const char *)(array), sizeof(array)})

static const char protocol[] = "Noise_XX_Ed25519_ChaChaPoly_BLAKE2b";

/* What the messages are made of; `es` is the initiator's ephemeral key with the responder's static one. */
typedef enum Token { END, E, S, EE, ES, SE } Token;

enum { MESSAGES = 3, TOKENS_MAX = 4, KEY = SIGN_PUBLIC_BYTES, SEALED_KEY = KEY + NOISE_TAG_BYTES };

static const struct Message {
    Token tokens[TOKENS_MAX + 1];
    size_t bytes;
} messages[MESSAGES] = {
    {{E}, KEY},
    {{E, EE, S, ES}, KEY + SEALED_KEY + NOISE_TAG_BYTES},
    {{S, SE}, SEALED_KEY + NOISE_TAG_BYTES},
};

/* ---- hashes ---- */

static void hash_parts(const Str *parts, size_t count, unsigned char out[NOISE_HASH_BYTES])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, NOISE_HASH_BYTES);
    for (size_t i = 0; i < count; i++)
        (void)crypto_generichash_update(&state, (const unsigned char *)parts[i].ptr, parts[i].len);
    (void)crypto_generichash_final(&state, out, NOISE_HASH_BYTES);
    sodium_memzero(&state, sizeof state);
}

/* HMAC with BLAKE2b-512, whose blocks are 128 bytes; the data is in two parts. */
static void hmac(const unsigned char key[NOISE_HASH_BYTES], Str data, Str more,
                 unsigned char out[NOISE_HASH_BYTES])
{
    unsigned char pad[128], inner[NOISE_HASH_BYTES];

    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] = (unsigned char)((i < NOISE_HASH_BYTES ? key[i] : 0) ^ 0x36);
    hash_parts((Str[]){BYTES(pad), data, more}, 3, inner);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash_parts((Str[]){BYTES(pad), BYTES(inner)}, 2, out);
    sodium_memzero(pad, sizeof pad);
    sodium_memzero(inner, sizeof inner);
}

/* Noise's HKDF with two outputs; `first` may be `chain`. */
static void derive(const unsigned char chain[NOISE_HASH_BYTES], Str input,
                   unsigned char first[NOISE_HASH_BYTES], unsigned char second[NOISE_HASH_BYTES])
{
    unsigned char temporary[NOISE_HASH_BYTES];

    hmac(chain, input, (Str){0}, temporary);
    hmac(temporary, STR("\1"), (Str){0}, first);
    hmac(temporary, (Str){(const char *)first, NOISE_HASH_BYTES}, STR("\2"), second);
    sodium_memzero(temporary, sizeof temporary);
}

static void mix_hash(Noise *noise, Str data)
{
    hash_parts((Str[]){BYTES(noise->hash), data}, 2, noise->hash);
}

static void mix_key(Noise *noise, Str secret)
{
    unsigned char derived[NOISE_HASH_BYTES];

    derive(noise->chain, secret, noise->chain, derived);
    memcpy(noise->key, derived, NOISE_KEY_BYTES);
    noise->nonce = 0;
    noise->keyed = true;
    sodium_memzero(derived, sizeof derived);
}

/* ---- keys ---- */

static bool mix_secret(Noise *noise, const SignPair *own, const unsigned char remote[KEY], Err *err)
{
    unsigned char scalar[64], secret[KEY];

    (void)crypto_hash_sha512(scalar, own->secret_key, SIGN_SEED_BYTES);
    scalar[0] &= 248;
    scalar[31] &= 127;
    scalar[31] |= 64;
    bool made = crypto_scalarmult_ed25519_noclamp(secret, scalar, remote) == 0;
    if (made)
        mix_key(noise, BYTES(secret));
    sodium_memzero(scalar, sizeof scalar);
    sodium_memzero(secret, sizeof secret);
    return made || err_set(err, ERR_CORRUPT, "the peer's key makes no secret");
}

/* The first letter is the initiator's key, the second the responder's. */
static bool mix_token(Noise *noise, Token token, Err *err)
{
    bool initiator = noise->role == NOISE_INITIATOR;
    bool own_ephemeral = token == EE || token == (initiator ? ES : SE);
    bool remote_ephemeral = token == EE || token == (initiator ? SE : ES);

    return mix_secret(noise, own_ephemeral ? &noise->ephemeral : &noise->own,
                      remote_ephemeral ? noise->remote_ephemeral : noise->remote, err);
}

static bool take_point(Str bytes, unsigned char out[KEY], Err *err)
{
    if (crypto_core_ed25519_is_valid_point((const unsigned char *)bytes.ptr) != 1)
        return err_set(err, ERR_CORRUPT, "the peer's key is not a point of the curve, or one of low order");
    memcpy(out, bytes.ptr, KEY);
    return true;
}

/* ---- sealing ---- */

enum { NONCE_BYTES = crypto_aead_chacha20poly1305_IETF_NPUBBYTES };

/* Four zero bytes, then the number little-endian. */
static void next_nonce(Noise *noise, unsigned char out[NONCE_BYTES])
{
    memset(out, 0, NONCE_BYTES);
    for (int i = 0; i < 8; i++)
        out[4 + i] = (unsigned char)(noise->nonce >> (8 * i));
    noise->nonce++;
}

static void seal(Noise *noise, Str plain, Buf *out)
{
    size_t before = out->len;

    if (noise->keyed) {
        unsigned char nonce[NONCE_BYTES];
        unsigned long long len = 0;
        unsigned char *to = (unsigned char *)buf_reserve(out, plain.len + NOISE_TAG_BYTES);

        next_nonce(noise, nonce);
        (void)crypto_aead_chacha20poly1305_ietf_encrypt(to, &len, (const unsigned char *)plain.ptr, plain.len,
                                                        noise->hash, NOISE_HASH_BYTES, NULL, nonce,
                                                        noise->key);
        out->len += (size_t)len;
    } else {
        buf_put(out, plain);
    }
    mix_hash(noise, str_sub(buf_str(out), before, out->len));
}

/* Takes what seal() made of `len` bytes off `*rest`; out has room for them. */
static bool unseal(Noise *noise, Str *rest, size_t len, unsigned char *out, Err *err)
{
    Str sealed = str_sub(*rest, 0, noise->keyed ? len + NOISE_TAG_BYTES : len);
    unsigned char nonce[NONCE_BYTES];

    *rest = str_sub(*rest, sealed.len, rest->len);
    if (noise->keyed) {
        next_nonce(noise, nonce);
        if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, (const unsigned char *)sealed.ptr,
                                                      sealed.len, noise->hash, NOISE_HASH_BYTES, nonce,
                                                      noise->key) != 0)
            return err_set(err, ERR_CORRUPT, "the peer does not have the secret of its key");
    } else if (len) {
        memcpy(out, sealed.ptr, len);
    }
    mix_hash(noise, sealed);
    return true;
}

/* ---- messages ---- */

void noise_begin(Noise *noise, NoiseRole role, const SignPair *own, const SignPair *ephemeral)
{
    *noise = (Noise){.role = role, .own = *own};
    if (ephemeral)
        noise->ephemeral = *ephemeral;
    else
        sign_pair_new(&noise->ephemeral);
    memcpy(noise->hash, protocol, sizeof protocol - 1);
    memcpy(noise->chain, noise->hash, sizeof noise->chain);
    mix_hash(noise, (Str){0}); /* the prologue */
}

bool noise_is_done(const Noise *noise)
{
    return noise->done == MESSAGES;
}

bool noise_writes_next(const Noise *noise)
{
    return !noise_is_done(noise) && noise->done % 2 == (noise->role == NOISE_INITIATOR ? 0 : 1);
}

size_t noise_next_bytes(const Noise *noise)
{
    return noise_is_done(noise) ? 0 : messages[noise->done].bytes;
}

static bool write_token(Noise *noise, Token token, Buf *out, Err *err)
{
    if (token == E) {
        buf_put(out, BYTES(noise->ephemeral.public_key));
        mix_hash(noise, BYTES(noise->ephemeral.public_key));
    } else if (token == S) {
        seal(noise, BYTES(noise->own.public_key), out);
    } else {
        return mix_token(noise, token, err);
    }
    return true;
}

bool noise_write(Noise *noise, Buf *out, Err *err)
{
    assert(noise_writes_next(noise));
    for (const Token *token = messages[noise->done].tokens; *token != END; token++)
        if (!write_token(noise, *token, out, err))
            return false;
    seal(noise, (Str){0}, out);
    noise->done++;
    return true;
}

static bool read_token(Noise *noise, Token token, Str *rest, Err *err)
{
    unsigned char key[KEY];

    switch (token) {
    case E:
        if (!take_point(str_sub(*rest, 0, KEY), noise->remote_ephemeral, err))
            return false;
        mix_hash(noise, BYTES(noise->remote_ephemeral));
        *rest = str_sub(*rest, KEY, rest->len);
        return true;
    case S:
        return unseal(noise, rest, KEY, key, err) && take_point(BYTES(key), noise->remote, err);
    default:
        return mix_token(noise, token, err);
    }
}

bool noise_read(Noise *noise, Str message, Err *err)
{
    unsigned char nothing[1];

    assert(!noise_is_done(noise) && !noise_writes_next(noise));
    if (message.len != messages[noise->done].bytes)
        return err_set(err, ERR_CORRUPT, "message %d of the peer's handshake has %zu bytes instead of %zu",
                       noise->done + 1, message.len, messages[noise->done].bytes);
    for (const Token *token = messages[noise->done].tokens; *token != END; token++)
        if (!read_token(noise, *token, &message, err))
            return false;
    if (!unseal(noise, &message, 0, nothing, err))
        return false;
    noise->done++;
    return true;
}

void noise_end(Noise *noise, NoiseKeys *out)
{
    unsigned char first[NOISE_HASH_BYTES], second[NOISE_HASH_BYTES];
    bool initiator = noise->role == NOISE_INITIATOR;

    assert(noise_is_done(noise));
    derive(noise->chain, (Str){0}, first, second);
    out->role = noise->role;
    memcpy(out->hash, noise->hash, sizeof out->hash);
    memcpy(out->remote, noise->remote, sizeof out->remote);
    memcpy(out->send, initiator ? first : second, NOISE_KEY_BYTES);
    memcpy(out->receive, initiator ? second : first, NOISE_KEY_BYTES);
    sodium_memzero(first, sizeof first);
    sodium_memzero(second, sizeof second);
    noise_wipe(noise);
}

void noise_wipe(Noise *noise)
{
    sodium_memzero(noise, sizeof *noise);
}

void noise_keys_wipe(NoiseKeys *keys)
{
    sodium_memzero(keys, sizeof *keys);
}
