/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/noise.h"

#include "test/unit/net/traces.h"

typedef struct Pair {
    Noise side[2]; /* by NoiseRole */
    Buf message[3];
} Pair;

static void pair_release(Pair *pair)
{
    for (int i = 0; i < 3; i++)
        buf_release(&pair->message[i]);
    noise_wipe(&pair->side[0]);
    noise_wipe(&pair->side[1]);
}

/* The traces' keys. */
static void pair_begin(Pair *pair)
{
    for (int role = 0; role < 2; role++) {
        SignPair own = trace_static((NoiseRole)role), ephemeral = trace_ephemeral((NoiseRole)role);

        noise_begin(&pair->side[role], (NoiseRole)role, &own, &ephemeral);
    }
}

static Noise *writer(Pair *pair, int message)
{
    return &pair->side[message % 2];
}

static Noise *reader(Pair *pair, int message)
{
    return &pair->side[1 - message % 2];
}

/* Both sides have all messages before `end`; the reader of that one has none of it yet. */
static void exchange(Pair *pair, int end)
{
    Err err = {0};

    for (int i = 0; i < end; i++) {
        CHECK(noise_writes_next(writer(pair, i)) && !noise_writes_next(reader(pair, i)));
        CHECK(noise_next_bytes(reader(pair, i)) == noise_next_bytes(writer(pair, i)));
        size_t bytes = noise_next_bytes(writer(pair, i));
        CHECK(noise_write(writer(pair, i), &pair->message[i], &err) && pair->message[i].len == bytes);
        CHECK(noise_read(reader(pair, i), buf_str(&pair->message[i]), &err));
    }
}

static void known_keys_make_the_vectors_bytes(void)
{
    static const char *const paths[] = {"noise>msg1", "noise>msg2", "noise>msg3"};
    ATTR_CLEANUP(pair_release) Pair pair = {0};
    NoiseKeys initiator, responder;

    pair_begin(&pair);
    exchange(&pair, 3);
    for (int i = 0; i < 3; i++)
        CHECK(vector_is(paths[i], pair.message[i].ptr, pair.message[i].len));
    for (int i = 0; i < 2; i++)
        CHECK(noise_is_done(&pair.side[i]) && noise_next_bytes(&pair.side[i]) == 0);
    noise_end(&pair.side[0], &initiator);
    noise_end(&pair.side[1], &responder);
    CHECK(vector_is("noise>handshake_hash", initiator.hash, NOISE_HASH_BYTES));
    CHECK(vector_is("noise>handshake_hash", responder.hash, NOISE_HASH_BYTES));
    CHECK(vector_is("noise>tx_initiator", initiator.send, NOISE_KEY_BYTES));
    CHECK(vector_is("noise>tx_initiator", responder.receive, NOISE_KEY_BYTES));
    CHECK(vector_is("noise>tx_responder", responder.send, NOISE_KEY_BYTES));
    CHECK(vector_is("noise>tx_responder", initiator.receive, NOISE_KEY_BYTES));
    CHECK(vector_is("noise>responder_static_pub", initiator.remote, SIGN_PUBLIC_BYTES));
    CHECK(vector_is("noise>initiator_static_pub", responder.remote, SIGN_PUBLIC_BYTES));
    CHECK(initiator.role == NOISE_INITIATOR && responder.role == NOISE_RESPONDER);
}

static void two_handshakes_of_the_same_keys_differ(void)
{
    NOISE_SCOPE(one);
    NOISE_SCOPE(two);
    BUF_SCOPE(first);
    BUF_SCOPE(second);
    Err err = {0};
    SignPair own = trace_static(NOISE_INITIATOR);

    noise_begin(&one, NOISE_INITIATOR, &own, NULL);
    noise_begin(&two, NOISE_INITIATOR, &own, NULL);
    CHECK(noise_write(&one, &first, &err) && noise_write(&two, &second, &err));
    CHECK(!str_eq(buf_str(&first), buf_str(&second)));
}

static void a_message_that_was_changed_in_one_bit_is_refused(void)
{
    static const size_t bytes[] = {32, 96, 64};

    for (int message = 1; message < 3; message++)
        for (size_t at = 0; at < bytes[message]; at++) {
            ATTR_CLEANUP(pair_release) Pair pair = {0};
            Err err = {0};

            pair_begin(&pair);
            exchange(&pair, message);
            CHECK(noise_write(writer(&pair, message), &pair.message[message], &err));
            pair.message[message].ptr[at] ^= 1;
            CHECK(!noise_read(reader(&pair, message), buf_str(&pair.message[message]), &err));
            CHECK(err.code == ERR_CORRUPT && err.text[0]);
        }
}

/* Nothing in the first message tells its reader; what follows does. */
static void whoever_replaces_the_first_message_is_found_out(void)
{
    ATTR_CLEANUP(pair_release) Pair pair = {0};
    Err err = {0};
    SignPair other = pair_of(7);

    pair_begin(&pair);
    CHECK(noise_write(writer(&pair, 0), &pair.message[0], &err));
    CHECK(noise_read(reader(&pair, 0), (Str){(char *)other.public_key, SIGN_PUBLIC_BYTES}, &err));
    CHECK(noise_write(writer(&pair, 1), &pair.message[1], &err));
    CHECK(!noise_read(reader(&pair, 1), buf_str(&pair.message[1]), &err) && err.code == ERR_CORRUPT);
}

static void messages_of_another_length_are_refused(void)
{
    for (int message = 0; message < 3; message++)
        for (int by = -1; by <= 1; by += 2) {
            ATTR_CLEANUP(pair_release) Pair pair = {0};
            Err err = {0};

            pair_begin(&pair);
            exchange(&pair, message);
            CHECK(noise_write(writer(&pair, message), &pair.message[message], &err));
            buf_put_byte(&pair.message[message], 0);
            Str wrong = str_sub(buf_str(&pair.message[message]), 0, pair.message[message].len - 1 + by);
            CHECK(!noise_read(reader(&pair, message), wrong, &err) && err.code == ERR_CORRUPT);
        }
}

/* Points of low order, one in two ways of writing it, and what is not on the curve or not in the main subgroup. */
static const char *const bad_points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0200000000000000000000000000000000000000000000000000000000000000",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void keys_that_are_no_points_or_of_low_order_are_refused(void)
{
    for (size_t i = 0; i < COUNT_OF(bad_points); i++) {
        ATTR_CLEANUP(pair_release) Pair pair = {0};
        BUF_SCOPE(point);
        Err err = {0};

        put_unhex(&point, bad_points[i]);
        pair_begin(&pair);
        CHECK(!noise_read(&pair.side[NOISE_RESPONDER], buf_str(&point), &err) && err.code == ERR_CORRUPT);
    }
}

static void a_static_key_of_low_order_is_refused_though_it_is_sealed_well(void)
{
    for (size_t i = 0; i < COUNT_OF(bad_points); i++) {
        ATTR_CLEANUP(pair_release) Pair pair = {0};
        BUF_SCOPE(point);
        Err err = {0};

        put_unhex(&point, bad_points[i]);
        pair_begin(&pair);
        exchange(&pair, 2);
        memcpy(pair.side[NOISE_INITIATOR].own.public_key, point.ptr, SIGN_PUBLIC_BYTES);
        CHECK(noise_write(writer(&pair, 2), &pair.message[2], &err));
        CHECK(!noise_read(reader(&pair, 2), buf_str(&pair.message[2]), &err) && err.code == ERR_CORRUPT);
        CHECK(strstr(err.text, "point"));
    }
}

static void nobody_answers_for_a_key_whose_secret_they_have_not(void)
{
    ATTR_CLEANUP(pair_release) Pair pair = {0};
    Err err = {0};
    SignPair victim = pair_of(7);

    pair_begin(&pair);
    memcpy(pair.side[NOISE_INITIATOR].own.public_key, victim.public_key, SIGN_PUBLIC_BYTES);
    exchange(&pair, 2);
    CHECK(noise_write(writer(&pair, 2), &pair.message[2], &err));
    CHECK(!noise_read(reader(&pair, 2), buf_str(&pair.message[2]), &err) && err.code == ERR_CORRUPT);
}

static bool is_zero(const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len && at[len - 1] == 0)
        len--;
    return len == 0;
}

static void nothing_secret_stays_behind(void)
{
    ATTR_CLEANUP(pair_release) Pair pair = {0};
    NoiseKeys keys;

    pair_begin(&pair);
    exchange(&pair, 3);
    noise_end(&pair.side[0], &keys);
    CHECK(is_zero(&pair.side[0], sizeof pair.side[0]));
    noise_wipe(&pair.side[1]);
    CHECK(is_zero(&pair.side[1], sizeof pair.side[1]));
    noise_keys_wipe(&keys);
    CHECK(is_zero(&keys, sizeof keys));
}

int main(void)
{
    RUN(known_keys_make_the_vectors_bytes);
    RUN(two_handshakes_of_the_same_keys_differ);
    RUN(a_message_that_was_changed_in_one_bit_is_refused);
    RUN(whoever_replaces_the_first_message_is_found_out);
    RUN(messages_of_another_length_are_refused);
    RUN(keys_that_are_no_points_or_of_low_order_are_refused);
    RUN(a_static_key_of_low_order_is_refused_though_it_is_sealed_well);
    RUN(nobody_answers_for_a_key_whose_secret_they_have_not);
    RUN(nothing_secret_stays_behind);
    DONE();
}
