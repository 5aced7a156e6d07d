/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/reading.h"

#include "crypto/secret.h"

/* ---- the key ---- */

ReadingState reading_state(const Keystore *keys, const MetaFeed *about)
{
    bool have = keystore_has_reading(keys, about->key), encrypted = have || (about->flags & META_ENCRYPTED);

    return (ReadingState){.encrypted = encrypted,
                          .readable = have || !encrypted,
                          .known = encrypted || (about->flags & META_OWN)};
}

bool reading_open(Keystore *keys, const MetaFeed *about, Reading *out, Err *err)
{
    ReadingState state = reading_state(keys, about);
    Reading reading = {.encrypted = state.encrypted};

    if (!state.readable) {
        (void)err_set(err, ERR_DENIED,
                      "the feed is encrypted, and its reading key is not among the keys of this node");
        return err_hint(err, "a member that has it exports it; strata key import takes it in");
    }
    if (reading.encrypted && !keystore_reading(keys, about->key, reading.key, err))
        return false;
    *out = reading;
    reading_close(&reading);
    return true;
}

void reading_close(Reading *reading)
{
    secret_wipe(reading, sizeof *reading);
}

bool reading_note(FeedStore *store, const Keystore *keys, const unsigned char feed[FEED_KEY_BYTES], Err *err)
{
    return !keystore_has_reading(keys, feed) || store_encrypted(store, feed, err);
}

static const Cipher *cipher_of(Reading *reading, const Feed *feed)
{
    if (!reading->ready)
        cipher_init(&reading->cipher, &feed_state(feed)->identity, reading->key);
    reading->ready = true;
    return &reading->cipher;
}

/* ---- blocks ---- */

static bool check_lengths(const Str *blocks, size_t count, size_t *total, Err *err)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].len > FEED_BLOCK_MAX - CIPHER_PADDING)
            return err_set(err, ERR_LIMIT,
                           "a block of %zu bytes is longer than %d, the most in an encrypted feed",
                           blocks[i].len, FEED_BLOCK_MAX - CIPHER_PADDING);
        *total += blocks[i].len + CIPHER_PADDING;
    }
    return true;
}

static bool opens_last(Reading *reading, Feed *feed, Err *err)
{
    uint64_t length = feed_state(feed)->roots.length;
    BUF_SCOPE(plain);
    bool held;

    if (reading->proven || length == 0)
        return true;
    return feed_holds(feed, length - 1, &held, err) &&
           (!held || reading_get(reading, feed, length - 1, &plain, err));
}

bool reading_append(Reading *reading, Feed *feed, const SignPair *pair, const Str *blocks, size_t count,
                    FeedCare care, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    const FeedState *state = feed_state(feed);
    size_t total, at = 0;

    if (!reading->encrypted)
        return feed_append(feed, pair, blocks, count, care, err);
    if (!check_lengths(blocks, count, &total, err) || !opens_last(reading, feed, err))
        return false;
    const Cipher *cipher = cipher_of(reading, feed);
    Str *sealed = arena_new(&scratch, Str, count + 1);
    (void)buf_reserve(&bytes, total + 1); /* it does not move any more */
    for (size_t i = 0; i < count; i++, at = bytes.len) {
        cipher_put(cipher, state->roots.length + i, state->fork, blocks[i], &bytes);
        sealed[i] = (Str){bytes.ptr + at, bytes.len - at};
    }
    if (!feed_append(feed, pair, sealed, count, care, err))
        return false;
    reading->proven = reading->proven || count > 0;
    return true;
}

bool reading_get(Reading *reading, Feed *feed, uint64_t block, Buf *out, Err *err)
{
    BUF_SCOPE(bytes);

    if (!reading->encrypted)
        return feed_get(feed, block, out, err);
    if (!feed_get(feed, block, &bytes, err))
        return false;
    buf_reset(out);
    if (!cipher_take(cipher_of(reading, feed), block, feed_state(feed)->fork, buf_str(&bytes), out, err))
        return err_hint(err, "strata key remove --own takes a wrong key away, strata key import another in");
    reading->proven = true;
    return true;
}
