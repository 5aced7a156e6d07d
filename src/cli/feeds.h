/* SPDX-License-Identifier: Apache-2.0 */
/* feeds -- what commands about feeds have in common. They need the instance's directory, and nothing that is up */
#ifndef CLI_FEEDS_H
#define CLI_FEEDS_H

#include "base/progress.h"
#include "cli/keys.h"
#include "feed/reading.h"

/* The store of the call's instance. ERR_NOT_FOUND, ERR_CONFIG, ERR_DENIED: as instance_open(). */
bool feeds_open(const Call *call, FeedStore **out, Err *err) ATTR_MUST_USE;

/*
 * The same for a command that keeps many feeds open at once: as many as the system lets it, three descriptors each, but for some that peers
 * need. ERR_NOT_FOUND, ERR_CONFIG, ERR_DENIED.
 */
bool feeds_open_many(const Call *call, FeedStore **out, Err *err) ATTR_MUST_USE;

/* Say how many feeds are in the store's directories that are not noted, if any: lists do not have them. ERR_IO, ERR_CORRUPT, ERR_LIMIT. */
bool feeds_warn_strays(const Call *call, FeedStore *store, Err *err) ATTR_MUST_USE;

/* A feed in hand. It is released with the store, which is closed with the call's arena. */
typedef struct FeedInHand {
    FeedStore *store;
    StoreFeed about;
    Feed *feed;
    Keystore *keys; /* NULL: not needed yet */
    bool unconfirmed;
} FeedInHand;

/* The feed that the first argument names. As store_find() and store_feed(). */
bool feeds_take(const Call *call, FeedMode mode, FeedInHand *out, Err *err) ATTR_MUST_USE;

/*
 * The pair of the feed's signer.
 *
 * ERR_DENIED  it is not among the keys of this node; and as keys_open() and keystore_pair()
 */
bool feeds_pair(const Call *call, Str passphrase_file, FeedInHand *in, SignPair *out, Err *err) ATTR_MUST_USE;

/*
 * What the feed's blocks are read and appended through. `raw`: as they are kept. The passphrase is asked for only where the feed has a
 * reading key, and once for all of the command.
 *
 * ERR_DENIED  the feed is encrypted, and its reading key is not among the keys of this node; and as keys_open()
 */
bool feeds_reading(const Call *call, Str passphrase_file, bool raw, FeedInHand *in, Reading *out,
                   Err *err) ATTR_MUST_USE;

/* The row for `raw`; the options struct has a field `bool raw`. */
#define FEEDS_RAW_OPT(type)                                            \
    {                                                                  \
        OPT_FLAG, "raw", 0, offsetof(type, raw), NULL,                 \
            "blocks as they are kept: of an encrypted feed, encrypted" \
    }

/* Fields or columns: whether it is encrypted, as far as is known here, and whether it can be read here. ERR_CONFIG, ERR_IO. */
bool feeds_reading_state(const Call *call, FeedInHand *in, ReadingState *out, Err *err) ATTR_MUST_USE;

/* Whether that pair is among the keys of this node: no passphrase is needed to see that. ERR_CONFIG, ERR_CORRUPT, ERR_IO, ERR_LIMIT. */
bool feeds_is_ours(const Call *call, const FeedIdentity *identity, bool *out, Err *err) ATTR_MUST_USE;

/*
 * May the feed be changed here? One that was restored may not, until somebody says so: `trust`, and then it stays so. What is
 * changed here is one's own: it is noted so if it was not yet, because its key came later.
 *
 * ERR_DENIED  it was restored and is not confirmed; and as store_own()
 */
bool feeds_check_trust(const FeedInHand *in, bool trust, Err *err) ATTR_MUST_USE;

/* The row for it; the options struct has a field `bool trust`. */
#define FEEDS_TRUST_OPT(type)                                                                     \
    {                                                                                             \
        OPT_FLAG, "trust", 0, offsetof(type, trust), NULL,                                        \
            "a restored feed is all there is: nobody has blocks of it that are not in the backup" \
    }

/* A bar of blocks for a long job, which Ctrl-C ends: feeds_go_on() says how many are done by now. progress_end() it. */
typedef struct FeedsBar {
    Progress *progress;
    uint64_t blocks;
} FeedsBar;

FeedsBar feeds_bar(const Call *call, const char *what, uint64_t total);
bool feeds_go_on(void *bar, uint64_t blocks); /* false: it is to end */

/* ---- printing ---- */

typedef enum FeedFraming { FRAMING_LINES, FRAMING_U32, FRAMING_WHOLE } FeedFraming;

extern const char *const feeds_framings[]; /* the words, for OPT_ENUM */

/* Put a block in its frame, or with --json as {"block","bytes","text"|"base64"}. */
void feeds_put_block(const Call *call, FeedFraming framing, uint64_t number, Str bytes);

/* Fields of a record. */
void feeds_put_hex(const Call *call, const char *name, const unsigned char bytes[32]);
void feeds_put_number(const Call *call, const char *name, uint64_t value);
void feeds_put_root(const Call *call, const char *name, const TreeRoots *roots);

/* A number of a block or a length. ERR_USAGE, with `what` named. */
bool feeds_number(Str text, const char *what, uint64_t *out, Err *err) ATTR_MUST_USE;

#endif
