/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/meta.h"

#include "base/bytes.h"
#include "feed/meta_file.h"

/* ---- changes ---- */

/* Adds an entry to the change in hand, or makes it one of its own. For a removal, there must be something to remove. */
static bool change(Meta *meta, MetaKind kind, bool remove, Str body, const char *what, Err *err)
{
    bool alone = meta->held < 0;

    if (alone && !meta_begin(meta, err))
        return false;
    bool ok = !remove || meta_data_find(&meta->data, kind, meta_entry_key(kind, body)).len ||
              err_set(err, ERR_NOT_FOUND, "there is no such %s", what);
    if (ok && meta->batch.len + body.len + META_ENTRY_HEAD > META_BATCH_MAX)
        ok = err_set(err, ERR_LIMIT, "there are more than %d MiB of changes at once", META_BATCH_MAX >> 20);
    if (ok) {
        meta_entry_put(&meta->batch, 2 * (unsigned)kind + 1 + remove, body);
        meta->batch_entries++;
    }
    if (alone && !ok)
        meta_undo(meta);
    return alone && ok ? meta_commit(meta, err) : ok;
}

static bool check_text(Str text, size_t most, const char *what, Err *err)
{
    return (text.len <= most && str_utf8_prefix(text) == text.len &&
            !(text.len && memchr(text.ptr, '\0', text.len))) ||
           err_set(err, ERR_USAGE, "%s is text of at most %zu bytes", what, most);
}

#define KEY(array) ((Str){(const char *)(array), FEED_KEY_BYTES})

bool meta_put_feed(Meta *meta, const MetaFeed *feed, Err *err)
{
    BUF_SCOPE(body);
    unsigned char discovery[FEED_KEY_BYTES];

    if (!check_text(feed->name, META_NAME_MAX, "the name of a feed", err))
        return false;
    feed_discovery_key(feed->key, discovery);
    buf_put(&body, KEY(feed->key));
    buf_put(&body, KEY(discovery));
    bytes_put(&body, (uint64_t)feed->created, 8);
    bytes_put(&body, feed->flags, 4);
    bytes_put(&body, feed->name.len, 4);
    buf_put(&body, feed->name);
    return change(meta, META_FEED, false, buf_str(&body), "feed", err);
}

bool meta_remove_feed(Meta *meta, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    return change(meta, META_FEED, true, KEY(key), "feed", err);
}

bool meta_subscribe(Meta *meta, const MetaSubscription *subscription, Err *err)
{
    BUF_SCOPE(body);

    if (subscription->peers_count > META_PEERS_MAX)
        return err_set(err, ERR_LIMIT, "a subscription has at most %d peers", META_PEERS_MAX);
    buf_put(&body, KEY(subscription->key));
    bytes_put(&body, (subscription->active ? 1 : 0) | (subscription->party ? 2 : 0), 4);
    bytes_put(&body, subscription->peers_count, 4);
    for (size_t i = 0; i < subscription->peers_count; i++) {
        if (!check_text(subscription->peers[i], META_PEER_MAX, "the address of a peer", err))
            return false;
        bytes_put(&body, subscription->peers[i].len, 4);
        buf_put(&body, subscription->peers[i]);
    }
    return change(meta, META_SUBSCRIPTION, false, buf_str(&body), "subscription", err);
}

bool meta_unsubscribe(Meta *meta, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    return change(meta, META_SUBSCRIPTION, true, KEY(key), "subscription", err);
}

static bool check_preference(Str name, Err *err)
{
    return (name.len && check_text(name, META_NAME_MAX, "the name of a preference", err)) ||
           err_set(err, ERR_USAGE, "the name of a preference is text of 1 to %d bytes", META_NAME_MAX);
}

bool meta_set(Meta *meta, Str name, Str value, Err *err)
{
    BUF_SCOPE(body);

    if (!check_preference(name, err) || !check_text(value, META_VALUE_MAX, "a preference", err))
        return false;
    bytes_put(&body, name.len, 4);
    buf_put(&body, name);
    bytes_put(&body, value.len, 4);
    buf_put(&body, value);
    return change(meta, META_PREFERENCE, false, buf_str(&body), "preference", err);
}

bool meta_unset(Meta *meta, Str name, Err *err)
{
    BUF_SCOPE(body);

    if (!check_preference(name, err))
        return false;
    bytes_put(&body, name.len, 4);
    buf_put(&body, name);
    return change(meta, META_PREFERENCE, true, buf_str(&body), "preference", err);
}

/* ---- looking ---- */

bool meta_feed(const Meta *meta, const unsigned char key[FEED_KEY_BYTES], MetaFeed *out)
{
    Str entry = meta_data_find(&meta->data, META_FEED, KEY(key));

    return entry.len && meta_entry_feed(entry, out);
}

bool meta_feed_discovered(Meta *meta, const unsigned char discovery[FEED_KEY_BYTES], MetaFeed *out)
{
    Str entry = meta_data_find_discovered(&meta->data, KEY(discovery));

    return entry.len && meta_entry_feed(entry, out);
}

bool meta_next_feed(const Meta *meta, size_t *at, MetaFeed *out)
{
    Str entry = meta_data_next(&meta->data, META_FEED, at);

    return entry.len && meta_entry_feed(entry, out);
}

size_t meta_feeds(const Meta *meta)
{
    return meta->data.kinds[META_FEED].live;
}

bool meta_subscription(const Meta *meta, Arena *arena, const unsigned char key[FEED_KEY_BYTES],
                       MetaSubscription *out)
{
    Str entry = meta_data_find(&meta->data, META_SUBSCRIPTION, KEY(key));

    return entry.len && meta_entry_subscription(entry, arena, out);
}

bool meta_next_subscription(const Meta *meta, Arena *arena, size_t *at, MetaSubscription *out)
{
    Str entry = meta_data_next(&meta->data, META_SUBSCRIPTION, at);

    return entry.len && meta_entry_subscription(entry, arena, out);
}

bool meta_get(const Meta *meta, Str name, Str *out)
{
    Str entry = meta_data_find(&meta->data, META_PREFERENCE, name), ignored;

    return entry.len && meta_entry_preference(entry, &ignored, out);
}

bool meta_next(const Meta *meta, size_t *at, Str *name, Str *value)
{
    Str entry = meta_data_next(&meta->data, META_PREFERENCE, at);

    return entry.len && meta_entry_preference(entry, name, value);
}
