/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys.h"

typedef struct Opts {
    bool own;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "own", 0, offsetof(Opts, own), NULL, "also one of the own keys, whose secret is gone then"},
    {.type = OPT_END},
};

static bool check_own(const KeystoreKey *key, bool own, Err *err)
{
    if (!key->own || own)
        return true;
    (void)err_set(err, ERR_USAGE,
                  key->info.kind == KEY_READING
                      ? "without the reading key the feed cannot be read here again"
                      : "the key is one of the own: without its secret nothing can be signed with it again");
    return err_hint(err, "strata key export keeps it; strata key remove --own removes it for good");
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    KeystoreKey key;
    Keystore *store;

    if (!keys_open(call, (Str){0}, &store, err) ||
        !keystore_find(store, call->arena, KEYSTORE_ALL, call->args[0], &key, err) ||
        !check_own(&key, o->own, err) || !keystore_remove(store, key.info.public_key, err))
        return false;
    out_record(call->out);
    out_field(call->out, "removed", OUT_TEXT);
    out_text(call->out, keys_hex(call->arena, key.info.public_key));
    out_end(call->out);
    return true;
}

const Cmd cmd_key_remove = {
    .name = "key remove",
    .args = "KEY",
    .summary = "forget the key of somebody else, or with --own one of the own",
    .description = "KEY is a public key, the first digits of one, or a name. Needs no passphrase.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata key remove bob\n",
    .run = run,
};
