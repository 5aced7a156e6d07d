/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile -- the bytes of one key: what is said about it, and its secret under one of four locks (docs/format/keystore.md)
 *
 * Files of the store and exports are the same record. What is said about the key is readable without any secret, and
 * bound to the seal: a name or a kind that somebody changed is found when the secret is taken out.
 */
#ifndef CRYPTO_KEYFILE_H
#define CRYPTO_KEYFILE_H

#include "base/time.h"
#include "crypto/seal.h"
#include "crypto/sign.h"

typedef enum KeyKind {
#define X(kind, number, name, meaning) kind = number,
#include "crypto/keykind.def"
#undef X
} KeyKind;

enum {
    KEY_NAME_MAX = 100, /* bytes */
    KEYFILE_MAX = 512,  /* bytes */
    KEY_SECRET_BYTES = SIGN_SEED_BYTES,
};

/* Of the rows of keykind.def. NULL for what is no kind; false for what is no name of one. */
const char *key_kind_name(KeyKind kind);
bool key_kind_parse(Str name, KeyKind *out);

typedef struct KeyInfo {
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    unsigned char parent
        [SIGN_PUBLIC_BYTES]; /* whose key it is: an identity's device, a party's feed; zeros: nobody's */
    KeyKind kind;
    Instant created;
    Str name; /* empty: none */
} KeyInfo;

/*
 * A reading key is no pair: its secret is 32 bytes that several have. In place of a public key it has this name, which follows from
 * the key of the feed; the feed is its parent.
 */
void key_reading_name(const unsigned char feed[SIGN_PUBLIC_BYTES], unsigned char out[SIGN_PUBLIC_BYTES]);

/*
 * Could a key be called so? UTF-8 of 1 .. KEY_NAME_MAX bytes without control characters, which neither starts nor ends
 * with a blank, nor starts with '-', nor is itself a key in hexadecimal. ERR_USAGE.
 */
bool key_name_check(Str name, Err *err) ATTR_MUST_USE;

/* What the secret is under. Numbers stand in files. */
typedef enum KeyLock {
    KEY_LOCK_PUBLIC = 1, /* there is none: a public key with what is said about it */
    KEY_LOCK_ROOT,       /* the root key of a store */
    KEY_LOCK_PASSPHRASE,
    KEY_LOCK_NONE, /* it is readable */
} KeyLock;

typedef struct KeyFile {
    KeyInfo info; /* its name points into the bytes read */
    KeyLock lock;
    SealCost cost; /* of a passphrase */
    unsigned char salt[SEAL_SALT_BYTES];
    Str before, secret; /* what the secret is bound to; the secret as it is kept */
} KeyFile;

/*
 * Read a record. Nothing secret is looked at.
 *
 * ERR_CORRUPT  it is none, or a byte of it is not what was written
 * ERR_LIMIT    of a newer version, or of a kind or a lock that is not known
 */
bool keyfile_read(Str bytes, KeyFile *out, Err *err) ATTR_MUST_USE;

/*
 * Take out the pair. `key` is the root key for KEY_LOCK_ROOT, else it is not looked at; `passphrase` likewise.
 *
 * ERR_NOT_FOUND  it is a public key
 * ERR_DENIED     it is another passphrase
 * ERR_CORRUPT    it is not what was sealed with this root key, or the secret is not that of the public key
 * ERR_USAGE      it is a reading key
 * ERR_LIMIT      as seal_derive()
 */
bool keyfile_take(const KeyFile *file, const unsigned char key[SEAL_KEY_BYTES], Str passphrase, SignPair *out,
                  Err *err) ATTR_MUST_USE;

/* Take out the secret of any kind: the seed of a pair, or a reading key. As keyfile_take(). */
bool keyfile_take_secret(const KeyFile *file, const unsigned char key[SEAL_KEY_BYTES], Str passphrase,
                         unsigned char out[KEY_SECRET_BYTES], Err *err) ATTR_MUST_USE;

/* Put a record. `secret` is the seed of the pair whose public key `info` has (secret_key begins with it), or the reading key. */
void keyfile_put_public(const KeyInfo *info, Buf *out);
void keyfile_put_sealed(const KeyInfo *info, const unsigned char secret[KEY_SECRET_BYTES],
                        const unsigned char root[SEAL_KEY_BYTES], Buf *out);
void keyfile_put_readable(const KeyInfo *info, const unsigned char secret[KEY_SECRET_BYTES], Buf *out);

/* ERR_LIMIT: as seal_derive(); nothing is put. */
bool keyfile_put_locked(const KeyInfo *info, const unsigned char secret[KEY_SECRET_BYTES], Str passphrase,
                        SealCost cost, Buf *out, Err *err) ATTR_MUST_USE;

#endif
