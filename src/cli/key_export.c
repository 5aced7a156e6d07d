/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/keys.h"
#include "crypto/armour.h"

typedef struct Opts {
    bool public, plain, hex;
    Str output, export_file, passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "public", 0, offsetof(Opts, public), NULL, "only the public key, with its name and kind"},
    {OPT_FLAG, "plain", 0, offsetof(Opts, plain), NULL,
     "the secret without a passphrase: whoever sees the text has the key"},
    {OPT_FLAG, "hex", 0, offsetof(Opts, hex), NULL,
     "a reading key as 64 digits, as hypercore takes it: whoever sees them can read the feed"},
    {OPT_TEXT, "output", 'o', offsetof(Opts, output), "FILE",
     "write it there, for its owner only, instead of to standard output"},
    {OPT_TEXT, "export-passphrase-file", 0, offsetof(Opts, export_file), "FILE",
     "the passphrase of the exported key is the first line of this file"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

static bool put_locked(const Opts *o, const KeyInfo *info, const unsigned char *secret, Buf *record, Err *err)
{
    SECRET_SCOPE(passphrase);
    Passphrase from = {.option = "export-passphrase-file",
                       .file = o->export_file,
                       .variable = "STRATA_EXPORT_PASSPHRASE",
                       .prompt = "passphrase for the exported key"};

    secret_init(&passphrase, KEYSTORE_PASSPHRASE_MAX);
    return passphrase_get_new(&from, &passphrase, err) &&
           keyfile_put_locked(info, secret, secret_str(&passphrase), SEAL_COST_EXPORT, record, err);
}

static bool check_kind(const Opts *o, const KeystoreKey *key, Err *err)
{
    bool reading = key->info.kind == KEY_READING;

    if (o->public && reading)
        return err_set(err, ERR_USAGE, "of a reading key nothing is public");
    if (o->hex && !reading)
        return err_set(err, ERR_USAGE, "--hex is for reading keys");
    if (key->own || o->public)
        return true;
    (void)err_set(err, ERR_NOT_FOUND, "the key is somebody else's: its secret is not here");
    return err_hint(err, "--public exports the public key");
}

static bool put_public(const KeyInfo *info, Buf *text)
{
    BUF_SCOPE(record);

    keyfile_put_public(info, &record);
    armour_put(KEY_LOCK_PUBLIC, buf_str(&record), text);
    return true;
}

static bool put_secret(const Opts *o, const KeyInfo *info, const unsigned char *secret, Buf *text, Err *err)
{
    SECRET_BUF_SCOPE(record);

    (void)buf_reserve(&record, KEYFILE_MAX);
    (void)buf_reserve(text, KEYFILE_MAX);
    if (o->hex) {
        buf_put_hex(text, secret, KEY_SECRET_BYTES);
        buf_put_byte(text, '\n');
        return true;
    }
    if (o->plain)
        keyfile_put_readable(info, secret, &record);
    else if (!put_locked(o, info, secret, &record, err))
        return false;
    armour_put(o->plain ? KEY_LOCK_NONE : KEY_LOCK_PASSPHRASE, buf_str(&record), text);
    return true;
}

static bool put_text(const Opts *o, Keystore *store, const KeystoreKey *key, Buf *text, Err *err)
{
    unsigned char secret[KEY_SECRET_BYTES];

    if (!check_kind(o, key, err))
        return false;
    if (o->public)
        return put_public(&key->info, text);
    bool ok = keystore_secret(store, key->info.public_key, secret, err) &&
              put_secret(o, &key->info, secret, text, err);
    secret_wipe(secret, sizeof secret);
    return ok;
}

static bool write_file(Str path, Str text, Err *err)
{
    FD_SCOPE(fd);

    fd = os_open(path.ptr, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_set(err, ERR_CONFLICT, "there is a '%s' already", path.ptr);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make '%s'", path.ptr);
    if (os_write_all(fd, text, err) && (os_fsync(fd) == 0 || err_sys(err, ERR_IO, "cannot sync")))
        return true;
    (void)unlink(path.ptr);
    return err_wrap(err, "'%s'", path.ptr);
}

static bool print(const Call *call, const Opts *o, const KeystoreKey *key, Str text, Err *err)
{
    if (o->output.ptr) {
        if (!write_file(o->output, text, err))
            return false;
        keys_put(call, &key->info, o->output.ptr);
        return true;
    }
    if (!call->json)
        return os_write_all(STDOUT_FILENO, text, err);
    out_record(call->out);
    out_field(call->out, "key", OUT_TEXT);
    out_text(call->out, keys_hex(call->arena, key->info.public_key));
    out_field(call->out, o->hex ? "hex" : "armour", OUT_TEXT);
    out_text(call->out, o->hex ? str_trim(text) : text);
    out_end(call->out);
    return true;
}

static bool check_options(const Opts *o, Err *err)
{
    if (o->public + o->plain + o->hex > 1)
        return err_set(err, ERR_USAGE, "--public, --plain and --hex exclude each other");
    return !(o->export_file.ptr && (o->public || o->plain || o->hex)) ||
           err_set(err, ERR_USAGE,
                   "--export-passphrase-file is for a sealed key: not with --public, --plain or --hex");
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    SECRET_BUF_SCOPE(text);
    KeystoreKey key;
    Keystore *store;

    if (!check_options(o, err) || !keys_open(call, o->passphrase_file, &store, err) ||
        !keystore_find(store, call->arena, KEYSTORE_ALL, call->args[0], &key, err) ||
        !put_text(o, store, &key, &text, err))
        return false;
    return print(call, o, &key, buf_str(&text), err);
}

const Cmd cmd_key_export = {
    .name = "key export",
    .args = "KEY",
    .summary = "print a key as text, sealed under a passphrase of its own",
    .description =
        "For another node, or for a drawer. KEY is a public key, the first digits of one, or a name. The passphrase of the "
        "text comes from --export-passphrase-file, $STRATA_EXPORT_PASSPHRASE or the terminal, and has nothing to do with "
        "that of the store. 256 MiB of memory are needed to seal it, and to open it again.\n\n"
        "The reading key of an encrypted feed is handed to another member in the same way; it is called like the feed, with '.reading' "
        "behind.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata key export ann --output ann.key\n"
                "strata key export --public ann\n"
                "strata key export notes.reading > notes.key\n",
    .run = run,
};
