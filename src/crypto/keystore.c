/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fault.h"
#include "crypto/keyroot.h"
#include "crypto/keystore_inside.h"

/* ---- life ---- */

static void wipe(void *what)
{
    Keystore *store = what;

    secret_release(&store->root);
}

Keystore *keystore_open(Arena *arena, const char *dir, const KeystoreOptions *options)
{
    Keystore *store = arena_new(arena, Keystore, 1);

    store->dir = str_to_z(arena, str_from_z(dir));
    store->unlock = options->unlock ? str_to_z(arena, str_from_z(options->unlock))
                                    : str_printf(arena, "%s/unlock", dir).ptr;
    store->get = options->get;
    store->ctx = options->ctx;
    store->cost = options->cost.passes ? options->cost : SEAL_COST_USUAL;
    arena_defer(arena, wipe, store);
    return store;
}

const char *keystore_unlock_path(const Keystore *store)
{
    return store->unlock;
}

bool keystore_hold(const Keystore *store, int *fd, Err *err)
{
    int done;

    *fd = os_open(store->dir, O_RDONLY | O_DIRECTORY, 0);
    if (*fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", store->dir);
    do
        done = flock(*fd, LOCK_EX);
    while (done < 0 && errno == EINTR);
    return done == 0 || err_sys(err, ERR_IO, "cannot lock '%s'", store->dir);
}

/* ---- the root key ---- */

static const char *root_path(const Keystore *store, Arena *arena)
{
    return str_printf(arena, "%s/root", store->dir).ptr;
}

/* ERR_NOT_FOUND: there is none. */
static bool read_root(const Keystore *store, Buf *bytes, KeyRoot *out, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = root_path(store, &scratch);

    buf_reset(bytes);
    return os_read_file(path, KEYROOT_MAX, bytes, err) &&
           (keyroot_read(buf_str(bytes), out, err) || err_wrap(err, "cannot use '%s'", path));
}

bool keystore_state(Keystore *store, KeystoreState *out, Err *err)
{
    BUF_SCOPE(bytes);
    KeyRoot root;

    if (read_root(store, &bytes, &root, err)) {
        *out = root.lock == ROOT_LOCK_PASSPHRASE ? KEYSTORE_PASSPHRASE : KEYSTORE_KEY_FILE;
        return true;
    }
    if (err->code != ERR_NOT_FOUND)
        return false;
    *out = KEYSTORE_NONE;
    return true;
}

static bool write_root(const Keystore *store, const KeyRoot *how, const unsigned char *key,
                       const Secret *root, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);

    keyroot_put(how, key, root, &bytes);
    return os_write_file(root_path(store, &scratch), buf_str(&bytes), 0600, err);
}

/* Puts the file of before back when this fails after the new one has got its name. */
static bool replace_root(const Keystore *store, const KeyRoot *how, const Secret *key, Str before, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(now);
    Err ignored = {0};
    const char *path = root_path(store, &scratch);

    if (write_root(store, how, key->ptr, &store->root, err))
        return true;
    if (os_read_file(path, KEYROOT_MAX, &now, &ignored) && !str_eq(buf_str(&now), before))
        (void)!os_write_file(path, before, 0600, &ignored);
    return false;
}

/* ---- opening ---- */

static bool ask(const Keystore *store, KeystoreAsk why, Secret *out, Err *err)
{
    secret_init(out, KEYSTORE_PASSPHRASE_MAX);
    if (store->get)
        return store->get(store->ctx, why, out, err);
    return why == KEYSTORE_FIRST || err_set(err, ERR_DENIED, "the keys are locked with a passphrase");
}

/* Asks until the passphrase is right, or there is no other. */
static bool take_by_passphrase(const Keystore *store, const KeyRoot *root, Secret *out, Err *err)
{
    for (KeystoreAsk why = KEYSTORE_UNLOCK;; why = KEYSTORE_AGAIN) {
        SECRET_SCOPE(passphrase);
        SECRET_SCOPE(key);

        secret_init(&key, SEAL_KEY_BYTES);
        if (!ask(store, why, &passphrase, err) ||
            !seal_derive(secret_str(&passphrase), root->salt, root->cost, key.ptr, err))
            return false;
        if (keyroot_take(root, key.ptr, out))
            return true;
    }
}

static bool take_by_file(const Keystore *store, const KeyRoot *root, Secret *out, Err *err)
{
    SECRET_SCOPE(keys);

    if (!keyroot_read_unlock(store->unlock, &keys, err))
        return false;
    for (size_t i = 0; i + SEAL_KEY_BYTES <= keys.len; i += SEAL_KEY_BYTES)
        if (keyroot_take(root, keys.ptr + i, out))
            return true;
    return err_set(err, ERR_DENIED, "the key file '%s' is not the one that opens these keys", store->unlock);
}

static bool take_root(const Keystore *store, const KeyRoot *root, Secret *out, Err *err)
{
    secret_init(out, SEAL_KEY_BYTES);
    return root->lock == ROOT_LOCK_PASSPHRASE ? take_by_passphrase(store, root, out, err)
                                              : take_by_file(store, root, out, err);
}

/* ---- sealing ---- */

/* A key of a passphrase with a new salt, and how it is made again. */
static bool derive(const Keystore *store, const Secret *passphrase, KeyRoot *how, Secret *key, Err *err)
{
    *how = (KeyRoot){.lock = ROOT_LOCK_PASSPHRASE, .cost = store->cost};
    secret_random(how->salt, sizeof how->salt);
    secret_init(key, SEAL_KEY_BYTES);
    key->len = SEAL_KEY_BYTES;
    return seal_derive(secret_str(passphrase), how->salt, how->cost, key->ptr, err);
}

static void make_random(Secret *key, size_t room)
{
    secret_init(key, room);
    secret_random(key->ptr, SEAL_KEY_BYTES);
    key->len = SEAL_KEY_BYTES;
}

/* The key of the key file: what an interrupted start left, or what serves another store as well, is taken. */
static bool make_unlock(const Keystore *store, Secret *key, Err *err)
{
    Err none = {0};

    if (keyroot_read_unlock(store->unlock, key, &none))
        return true;
    if (none.code != ERR_DENIED || access(store->unlock, F_OK) == 0) {
        *err = none;
        return false;
    }
    make_random(key, SEAL_KEY_BYTES);
    return keyroot_write_unlock(store->unlock, key, err);
}

/* Keys without a root key are lost; a new one would hide that, and mix keys of two roots. */
static bool check_orphans(const Keystore *store, Err *err)
{
    ARENA_SCOPE(scratch);
    bool any;

    if (!keystore_any(keystore_own_dir(store, &scratch), &any, err))
        return false;
    if (!any)
        return true;
    (void)err_set(err, ERR_CORRUPT, "'%s/root' is missing, and the keys in '%s/own' need it", store->dir,
                  store->dir);
    return err_hint(err, "bring it back from a backup, or move '%s/own' away to begin anew", store->dir);
}

/* Whether there is a root key by now: another process may have made it, and keys under it, since it was not found. */
static bool is_made(Keystore *store)
{
    KeystoreState state;
    Err ignored = {0};

    return keystore_state(store, &state, &ignored) && state != KEYSTORE_NONE;
}

/* Makes the store, unless another process did meanwhile: then *made is false. */
static bool make_store(Keystore *store, bool *made, Err *err)
{
    SECRET_SCOPE(passphrase);
    SECRET_SCOPE(key);
    SECRET_SCOPE(root);
    FD_SCOPE(held);
    KeyRoot how = {.lock = ROOT_LOCK_FILE};
    KeystoreState state;

    *made = false;
    if (!check_orphans(store, err))
        return is_made(store);
    if (!ask(store, KEYSTORE_FIRST, &passphrase, err) ||
        (passphrase.len && !derive(store, &passphrase, &how, &key, err)) ||
        !keystore_hold(store, &held, err) || !keystore_state(store, &state, err))
        return false;
    *made = state == KEYSTORE_NONE;
    if (!*made)
        return true;
    make_random(&root, SEAL_KEY_BYTES);
    if ((how.lock == ROOT_LOCK_FILE && !make_unlock(store, &key, err)) ||
        !write_root(store, &how, key.ptr, &root, err))
        return err_wrap(err, "cannot make a key store in '%s'", store->dir);
    store->root = root;
    root = (Secret){0};
    return true;
}

bool keystore_unlock(Keystore *store, Err *err)
{
    BUF_SCOPE(bytes);
    SECRET_SCOPE(key);
    KeyRoot root;
    bool made = false;

    if (store->root.ptr)
        return true;
    while (!read_root(store, &bytes, &root, err)) {
        if (err->code != ERR_NOT_FOUND || !make_store(store, &made, err))
            return false;
        if (made)
            return true;
    }
    if (!take_root(store, &root, &key, err))
        return false;
    store->root = key;
    key = (Secret){0};
    return true;
}

/* ---- another passphrase ---- */

/*
 * The key file gets the new key beside the one that opens the root key now, then the root key is sealed with the new one,
 * then the other goes: whichever of these steps is the last, the key file opens the root key.
 */
static bool change_to_file(const Keystore *store, Err *err)
{
    SECRET_SCOPE(keys);
    SECRET_SCOPE(now);
    BUF_SCOPE(bytes);
    KeyRoot root, how = {.lock = ROOT_LOCK_FILE};

    make_random(&keys, (size_t)KEYROOT_UNLOCKS_MAX * SEAL_KEY_BYTES);
    if (!read_root(store, &bytes, &root, err))
        return false;
    if (root.lock == ROOT_LOCK_FILE) {
        SECRET_SCOPE(opened);

        secret_init(&opened, SEAL_KEY_BYTES);
        if (!keyroot_read_unlock(store->unlock, &now, err))
            return false;
        for (size_t i = 0; i + SEAL_KEY_BYTES <= now.len && keys.len == SEAL_KEY_BYTES; i += SEAL_KEY_BYTES)
            if (keyroot_take(&root, now.ptr + i, &opened))
                (void)!secret_put(&keys, str_sub(secret_str(&now), i, i + SEAL_KEY_BYTES));
    }
    if (!keyroot_write_unlock(store->unlock, &keys, err) || !fault_pass(FAULT_key_unlock_written, err) ||
        !replace_root(store, &how, &keys, buf_str(&bytes), err) || !fault_pass(FAULT_key_root_written, err))
        return false;
    keys.len = SEAL_KEY_BYTES;
    return root.lock != ROOT_LOCK_FILE || keyroot_write_unlock(store->unlock, &keys, err) ||
           err_wrap(err, "the keys have a new key file, but the key of before cannot be taken out of it");
}

static bool change_to_passphrase(const Keystore *store, const KeyRoot *how, const Secret *key, Err *err)
{
    BUF_SCOPE(bytes);
    KeyRoot root;

    if (!read_root(store, &bytes, &root, err) || !replace_root(store, how, key, buf_str(&bytes), err) ||
        !fault_pass(FAULT_key_root_written, err))
        return false;
    return root.lock != ROOT_LOCK_FILE || keyroot_remove_unlock(store->unlock, err) ||
           err_wrap(
               err,
               "the keys have a passphrase now, but there is still a file that opens old copies of them");
}

bool keystore_change(Keystore *store, const Secret *passphrase, Err *err)
{
    SECRET_SCOPE(key);
    FD_SCOPE(held);
    KeyRoot how;

    if (passphrase && (passphrase->len == 0 || passphrase->len > KEYSTORE_PASSPHRASE_MAX))
        return err_set(err, ERR_USAGE, "a passphrase is 1 to %d bytes long", KEYSTORE_PASSPHRASE_MAX);
    if (!keystore_unlock(store, err) || (passphrase && !derive(store, passphrase, &how, &key, err)) ||
        !keystore_hold(store, &held, err))
        return false;
    return passphrase ? change_to_passphrase(store, &how, &key, err) : change_to_file(store, err);
}
