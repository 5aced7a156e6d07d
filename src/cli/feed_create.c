/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

typedef struct Opts {
    Str name, passphrase_file;
    bool compat, encrypt;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "name", 'n', offsetof(Opts, name), "NAME",
     "what it is called here, as NAME says as well; no other feed is called so"},
    {OPT_FLAG, "compat", 0, offsetof(Opts, compat), NULL,
     "the feed's key is the signer's own, as hypercore 10 has it; without, the hash of a manifest"},
    {OPT_FLAG, "encrypt", 0, offsetof(Opts, encrypt), NULL,
     "encrypt its blocks with a new reading key: whoever has not that can keep the feed, not read it"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

/* Empty: it has none. */
static bool take_name(const Call *call, Str *out, Err *err)
{
    Str named = ((const Opts *)call->opts)->name;

    *out = STR("");
    if (call->args_count == 0 && !named.ptr)
        return true;
    if (call->args_count > 0 && named.ptr)
        return err_set(err, ERR_USAGE, "a feed has one name: '%.*s' or --name '%.*s'", STR_ARG(call->args[0]),
                       STR_ARG(named));
    *out = named.ptr ? named : call->args[0];
    return store_name_allowed(*out, err) || err_wrap(err, named.ptr ? "--name" : "NAME");
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    StoreNew what = {.compat = o->compat, .encrypted = o->encrypt};
    unsigned char key[FEED_KEY_BYTES];
    StoreFeed made;
    FeedStore *store;
    Keystore *keys;
    Feed *feed;

    if (!take_name(call, &what.name, err) || !feeds_open(call, &store, err) ||
        !keys_open(call, o->passphrase_file, &keys, err) || !store_create(store, keys, &what, key, err) ||
        !store_about(store, call->arena, key, &made, err) || !store_feed(store, key, FEED_READ, &feed, err))
        return false;
    out_record(call->out);
    feeds_put_hex(call, "key", key);
    feeds_put_hex(call, "discovery_key", made.about.discovery);
    feeds_put_number(call, "length", feed_state(feed)->roots.length);
    feeds_put_number(call, "fork", feed_state(feed)->fork);
    out_end(call->out);
    return true;
}

const Cmd cmd_feed_create = {
    .name = "feed create",
    .args = "[NAME]",
    .summary = "make a feed, and the key that signs it",
    .description =
        "A feed is a log of blocks that is only ever appended to. Whoever has its key can check every block; only this node, which "
        "has the secret that signs, can append. The secret is sealed among the keys of the instance (strata key list), the feed is "
        "kept in the directory feeds/.\n\n"
        "With --encrypt the blocks are encrypted before they are appended, so that they are nowhere kept or sent in plain text. The reading "
        "key is sealed among the keys as well, called like the feed with '.reading' behind; strata key export hands it to other members. "
        "Lengths, number and times of the blocks are seen by whoever has the feed.",
    .opts = opts,
    CMD_OPTS(Opts, .compat = false),
    .examples = "strata feed create notes\n"
                "strata feed create --encrypt diary\n",
    .run = run,
};
