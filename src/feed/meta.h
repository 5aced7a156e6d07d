/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/meta -- what a node keeps beside its feeds: which there are, what it subscribes to, and preferences
 * (docs/format/meta.md)
 *
 *     meta_open(&arena, "DIR/feeds/meta", &meta, err);
 *     meta_put_feed(meta, &feed, err);                on stable storage when it returns
 *     found = meta_feed(meta, key);
 *
 * All of it is in memory; the file is a log of changes, each of which is there whole or not at all. It is written anew when
 * half of it is dead. Several processes may change it: one at a time, for the length of a change. What others changed is
 * seen after meta_refresh(), and by every change. In one process a Meta belongs to one thread at a time.
 *
 * Texts that are pointed to are valid until the next change or meta_refresh().
 */
#ifndef FEED_META_H
#define FEED_META_H

#include "base/time.h"
#include "feed/identity.h"

enum {
    META_NAME_MAX = 100,        /* bytes, of a feed or a preference */
    META_VALUE_MAX = 64 * 1024, /* bytes of a preference */
    META_PEERS_MAX = 64,        /* of one subscription */
    META_PEER_MAX = 300,        /* bytes of an address */
    META_BATCH_MAX = 64 << 20,  /* bytes */
};

typedef struct Meta Meta;

typedef enum MetaFlags {
    META_OWN = 1,       /* this node appends to it */
    META_ENCRYPTED = 2, /* its blocks are */
    META_SPARSE = 4,    /* only blocks that were asked for are held */
} MetaFlags;

typedef struct MetaFeed {
    unsigned char key[FEED_KEY_BYTES], discovery[FEED_KEY_BYTES];
    unsigned flags; /* MetaFlags, or those of a newer version */
    Instant created;
    Str name; /* empty: none */
} MetaFeed;

typedef struct MetaSubscription {
    unsigned char key[FEED_KEY_BYTES]; /* of a feed, or of a party */
    bool party, active;
    const Str *peers; /* addresses */
    size_t peers_count;
} MetaSubscription;

/* ---- life ---- */

/*
 * Open the store at `path`; closed with the arena. Where there is no file, it is empty, and made by the first change.
 *
 * ERR_CORRUPT  the file is damaged, other than by a change that was not finished
 * ERR_LIMIT    it is of a newer version
 * ERR_IO
 */
bool meta_open(Arena *arena, const char *path, Meta **out, Err *err) ATTR_MUST_USE;

/* See what others changed. As meta_open(): ERR_CORRUPT, ERR_LIMIT, ERR_IO; what was known stays. */
bool meta_refresh(Meta *meta, Err *err) ATTR_MUST_USE;

/*
 * Make the changes that follow one: all of them or none. They are seen after meta_commit(). Others wait meanwhile.
 *
 * ERR_CORRUPT, ERR_LIMIT, ERR_IO: as meta_refresh()
 */
bool meta_begin(Meta *meta, Err *err) ATTR_MUST_USE;

/* ERR_IO: nothing changed. */
bool meta_commit(Meta *meta, Err *err) ATTR_MUST_USE;
void meta_undo(Meta *meta);

/*
 * Changes. Each alone is durable when it returns, unless it is between meta_begin() and meta_commit().
 *
 * ERR_USAGE  a name, value or address is too long or not text
 * ERR_LIMIT  there are too many addresses, or changes in one batch
 * ERR_NOT_FOUND  there is no such thing to remove
 * ERR_IO     nothing changed; and as meta_refresh()
 */

/*
 * Make a damaged store usable: what can be read of its file is kept in a new one, the changes that were in the bytes that are damaged
 * are lost. *aside: where the damaged file is from now on, in `arena`; NULL where the file is not damaged, and stays.
 *
 * ERR_LIMIT  it is of a newer version
 * ERR_IO     nothing changed
 */
bool meta_mend(const char *path, Arena *arena, const char **aside, Err *err) ATTR_MUST_USE;

/* ---- feeds ---- */

/* Put a feed, or change what is said about it. `discovery` is made from the key. ERR_USAGE, ERR_IO. */
bool meta_put_feed(Meta *meta, const MetaFeed *feed, Err *err) ATTR_MUST_USE;
/* ERR_NOT_FOUND, ERR_IO */
bool meta_remove_feed(Meta *meta, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;

/* False: there is none. */
bool meta_feed(const Meta *meta, const unsigned char key[FEED_KEY_BYTES], MetaFeed *out);
bool meta_feed_discovered(Meta *meta, const unsigned char discovery[FEED_KEY_BYTES], MetaFeed *out);

/* Walks them in the order in which they came: `size_t at = 0; while (meta_next_feed(meta, &at, &feed))`. */
bool meta_next_feed(const Meta *meta, size_t *at, MetaFeed *out);
size_t meta_feeds(const Meta *meta); /* how many there are */

/* ---- subscriptions ---- */

/* ERR_USAGE, ERR_LIMIT, ERR_IO */
bool meta_subscribe(Meta *meta, const MetaSubscription *subscription, Err *err) ATTR_MUST_USE;
/* ERR_NOT_FOUND, ERR_IO */
bool meta_unsubscribe(Meta *meta, const unsigned char key[FEED_KEY_BYTES], Err *err) ATTR_MUST_USE;
bool meta_subscription(const Meta *meta, Arena *arena, const unsigned char key[FEED_KEY_BYTES],
                       MetaSubscription *out);
bool meta_next_subscription(const Meta *meta, Arena *arena, size_t *at, MetaSubscription *out);

/* ---- preferences ---- */

/* ERR_USAGE, ERR_IO */
bool meta_set(Meta *meta, Str name, Str value, Err *err) ATTR_MUST_USE;
/* ERR_NOT_FOUND, ERR_IO */
bool meta_unset(Meta *meta, Str name, Err *err) ATTR_MUST_USE;
bool meta_get(const Meta *meta, Str name, Str *out); /* false: it is not set */
bool meta_next(const Meta *meta, size_t *at, Str *name, Str *value);

#endif
