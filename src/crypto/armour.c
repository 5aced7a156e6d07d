/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/armour.h"

#include <sodium.h>

enum { LINE = 64, BASE64 = sodium_base64_VARIANT_ORIGINAL };

static const struct {
    KeyLock lock;
    const char *label;
} labels[] = {
    {KEY_LOCK_PUBLIC, "STRATA PUBLIC KEY"},
    {KEY_LOCK_PASSPHRASE, "STRATA SEALED KEY"},
    {KEY_LOCK_NONE, "STRATA SECRET KEY"},
};

static const char *label_of(KeyLock lock)
{
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        if (labels[i].lock == lock)
            return labels[i].label;
    return NULL;
}

void armour_put(KeyLock lock, Str record, Buf *out)
{
    SECRET_BUF_SCOPE(text);
    size_t size = sodium_base64_ENCODED_LEN(record.len, BASE64);
    const char *label = label_of(lock);

    (void)buf_reserve(out, 2 * size + 200); /* whatever comes: no copy is left behind */
    (void)sodium_bin2base64(buf_reserve(&text, size), size, (const unsigned char *)record.ptr, record.len,
                            BASE64);
    text.len = size - 1; /* without its NUL */
    buf_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < text.len; at += LINE) {
        buf_put(out, str_sub(buf_str(&text), at, at + LINE));
        buf_put_byte(out, '\n');
    }
    buf_printf(out, "-----END %s-----\n", label);
}

/* ---- reading ---- */

/* The next line, without what ends it; false when there is none. */
static bool next_line(Str *rest, Str *line)
{
    if (!rest->len)
        return false;
    *rest = str_cut(*rest, '\n', line);
    *line = str_trim(*line);
    return true;
}

/* A line "-----WORD LABEL-----": its label. */
static bool is_fence(Str line, Str word, Str *label)
{
    if (!str_starts(line, word) || !str_ends(line, STR("-----")) || line.len < word.len + 5)
        return false;
    *label = str_sub(line, word.len, line.len - 5);
    return str_starts(*label, STR("STRATA "));
}

static bool find_begin(Str *rest, Str *label)
{
    for (Str line; next_line(rest, &line);)
        if (is_fence(line, STR("-----BEGIN "), label))
            return true;
    return false;
}

static bool is_damaged(Err *err)
{
    return err_set(err, ERR_CORRUPT, "the text of the key is damaged");
}

/* libsodium takes '/' with its highest bit set for '/'. */
static bool is_ascii(Str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] > 127)
            return false;
    return true;
}

/* What is between the fences, decoded; it may hold a secret. */
static bool decode(Str rest, Str label, Buf *bytes, Err *err)
{
    SECRET_BUF_SCOPE(base64);
    size_t len;
    Str line, end;

    (void)buf_reserve(&base64, rest.len + 1);
    for (;;) {
        if (!next_line(&rest, &line))
            return is_damaged(err);
        if (is_fence(line, STR("-----END "), &end))
            break;
        buf_put(&base64, line);
    }
    if (!str_eq(label, end) || !is_ascii(buf_str(&base64)) ||
        sodium_base642bin((unsigned char *)buf_reserve(bytes, base64.len + 1), base64.len + 1, base64.ptr,
                          base64.len, NULL, &len, NULL, BASE64) != 0)
        return is_damaged(err);
    bytes->len = len;
    return true;
}

bool armour_read(Str text, Buf *bytes, KeyFile *out, Err *err)
{
    KeyFile file;
    Str label;

    buf_reset(bytes);
    if (text.len > ARMOUR_MAX)
        return err_set(err, ERR_LIMIT, "the text is longer than %d bytes", ARMOUR_MAX);
    if (!find_begin(&text, &label)) {
        (void)err_set(err, ERR_USAGE, "there is no key in it");
        return err_hint(err,
                        "a key starts with a line -----BEGIN STRATA ...-----: strata key export makes it");
    }
    if (!decode(text, label, bytes, err) || !keyfile_read(buf_str(bytes), &file, err))
        return false;
    const char *expected = label_of(file.lock);
    if (!expected)
        return err_set(err, ERR_USAGE, "the key is a file of a store, which opens in that store only");
    if (!str_eq_z(label, expected))
        return err_set(err, ERR_CORRUPT, "the key is not what its label says: '%.*s'",
                       STR_ARG(str_sub(label, 0, 100)));
    *out = file;
    return true;
}
