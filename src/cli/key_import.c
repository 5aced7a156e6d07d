/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/keys.h"
#include "crypto/armour.h"

typedef struct Opts {
    Str public, name, export_file, passphrase_file;
    int kind;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "public", 0, offsetof(Opts, public), "HEX", "a public key of somebody else, instead of FILE"},
    {OPT_TEXT, "name", 'n', offsetof(Opts, name), "NAME",
     "what it is called here; no other key is called so"},
    {OPT_ENUM, "kind", 'k', offsetof(Opts, kind), "KIND", "with --public: what it is for (identity)",
     .values = keys_kinds},
    {OPT_TEXT, "export-passphrase-file", 0, offsetof(Opts, export_file), "FILE",
     "the passphrase of the exported key is the first line of this file"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

/* ---- one in hexadecimal ---- */

static bool no_name(Err *err)
{
    (void)err_set(err, ERR_USAGE, "the key of somebody else needs a name");
    return err_hint(err, "--name NAME");
}

static bool import_hex(const Opts *o, Keystore *store, unsigned char out[SIGN_PUBLIC_BYTES], Err *err)
{
    KeystoreNew what = {.kind = keys_kind(o->kind, KEY_IDENTITY), .name = o->name, .unique = true};

    if (!str_to_bytes(o->public, out, SIGN_PUBLIC_BYTES))
        return err_set(err, ERR_USAGE, "--public: '%.*s' is not 64 hexadecimal digits",
                       STR_ARG(str_sub(o->public, 0, 100)));
    return (o->name.ptr || no_name(err)) && keystore_know(store, out, &what, err);
}

/* ---- one that was exported ---- */

static bool read_text(Str path, Buf *out, Err *err)
{
    enum { PIECE = 4096 };
    FD_SCOPE(opened);
    int fd = STDIN_FILENO;

    if (!str_eq(path, STR("-")))
        fd = opened = os_open(path.ptr, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path.ptr);
    (void)buf_reserve(out, ARMOUR_MAX + 2 * PIECE); /* it may hold a secret: no copies */
    for (;;) {
        ssize_t n = os_read(fd, buf_reserve(out, PIECE), PIECE);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read '%s'", path.ptr);
        if (n == 0)
            return true;
        out->len += (size_t)n;
        if (out->len > ARMOUR_MAX)
            return err_set(err, ERR_LIMIT, "'%s' is longer than %d bytes", path.ptr, ARMOUR_MAX);
    }
}

static bool take_pair(const Opts *o, const KeyFile *file, SignPair *out, Err *err)
{
    SECRET_SCOPE(passphrase);
    Passphrase from = {.option = "export-passphrase-file",
                       .file = o->export_file,
                       .variable = "STRATA_EXPORT_PASSPHRASE",
                       .prompt = "passphrase of the exported key"};

    secret_init(&passphrase, KEYSTORE_PASSPHRASE_MAX);
    return (file->lock != KEY_LOCK_PASSPHRASE || passphrase_get(&from, &passphrase, err)) &&
           keyfile_take(file, NULL, secret_str(&passphrase), out, err);
}

static bool add(const Opts *o, Keystore *store, const KeyFile *file, Err *err)
{
    SIGN_SCOPE(pair);
    KeystoreNew what = {.kind = file->info.kind,
                        .name = o->name.ptr ? o->name : file->info.name,
                        .parent = file->info.parent,
                        .created = file->info.created,
                        .unique = true};

    if (file->lock == KEY_LOCK_PUBLIC)
        return (what.name.len || no_name(err)) && keystore_know(store, file->info.public_key, &what, err);
    return take_pair(o, file, &pair, err) && keystore_add(store, &pair, &what, err);
}

static bool import_file(const Call *call, const Opts *o, Keystore *store,
                        unsigned char out[SIGN_PUBLIC_BYTES], Err *err)
{
    SECRET_BUF_SCOPE(text);
    SECRET_BUF_SCOPE(bytes);
    KeyFile file = {0};

    if (!read_text(call->args[0], &text, err) || !armour_read(buf_str(&text), &bytes, &file, err) ||
        !add(o, store, &file, err))
        return err_wrap(err, "cannot import '%s'", call->args[0].ptr);
    memcpy(out, file.info.public_key, SIGN_PUBLIC_BYTES);
    return true;
}

static bool check_line(const Call *call, Err *err)
{
    const Opts *o = call->opts;

    if ((call->args_count == 1) == (o->public.ptr != NULL)) {
        (void)err_set(err, ERR_USAGE, "a key is either in FILE or given with --public");
        return err_hint(err, "strata key import FILE; strata key import --public HEX --name NAME");
    }
    if (!o->public.ptr && o->kind)
        return err_set(err, ERR_USAGE, "--kind is for --public: an exported key has its kind");
    if (o->public.ptr && o->export_file.ptr)
        return err_set(err, ERR_USAGE, "--export-passphrase-file is for FILE: a public key has none");
    return !o->name.ptr || key_name_check(o->name, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    KeystoreKey key;
    Keystore *store;

    if (!check_line(call, err) || !keys_open(call, o->passphrase_file, &store, err) ||
        !(o->public.ptr ? import_hex(o, store, public_key, err)
                        : import_file(call, o, store, public_key, err)) ||
        !keystore_info(store, call->arena, public_key, &key, err))
        return false;
    keys_put(call, &key.info, NULL);
    return true;
}

const Cmd cmd_key_import = {
    .name = "key import",
    .args = "[FILE]",
    .summary = "take in an exported key, or the public key of somebody else",
    .description =
        "FILE (- is standard input) holds what 'strata key export' printed. Where that is sealed, its passphrase comes from "
        "--export-passphrase-file, $STRATA_EXPORT_PASSPHRASE or the terminal.\n\n"
        "The key of somebody else has a name, so that it can be told from others; importing it again gives it another.",
    .opts = opts,
    CMD_OPTS(Opts, .kind = 0),
    .examples = "strata key import ann.key\n"
                "strata key import --name bob --public \"$hex\"\n",
    .run = run,
};
