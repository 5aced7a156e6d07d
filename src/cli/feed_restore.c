/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"
#include "base/stop.h"
#include "cli/feeds.h"
#include "feed/backup.h"

typedef struct Opts {
    Str name, export_file, passphrase_file;
    bool with_key;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "name", 'n', offsetof(Opts, name), "NAME", "what it is called here (as it was)"},
    {OPT_FLAG, "with-key", 0, offsetof(Opts, with_key), NULL,
     "also take the key that signs, and a reading key, out of the file"},
    {OPT_TEXT, "export-passphrase-file", 0, offsetof(Opts, export_file), "FILE",
     "with --with-key: the passphrase of that key is the first line of this file"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

/* What was sealed in a backup. */
typedef struct Unsealed {
    SignPair pair;
    bool readable; /* the reading key is there, too */
    unsigned char reading[KEY_SECRET_BYTES];
    Str reading_name;
} Unsealed;

static void wipe(Unsealed *keys)
{
    secret_wipe(keys, sizeof *keys);
}

static bool unseal_pair(const BackupIn *in, Str passphrase, SignPair *out, Err *err)
{
    KeyFile file;

    if (!keyfile_read(backup_note(in)->sealed, &file, err))
        return false;
    if (file.lock != KEY_LOCK_PASSPHRASE ||
        memcmp(file.info.public_key, backup_state(in)->identity.signer, SIGN_PUBLIC_BYTES) != 0)
        return err_set(err, ERR_CORRUPT, "the key in the backup is not that of the feed's signer");
    return keyfile_take(&file, NULL, passphrase, out, err);
}

static bool unseal_reading(const BackupIn *in, Str passphrase, Unsealed *out, Err *err)
{
    KeyFile file;

    if (backup_note(in)->reading.len == 0)
        return true;
    if (!keyfile_read(backup_note(in)->reading, &file, err))
        return false;
    if (file.lock != KEY_LOCK_PASSPHRASE || file.info.kind != KEY_READING ||
        memcmp(file.info.parent, backup_state(in)->identity.key, FEED_KEY_BYTES) != 0)
        return err_set(err, ERR_CORRUPT, "the reading key in the backup is not that of the feed");
    out->reading_name = file.info.name;
    out->readable = keyfile_take_secret(&file, NULL, passphrase, out->reading, err);
    return out->readable;
}

/* The keys, as far as their passphrase is right: before anything is restored. */
static bool unseal(const Opts *o, const BackupIn *in, Unsealed *out, Err *err)
{
    SECRET_SCOPE(passphrase);
    Passphrase from = {.option = "export-passphrase-file",
                       .file = o->export_file,
                       .variable = "STRATA_EXPORT_PASSPHRASE",
                       .prompt = "passphrase of the keys in the backup"};

    if (backup_note(in)->sealed.len == 0)
        return err_set(err, ERR_NOT_FOUND, "the key that signs is not in the backup");
    secret_init(&passphrase, KEYSTORE_PASSPHRASE_MAX);
    return passphrase_get(&from, &passphrase, err) &&
           unseal_pair(in, secret_str(&passphrase), &out->pair, err) &&
           unseal_reading(in, secret_str(&passphrase), out, err);
}

/* Those that are there already are as good. */
static bool add_keys(Keystore *keys, const BackupIn *in, const Unsealed *unsealed, Str name, Err *err)
{
    Err why = {0};

    if (!keystore_add(keys, &unsealed->pair, &(KeystoreNew){.kind = KEY_FEED, .name = name}, &why) &&
        why.code != ERR_CONFLICT) {
        *err = why;
        return err_wrap(err, "the feed is restored without its key");
    }
    if (!unsealed->readable ||
        keystore_add_reading(keys, backup_state(in)->identity.key, unsealed->reading,
                             &(KeystoreNew){.name = unsealed->reading_name}, &why) ||
        why.code == ERR_CONFLICT)
        return true;
    *err = why;
    return err_wrap(err, "the feed is restored without its reading key");
}

static bool restore(const Call *call, FeedStore *store, BackupIn *in, Str name, Err *err)
{
    FeedsBar bar = feeds_bar(call, "restoring", backup_state(in)->held);
    bool ok = backup_restore(store, in, name, &(BackupGo){feeds_go_on, &bar}, err);

    progress_end(bar.progress);
    return ok || (err->code == ERR_CONFLICT && !err->hint[0] && !strstr(err->text, "the feed is there")
                      ? err_hint(err, "--name gives it another")
                      : false);
}

/* A feed whose key is here is this node's own, whether the key came with the backup or never went. */
static bool mark_own(const Call *call, FeedStore *store, const FeedIdentity *identity, Err *err)
{
    bool ours;

    return feeds_is_ours(call, identity, &ours, err) && (!ours || store_own(store, identity->key, err));
}

static void print(const Call *call, const BackupIn *in, Str name)
{
    const FeedState *state = backup_state(in);

    out_record(call->out);
    feeds_put_hex(call, "key", state->identity.key);
    out_field(call->out, "name", OUT_TEXT);
    name.len ? out_text(call->out, name) : out_null(call->out);
    feeds_put_number(call, "length", state->roots.length);
    feeds_put_number(call, "held", state->held);
    feeds_put_number(call, "fork", state->fork);
    feeds_put_root(call, "root", &state->roots);
    out_end(call->out);
    out_say(call->out, "others may have blocks of it that the backup has not: append asks for --trust once");
}

static bool restore_from(const Call *call, int fd, Err *err)
{
    const Opts *o = call->opts;
    ATTR_CLEANUP(wipe) Unsealed unsealed = {0};
    FeedStore *store;
    Keystore *keys;
    BackupIn *in;

    if (!feeds_open(call, &store, err) || !keys_open(call, o->passphrase_file, &keys, err) ||
        !backup_open(call->arena, fd, &in, err) || (o->with_key && !unseal(o, in, &unsealed, err)))
        return false;
    Str name = o->name.ptr ? o->name : backup_note(in)->name;
    if (!restore(call, store, in, name, err) || (o->with_key && !add_keys(keys, in, &unsealed, name, err)) ||
        !mark_own(call, store, &backup_state(in)->identity, err) ||
        !reading_note(store, keys, backup_state(in)->identity.key, err))
        return false;
    print(call, in, name);
    return true;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    const char *path = call->args[0].ptr;
    FD_SCOPE(opened);
    int fd = STDIN_FILENO;

    if (o->export_file.ptr && !o->with_key)
        return err_set(err, ERR_USAGE, "--export-passphrase-file is for --with-key");
    if (!stop_init(err) || (o->name.ptr && !store_name_allowed(o->name, err)))
        return false;
    if (!str_eq(call->args[0], STR("-")))
        fd = opened = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path);
    return restore_from(call, fd, err) || err_wrap(err, "cannot restore '%s'", path);
}

const Cmd cmd_feed_restore = {
    .name = "feed restore",
    .args = "FILE",
    .summary = "make a feed from a backup",
    .description =
        "FILE (- is standard input) is what 'strata feed backup' wrote. All of it is checked, up to the signature, before there is a feed; "
        "a feed that is there is never overwritten.\n\n"
        "A backup may be older than what the feed's copies have. Appending to it then would make two histories under one key, so append "
        "and truncate refuse until the feed was compared with a peer's, or --trust says that there is nothing newer.",
    .opts = opts,
    CMD_OPTS(Opts, .with_key = false),
    .examples = "strata feed restore notes.feed\n"
                "strata feed restore notes.feed --name old\n",
    .run = run,
};
