/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a key: as a text (armour), as a record, as a root key. It is refused with a sentence, or read; what is read
 * is written again as it was. A record with a wrong check is read once more with the right one, to get behind it.
 */
#include <assert.h>

#include "crypto/armour.h"
#include "crypto/keyroot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is known of a record is known again from what is written of it; and a readable secret is taken out. */
static void use_record(const KeyFile *file)
{
    static const unsigned char key[SEAL_KEY_BYTES];
    BUF_SCOPE(again);
    KeyFile same;
    Err err = {0};
    unsigned char secret[KEY_SECRET_BYTES];
    SignPair pair;

    assert(key_kind_name(file->info.kind));
    assert(file->info.name.len == 0 || key_name_check(file->info.name, &err));
    keyfile_put_public(&file->info, &again);
    assert(keyfile_read(buf_str(&again), &same, &err) && same.lock == KEY_LOCK_PUBLIC);
    assert(same.info.kind == file->info.kind && same.info.created == file->info.created &&
           str_eq(same.info.name, file->info.name));
    if (file->lock == KEY_LOCK_PASSPHRASE) /* it may ask for a gigabyte */
        return;
    bool taken = keyfile_take_secret(file, key, (Str){0}, secret, &err);
    assert(taken || err.code == ERR_NOT_FOUND || err.code == ERR_CORRUPT);
    if (file->info.kind == KEY_READING) {
        key_reading_name(file->info.parent, pair.public_key);
        assert(memcmp(pair.public_key, file->info.public_key, SIGN_PUBLIC_BYTES) == 0);
        assert(!keyfile_take(file, key, (Str){0}, &pair, &err) && err.code == ERR_USAGE);
    } else if (taken) {
        assert(keyfile_take(file, key, (Str){0}, &pair, &err) &&
               memcmp(pair.public_key, file->info.public_key, SIGN_PUBLIC_BYTES) == 0);
    }
}

static void read_record(Str bytes)
{
    KeyFile file;
    Err err = {0};

    if (keyfile_read(bytes, &file, &err))
        use_record(&file);
    else
        assert(err.text[0] && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
}

static void read_root(Str bytes)
{
    static const unsigned char key[SEAL_KEY_BYTES];
    SECRET_SCOPE(secret);
    KeyRoot root;
    Err err = {0};

    secret_init(&secret, SEAL_KEY_BYTES);
    if (keyroot_read(bytes, &root, &err))
        assert(!keyroot_take(&root, key, &secret) || secret.len == SEAL_KEY_BYTES);
    else
        assert(err.text[0] && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
}

static void read_text(Str text)
{
    BUF_SCOPE(bytes);
    BUF_SCOPE(again);
    BUF_SCOPE(same);
    KeyFile file, found;
    Err err = {0};

    if (!armour_read(text, &bytes, &file, &err)) {
        assert(err.text[0] && (err.code == ERR_USAGE || err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
        return;
    }
    use_record(&file);
    armour_put(file.lock, buf_str(&bytes), &again);
    assert(armour_read(buf_str(&again), &same, &found, &err) && str_eq(buf_str(&same), buf_str(&bytes)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str input = {(const char *)data, size};
    BUF_SCOPE(mended);

    read_text(input);
    read_record(input);
    read_root(input);
    buf_put(&mended, str_sub(input, 0, size > SEAL_CHECK_BYTES ? size - SEAL_CHECK_BYTES : 0));
    seal_put_check(&mended, 0);
    read_record(buf_str(&mended));
    read_root(buf_str(&mended));
    return 0;
}
