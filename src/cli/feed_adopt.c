/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

static void put(Out *out, const StoreFeed *feed)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, feed->about.key, FEED_KEY_BYTES);
    out_text(out, buf_str(&hex));
    feed->about.name.len ? out_text(out, feed->about.name) : out_null(out);
    out_int(out, feed->about.created);
    out_z(out, feed->path);
}

/* What cannot be taken in stays where it is, and the others are taken. */
static bool adopt_all(const Call *call, FeedStore *store, Keystore *keys, const char *const *paths,
                      size_t count, Err *err)
{
    static const OutColumn columns[] = {{"key", OUT_TEXT, .cut = true, .least = OUT_KEY_LEAST},
                                        {"name", OUT_TEXT},
                                        {"created", OUT_TIME},
                                        {"path", OUT_TEXT}};
    size_t bad = 0;

    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        StoreFeed feed;
        Err why = {0};

        if (store_adopt(store, keys, call->arena, paths[i], &feed, &why)) {
            put(call->out, &feed);
        } else {
            bad++;
            out_warn(call->out, "%s", why.text);
        }
    }
    out_end(call->out);
    if (bad == 0)
        return true;
    (void)err_set(err, ERR_PARTIAL, "%zu of %zu directories cannot be taken in", bad, count);
    return err_hint(err,
                    "what is not needed can be removed by hand; a feed comes back from a backup or a peer");
}

static bool run(const Call *call, Err *err)
{
    const char *aside, **paths;
    FeedStore *store;
    Keystore *keys;
    size_t count;

    if (!feeds_open(call, &store, err) || !keys_open(call, (Str){0}, &keys, err) ||
        !store_mend(store, call->arena, &aside, err))
        return false;
    if (aside)
        out_warn(call->out, "what could be read of the damaged notes is kept; they are in '%s'", aside);
    return store_strays(store, call->arena, &paths, &count, err) &&
           adopt_all(call, store, keys, paths, count, err);
}

const Cmd cmd_feed_adopt = {
    .name = "feed adopt",
    .summary = "take in feeds that are here and not noted",
    .description =
        "Which feeds there are, and what they are called, is noted in feeds/meta. Where that file was lost, or an older one was put in its "
        "place, feeds are in their directories that strata feed list does not show. This notes them again: who they are is read from "
        "the feeds themselves. A feed whose signer is among the keys of this node is called as that key is, others have no name.\n\n"
        "A damaged feeds/meta is put aside first, and what can be read of it is kept.",
    .examples = "strata feed adopt\n",
    .run = run,
};
