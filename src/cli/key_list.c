/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys.h"

typedef struct Opts {
    bool own, known;
    int kind;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "own", 0, offsetof(Opts, own), NULL, "only those whose secret is here"},
    {OPT_FLAG, "known", 0, offsetof(Opts, known), NULL, "only those of others"},
    {OPT_ENUM, "kind", 'k', offsetof(Opts, kind), "KIND", "only those of this kind", .values = keys_kinds},
    {.type = OPT_END},
};

static void put(const Call *call, const KeystoreKey *key)
{
    static const unsigned char nobody[SIGN_PUBLIC_BYTES];
    const KeyInfo *info = &key->info;
    Out *out = call->out;

    out_text(out, keys_hex(call->arena, info->public_key));
    out_bool(out, key->own);
    out_z(out, key_kind_name(info->kind));
    info->name.len ? out_text(out, info->name) : out_null(out);
    if (memcmp(info->parent, nobody, sizeof nobody) != 0)
        out_text(out, keys_hex(call->arena, info->parent));
    else
        out_null(out);
    out_int(out, info->created);
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"key", OUT_TEXT, .cut = true, .least = OUT_KEY_LEAST},
                                        {"own", OUT_BOOL},
                                        {"kind", OUT_TEXT},
                                        {"name", OUT_TEXT, .cut = true},
                                        {"parent", OUT_TEXT, .cut = true, .least = OUT_KEY_LEAST, .spare = 2},
                                        {"created", OUT_TIME, .spare = 1}};
    const Opts *o = call->opts;
    KeystoreWhich which = o->own == o->known ? KEYSTORE_ALL : o->own ? KEYSTORE_OWN : KEYSTORE_KNOWN;
    KeyKind kind = keys_kind(o->kind, 0);
    const Err *first = NULL;
    size_t count, bad = 0;
    KeystoreKey *keys;
    Keystore *store;

    if (!keys_open(call, (Str){0}, &store, err) ||
        !keystore_list(store, call->arena, which, &keys, &count, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        if (keys[i].problem) {
            first = bad++ ? first : keys[i].problem;
            continue;
        }
        if (o->kind == 0 || keys[i].info.kind == kind)
            put(call, &keys[i]);
    }
    out_end(call->out);
    return bad == 0 ||
           err_set(err, first->code, "%zu of %zu keys cannot be read: %s", bad, count, first->text);
}

const Cmd cmd_key_list = {
    .name = "key list",
    .summary = "list the keys of this node, and those of others that it knows",
    .description = "Nothing secret is looked at, so no passphrase is needed.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata key list\n"
                "strata key list --own --kind feed\n",
    .run = run,
};
