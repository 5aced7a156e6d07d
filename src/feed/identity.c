/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/identity.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

#define BYTES(array) ((Str){(const char *)(array), sizeof(array)})

/* ---- namespaces ---- */

static unsigned char spaces[FEED_SPACE_COUNT][FEED_KEY_BYTES];

static void make_spaces(void)
{
    unsigned char name[FEED_KEY_BYTES + 1];

    (void)crypto_generichash(name, FEED_KEY_BYTES, (const unsigned char *)"hypercore", 9, NULL, 0);
    for (unsigned i = 0; i < FEED_SPACE_COUNT; i++) {
        name[FEED_KEY_BYTES] = (unsigned char)i;
        (void)crypto_generichash(spaces[i], FEED_KEY_BYTES, name, sizeof name, NULL, 0);
    }
}

const unsigned char *feed_space(FeedSpace space)
{
    static pthread_once_t made = PTHREAD_ONCE_INIT;

    (void)pthread_once(&made, make_spaces);
    return spaces[space];
}

static void put_space(Buf *buf, FeedSpace space)
{
    buf_put(buf, (Str){(const char *)feed_space(space), FEED_KEY_BYTES});
}

/* ---- identities ---- */

enum { MANIFEST_VERSION = 1, HASH_BLAKE2B = 0, SIGNER_ED25519 = 0, QUORUM = 1 };

void feed_identity_put_manifest(const FeedIdentity *identity, Buf *out)
{
    static const char head[] = {MANIFEST_VERSION, 0, HASH_BLAKE2B, QUORUM, 1, SIGNER_ED25519};

    if (identity->compat || identity->anonymous)
        return;
    buf_put(out, BYTES(head));
    buf_put(out, BYTES(identity->space));
    buf_put(out, BYTES(identity->signer));
}

static void key_of_manifest(Str manifest, unsigned char out[FEED_KEY_BYTES])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, FEED_KEY_BYTES);
    (void)crypto_generichash_update(&state, feed_space(FEED_SPACE_MANIFEST), FEED_KEY_BYTES);
    (void)crypto_generichash_update(&state, (const unsigned char *)manifest.ptr, manifest.len);
    (void)crypto_generichash_final(&state, out, FEED_KEY_BYTES);
}

void feed_identity_compat(const unsigned char signer[SIGN_PUBLIC_BYTES], FeedIdentity *out)
{
    *out = (FeedIdentity){.compat = true};
    memcpy(out->key, signer, SIGN_PUBLIC_BYTES);
    memcpy(out->signer, signer, SIGN_PUBLIC_BYTES);
}

void feed_identity_new(const unsigned char signer[SIGN_PUBLIC_BYTES], FeedIdentity *out)
{
    BUF_SCOPE(manifest);

    *out = (FeedIdentity){0};
    memcpy(out->signer, signer, SIGN_PUBLIC_BYTES);
    memcpy(out->space, feed_space(FEED_SPACE_DEFAULT), FEED_KEY_BYTES);
    feed_identity_put_manifest(out, &manifest);
    key_of_manifest(buf_str(&manifest), out->key);
}

void feed_identity_of_key(const unsigned char key[FEED_KEY_BYTES], FeedIdentity *out)
{
    *out = (FeedIdentity){.anonymous = true};
    memcpy(out->key, key, FEED_KEY_BYTES);
}

bool feed_identity_read(const unsigned char key[FEED_KEY_BYTES], Str manifest, FeedIdentity *out, Err *err)
{
    CompactIn in = compact_in(manifest);
    unsigned char real[FEED_KEY_BYTES];
    uint64_t version = compact_uint(&in), flags = compact_uint(&in), hash = compact_uint(&in),
             quorum = compact_uint(&in), signers = compact_uint(&in);

    if (!in.bad && (version != MANIFEST_VERSION || flags != 0 || hash != HASH_BLAKE2B || quorum != QUORUM ||
                    signers != 1))
        return err_set(err, ERR_LIMIT,
                       "the feed's manifest is not of a kind that is known: version 1 with one signer");
    uint64_t kind = compact_uint(&in);
    Str space = compact_raw(&in, FEED_KEY_BYTES), signer = compact_raw(&in, SIGN_PUBLIC_BYTES);
    if (!compact_done(&in) || kind != SIGNER_ED25519)
        return err_set(err, ERR_CORRUPT, "the feed's manifest is damaged");
    key_of_manifest(manifest, real);
    if (memcmp(real, key, FEED_KEY_BYTES) != 0)
        return err_set(err, ERR_CORRUPT, "the manifest is that of another feed");
    *out = (FeedIdentity){0};
    memcpy(out->key, key, FEED_KEY_BYTES);
    memcpy(out->space, space.ptr, space.len);
    memcpy(out->signer, signer.ptr, signer.len);
    return true;
}

void feed_discovery_key(const unsigned char key[FEED_KEY_BYTES], unsigned char *out)
{
    (void)crypto_generichash(out, FEED_KEY_BYTES, (const unsigned char *)"hypercore", 9, key, FEED_KEY_BYTES);
}

/* ---- signatures ---- */

static void put_signable(const FeedIdentity *identity, const FeedHead *head, Buf *out)
{
    put_space(out, FEED_SPACE_TREE);
    if (!identity->compat)
        buf_put(out, BYTES(identity->key));
    buf_put(out, BYTES(head->hash));
    bytes_put(out, head->length, 8);
    bytes_put(out, head->fork, 8);
}

/* Before the 64 bytes: one signature, of signer 0; behind: no patch, no nodes of one. */
static const char before[] = {1, 0}, behind[] = {0, 0};

void feed_sign(const FeedIdentity *identity, const SignPair *pair, const FeedHead *head, Buf *out)
{
    BUF_SCOPE(signable);
    unsigned char signature[SIGN_BYTES];

    put_signable(identity, head, &signable);
    sign_make(pair, buf_str(&signable), signature);
    if (!identity->compat)
        buf_put(out, BYTES(before));
    buf_put(out, BYTES(signature));
    if (!identity->compat)
        buf_put(out, BYTES(behind));
}

static bool unwrap(const FeedIdentity *identity, Str *signature)
{
    if (!identity->compat) {
        if (signature->len != sizeof before + SIGN_BYTES + sizeof behind ||
            !str_starts(*signature, BYTES(before)) || !str_ends(*signature, BYTES(behind)))
            return false;
        *signature = str_sub(*signature, sizeof before, sizeof before + SIGN_BYTES);
    }
    return signature->len == SIGN_BYTES;
}

bool feed_signed(const FeedIdentity *identity, const FeedHead *head, Str signature)
{
    BUF_SCOPE(signable);

    if (identity->anonymous || !unwrap(identity, &signature))
        return false;
    put_signable(identity, head, &signable);
    return sign_check(identity->signer, buf_str(&signable), (const unsigned char *)signature.ptr);
}
