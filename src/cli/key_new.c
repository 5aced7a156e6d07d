/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys.h"

typedef struct Opts {
    int kind;
    Str name, parent, passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_ENUM, "kind", 'k', offsetof(Opts, kind), "KIND", "what it is for (identity)", .values = keys_kinds},
    {OPT_TEXT, "name", 'n', offsetof(Opts, name), "NAME",
     "what it is called here; no other key is called so"},
    {OPT_TEXT, "parent", 0, offsetof(Opts, parent), "KEY", "the key of the identity or party that it is for"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

static bool find_parent(const Call *call, Keystore *store, Str parent, KeystoreNew *what, Err *err)
{
    KeystoreKey *key = arena_new(call->arena, KeystoreKey, 1);

    if (!parent.ptr)
        return true;
    if (!keystore_find(store, call->arena, KEYSTORE_ALL, parent, key, err))
        return err_wrap(err, "--parent");
    what->parent = key->info.public_key;
    return true;
}

/* Who begins is told what the keys are opened with. */
static void tell_of_key_file(const Call *call, Keystore *store, KeystoreState before)
{
    KeystoreState now;
    Err ignored = {0};

    if (before == KEYSTORE_NONE && keystore_state(store, &now, &ignored) && now == KEYSTORE_KEY_FILE)
        out_say(call->out,
                "keys are opened by the file '%s'; strata key change-passphrase gives them a passphrase",
                keystore_unlock_path(store));
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    KeystoreNew what = {.kind = keys_kind(o->kind, KEY_IDENTITY), .name = o->name, .unique = true};
    SIGN_SCOPE(pair);
    KeystoreState before;
    KeystoreKey key;
    Keystore *store;

    if ((o->name.ptr && !key_name_check(o->name, err)) || !keys_open(call, o->passphrase_file, &store, err) ||
        !keystore_state(store, &before, err) || !find_parent(call, store, o->parent, &what, err))
        return false;
    sign_pair_new(&pair);
    if (!keystore_add(store, &pair, &what, err) ||
        !keystore_info(store, call->arena, pair.public_key, &key, err))
        return false;
    keys_put(call, &key.info, NULL);
    tell_of_key_file(call, store, before);
    return true;
}

const Cmd cmd_key_new = {
    .name = "key new",
    .summary = "make a key pair",
    .description =
        "The secret is sealed in the directory keys/ of the instance and never shown; what is printed is the public key. "
        "Kinds are identity (a person or an organisation), device (one of its devices), feed (who appends to a feed), "
        "peer (a node) and party (a data set that is shared).\n\n"
        "The first key makes the store. It is locked with a passphrase when one is given (--passphrase-file or "
        "$STRATA_PASSPHRASE), and otherwise with a key file: [keys] unlock in strata.ini says where that is.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata key new --name ann\n"
                "strata key new --kind device --name laptop \\\n"
                "    --parent ann\n",
    .run = run,
};
