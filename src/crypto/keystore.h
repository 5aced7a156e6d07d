/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keystore -- the keys of this node, sealed at rest, and the public keys of others with their names (docs/format/keystore.md)
 *
 *     keys/root          the root key, sealed under a passphrase or under the key file
 *     keys/unlock        the key file: only without a passphrase, and only where the configuration does not put it elsewhere
 *     keys/own/HEX       a key pair, or a reading key: the secret sealed with the root key, all else readable
 *     keys/known/HEX     somebody else's public key
 *     keys/node          which of the own keys is the node's
 *
 * A store is made by its first key. Opening costs nothing, however many keys there are: what is locked is opened by the
 * first call that needs it, which asks for the passphrase if there is one. A new passphrase seals the root key anew and
 * no other.
 *
 * Several processes may use a store at the same time. In one process it belongs to one thread at a time. Secrets are in
 * memory that is wiped, and not swapped where the system allows that.
 *
 * Calls that need the store open raise what keystore_unlock() raises: ERR_DENIED above all.
 */
#ifndef CRYPTO_KEYSTORE_H
#define CRYPTO_KEYSTORE_H

#include "crypto/keyfile.h"
#include "crypto/secret.h"

enum { KEYSTORE_PASSPHRASE_MAX = 1024 /* bytes */ };

typedef struct Keystore Keystore;

typedef enum KeystoreAsk {
    KEYSTORE_FIRST, /* the store is being made: no bytes are an answer as well, and mean the key file */
    KEYSTORE_UNLOCK,
    KEYSTORE_AGAIN, /* the last one was wrong */
} KeystoreAsk;

/*
 * Get the passphrase into `out`, which has room for KEYSTORE_PASSPHRASE_MAX. False with *err: there is none to be had, or
 * not again.
 */
typedef bool KeystoreGet(void *ctx, KeystoreAsk why, Secret *out, Err *err);

typedef struct KeystoreOptions {
    const char *unlock; /* the key file; NULL: DIR/unlock */
    KeystoreGet *get;   /* NULL: there is no passphrase */
    void *ctx;
    SealCost cost; /* of a passphrase that is set; zeros: SEAL_COST_USUAL */
} KeystoreOptions;

/* ---- life ---- */

/*
 * The store in the directory `dir`, which must exist; closed and wiped with the arena. Nothing is read yet, and nothing is
 * made.
 */
Keystore *keystore_open(Arena *arena, const char *dir, const KeystoreOptions *options);

typedef enum KeystoreState { KEYSTORE_NONE, KEYSTORE_KEY_FILE, KEYSTORE_PASSPHRASE } KeystoreState;

/* What it is locked with; KEYSTORE_NONE: it is not made yet. ERR_CORRUPT, ERR_IO, ERR_LIMIT. */
bool keystore_state(Keystore *store, KeystoreState *out, Err *err) ATTR_MUST_USE;

/* The key file: where it is, or would be. */
const char *keystore_unlock_path(const Keystore *store);

/*
 * Open what is locked, and make the store if there is none. Other calls do this by themselves.
 *
 * ERR_DENIED   the passphrase or the key file is wrong or not there
 * ERR_CONFIG   others may read the key file
 * ERR_CORRUPT  a file is damaged, or the root key of existing keys is missing
 * ERR_IO, ERR_LIMIT, and what `get` raises
 */
bool keystore_unlock(Keystore *store, Err *err) ATTR_MUST_USE;

/*
 * Seal the root key under another passphrase, or (NULL) under a new key file. All at once, whatever happens. The one that
 * it is sealed under now is asked for if it was not yet.
 *
 * ERR_USAGE  the passphrase is empty, or longer than KEYSTORE_PASSPHRASE_MAX
 * ERR_IO     nothing changed; but where the last step failed, which has sealed it and only tidies up, as the message says
 */
bool keystore_change(Keystore *store, const Secret *passphrase, Err *err) ATTR_MUST_USE;

/* ---- own keys ---- */

/* What is said about a key that is added. */
typedef struct KeystoreNew {
    KeyKind kind;
    Str name;                    /* empty: none */
    const unsigned char *parent; /* SIGN_PUBLIC_BYTES; NULL: nobody's */
    Instant created;             /* 0: now */
    bool unique;                 /* refuse a name that another key has; costs reading all of them */
} KeystoreNew;

/*
 * Add a key pair; when it returns, the pair is on stable storage.
 *
 * ERR_CONFLICT  it is there already, or (`unique`) another key is called so
 * ERR_USAGE     the name is none, or the kind is that of reading keys
 * ERR_IO, ERR_DENIED, ...  nothing is added
 */
bool keystore_add(Keystore *store, const SignPair *pair, const KeystoreNew *what, Err *err) ATTR_MUST_USE;

/*
 * The pair of a public key.
 *
 * ERR_NOT_FOUND  it is not one of the own keys
 * ERR_DENIED     the passphrase is wrong, ...: keystore_unlock()
 * ERR_CORRUPT    the file is not what was sealed
 */
bool keystore_pair(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES], SignPair *out,
                   Err *err) ATTR_MUST_USE;

/* The secret of an own key of any kind, for an export. As keystore_pair(): ERR_NOT_FOUND, ERR_DENIED, ERR_CORRUPT. */
bool keystore_secret(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                     unsigned char out[KEY_SECRET_BYTES], Err *err) ATTR_MUST_USE;

/* The node's own pair, of kind KEY_PEER; made by the first call, also of two processes at once. As keystore_pair(). */
bool keystore_node(Keystore *store, SignPair *out, Err *err) ATTR_MUST_USE;

/* ---- reading keys of feeds ---- */

/*
 * Add the reading key of the feed whose key is `feed`. Of `what`, kind and parent are not looked at.
 *
 * ERR_CONFLICT  the feed has one already, or (`unique`) another key is called so
 * ERR_USAGE     the name is none
 * ERR_IO, ERR_DENIED, ...  nothing is added
 */
bool keystore_add_reading(Keystore *store, const unsigned char feed[SIGN_PUBLIC_BYTES],
                          const unsigned char secret[KEY_SECRET_BYTES], const KeystoreNew *what,
                          Err *err) ATTR_MUST_USE;

/* Whether that of a feed is here; needs no passphrase. */
bool keystore_has_reading(const Keystore *store, const unsigned char feed[SIGN_PUBLIC_BYTES]);

/* ERR_NOT_FOUND: it is not here; ERR_DENIED, ERR_CORRUPT: as keystore_pair(). */
bool keystore_reading(Keystore *store, const unsigned char feed[SIGN_PUBLIC_BYTES],
                      unsigned char out[KEY_SECRET_BYTES], Err *err) ATTR_MUST_USE;

/* ---- the keys of others ---- */

/*
 * Give somebody else's public key a name; for a known one, another.
 *
 * ERR_CONFLICT  it is one of the own keys, or (`unique`) another key is called so
 * ERR_USAGE     the name is none, it is nobody's key, or a reading key, of which nothing is public
 * ERR_IO
 */
bool keystore_know(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                   const KeystoreNew *what, Err *err) ATTR_MUST_USE;

/* ---- all of them ---- */

typedef struct KeystoreKey {
    KeyInfo info;
    bool own;
    const Err *problem; /* NULL, or why the file cannot be read: then of info there is the public key only */
} KeystoreKey;

typedef enum KeystoreWhich { KEYSTORE_OWN = 1, KEYSTORE_KNOWN = 2, KEYSTORE_ALL = 3 } KeystoreWhich;

/* What is said about one key; needs no passphrase. ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO, ERR_LIMIT. */
bool keystore_info(Keystore *store, Arena *arena, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                   KeystoreKey *out, Err *err) ATTR_MUST_USE;

/* All keys, the own ones first, by time and then by key; needs no passphrase. ERR_IO. */
bool keystore_list(Keystore *store, Arena *arena, KeystoreWhich which, KeystoreKey **out, size_t *count,
                   Err *err) ATTR_MUST_USE;

/*
 * The one key that `text` means: its name, its hexadecimal digits, or the first KEYSTORE_PREFIX_MIN or more of them.
 *
 * ERR_NOT_FOUND  there is none
 * ERR_CONFLICT   there are several
 */
bool keystore_find(Keystore *store, Arena *arena, KeystoreWhich which, Str text, KeystoreKey *out,
                   Err *err) ATTR_MUST_USE;

enum { KEYSTORE_PREFIX_MIN = 4 };

/* Forget a key; an own one cannot be had back. ERR_NOT_FOUND, ERR_IO. */
bool keystore_remove(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                     Err *err) ATTR_MUST_USE;

#endif
