/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys.h"

typedef struct Opts {
    bool none;
    Str new_file, passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "none", 0, offsetof(Opts, none), NULL, "no passphrase any more, but a new key file"},
    {OPT_TEXT, "new-passphrase-file", 0, offsetof(Opts, new_file), "FILE",
     "the new passphrase is the first line of this file"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

static bool change(const Opts *o, Keystore *store, Err *err)
{
    SECRET_SCOPE(passphrase);
    Passphrase from = {.option = "new-passphrase-file",
                       .file = o->new_file,
                       .variable = "STRATA_NEW_PASSPHRASE",
                       .prompt = "new passphrase of the keys"};

    if (o->none)
        return keystore_change(store, NULL, err);
    secret_init(&passphrase, KEYSTORE_PASSPHRASE_MAX);
    return passphrase_get_new(&from, &passphrase, err) && keystore_change(store, &passphrase, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Keystore *store;

    if (o->none && o->new_file.ptr)
        return err_set(err, ERR_USAGE, "--none and --new-passphrase-file exclude each other");
    if (!keys_open(call, o->passphrase_file, &store, err) || !keystore_unlock(store, err) ||
        !change(o, store, err))
        return false;
    out_record(call->out);
    out_field(call->out, "locked_with", OUT_TEXT);
    out_z(call->out, o->none ? "key file" : "passphrase");
    out_field(call->out, "file", OUT_TEXT);
    out_z(call->out, o->none ? keystore_unlock_path(store) : NULL);
    out_end(call->out);
    return true;
}

const Cmd cmd_key_change_passphrase = {
    .name = "key change-passphrase",
    .summary = "lock the keys with another passphrase, or with a key file",
    .description =
        "The passphrase of now comes from --passphrase-file, $STRATA_PASSPHRASE or the terminal; the new one from "
        "--new-passphrase-file, $STRATA_NEW_PASSPHRASE or the terminal, which asks twice. Keys that have a key file get a "
        "passphrase in the same way, and the file is removed; --none makes a new one.\n\n"
        "Only the key that seals all others is sealed anew, in one step: a crash leaves the old passphrase or the new one. "
        "Old copies of the directory keys/ go on opening with the old one.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata key change-passphrase\n"
                "strata key change-passphrase --none\n",
    .run = run,
};
