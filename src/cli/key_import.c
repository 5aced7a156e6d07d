/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/feeds.h"
#include "crypto/armour.h"

typedef struct Opts {
    Str public, reading, name, export_file, passphrase_file;
    int kind;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "public", 0, offsetof(Opts, public), "HEX", "a public key of somebody else, instead of FILE"},
    {OPT_TEXT, "reading", 0, offsetof(Opts, reading), "FEED",
     "the feed whose reading key FILE has, as 64 digits: what hypercore calls encryptionKey"},
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

/* The secret in it. */
static bool take_secret(const Opts *o, const KeyFile *file, unsigned char out[KEY_SECRET_BYTES], Err *err)
{
    SECRET_SCOPE(passphrase);
    Passphrase from = {.option = "export-passphrase-file",
                       .file = o->export_file,
                       .variable = "STRATA_EXPORT_PASSPHRASE",
                       .prompt = "passphrase of the exported key"};

    secret_init(&passphrase, KEYSTORE_PASSPHRASE_MAX);
    return (file->lock != KEY_LOCK_PASSPHRASE || passphrase_get(&from, &passphrase, err)) &&
           keyfile_take_secret(file, NULL, secret_str(&passphrase), out, err);
}

static bool add_secret(Keystore *store, const KeyFile *file, const unsigned char *secret,
                       const KeystoreNew *what, Err *err)
{
    SIGN_SCOPE(pair);

    if (file->info.kind == KEY_READING)
        return keystore_add_reading(store, file->info.parent, secret, what, err);
    sign_pair_from_seed(secret, &pair);
    return keystore_add(store, &pair, what, err);
}

static bool add(const Opts *o, Keystore *store, const KeyFile *file, Err *err)
{
    unsigned char secret[KEY_SECRET_BYTES];
    KeystoreNew what = {.kind = file->info.kind,
                        .name = o->name.ptr ? o->name : file->info.name,
                        .parent = file->info.parent,
                        .created = file->info.created,
                        .unique = true};

    if (file->lock == KEY_LOCK_PUBLIC)
        return (what.name.len || no_name(err)) && keystore_know(store, file->info.public_key, &what, err);
    bool ok = take_secret(o, file, secret, err) && add_secret(store, file, secret, &what, err);
    secret_wipe(secret, sizeof secret);
    return ok;
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

/* ---- the reading key of a feed, in hexadecimal ---- */

/* The feed may be one that is not here yet: then it is the whole key. */
static bool find_feed(const Call *call, Str text, MetaFeed *out, Err *err)
{
    FeedStore *feeds;
    StoreFeed found = {0};
    Err why = {0};

    if (!feeds_open(call, &feeds, err))
        return false;
    if (!store_find(feeds, call->arena, text, &found, &why) &&
        (why.code != ERR_NOT_FOUND || !str_to_bytes(text, found.about.key, FEED_KEY_BYTES))) {
        *err = why;
        return err_wrap(err, "--reading");
    }
    *out = found.about;
    return true;
}

static bool import_digits(const Call *call, const Opts *o, Keystore *store,
                          unsigned char out[SIGN_PUBLIC_BYTES], Err *err)
{
    SECRET_BUF_SCOPE(text);
    unsigned char secret[KEY_SECRET_BYTES];
    KeystoreNew what = {.name = o->name, .unique = true};
    MetaFeed feed = {0};

    if (!find_feed(call, o->reading, &feed, err) || !read_text(call->args[0], &text, err))
        return false;
    if (!str_to_bytes(str_trim(buf_str(&text)), secret, sizeof secret))
        return err_set(err, ERR_USAGE, "'%s' has not just the 64 hexadecimal digits of a reading key",
                       call->args[0].ptr);
    if (!o->name.ptr)
        what.name = store_reading_name(call->arena, feed.name);
    bool ok = keystore_add_reading(store, feed.key, secret, &what, err);
    secret_wipe(secret, sizeof secret);
    key_reading_name(feed.key, out);
    return ok;
}

/* A feed that is here is one that is encrypted, from now on whether or not the key stays. */
static bool note_feed(const Call *call, const Keystore *keys, const KeyInfo *info, Err *err)
{
    FeedStore *feeds;

    if (info->kind != KEY_READING)
        return true;
    return feeds_open(call, &feeds, err) &&
           (reading_note(feeds, keys, info->parent, err) ||
            err_wrap(err, "the key is imported, but the feed is not noted as encrypted"));
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
    if (o->reading.ptr && (o->public.ptr || o->export_file.ptr))
        return err_set(err, ERR_USAGE, "--reading is for digits in FILE: not with --public or a passphrase");
    return !o->name.ptr || key_name_check(o->name, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    KeystoreKey key;
    Keystore *store;

    if (!check_line(call, err) || !keys_open(call, o->passphrase_file, &store, err) ||
        !(o->public.ptr    ? import_hex(o, store, public_key, err)
          : o->reading.ptr ? import_digits(call, o, store, public_key, err)
                           : import_file(call, o, store, public_key, err)) ||
        !keystore_info(store, call->arena, public_key, &key, err) || !note_feed(call, store, &key.info, err))
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
        "The key of somebody else has a name, so that it can be told from others; importing it again gives it another.\n\n"
        "A reading key opens an encrypted feed. Where it comes from npm hypercore, it is 64 digits: --reading says of which feed. Then FILE "
        "has nothing else, and it never stands on the command line, which others can see.",
    .opts = opts,
    CMD_OPTS(Opts, .kind = 0),
    .examples = "strata key import ann.key\n"
                "strata key import --name bob --public \"$hex\"\n"
                "strata key import --reading notes digits\n",
    .run = run,
};
