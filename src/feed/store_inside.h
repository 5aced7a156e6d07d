/* SPDX-License-Identifier: Apache-2.0 */
/* feed/store_inside -- what the files of store.h and backup.h share */
#ifndef FEED_STORE_INSIDE_H
#define FEED_STORE_INSIDE_H

#include "feed/store.h"

struct FeedStore {
    Arena *arena;
    const char *dir;
    Meta *meta; /* NULL: not needed yet */
    size_t open_max;
    struct StoreSlot **slots; /* slots_count of them, as many as were needed at once so far, of slots_room */
    size_t slots_count, slots_room;
    uint64_t clock; /* counts uses */
};

/* A directory of its own in which a feed is made, gone at the end unless it got its place. */
typedef struct StorePlace {
    const char *path; /* does not exist yet: feed_create() makes it */
    const char *top;  /* the directory around it, NULL when there is none */
    int fd;           /* of top, locked: it is in use */
} StorePlace;

#define PLACE_SCOPE(name) ATTR_CLEANUP(store_place_end) StorePlace name = {.fd = -1}

/* `keys`: what a dead process left there of a feed's key is taken out of them; NULL: that waits. ERR_IO. */
bool store_place_begin(FeedStore *store, Keystore *keys, Arena *arena, StorePlace *out,
                       Err *err) ATTR_MUST_USE;

/*
 * The feed that is made there gets a new key, which goes among the keys next. Where the process dies before the feed has its place,
 * the next feed that gets a key takes this one out of them again. ERR_IO.
 */
bool store_place_note_key(const StorePlace *place, const FeedIdentity *identity, Err *err) ATTR_MUST_USE;

/* Take the keys of a feed that is not made out of `keys`: the signer's, and a reading key. ERR_IO. */
bool store_forget_keys(Keystore *keys, const unsigned char key[FEED_KEY_BYTES],
                       const unsigned char signer[SIGN_PUBLIC_BYTES], Err *err) ATTR_MUST_USE;

/*
 * The feed that was made becomes one of the store's; it is not open.
 *
 * ERR_CONFLICT  it, or one of that name, is there already
 * ERR_IO, and as store_meta()
 */
bool store_place_take(FeedStore *store, StorePlace *place, const MetaFeed *about, Err *err) ATTR_MUST_USE;
void store_place_end(StorePlace *place);

/* Take a feed out of its place, and remove it. ERR_NOT_FOUND, ERR_IO, and as store_meta(). */
bool store_place_remove(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;

/* The store's Meta as it is now. As meta_open(): ERR_CORRUPT, ERR_LIMIT, ERR_IO. */
bool store_meta(FeedStore *store, Meta **out, Err *err) ATTR_MUST_USE;

/* ERR_NOT_FOUND. Always false. */
bool store_no_such(const unsigned char key[FEED_KEY_BYTES], Err *err);

/* Whether there is a feed in that directory. */
bool store_is_there(const char *path);

/* The mark of a restored feed. ERR_IO. */
bool store_mark(const char *path, Err *err) ATTR_MUST_USE;

/* Note where the feed in that directory is, as a place that its history can be gone on with. ERR_IO. */
bool store_note_origin(const char *path, Err *err) ATTR_MUST_USE;

bool store_has_origin(const char *path); /* it was noted, here or elsewhere */

/* Whether what is there was noted somewhere else. Not of a feed of which nothing was noted. ERR_IO. */
bool store_is_copied(const char *path, bool *out, Err *err) ATTR_MUST_USE;

/* Could a feed be called so? It may have none. ERR_USAGE. */
bool store_name_check(Str name, Err *err) ATTR_MUST_USE;

/* Is there no other feed called so? ERR_CONFLICT, and as store_meta(). */
bool store_name_free(FeedStore *store, Str name, Err *err) ATTR_MUST_USE;

#endif
