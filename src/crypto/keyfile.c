/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keyfile.h"

#include <assert.h>
#include <sodium.h>

#include "base/bytes.h"
#include "crypto/secret.h"

enum { VERSION = 1, SEALED_SECRET = KEY_SECRET_BYTES + SEAL_MORE };
static const char magic[8] = {'S', 'T', 'R', 'K', 'E', 'Y', 'R', 'C'};

#define BYTES(array) ((Str){(const char *)(array), sizeof(array)})

/* ---- kinds and names ---- */

static const struct {
    KeyKind kind;
    const char *name;
} kinds[] = {
#define X(kind, number, name, meaning) {kind, name},
#include "crypto/keykind.def"
#undef X
};

const char *key_kind_name(KeyKind kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return NULL;
}

bool key_kind_parse(Str name, KeyKind *out)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_eq_z(name, kinds[i].name)) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

void key_reading_name(const unsigned char feed[SIGN_PUBLIC_BYTES], unsigned char out[SIGN_PUBLIC_BYTES])
{
    Str what = STR("strata reading key");

    (void)crypto_generichash(out, SIGN_PUBLIC_BYTES, (const unsigned char *)what.ptr, what.len, feed,
                             SIGN_PUBLIC_BYTES);
}

static bool is_name(Str name)
{
    unsigned char key[SIGN_PUBLIC_BYTES];

    if (name.len == 0 || name.len > KEY_NAME_MAX || str_utf8_prefix(name) != name.len ||
        str_trim(name).len != name.len || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == '\x7f')
            return false;
    return !str_to_bytes(name, key, sizeof key);
}

bool key_name_check(Str name, Err *err)
{
    if (is_name(name))
        return true;
    (void)err_set(err, ERR_USAGE, "a key cannot be called '%.*s'", STR_ARG(str_sub(name, 0, 200)));
    return err_hint(err, "names are 1 to %d bytes of text, without '-' or a blank at the beginning",
                    KEY_NAME_MAX);
}

/* ---- reading ---- */

static bool check_lock(const KeyFile *file, Err *err)
{
    if (!key_kind_name(file->info.kind))
        return err_set(err, ERR_LIMIT, "the key is of kind %u, which this program does not know",
                       (unsigned)file->info.kind);
    if (file->lock < KEY_LOCK_PUBLIC || file->lock > KEY_LOCK_NONE)
        return err_set(err, ERR_LIMIT, "the key has a lock of kind %u, which this program does not know",
                       (unsigned)file->lock);
    return true;
}

static size_t secret_len(KeyLock lock)
{
    return lock == KEY_LOCK_PUBLIC ? 0 : lock == KEY_LOCK_NONE ? KEY_SECRET_BYTES : SEALED_SECRET;
}

static bool is_well_called(const KeyInfo *info)
{
    unsigned char name[SIGN_PUBLIC_BYTES];

    if (info->name.len && !is_name(info->name))
        return false;
    key_reading_name(info->parent, name);
    return info->kind != KEY_READING || memcmp(name, info->public_key, sizeof name) == 0;
}

bool keyfile_read(Str bytes, KeyFile *out, Err *err)
{
    KeyFile file = {0};
    BytesIn in = {bytes, false};

    if (!str_eq(bytes_take_str(&in, sizeof magic), BYTES(magic)))
        return err_set(err, ERR_CORRUPT, "it is not a key");
    uint64_t version = bytes_take(&in, 4);
    if (!in.bad && version != VERSION)
        return err_set(err, ERR_LIMIT, "the key is of version %llu, which this program does not know",
                       (unsigned long long)version);
    if (!seal_take_check(&bytes))
        return err_set(err, ERR_CORRUPT, "the key is damaged");
    in.rest.len -= SEAL_CHECK_BYTES;
    file.lock = (KeyLock)bytes_take(&in, 4);
    file.info.kind = (KeyKind)bytes_take(&in, 4);
    file.info.created = (Instant)bytes_take(&in, 8);
    bytes_take_to(&in, file.info.public_key, SIGN_PUBLIC_BYTES);
    bytes_take_to(&in, file.info.parent, SIGN_PUBLIC_BYTES);
    file.info.name = bytes_take_str(&in, (size_t)bytes_take(&in, 4));
    if (file.lock == KEY_LOCK_PASSPHRASE) {
        file.cost.memory_bytes = bytes_take(&in, 8);
        file.cost.passes = (uint32_t)bytes_take(&in, 4);
        bytes_take_to(&in, file.salt, SEAL_SALT_BYTES);
    }
    file.before = str_sub(bytes, 0, bytes.len - in.rest.len);
    file.secret = in.rest;
    if (!in.bad && !check_lock(&file, err))
        return false;
    if (in.bad || file.secret.len != secret_len(file.lock) || !is_well_called(&file.info))
        return err_set(err, ERR_CORRUPT, "the key is damaged");
    *out = file;
    return true;
}

static bool open_secret(const KeyFile *file, const unsigned char *key, Str passphrase,
                        unsigned char secret[KEY_SECRET_BYTES], Err *err)
{
    unsigned char derived[SEAL_KEY_BYTES];

    switch (file->lock) {
    case KEY_LOCK_PUBLIC:
        return err_set(err, ERR_NOT_FOUND, "it is a public key: the secret is not there");
    case KEY_LOCK_NONE:
        memcpy(secret, file->secret.ptr, KEY_SECRET_BYTES);
        return true;
    case KEY_LOCK_ROOT:
        return seal_take(key, file->before, file->secret, secret) ||
               err_set(err, ERR_CORRUPT, "the key is not what this store has sealed");
    case KEY_LOCK_PASSPHRASE:
        break;
    }
    if (!seal_derive(passphrase, file->salt, file->cost, derived, err))
        return false;
    bool ok = seal_take(derived, file->before, file->secret, secret);
    secret_wipe(derived, sizeof derived);
    return ok || err_set(err, ERR_DENIED, "it is not the passphrase of this key");
}

static bool is_seed_of(const KeyFile *file, const unsigned char seed[SIGN_SEED_BYTES], Err *err)
{
    SIGN_SCOPE(pair);

    sign_pair_from_seed(seed, &pair);
    return memcmp(pair.public_key, file->info.public_key, SIGN_PUBLIC_BYTES) == 0 ||
           err_set(err, ERR_CORRUPT, "the secret is that of another key");
}

bool keyfile_take_secret(const KeyFile *file, const unsigned char key[SEAL_KEY_BYTES], Str passphrase,
                         unsigned char out[KEY_SECRET_BYTES], Err *err)
{
    unsigned char secret[KEY_SECRET_BYTES];

    if (!open_secret(file, key, passphrase, secret, err))
        return false;
    bool ok = file->info.kind == KEY_READING || is_seed_of(file, secret, err);
    if (ok)
        memcpy(out, secret, sizeof secret);
    secret_wipe(secret, sizeof secret);
    return ok;
}

bool keyfile_take(const KeyFile *file, const unsigned char key[SEAL_KEY_BYTES], Str passphrase, SignPair *out,
                  Err *err)
{
    unsigned char seed[KEY_SECRET_BYTES];

    if (file->info.kind == KEY_READING)
        return err_set(err, ERR_USAGE, "it is a reading key, which signs nothing");
    if (!keyfile_take_secret(file, key, passphrase, seed, err))
        return false;
    sign_pair_from_seed(seed, out);
    secret_wipe(seed, sizeof seed);
    return true;
}

/* ---- writing ---- */

static void put_info(const KeyInfo *info, KeyLock lock, Buf *out)
{
    assert(info->name.len == 0 || is_name(info->name));
    buf_put(out, BYTES(magic));
    bytes_put(out, VERSION, 4);
    bytes_put(out, lock, 4);
    bytes_put(out, info->kind, 4);
    bytes_put(out, (uint64_t)info->created, 8);
    buf_put(out, BYTES(info->public_key));
    buf_put(out, BYTES(info->parent));
    bytes_put(out, info->name.len, 4);
    buf_put(out, info->name);
}

static Str str_of(const unsigned char secret[KEY_SECRET_BYTES])
{
    return (Str){(const char *)secret, KEY_SECRET_BYTES};
}

/* What is in `out` from `from` on is what the secret is bound to. */
static void put_seal(const unsigned char *key, const unsigned char *secret, size_t from, Buf *out)
{
    char before[KEYFILE_MAX];
    size_t len = out->len - from;

    memcpy(before, out->ptr + from, len);
    seal_put(key, (Str){before, len}, str_of(secret), out);
    seal_put_check(out, from);
}

void keyfile_put_public(const KeyInfo *info, Buf *out)
{
    size_t from = out->len;

    put_info(info, KEY_LOCK_PUBLIC, out);
    seal_put_check(out, from);
}

void keyfile_put_sealed(const KeyInfo *info, const unsigned char secret[KEY_SECRET_BYTES],
                        const unsigned char root[SEAL_KEY_BYTES], Buf *out)
{
    size_t from = out->len;

    put_info(info, KEY_LOCK_ROOT, out);
    put_seal(root, secret, from, out);
}

void keyfile_put_readable(const KeyInfo *info, const unsigned char secret[KEY_SECRET_BYTES], Buf *out)
{
    size_t from = out->len;

    put_info(info, KEY_LOCK_NONE, out);
    buf_put(out, str_of(secret));
    seal_put_check(out, from);
}

bool keyfile_put_locked(const KeyInfo *info, const unsigned char secret[KEY_SECRET_BYTES], Str passphrase,
                        SealCost cost, Buf *out, Err *err)
{
    unsigned char salt[SEAL_SALT_BYTES], key[SEAL_KEY_BYTES];
    size_t from = out->len;

    secret_random(salt, sizeof salt);
    if (!seal_derive(passphrase, salt, cost, key, err))
        return false;
    put_info(info, KEY_LOCK_PASSPHRASE, out);
    bytes_put(out, cost.memory_bytes, 8);
    bytes_put(out, cost.passes, 4);
    buf_put(out, BYTES(salt));
    put_seal(key, secret, from, out);
    secret_wipe(key, sizeof key);
    return true;
}
