/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "crypto/keystore_inside.h"

/* ---- files ---- */

const char *keystore_own_dir(const Keystore *store, Arena *arena)
{
    return str_printf(arena, "%s/own", store->dir).ptr;
}

const char *keystore_known_dir(const Keystore *store, Arena *arena)
{
    return str_printf(arena, "%s/known", store->dir).ptr;
}

const char *keystore_path(Arena *arena, const char *dir, const unsigned char public_key[SIGN_PUBLIC_BYTES])
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, public_key, SIGN_PUBLIC_BYTES);
    return str_printf(arena, "%s/%.*s", dir, STR_ARG(buf_str(&hex))).ptr;
}

static bool make_dir(const char *dir, Err *err)
{
    ARENA_SCOPE(scratch);

    if (os_mkdir(dir, 0700) < 0)
        return errno == EEXIST || err_sys(err, ERR_IO, "cannot make directory '%s'", dir);
    return os_sync_dir(str_to_z(&scratch, str_dir_name(str_from_z(dir))), err);
}

bool keystore_write(const char *dir, const char *path, Str bytes, Err *err)
{
    return make_dir(dir, err) && os_write_file(path, bytes, 0600, err);
}

bool keystore_read(const char *path, const unsigned char public_key[SIGN_PUBLIC_BYTES], bool own, Buf *bytes,
                   KeyFile *out, Err *err)
{
    KeyFile file;

    buf_reset(bytes);
    if (!os_read_file(path, KEYFILE_MAX, bytes, err))
        return false;
    if (!keyfile_read(buf_str(bytes), &file, err))
        return err_wrap(err, "cannot use '%s'", path);
    if (memcmp(file.info.public_key, public_key, SIGN_PUBLIC_BYTES) != 0 ||
        file.lock != (own ? KEY_LOCK_ROOT : KEY_LOCK_PUBLIC))
        return err_set(err, ERR_CORRUPT, "cannot use '%s': it is another key than its name says", path);
    *out = file;
    return true;
}

static bool no_key(const unsigned char public_key[SIGN_PUBLIC_BYTES], Err *err)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, public_key, SIGN_PUBLIC_BYTES);
    return err_set(err, ERR_NOT_FOUND, "there is no key '%.*s'", STR_ARG(buf_str(&hex)));
}

static bool is_there(const char *dir, const unsigned char public_key[SIGN_PUBLIC_BYTES])
{
    ARENA_SCOPE(scratch);

    return access(keystore_path(&scratch, dir, public_key), F_OK) == 0;
}

/* ---- adding ---- */

static KeyInfo info_of(const unsigned char public_key[SIGN_PUBLIC_BYTES], const KeystoreNew *what)
{
    KeyInfo info = {
        .kind = what->kind, .name = what->name, .created = what->created ? what->created : time_now()};

    memcpy(info.public_key, public_key, SIGN_PUBLIC_BYTES);
    if (what->parent)
        memcpy(info.parent, what->parent, SIGN_PUBLIC_BYTES);
    return info;
}

/* A name that another key has; it may be that key's own already. */
static bool check_name(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                       const KeystoreNew *what, Err *err)
{
    ARENA_SCOPE(scratch);
    KeystoreKey *keys;
    size_t count;

    if (what->name.len && !key_name_check(what->name, err))
        return false;
    if (!what->unique || !what->name.len)
        return true;
    if (!keystore_list(store, &scratch, KEYSTORE_ALL, &keys, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (str_eq(keys[i].info.name, what->name) &&
            memcmp(keys[i].info.public_key, public_key, SIGN_PUBLIC_BYTES) != 0)
            return err_set(err, ERR_CONFLICT, "there is a key called '%.*s' already", STR_ARG(what->name));
    return true;
}

static bool is_there_already(const KeyInfo *info, Err *err)
{
    if (info->kind != KEY_READING)
        return err_set(err, ERR_CONFLICT, "the key is there already");
    (void)err_set(err, ERR_CONFLICT, "there is a reading key of the feed already");
    return err_hint(err, "if that is not the right one: strata key remove --own takes it away");
}

static bool add(Keystore *store, const KeyInfo *info, const unsigned char *secret, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    const char *dir = keystore_own_dir(store, &scratch),
               *path = keystore_path(&scratch, dir, info->public_key);

    if (access(path, F_OK) == 0)
        return is_there_already(info, err);
    keyfile_put_sealed(info, secret, store->root.ptr, &bytes);
    if (!keystore_write(dir, path, buf_str(&bytes), err)) {
        (void)unlink(path); /* it may stand there although its directory could not be synced */
        return false;
    }
    /* It is no longer somebody else's; if this fails, the own one is still the one that is found. */
    (void)unlink(keystore_path(&scratch, keystore_known_dir(store, &scratch), info->public_key));
    return true;
}

static bool add_safely(Keystore *store, const unsigned char *public_key, const unsigned char *secret,
                       const KeystoreNew *what, Err *err)
{
    FD_SCOPE(held);
    KeyInfo info = info_of(public_key, what);

    return keystore_unlock(store, err) && keystore_hold(store, &held, err) &&
           ((check_name(store, public_key, what, err) && add(store, &info, secret, err)) ||
            err_wrap(err, "cannot add a key"));
}

bool keystore_add(Keystore *store, const SignPair *pair, const KeystoreNew *what, Err *err)
{
    if (what->kind == KEY_READING) {
        (void)err_set(err, ERR_USAGE, "a reading key is no pair: each is that of a feed");
        return err_hint(err, "strata feed create --encrypt makes one");
    }
    return add_safely(store, pair->public_key, pair->secret_key, what, err);
}

bool keystore_add_reading(Keystore *store, const unsigned char feed[SIGN_PUBLIC_BYTES],
                          const unsigned char secret[KEY_SECRET_BYTES], const KeystoreNew *what, Err *err)
{
    KeystoreNew reading = *what;
    unsigned char name[SIGN_PUBLIC_BYTES];

    reading.kind = KEY_READING;
    reading.parent = feed;
    key_reading_name(feed, name);
    return add_safely(store, name, secret, &reading, err);
}

bool keystore_know(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                   const KeystoreNew *what, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    FD_SCOPE(held);
    KeyInfo info = info_of(public_key, what);
    const char *dir = keystore_known_dir(store, &scratch), *path = keystore_path(&scratch, dir, public_key);

    if (what->kind == KEY_READING)
        return err_set(err, ERR_USAGE, "of a reading key nothing is public");
    if (!sign_public_is_valid(public_key))
        return err_set(err, ERR_USAGE, "this is nobody's public key: no secret key has it");
    if (!key_name_check(what->name, err) || !keystore_hold(store, &held, err) ||
        !check_name(store, public_key, what, err))
        return false;
    if (is_there(keystore_own_dir(store, &scratch), public_key))
        return err_set(err, ERR_CONFLICT, "the key is one of your own");
    keyfile_put_public(&info, &bytes);
    return keystore_write(dir, path, buf_str(&bytes), err) || err_wrap(err, "cannot add a key");
}

/* ---- taking out ---- */

/* The file of an own key, into `bytes`; and the store is open. */
static bool open_own(Keystore *store, const char *path, const unsigned char *public_key, Buf *bytes,
                     KeyFile *out, Err *err)
{
    if (!keystore_read(path, public_key, true, bytes, out, err))
        return err->code == ERR_NOT_FOUND ? no_key(public_key, err) : false;
    return keystore_unlock(store, err);
}

bool keystore_pair(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES], SignPair *out,
                   Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    KeyFile file;
    const char *path = keystore_path(&scratch, keystore_own_dir(store, &scratch), public_key);

    return open_own(store, path, public_key, &bytes, &file, err) &&
           (keyfile_take(&file, store->root.ptr, (Str){0}, out, err) ||
            err_wrap(err, "cannot use '%s'", path));
}

bool keystore_secret(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                     unsigned char out[KEY_SECRET_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    KeyFile file;
    const char *path = keystore_path(&scratch, keystore_own_dir(store, &scratch), public_key);

    return open_own(store, path, public_key, &bytes, &file, err) &&
           (keyfile_take_secret(&file, store->root.ptr, (Str){0}, out, err) ||
            err_wrap(err, "cannot use '%s'", path));
}

bool keystore_has_reading(const Keystore *store, const unsigned char feed[SIGN_PUBLIC_BYTES])
{
    ARENA_SCOPE(scratch);
    unsigned char name[SIGN_PUBLIC_BYTES];

    key_reading_name(feed, name);
    return is_there(keystore_own_dir(store, &scratch), name);
}

bool keystore_reading(Keystore *store, const unsigned char feed[SIGN_PUBLIC_BYTES],
                      unsigned char out[KEY_SECRET_BYTES], Err *err)
{
    unsigned char name[SIGN_PUBLIC_BYTES];

    key_reading_name(feed, name);
    return keystore_secret(store, name, out, err);
}

bool keystore_remove(Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    const char *dir = keystore_own_dir(store, &scratch);

    if (!is_there(dir, public_key))
        dir = keystore_known_dir(store, &scratch);
    if (os_unlink(keystore_path(&scratch, dir, public_key)) < 0)
        return errno == ENOENT ? no_key(public_key, err)
                               : err_sys(err, ERR_IO, "cannot remove a key from '%s'", dir);
    return os_sync_dir(dir, err);
}

/* ---- the node's own ---- */

enum { NODE_VERSION = 1, NODE_MAX = 128 };
static const char node_magic[8] = {'S', 'T', 'R', 'K', 'N', 'O', 'D', 'E'};

static const char *node_path(const Keystore *store, Arena *arena)
{
    return str_printf(arena, "%s/node", store->dir).ptr;
}

/* ERR_NOT_FOUND: there is none yet. */
static bool read_node(const Keystore *store, unsigned char out[SIGN_PUBLIC_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    unsigned char key[SIGN_PUBLIC_BYTES];
    const char *path = node_path(store, &scratch);

    if (!os_read_file(path, NODE_MAX, &bytes, err))
        return false;
    Str all = buf_str(&bytes);
    BytesIn in = {all, !seal_take_check(&all)};
    in.rest = all;
    bool good = str_eq(bytes_take_str(&in, sizeof node_magic), (Str){node_magic, sizeof node_magic});
    good = bytes_take(&in, 4) == NODE_VERSION && good;
    bytes_take_to(&in, key, sizeof key);
    if (!good || !bytes_done(&in))
        return err_set(err, ERR_CORRUPT, "cannot use '%s': it is damaged", path);
    memcpy(out, key, sizeof key);
    return true;
}

static bool write_node(const Keystore *store, const unsigned char public_key[SIGN_PUBLIC_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);

    buf_put(&bytes, (Str){node_magic, sizeof node_magic});
    bytes_put(&bytes, NODE_VERSION, 4);
    buf_put(&bytes, (Str){(const char *)public_key, SIGN_PUBLIC_BYTES});
    seal_put_check(&bytes, 0);
    return os_write_file(node_path(store, &scratch), buf_str(&bytes), 0600, err);
}

static bool node_pair(Keystore *store, SignPair *out, Err *err)
{
    unsigned char public_key[SIGN_PUBLIC_BYTES];

    return read_node(store, public_key, err) && keystore_pair(store, public_key, out, err);
}

/* The store is open and held. */
static bool make_node(Keystore *store, SignPair *out, Err *err)
{
    SIGN_SCOPE(pair);

    if (node_pair(store, out, err))
        return true;
    if (err->code != ERR_NOT_FOUND)
        return false;
    sign_pair_new(&pair);
    KeyInfo info = info_of(pair.public_key, &(KeystoreNew){.kind = KEY_PEER});
    if (!add(store, &info, pair.secret_key, err) || !fault_pass(FAULT_key_node_added, err) ||
        !write_node(store, pair.public_key, err))
        return err_wrap(err, "cannot make this node's own key");
    *out = pair;
    return true;
}

bool keystore_node(Keystore *store, SignPair *out, Err *err)
{
    FD_SCOPE(held);

    if (node_pair(store, out, err))
        return true;
    return err->code == ERR_NOT_FOUND && keystore_unlock(store, err) && keystore_hold(store, &held, err) &&
           make_node(store, out, err);
}
