/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/store -- the feeds of an instance: which there are, and a bounded number of them open
 *
 *     feeds/meta      which feeds there are, and what they are called (feed/meta.h)
 *     feeds/XX/HEX    a feed (docs/format/feed.md); HEX is its discovery key, XX the first two digits
 *     feeds/new/      feeds that are being made or removed; what a process left here when it died is cleared by the next,
 *                     with a key that it had made for a feed that is not there
 *     feeds/lock      held for the moment in which a feed gets its place
 *
 *     FeedStore *store = store_open(&arena, dir, NULL);
 *     store_create(store, keys, &(StoreNew){.name = STR("notes")}, key, err);
 *     store_feed(store, key, FEED_WRITE, &feed, err);
 *     ...
 *     store_release(store, feed);
 *
 * Several processes may use a store at the same time. In one process it belongs to one thread at a time.
 */
#ifndef FEED_STORE_H
#define FEED_STORE_H

#include "crypto/keystore.h"
#include "feed/feed.h"
#include "feed/meta.h"

typedef struct FeedStore FeedStore;

enum {
    STORE_OPEN_MAX = 64, /* feeds kept open that nobody uses, with at most three descriptors each */
    STORE_PREFIX_MIN = 4 /* digits that may stand for a key */
};

typedef struct StoreOptions {
    size_t open_max; /* feeds in use; 0: STORE_OPEN_MAX */
} StoreOptions;

/* What is said about a feed, whether or not it can be opened. */
typedef struct StoreFeed {
    MetaFeed about;
    const char *path;
} StoreFeed;

/*
 * How many feeds this process may have in use, three descriptors each, by how many descriptors it may have, of which half are for others.
 * `raise`: it takes as many as the system allows it, where what it has at first is meant for programs that use select().
 */
size_t store_room(bool raise);

/* The store in `dir`, closed with the arena. Nothing is read yet, and nothing is made. `options` may be NULL. */
FeedStore *store_open(Arena *arena, const char *dir, const StoreOptions *options);

/* Where a feed is, or would be. */
const char *store_path(const FeedStore *store, Arena *arena, const unsigned char key[FEED_KEY_BYTES]);

/* ---- making and removing ---- */

typedef struct StoreNew {
    Str name;       /* empty: none */
    bool compat;    /* the key is the signer's own, as hypercore 10 has it */
    bool encrypted; /* with a new reading key, which goes into the keys, too; called NAME.reading */
} StoreNew;

/*
 * A new, empty feed with a new signer, whose pair goes into `keys`. All or nothing; keys that a kill left without their feed are taken
 * out of `keys` by the next call.
 *
 * ERR_USAGE     the name is none
 * ERR_CONFLICT  a feed is called so already
 * ERR_IO, and what keystore_add() raises
 */
bool store_create(FeedStore *store, Keystore *keys, const StoreNew *what, unsigned char key[FEED_KEY_BYTES],
                  Err *err) ATTR_MUST_USE;

/* Could a feed be called so? ERR_USAGE. */
bool store_name_allowed(Str name, Err *err) ATTR_MUST_USE;

/* What the reading key of a feed that is called so is called among the keys; empty where it has no name, or too long a one. */
Str store_reading_name(Arena *arena, Str feed_name);

/* A feed of which nothing but the key is known yet. ERR_USAGE, ERR_CONFLICT: it, or one of that name, is there; ERR_IO. */
bool store_add(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Str name, Err *err) ATTR_MUST_USE;

/*
 * Remove a feed and all its blocks. The signer's pair stays among the keys.
 *
 * ERR_NOT_FOUND  there is none
 * ERR_BUSY       it is being written to
 * ERR_IO
 */
bool store_remove(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;

/* ---- which there are ---- */

/* All of them, by time and then by key. No feed is opened. As meta_open(): ERR_CORRUPT, ERR_LIMIT, ERR_IO. */
bool store_list(FeedStore *store, Arena *arena, StoreFeed **out, size_t *count, Err *err) ATTR_MUST_USE;

/* A number that is another one when a feed was made, removed or renamed since; 0: there are none yet. */
uint64_t store_stamp(const FeedStore *store);

/*
 * The one that `text` means: its key (64 digits: nothing else is looked at then), its name, or the first digits of its key,
 * STORE_PREFIX_MIN at least. A name comes before digits.
 *
 * ERR_NOT_FOUND  there is none
 * ERR_CONFLICT   there are several
 * ERR_IO, ERR_CORRUPT, ERR_LIMIT
 */
bool store_find(FeedStore *store, Arena *arena, Str text, StoreFeed *out, Err *err) ATTR_MUST_USE;

/* What is said about the one with that key; of a feed that nobody noted, the key is all. ERR_NOT_FOUND, ERR_IO, ERR_CORRUPT, ERR_LIMIT. */
bool store_about(FeedStore *store, Arena *arena, const unsigned char key[FEED_KEY_BYTES], StoreFeed *out,
                 Err *err) ATTR_MUST_USE;

/* The one that a peer calls by its discovery key. As store_about(): ERR_NOT_FOUND, ERR_IO, ERR_CORRUPT, ERR_LIMIT. */
bool store_discovered(FeedStore *store, Arena *arena, const unsigned char discovery_key[FEED_KEY_BYTES],
                      StoreFeed *out, Err *err) ATTR_MUST_USE;

/*
 * Note that this node appends to it, because the signer's pair is among its keys; nothing where nobody noted the feed.
 * ERR_IO, ERR_CORRUPT, ERR_LIMIT.
 */
bool store_own(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;

/* Note that its blocks are encrypted (feed/reading.h). As store_own(): ERR_IO, ERR_CORRUPT, ERR_LIMIT. */
bool store_encrypted(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;

/*
 * Note whether only blocks that were asked for are to be held: such a copy is not filled by itself (feed/serving.h). As store_own(): ERR_IO,
 * ERR_CORRUPT, ERR_LIMIT.
 */
bool store_sparse(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], bool sparse,
                  Err *err) ATTR_MUST_USE;

/* ---- feeds that are here and not noted ---- */

/* Their directories: notes were lost, or an older file is in their place. ERR_IO, ERR_CORRUPT, ERR_LIMIT. */
bool store_strays(FeedStore *store, Arena *arena, const char ***out, size_t *count, Err *err) ATTR_MUST_USE;

/*
 * Note the feed that is in such a directory. What it was called is known where its signer is among `keys`.
 *
 * ERR_CORRUPT    it is damaged, or another feed than that of its name
 * ERR_NOT_FOUND  there is no feed in it
 * ERR_IO, ERR_LIMIT
 */
bool store_adopt(FeedStore *store, Keystore *keys, Arena *arena, const char *path, StoreFeed *out,
                 Err *err) ATTR_MUST_USE;

/* As meta_mend(), of the store's notes: ERR_IO, ERR_LIMIT. */
bool store_mend(FeedStore *store, Arena *arena, const char **aside, Err *err) ATTR_MUST_USE;

/* ---- open feeds ---- */

/*
 * Open a feed, or have it again as it is now. It stays open until store_release(), and one for reading some time longer: the one
 * that was used longest ago is closed when there are too many. One for writing is closed at once, because nobody else can have it.
 *
 * ERR_NOT_FOUND  there is none
 * ERR_BUSY       another process writes to it
 * ERR_LIMIT      so many as may be open are in use
 * ERR_CORRUPT, ERR_IO
 */
bool store_feed(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], FeedMode mode, Feed **out,
                Err *err) ATTR_MUST_USE;
void store_release(FeedStore *store, Feed *feed);

/* How many are open, in use or not. */
size_t store_open_count(const FeedStore *store);

/* ---- restored feeds ---- */

/*
 * A feed from a backup, or in a copy of the store, may be older than what its signer has published since: appending to it would make a
 * second history under the same key. Such a feed is unconfirmed until it was compared with a peer's, or somebody who knows says so.
 * ERR_NOT_FOUND, ERR_IO.
 */
bool store_is_unconfirmed(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], bool *out,
                          Err *err) ATTR_MUST_USE;

/* A peer has shown that the feed here is an old copy. ERR_NOT_FOUND, ERR_IO. */
bool store_doubt(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;

/* As store_is_unconfirmed(). */
bool store_confirm(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;

#endif
