/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys.h"

#include <errno.h>

#include "base/os.h"
#include "cli/config.h"
#include "serve/instance.h"

/* ---- kinds ---- */

const char *const keys_kinds[] = {
    "",
#define X(kind, number, name, meaning) name,
#include "crypto/keykind.def"
#undef X
    NULL,
};

KeyKind keys_kind(int word, KeyKind preset)
{
    KeyKind kind = preset;

    if (word > 0)
        (void)key_kind_parse(str_from_z(keys_kinds[word]), &kind);
    return kind;
}

/* ---- opening ---- */

enum { TRIES = 3 };

typedef struct Asking {
    Passphrase from;
    int tries;
} Asking;

static bool ask_again(Asking *asking, Secret *out, Err *err)
{
    (void)err_set(err, ERR_DENIED, "the passphrase is wrong");
    if (passphrase_is_given(&asking->from))
        return err_hint(err, "it is the one of %s%s", asking->from.file.ptr ? "--" : "$",
                        asking->from.file.ptr ? asking->from.option : asking->from.variable);
    return ++asking->tries < TRIES && passphrase_ask("that is not it; once more", out, err);
}

/* A new store gets a passphrase when one is given, and otherwise a key file: nobody is made to think of one now. */
static bool get(void *ctx, KeystoreAsk why, Secret *out, Err *err)
{
    Asking *asking = ctx;

    if (why == KEYSTORE_AGAIN)
        return ask_again(asking, out, err);
    return (why == KEYSTORE_FIRST && !passphrase_is_given(&asking->from)) ||
           passphrase_get(&asking->from, out, err);
}

static bool make_dir(const char *dir, Err *err)
{
    return os_mkdir(dir, 0700) == 0 || errno == EEXIST ||
           err_sys(err, ERR_IO, "cannot make directory '%s'", dir);
}

/* Somebody who names a passphrase believes that there is one. */
static bool check_locked(Keystore *store, Err *err)
{
    KeystoreState state;

    if (!keystore_state(store, &state, err))
        return false;
    if (state != KEYSTORE_KEY_FILE)
        return true;
    (void)err_set(err, ERR_USAGE, "--passphrase-file: the keys have no passphrase, but a key file");
    return err_hint(err, "strata key change-passphrase gives them one");
}

bool keys_open(const Call *call, Str passphrase_file, Keystore **out, Err *err)
{
    Asking *asking = arena_new(call->arena, Asking, 1);
    Instance *instance;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    const KeysSection *section = conf_get(instance_conf(instance), &keys_section, (Str){0});
    const char *dir = str_printf(call->arena, "%s/keys", instance_path(instance)).ptr;
    asking->from = (Passphrase){.option = "passphrase-file",
                                .file = passphrase_file,
                                .variable = "STRATA_PASSPHRASE",
                                .prompt = "passphrase of the keys"};
    if (!make_dir(dir, err))
        return false;
    *out = keystore_open(call->arena, dir,
                         &(KeystoreOptions){.unlock = instance_below(instance, call->arena, section->unlock),
                                            .get = get,
                                            .ctx = asking});
    return !passphrase_file.ptr || check_locked(*out, err);
}

/* ---- printing ---- */

Str keys_hex(Arena *arena, const unsigned char public_key[SIGN_PUBLIC_BYTES])
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, public_key, SIGN_PUBLIC_BYTES);
    return str_copy(arena, buf_str(&hex));
}

static void put_text(Out *out, const char *name, Str value)
{
    out_field(out, name, OUT_TEXT);
    value.len ? out_text(out, value) : out_null(out);
}

void keys_put(const Call *call, const KeyInfo *info, const char *file)
{
    static const unsigned char nobody[SIGN_PUBLIC_BYTES];
    Out *out = call->out;

    out_record(out);
    put_text(out, "key", keys_hex(call->arena, info->public_key));
    put_text(out, "kind", str_from_z(key_kind_name(info->kind)));
    put_text(out, "name", info->name);
    bool has_parent = memcmp(info->parent, nobody, sizeof nobody) != 0;
    if (has_parent || call->json)
        put_text(out, "parent", has_parent ? keys_hex(call->arena, info->parent) : (Str){0});
    out_field(out, "created", OUT_TIME);
    out_int(out, info->created);
    if (file)
        put_text(out, "file", str_from_z(file));
    out_end(out);
}
