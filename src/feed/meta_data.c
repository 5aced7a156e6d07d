/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/meta_data.h"

#include <xxhash.h>

#include "base/bytes.h"
#include "crypto/secret.h"

enum { TABLE_MIN = 64 };

void meta_data_release(MetaData *data)
{
    for (int kind = 0; kind < META_KINDS; kind++)
        buf_release(&data->kinds[kind].items);
    arena_free(&data->arena);
    *data = (MetaData){0};
}

/* ---- entries ---- */

Str meta_entry_key(MetaKind kind, Str entry)
{
    BytesIn in = {entry, false};

    return bytes_take_str(&in, kind == META_PREFERENCE ? (size_t)bytes_take(&in, 4) : FEED_KEY_BYTES);
}

bool meta_entry_feed(Str entry, MetaFeed *out)
{
    BytesIn in = {entry, false};

    bytes_take_to(&in, out->key, FEED_KEY_BYTES);
    bytes_take_to(&in, out->discovery, FEED_KEY_BYTES);
    out->created = (Instant)bytes_take(&in, 8);
    out->flags = (unsigned)bytes_take(&in, 4);
    out->name = bytes_take_str(&in, (size_t)bytes_take(&in, 4));
    return bytes_done(&in) && out->name.len <= META_NAME_MAX;
}

bool meta_entry_subscription(Str entry, Arena *arena, MetaSubscription *out)
{
    BytesIn in = {entry, false};

    bytes_take_to(&in, out->key, FEED_KEY_BYTES);
    uint64_t flags = bytes_take(&in, 4);
    out->active = flags & 1;
    out->party = flags & 2;
    out->peers_count = (size_t)bytes_take(&in, 4);
    if (in.bad || out->peers_count > META_PEERS_MAX)
        return false;
    Str *peers = arena ? arena_new(arena, Str, out->peers_count + 1) : NULL;
    for (size_t i = 0; i < out->peers_count; i++) {
        Str peer = bytes_take_str(&in, (size_t)bytes_take(&in, 4));

        if (peers)
            peers[i] = peer;
    }
    out->peers = peers;
    return bytes_done(&in);
}

bool meta_entry_preference(Str entry, Str *name, Str *value)
{
    BytesIn in = {entry, false};

    *name = bytes_take_str(&in, (size_t)bytes_take(&in, 4));
    *value = bytes_take_str(&in, (size_t)bytes_take(&in, 4));
    return bytes_done(&in) && name->len > 0;
}

static bool is_entry(MetaKind kind, Str entry)
{
    MetaFeed feed;
    MetaSubscription subscription;
    Str name, value;

    if (kind == META_FEED)
        return meta_entry_feed(entry, &feed);
    if (kind == META_SUBSCRIPTION)
        return meta_entry_subscription(entry, NULL, &subscription);
    return meta_entry_preference(entry, &name, &value);
}

void meta_entry_put(Buf *out, unsigned type, Str body)
{
    bytes_put(out, type, 4);
    bytes_put(out, body.len, 4);
    buf_put(out, body);
}

/* ---- tables ---- */

static MetaItem *item_at(const MetaItems *items, size_t number)
{
    return (MetaItem *)(void *)items->items.ptr + number;
}

static size_t items_count(const MetaItems *items)
{
    return items->items.len / sizeof(MetaItem);
}

static Str entry_of(const MetaItem *item)
{
    return (Str){item->entry, item->len};
}

static Str discovery_of(Str entry)
{
    return str_sub(entry, FEED_KEY_BYTES, (size_t)2 * FEED_KEY_BYTES);
}

static uint32_t hash_of(const MetaData *data, Str key)
{
    return (uint32_t)XXH3_64bits_withSeed(key.ptr, key.len, data->seed);
}

static void put_slot(MetaTable *table, uint32_t hash, size_t number)
{
    size_t at = hash & (table->size - 1);

    while (table->slots[at])
        at = (at + 1) & (table->size - 1);
    table->slots[at] = (uint32_t)number + 1;
}

/* Room for `count` numbers; all that were in it are to be put again when this says so. */
static bool grow_table(MetaTable *table, Arena *arena, size_t count)
{
    size_t size = table->size ? table->size : TABLE_MIN;

    if (count * 2 <= table->size)
        return false;
    while (size < count * 2)
        size *= 2;
    *table = (MetaTable){arena_new(arena, uint32_t, size), size};
    return true;
}

static MetaItem *find(const MetaItems *items, MetaKind kind, Str key, uint32_t hash)
{
    const MetaTable *table = &items->by_key;

    if (!table->size)
        return NULL;
    for (size_t at = hash & (table->size - 1); table->slots[at]; at = (at + 1) & (table->size - 1)) {
        MetaItem *item = item_at(items, table->slots[at] - 1);

        if (item->hash == hash && str_eq(meta_entry_key(kind, entry_of(item)), key))
            return item;
    }
    return NULL;
}

static MetaItem *add_item(MetaItems *items, Arena *arena, uint32_t hash)
{
    MetaItem item = {.hash = hash};
    size_t number = items_count(items);

    buf_put(&items->items, (Str){(const char *)&item, sizeof item});
    if (grow_table(&items->by_key, arena, number + 1))
        for (size_t i = 0; i < number; i++)
            put_slot(&items->by_key, item_at(items, i)->hash, i);
    put_slot(&items->by_key, hash, number);
    return item_at(items, number);
}

/* ---- changes ---- */

static bool put(MetaData *data, MetaKind kind, Str entry)
{
    MetaItems *items = &data->kinds[kind];

    if (!is_entry(kind, entry))
        return false;
    Str key = meta_entry_key(kind, entry);
    uint32_t hash = hash_of(data, key);
    MetaItem *item = find(items, kind, key, hash);
    if (!item)
        item = add_item(items, &data->arena, hash);
    items->live += !item->live;
    data->live += META_ENTRY_HEAD + entry.len - (item->live ? META_ENTRY_HEAD + item->len : 0);
    *item = (MetaItem){entry.ptr, (uint32_t)entry.len, hash, true};
    return true;
}

/* The item stays where it is, so that it is found if it is put again. */
static bool drop(MetaData *data, MetaKind kind, Str entry)
{
    MetaItems *items = &data->kinds[kind];
    Str key = meta_entry_key(kind, entry);
    MetaItem *item = find(items, kind, key, hash_of(data, key));

    if (item && item->live) {
        items->live--;
        data->live -= META_ENTRY_HEAD + item->len;
        item->live = false;
    }
    return key.len > 0;
}

bool meta_data_apply(MetaData *data, Str entries)
{
    BytesIn in = {entries, false};

    while (data->seed == 0)
        secret_random(&data->seed, sizeof data->seed);
    while (in.rest.len && !in.bad) {
        uint64_t type = bytes_take(&in, 4);
        Str entry = bytes_take_str(&in, (size_t)bytes_take(&in, 4));

        if (in.bad || type < 1 || type > 2 * (uint64_t)META_KINDS)
            return false;
        MetaKind kind = (MetaKind)((type - 1) / 2);
        if (!(type % 2 ? put(data, kind, entry) : drop(data, kind, entry)))
            return false;
    }
    return !in.bad;
}

/* ---- looking ---- */

Str meta_data_find(const MetaData *data, MetaKind kind, Str key)
{
    const MetaItem *item = find(&data->kinds[kind], kind, key, hash_of(data, key));

    return item && item->live ? entry_of(item) : (Str){0};
}

/* Most programs that open the store never ask, so the table is made by those that do. */
static void add_discoveries(MetaData *data)
{
    MetaItems *items = &data->kinds[META_FEED];
    size_t count = items_count(items);

    if (count == items->in_discovered)
        return;
    if (grow_table(&items->by_discovery, &data->arena, count))
        items->in_discovered = 0;
    for (size_t i = items->in_discovered; i < count; i++)
        put_slot(&items->by_discovery, hash_of(data, discovery_of(entry_of(item_at(items, i)))), i);
    items->in_discovered = count;
}

Str meta_data_find_discovered(MetaData *data, Str discovery)
{
    const MetaItems *items = &data->kinds[META_FEED];
    const MetaTable *table = &items->by_discovery;

    add_discoveries(data);
    if (!table->size)
        return (Str){0};
    for (size_t at = hash_of(data, discovery) & (table->size - 1); table->slots[at];
         at = (at + 1) & (table->size - 1)) {
        const MetaItem *item = item_at(items, table->slots[at] - 1);

        if (item->live && str_eq(discovery_of(entry_of(item)), discovery))
            return entry_of(item);
    }
    return (Str){0};
}

Str meta_data_next(const MetaData *data, MetaKind kind, size_t *at)
{
    const MetaItems *items = &data->kinds[kind];

    while (*at < items_count(items)) {
        const MetaItem *item = item_at(items, (*at)++);

        if (item->live)
            return entry_of(item);
    }
    return (Str){0};
}
