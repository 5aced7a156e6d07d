/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/stop.h"
#include "cli/config.h"
#include "serve/instance.h"

static bool open_store(const Call *call, const StoreOptions *options, FeedStore **out, Err *err)
{
    Instance *instance;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    *out = store_open(call->arena, str_printf(call->arena, "%s/feeds", instance_path(instance)).ptr, options);
    return true;
}

bool feeds_open(const Call *call, FeedStore **out, Err *err)
{
    return open_store(call, NULL, out, err);
}

bool feeds_open_many(const Call *call, FeedStore **out, Err *err)
{
    return open_store(call, &(StoreOptions){.open_max = store_room(true)}, out, err);
}

bool feeds_warn_strays(const Call *call, FeedStore *store, Err *err)
{
    const char **paths;
    size_t count;

    if (!store_strays(store, call->arena, &paths, &count, err))
        return false;
    if (count > 0)
        out_warn(call->out, "%zu %s here and not noted: strata feed adopt takes %s in", count,
                 count == 1 ? "feed is" : "feeds are", count == 1 ? "it" : "them");
    return true;
}

bool feeds_take(const Call *call, FeedMode mode, FeedInHand *out, Err *err)
{
    out->keys = NULL;
    return feeds_open(call, &out->store, err) &&
           store_find(out->store, call->arena, call->args[0], &out->about, err) &&
           store_feed(out->store, out->about.about.key, mode, &out->feed, err) &&
           store_is_unconfirmed(out->store, out->about.about.key, &out->unconfirmed, err);
}

static bool not_ours(Err *err)
{
    (void)err_set(err, ERR_DENIED, "the key that signs this feed is not among the keys of this node");
    return err_hint(err, "only its signer can change a feed; strata key import takes the key in");
}

static bool take_keys(const Call *call, Str passphrase_file, FeedInHand *in, Err *err)
{
    return in->keys || keys_open(call, passphrase_file, &in->keys, err);
}

bool feeds_pair(const Call *call, Str passphrase_file, FeedInHand *in, SignPair *out, Err *err)
{
    const FeedIdentity *identity = &feed_state(in->feed)->identity;

    if (!take_keys(call, passphrase_file, in, err))
        return false;
    /* The key of a feed without a manifest is its signer's, which nobody has said yet of one that is only known by its key. */
    if (identity->anonymous)
        return not_ours(err);
    return keystore_pair(in->keys, identity->signer, out, err) ||
           (err->code == ERR_NOT_FOUND ? not_ours(err) : false);
}

bool feeds_is_ours(const Call *call, const FeedIdentity *identity, bool *out, Err *err)
{
    KeystoreKey key;
    Keystore *keys;
    Err why = {0};

    *out = false;
    if (identity->anonymous)
        return true;
    if (!keys_open(call, (Str){0}, &keys, err))
        return false;
    if (keystore_info(keys, call->arena, identity->signer, &key, &why)) {
        *out = key.own;
        return true;
    }
    if (why.code == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

bool feeds_reading(const Call *call, Str passphrase_file, bool raw, FeedInHand *in, Reading *out, Err *err)
{
    *out = (Reading){0};
    return raw ||
           (take_keys(call, passphrase_file, in, err) && reading_open(in->keys, &in->about.about, out, err));
}

bool feeds_reading_state(const Call *call, FeedInHand *in, ReadingState *out, Err *err)
{
    if (!take_keys(call, (Str){0}, in, err))
        return false;
    *out = reading_state(in->keys, &in->about.about);
    return true;
}

bool feeds_check_trust(const FeedInHand *in, bool trust, Err *err)
{
    if (!in->unconfirmed || trust)
        return store_own(in->store, in->about.about.key, err) &&
               (!in->unconfirmed || store_confirm(in->store, in->about.about.key, err));
    (void)err_set(err, ERR_DENIED,
                  "the feed was restored from a backup, or is an old copy: others may have more of it");
    return err_hint(
        err,
        "strata feed replicate gets what they have; if nobody has more: --trust, once. Appending to an old "
        "copy would make two histories under one key, and peers refuse both");
}

FeedsBar feeds_bar(const Call *call, const char *what, uint64_t total)
{
    return (FeedsBar){.progress =
                          progress_begin(call->arena, (ProgressTask){.what = what,
                                                                     .unit = "blocks",
                                                                     .total = (int64_t)total,
                                                                     .fd = STDERR_FILENO,
                                                                     .off = call->quiet || call->json})};
}

bool feeds_go_on(void *bar_v, uint64_t blocks)
{
    FeedsBar *bar = bar_v;

    progress_add(bar->progress, (int64_t)(blocks - bar->blocks));
    bar->blocks = blocks;
    return !stop_asked();
}

/* ---- printing ---- */

const char *const feeds_framings[] = {"lines", "u32", "whole", NULL};

static void put_json(const Call *call, uint64_t number, Str bytes)
{
    BUF_SCOPE(text);
    BUF_SCOPE(base64);
    JsonOut out = json_out(&text);

    json_begin(&out, '{');
    json_key(&out, "block");
    json_uint(&out, number);
    json_key(&out, "bytes");
    json_uint(&out, bytes.len);
    if (str_utf8_prefix(bytes) == bytes.len) {
        json_key(&out, "text");
        json_str(&out, bytes);
    } else {
        buf_put_base64(&base64, bytes);
        json_key(&out, "base64");
        json_str(&out, buf_str(&base64));
    }
    json_end(&out, '}');
    json_line(&out);
    out_raw(call->out, buf_str(&text));
}

void feeds_put_block(const Call *call, FeedFraming framing, uint64_t number, Str bytes)
{
    BUF_SCOPE(length);

    if (call->json) {
        put_json(call, number, bytes);
        return;
    }
    if (framing == FRAMING_U32) {
        bytes_put(&length, bytes.len, 4);
        out_raw(call->out, buf_str(&length));
    }
    out_raw(call->out, bytes);
    if (framing == FRAMING_LINES)
        out_raw(call->out, STR("\n"));
}

void feeds_put_hex(const Call *call, const char *name, const unsigned char bytes[32])
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, bytes, 32);
    out_field(call->out, name, OUT_TEXT);
    out_text(call->out, buf_str(&hex));
}

void feeds_put_number(const Call *call, const char *name, uint64_t value)
{
    out_field(call->out, name, OUT_INT);
    out_int(call->out, (int64_t)value); /* lengths are below 2^61 */
}

void feeds_put_root(const Call *call, const char *name, const TreeRoots *roots)
{
    unsigned char hash[TREE_HASH_BYTES];

    tree_hash(roots->at, roots->count, hash);
    feeds_put_hex(call, name, hash);
}

bool feeds_number(Str text, const char *what, uint64_t *out, Err *err)
{
    return (str_to_uint64(text, out) && *out <= TREE_LENGTH_MAX) ||
           err_set(err, ERR_USAGE, "%s is a number from 0 on, not '%.*s'", what,
                   STR_ARG(str_sub(text, 0, 100)));
}
