/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "crypto/keystore_inside.h"

static void close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

/* Every name in a directory that is a key; none where there is no directory. `took` says with false that it has enough. */
static bool each_name(const char *path, bool (*took)(void *ctx, const unsigned char *public_key, Str name),
                      void *ctx, Err *err)
{
    ATTR_CLEANUP(close_dir) DIR *dir = opendir(path);

    if (!dir)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot open '%s'", path);
    for (;;) {
        unsigned char public_key[SIGN_PUBLIC_BYTES];

        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return errno == 0 || err_sys(err, ERR_IO, "cannot read '%s'", path);
        Str name = str_from_z(entry->d_name);
        if (str_to_bytes(name, public_key, sizeof public_key) && !took(ctx, public_key, name))
            return true;
    }
}

static bool note_any(void *ctx, const unsigned char *public_key, Str name)
{
    bool *any = ctx;

    (void)public_key, (void)name;
    *any = true;
    return false;
}

bool keystore_any(const char *dir, bool *out, Err *err)
{
    bool any = false;

    if (!each_name(dir, note_any, &any, err))
        return false;
    *out = any;
    return true;
}

/* ---- reading ---- */

/* A key that went since its name was seen is not there. */
static bool read_key(const char *dir, const unsigned char public_key[SIGN_PUBLIC_BYTES], bool own,
                     Arena *arena, KeystoreKey *out, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    KeyFile file;

    if (!keystore_read(keystore_path(&scratch, dir, public_key), public_key, own, &bytes, &file, err))
        return false;
    *out = (KeystoreKey){.info = file.info, .own = own};
    out->info.name = str_copy(arena, file.info.name);
    return true;
}

static bool no_key(Str text, Err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "there is no key '%.*s'", STR_ARG(str_sub(text, 0, 200)));
    return err_hint(err, "strata key list shows those there are");
}

bool keystore_info(Keystore *store, Arena *arena, const unsigned char public_key[SIGN_PUBLIC_BYTES],
                   KeystoreKey *out, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(hex);

    if (read_key(keystore_own_dir(store, &scratch), public_key, true, arena, out, err))
        return true;
    if (err->code != ERR_NOT_FOUND)
        return false;
    if (read_key(keystore_known_dir(store, &scratch), public_key, false, arena, out, err))
        return true;
    buf_put_hex(&hex, public_key, SIGN_PUBLIC_BYTES);
    return err->code == ERR_NOT_FOUND ? no_key(buf_str(&hex), err) : false;
}

/* ---- all of them ---- */

typedef struct Listing {
    const char *dir;
    bool own;
    Arena *arena;
    Buf keys; /* of KeystoreKey */
} Listing;

static bool take_key(void *ctx, const unsigned char *public_key, Str name)
{
    Listing *listing = ctx;
    KeystoreKey key = {0};
    Err err = {0};

    (void)name;
    if (!read_key(listing->dir, public_key, listing->own, listing->arena, &key, &err)) {
        if (err.code == ERR_NOT_FOUND)
            return true;
        Err *problem = arena_new(listing->arena, Err, 1);

        *problem = err;
        key = (KeystoreKey){.own = listing->own, .problem = problem};
        memcpy(key.info.public_key, public_key, SIGN_PUBLIC_BYTES);
    }
    buf_put(&listing->keys, (Str){(const char *)&key, sizeof key});
    return true;
}

static int compare(const void *left, const void *right)
{
    const KeystoreKey *a = left, *b = right;

    if (a->own != b->own)
        return a->own ? -1 : 1;
    if (a->info.created != b->info.created)
        return a->info.created < b->info.created ? -1 : 1;
    return memcmp(a->info.public_key, b->info.public_key, SIGN_PUBLIC_BYTES);
}

static bool list_into(Keystore *store, KeystoreWhich which, Listing *listing, Err *err)
{
    ARENA_SCOPE(scratch);

    listing->own = true;
    listing->dir = keystore_own_dir(store, &scratch);
    if (which & KEYSTORE_OWN && !each_name(listing->dir, take_key, listing, err))
        return false;
    listing->own = false;
    listing->dir = keystore_known_dir(store, &scratch);
    return !(which & KEYSTORE_KNOWN) || each_name(listing->dir, take_key, listing, err);
}

bool keystore_list(Keystore *store, Arena *arena, KeystoreWhich which, KeystoreKey **out, size_t *count,
                   Err *err)
{
    Listing listing = {.arena = arena};
    bool ok = list_into(store, which, &listing, err);

    if (ok) {
        *count = listing.keys.len / sizeof **out;
        *out = arena_new(arena, KeystoreKey, *count + 1);
        if (*count)
            memcpy(*out, listing.keys.ptr, listing.keys.len);
        qsort(*out, *count, sizeof **out, compare);
    }
    buf_release(&listing.keys);
    return ok;
}

/* ---- one of them ---- */

static bool is_prefix(Str text, const unsigned char public_key[SIGN_PUBLIC_BYTES])
{
    BUF_SCOPE(hex);

    if (text.len < KEYSTORE_PREFIX_MIN)
        return false;
    buf_put_hex(&hex, public_key, SIGN_PUBLIC_BYTES);
    return str_starts(buf_str(&hex), text);
}

static bool find_among(const KeystoreKey *keys, size_t count, Str text, unsigned char out[SIGN_PUBLIC_BYTES],
                       Err *err)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        if (!str_eq(keys[i].info.name, text) && !is_prefix(text, keys[i].info.public_key))
            continue;
        memcpy(out, keys[i].info.public_key, SIGN_PUBLIC_BYTES);
        found++;
    }
    if (found == 1)
        return true;
    if (found == 0)
        return no_key(text, err);
    (void)err_set(err, ERR_CONFLICT, "'%.*s' means more than one key", STR_ARG(text));
    return err_hint(err, "give more of the key's digits: strata key list shows them");
}

bool keystore_find(Keystore *store, Arena *arena, KeystoreWhich which, Str text, KeystoreKey *out, Err *err)
{
    ARENA_SCOPE(scratch);
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    KeystoreKey *keys, key = {0};
    size_t count;

    if (!str_to_bytes(text, public_key, sizeof public_key)) {
        if (!text.len)
            return no_key(text, err);
        if (!keystore_list(store, &scratch, which, &keys, &count, err) ||
            !find_among(keys, count, text, public_key, err))
            return false;
    }
    if (!keystore_info(store, arena, public_key, &key, err))
        return false;
    if (!(which & (key.own ? KEYSTORE_OWN : KEYSTORE_KNOWN)))
        return no_key(text, err);
    *out = key;
    return true;
}
