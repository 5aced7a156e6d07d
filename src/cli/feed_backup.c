/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"
#include "base/stop.h"
#include "cli/feeds.h"
#include "feed/backup.h"

typedef struct Opts {
    bool with_key, force;
    Str export_file, passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "with-key", 0, offsetof(Opts, with_key), NULL,
     "put the key that signs, and a reading key, into the file, sealed under a passphrase of its own"},
    {OPT_TEXT, "export-passphrase-file", 0, offsetof(Opts, export_file), "FILE",
     "with --with-key: that passphrase is the first line of this file"},
    {OPT_FLAG, "force", 0, offsetof(Opts, force), NULL, "replace a file that is there already"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

/* What is sealed into the backup. */
typedef struct Sealed {
    Buf pair, reading;
} Sealed;

static void release(Sealed *sealed)
{
    buf_release(&sealed->pair);
    buf_release(&sealed->reading);
}

static bool seal_pair(const Call *call, FeedInHand *in, Str passphrase, Buf *out, Err *err)
{
    const Opts *o = call->opts;
    SIGN_SCOPE(pair);
    KeyInfo info = {.kind = KEY_FEED, .created = in->about.about.created, .name = in->about.about.name};

    if (!feeds_pair(call, o->passphrase_file, in, &pair, err))
        return false;
    memcpy(info.public_key, pair.public_key, SIGN_PUBLIC_BYTES);
    return keyfile_put_locked(&info, pair.secret_key, passphrase, SEAL_COST_EXPORT, out, err);
}

/* The reading key, where there is one. It keeps its name. */
static bool seal_reading(const Call *call, FeedInHand *in, Str passphrase, Buf *out, Err *err)
{
    unsigned char name[SIGN_PUBLIC_BYTES], secret[KEY_SECRET_BYTES];
    KeystoreKey key;

    if (!keystore_has_reading(in->keys, in->about.about.key))
        return true;
    key_reading_name(in->about.about.key, name);
    bool ok = keystore_info(in->keys, call->arena, name, &key, err) &&
              keystore_secret(in->keys, name, secret, err) &&
              keyfile_put_locked(&key.info, secret, passphrase, SEAL_COST_EXPORT, out, err);
    secret_wipe(secret, sizeof secret);
    return ok;
}

static bool seal(const Call *call, FeedInHand *in, Sealed *out, Err *err)
{
    const Opts *o = call->opts;
    SIGN_SCOPE(pair);
    SECRET_SCOPE(passphrase);
    Passphrase from = {.option = "export-passphrase-file",
                       .file = o->export_file,
                       .variable = "STRATA_EXPORT_PASSPHRASE",
                       .prompt = "passphrase for the keys in the backup"};

    if (!feeds_pair(call, o->passphrase_file, in, &pair, err)) /* before it is asked for another passphrase */
        return false;
    secret_init(&passphrase, KEYSTORE_PASSPHRASE_MAX);
    return passphrase_get_new(&from, &passphrase, err) &&
           seal_pair(call, in, secret_str(&passphrase), &out->pair, err) &&
           seal_reading(call, in, secret_str(&passphrase), &out->reading, err);
}

static bool write_to(const Call *call, const FeedInHand *in, int fd, const BackupNote *note, Err *err)
{
    FeedsBar bar = feeds_bar(call, "writing", feed_state(in->feed)->held);
    bool ok = backup_write(in->feed, note, fd, &(BackupGo){feeds_go_on, &bar}, err);

    progress_end(bar.progress);
    return ok;
}

/* What is replaced is a file: not a directory, and not a device such as /dev/null. */
static bool check_place(const char *path, bool force, Err *err)
{
    struct statx st;

    if (path[0] == '\0')
        return err_set(err, ERR_USAGE, "'' is no file");
    if (os_statx(AT_FDCWD, path, 0, STATX_TYPE, &st) < 0)
        return true;
    if (!S_ISREG(st.stx_mode))
        return err_set(err, ERR_USAGE, "'%s' is no file that can be replaced", path);
    if (force)
        return true;
    (void)err_set(err, ERR_CONFLICT, "there is a '%s' already", path);
    return err_hint(err, "--force replaces it");
}

/* Written beside its place: what is called FILE is a whole backup at every moment. */
static bool write_file(const Call *call, const FeedInHand *in, const BackupNote *note, Err *err)
{
    const Opts *o = call->opts;
    const char *path = call->args[1].ptr;
    const char *part = str_printf(call->arena, "%s.%d.part", path, (int)getpid()).ptr;
    const char *above = str_to_z(call->arena, str_dir_name(call->args[1]));
    FD_SCOPE(fd);

    if (!check_place(path, o->force, err))
        return false;
    fd = os_open(part, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot make '%s'", part);
    bool ok = write_to(call, in, fd, note, err) &&
              (os_fsync(fd) == 0 || err_sys(err, ERR_IO, "cannot sync '%s'", part)) &&
              (os_rename(part, path) == 0 || err_sys(err, ERR_IO, "cannot rename '%s'", part));
    if (!ok) {
        (void)unlink(part);
        return false;
    }
    return os_sync_dir(above[0] ? above : ".", err);
}

static void print(const Call *call, const FeedInHand *in, bool with_key)
{
    const FeedState *state = feed_state(in->feed);

    out_record(call->out);
    feeds_put_hex(call, "key", state->identity.key);
    feeds_put_number(call, "length", state->roots.length);
    feeds_put_number(call, "blocks", state->held);
    out_field(call->out, "with_key", OUT_BOOL);
    out_bool(call->out, with_key);
    out_field(call->out, "file", OUT_TEXT);
    out_text(call->out, call->args[1]);
    out_end(call->out);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    bool piped = str_eq(call->args[1], STR("-"));
    ATTR_CLEANUP(release) Sealed sealed = {0};
    ReadingState reading;
    FeedInHand in;

    if (o->export_file.ptr && !o->with_key)
        return err_set(err, ERR_USAGE, "--export-passphrase-file is for --with-key");
    if (!stop_init(err) || !feeds_take(call, FEED_READ, &in, err) ||
        (o->with_key && !seal(call, &in, &sealed, err)) || !feeds_reading_state(call, &in, &reading, err))
        return false;
    BackupNote note = {.name = in.about.about.name,
                       .created = in.about.about.created,
                       .sealed = buf_str(&sealed.pair),
                       .encrypted = reading.encrypted,
                       .reading = buf_str(&sealed.reading)};
    if (piped)
        return write_to(call, &in, STDOUT_FILENO, &note, err);
    if (!write_file(call, &in, &note, err))
        return err_wrap(err, "cannot back up to '%s'", call->args[1].ptr);
    print(call, &in, o->with_key);
    return true;
}

const Cmd cmd_feed_backup = {
    .name = "feed backup",
    .args = "KEY FILE",
    .summary = "write a feed into one file",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. FILE (- is standard output) has the blocks that are held, "
        "the hashes of those that are not, the signature, and a checksum over all; it is there when it is whole. Others may append "
        "meanwhile: what they append is not in it.\n\n"
        "The key that signs is left out unless --with-key is given. Then it is sealed under a passphrase, which comes from "
        "--export-passphrase-file, $STRATA_EXPORT_PASSPHRASE or the terminal; and so is the reading key of an encrypted feed, if it is here. "
        "The blocks of such a feed are encrypted in the backup, too.",
    .opts = opts,
    CMD_OPTS(Opts, .force = false),
    .examples = "strata feed backup notes notes.feed\n"
                "strata feed backup notes - | gzip > notes.gz\n",
    .run = run,
};
