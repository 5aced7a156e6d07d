/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/meta_data -- what the file of feeds' metadata says, in memory: its entries in place, and tables that find them
 *
 * Entries are not copied: they stand in the bytes that were read, which are in the arena of the data. So that a hundred
 * thousand feeds cost little more than reading the file.
 */
#ifndef FEED_META_DATA_H
#define FEED_META_DATA_H

#include "feed/meta.h"

/* Each kind has two types of entries: 2 * kind + 1 puts one, the next number removes it. */
typedef enum MetaKind { META_FEED, META_SUBSCRIPTION, META_PREFERENCE, META_KINDS } MetaKind;

enum { META_ENTRY_HEAD = 8 };

/* From a key to the number of an item; open addressing. */
typedef struct MetaTable {
    uint32_t *slots; /* number + 1, or 0 */
    size_t size;     /* a power of two, or 0 */
} MetaTable;

typedef struct MetaItem {
    const char *entry;
    uint32_t len, hash;
    bool live;
} MetaItem;

typedef struct MetaItems {
    Buf items; /* of MetaItem, in the order in which they came */
    MetaTable by_key, by_discovery;
    size_t live;          /* how many */
    size_t in_discovered; /* so many of the items are in by_discovery */
} MetaItems;

typedef struct MetaData {
    Arena arena;
    MetaItems kinds[META_KINDS];
    size_t live;   /* bytes of what is not dead */
    uint64_t seed; /* of the tables, so that keys from outside cannot be chosen to collide */
} MetaData;

void meta_data_release(MetaData *data);

/* Take the entries of a frame, which stand in the arena. False when they are none. */
bool meta_data_apply(MetaData *data, Str entries) ATTR_MUST_USE;

/* The entry of a key, or the empty Str. */
Str meta_data_find(const MetaData *data, MetaKind kind, Str key);
Str meta_data_find_discovered(MetaData *data, Str discovery);

/* Walks those there are. The empty Str at the end. */
Str meta_data_next(const MetaData *data, MetaKind kind, size_t *at);

/* What an entry is found by. */
Str meta_entry_key(MetaKind kind, Str entry);

/* What an entry says; false when it is none. */
bool meta_entry_feed(Str entry, MetaFeed *out);
bool meta_entry_subscription(Str entry, Arena *arena,
                             MetaSubscription *out); /* arena NULL: without the peers */
bool meta_entry_preference(Str entry, Str *name, Str *value);

void meta_entry_put(Buf *out, unsigned type, Str body);

#endif
