/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as text: what comes back, and what a text that was changed on its way is taken for. */
#include "crypto/armour.h"

#include "base/os.h"
#include "test/check.h"

static const SealCost cheap = {SEAL_MEMORY_MIN, 1};
static const KeyInfo about = {
    .kind = KEY_DEVICE, .created = 1700000000000000, .name = {"Ann's \xc3\xa9t\xc3\xa9", 11}};

static SignPair pair;

static KeyInfo info_of_pair(void)
{
    KeyInfo info = about;

    memcpy(info.public_key, pair.public_key, SIGN_PUBLIC_BYTES);
    memset(info.parent, 7, SIGN_PUBLIC_BYTES);
    return info;
}

static void put_text(KeyLock lock, Buf *out)
{
    BUF_SCOPE(record);
    KeyInfo info = info_of_pair();
    Err err = {0};

    if (lock == KEY_LOCK_PUBLIC)
        keyfile_put_public(&info, &record);
    else if (lock == KEY_LOCK_NONE)
        keyfile_put_readable(&info, pair.secret_key, &record);
    else
        CHECK(keyfile_put_locked(&info, pair.secret_key, STR("passphrase"), cheap, &record, &err));
    armour_put(lock, buf_str(&record), out);
}

static bool is_info(const KeyInfo *info)
{
    KeyInfo expected = info_of_pair();

    return info->kind == expected.kind && info->created == expected.created &&
           str_eq(info->name, expected.name) &&
           memcmp(info->public_key, expected.public_key, SIGN_PUBLIC_BYTES) == 0 &&
           memcmp(info->parent, expected.parent, SIGN_PUBLIC_BYTES) == 0;
}

/* Whether the text is read as the key that it was made of. */
static bool reads(Str text, KeyLock lock, Err *err)
{
    BUF_SCOPE(bytes);
    SIGN_SCOPE(found);
    KeyFile file;

    *err = (Err){0};
    if (!armour_read(text, &bytes, &file, err) || file.lock != lock || !is_info(&file.info))
        return false;
    if (lock == KEY_LOCK_PUBLIC)
        return !keyfile_take(&file, NULL, (Str){0}, &found, err) && err->code == ERR_NOT_FOUND;
    return keyfile_take(&file, NULL, STR("passphrase"), &found, err) &&
           memcmp(&found, &pair, sizeof pair) == 0;
}

static const struct {
    KeyLock lock;
    const char *label;
} rows[] = {
    {KEY_LOCK_PUBLIC, "STRATA PUBLIC KEY"},
    {KEY_LOCK_PASSPHRASE, "STRATA SEALED KEY"},
    {KEY_LOCK_NONE, "STRATA SECRET KEY"},
};

static void a_key_comes_back_out_of_its_text(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(text);
        Err err;

        put_text(rows[i].lock, &text);
        CHECK(reads(buf_str(&text), rows[i].lock, &err));
        CHECK(str_starts(buf_str(&text), str_printf(&arena, "-----BEGIN %s-----\n", rows[i].label)) &&
              str_ends(buf_str(&text), str_printf(&arena, "\n-----END %s-----\n", rows[i].label)));
        CHECK(reads(str_printf(&arena, "Dear Ann,\n\n%.*sYours\n", STR_ARG(buf_str(&text))), rows[i].lock,
                    &err));
    }
}

static void lines_may_end_and_be_indented_as_mail_likes(void)
{
    BUF_SCOPE(text);
    BUF_SCOPE(mailed);
    Err err;

    put_text(KEY_LOCK_PASSPHRASE, &text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            buf_put_z(&mailed, " \r\n  ");
        else
            buf_put_byte(&mailed, text.ptr[i]);
    }
    CHECK(reads(buf_str(&mailed), KEY_LOCK_PASSPHRASE, &err));
}

static void a_reading_key_comes_back_and_signs_nothing(void)
{
    static const unsigned char secret[KEY_SECRET_BYTES] = {1, 2, 3};
    KeyInfo info = {.kind = KEY_READING, .created = 1, .name = STR("diary.reading")};
    BUF_SCOPE(record);
    BUF_SCOPE(text);
    BUF_SCOPE(bytes);
    unsigned char found[KEY_SECRET_BYTES];
    SIGN_SCOPE(none);
    KeyFile file = {0};
    Err err = {0};

    memset(info.parent, 7, sizeof info.parent);
    key_reading_name(info.parent, info.public_key);
    CHECK(keyfile_put_locked(&info, secret, STR("passphrase"), cheap, &record, &err));
    armour_put(KEY_LOCK_PASSPHRASE, buf_str(&record), &text);
    CHECK(armour_read(buf_str(&text), &bytes, &file, &err) && file.info.kind == KEY_READING &&
          memcmp(file.info.parent, info.parent, sizeof info.parent) == 0);
    CHECK(keyfile_take_secret(&file, NULL, STR("passphrase"), found, &err) &&
          memcmp(found, secret, sizeof secret) == 0);
    CHECK(!keyfile_take_secret(&file, NULL, STR("another"), found, &err) && err.code == ERR_DENIED);
    CHECK(!keyfile_take(&file, NULL, STR("passphrase"), &none, &err) && err.code == ERR_USAGE);
    /* One that says of another feed that it is that one's key is none. */
    buf_reset(&record);
    info.parent[0] ^= 1;
    keyfile_put_readable(&info, secret, &record);
    CHECK(!keyfile_read(buf_str(&record), &file, &err) && err.code == ERR_CORRUPT);
}

/* Every bit of every character: it is the same key, or none. */
static void what_was_turned_on_its_way_is_no_other_key(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        BUF_SCOPE(text);
        size_t refused = 0;

        put_text(rows[i].lock, &text);
        for (size_t at = 0; at < text.len; at++)
            for (int bit = 0; bit < 8; bit++) {
                Err err;

                text.ptr[at] ^= (char)(1 << bit);
                bool ok = reads(buf_str(&text), rows[i].lock, &err);
                CHECK(ok || err.code == ERR_CORRUPT || err.code == ERR_USAGE || err.code == ERR_LIMIT);
                CHECK(!ok || text.ptr[at] == '\v' ||
                      at == text.len - 1); /* another blank at the end of a line */
                refused += !ok;
                text.ptr[at] ^= (char)(1 << bit);
            }
        CHECK(refused > text.len * 7);
    }
}

static void what_is_cut_is_refused(void)
{
    BUF_SCOPE(text);
    Err err;

    put_text(KEY_LOCK_PUBLIC, &text);
    for (size_t len = 0; len < text.len - 1; len++)
        CHECK(!reads(str_sub(buf_str(&text), 0, len), KEY_LOCK_PUBLIC, &err) &&
              (err.code == ERR_CORRUPT || err.code == ERR_USAGE));
}

static void another_passphrase_is_denied(void)
{
    BUF_SCOPE(text);
    BUF_SCOPE(bytes);
    SIGN_SCOPE(found);
    KeyFile file;
    Err err = {0};

    put_text(KEY_LOCK_PASSPHRASE, &text);
    CHECK(armour_read(buf_str(&text), &bytes, &file, &err));
    CHECK(!keyfile_take(&file, NULL, STR("passphrase "), &found, &err) && err.code == ERR_DENIED);
    CHECK(!keyfile_take(&file, NULL, STR(""), &found, &err) && err.code == ERR_DENIED);
}

/* A text from somebody else says what it costs to open it. */
static void what_would_cost_too_much_is_not_tried(void)
{
    static const SealCost costs[] = {
        {SEAL_MEMORY_MAX + 1, 1},
        {UINT64_MAX, 1},
        {SEAL_MEMORY_MIN - 1, 1},
        {SEAL_MEMORY_MIN, 0},
        {SEAL_MEMORY_MIN, SEAL_PASSES_MAX + 1},
    };
    unsigned char salt[SEAL_SALT_BYTES] = {0}, key[SEAL_KEY_BYTES];

    for (size_t i = 0; i < COUNT_OF(costs); i++) {
        Err err = {0};

        CHECK(!seal_derive(STR("passphrase"), salt, costs[i], key, &err) && err.code == ERR_LIMIT);
    }
}

static void a_file_of_a_store_is_no_exported_key(void)
{
    static const unsigned char root[SEAL_KEY_BYTES] = {1};
    BUF_SCOPE(record);
    BUF_SCOPE(text);
    KeyInfo info = info_of_pair();
    Err err;

    keyfile_put_sealed(&info, pair.secret_key, root, &record);
    armour_put(KEY_LOCK_PASSPHRASE, buf_str(&record), &text);
    CHECK(!reads(buf_str(&text), KEY_LOCK_ROOT, &err) && err.code == ERR_USAGE);
}

int main(void)
{
    sign_pair_new(&pair);
    RUN(a_key_comes_back_out_of_its_text);
    RUN(a_reading_key_comes_back_and_signs_nothing);
    RUN(lines_may_end_and_be_indented_as_mail_likes);
    RUN(what_was_turned_on_its_way_is_no_other_key);
    RUN(what_is_cut_is_refused);
    RUN(another_passphrase_is_denied);
    RUN(what_would_cost_too_much_is_not_tried);
    RUN(a_file_of_a_store_is_no_exported_key);
    DONE();
}
