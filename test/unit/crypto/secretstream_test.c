/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secretstream.h"

#include "test/unit/net/traces.h"

/* As after the vectors' handshake. */
static NoiseKeys keys_of(NoiseRole role)
{
    NoiseKeys keys = {.role = role};
    BUF_SCOPE(hash);
    BUF_SCOPE(initiator);
    BUF_SCOPE(responder);

    vector_bytes("noise>handshake_hash", &hash);
    vector_bytes("noise>tx_initiator", &initiator);
    vector_bytes("noise>tx_responder", &responder);
    memcpy(keys.hash, hash.ptr, sizeof keys.hash);
    memcpy(keys.send, role == NOISE_INITIATOR ? initiator.ptr : responder.ptr, NOISE_KEY_BYTES);
    memcpy(keys.receive, role == NOISE_INITIATOR ? responder.ptr : initiator.ptr, NOISE_KEY_BYTES);
    return keys;
}

typedef struct Ends {
    SecretStream a, b;
    Buf a_header, b_header;
} Ends;

static void ends_release(Ends *ends)
{
    buf_release(&ends->a_header);
    buf_release(&ends->b_header);
}

static void ends_begin(Ends *ends)
{
    NoiseKeys a = keys_of(NOISE_INITIATOR), b = keys_of(NOISE_RESPONDER);

    secretstream_begin(&ends->a, &a, &ends->a_header);
    secretstream_begin(&ends->b, &b, &ends->b_header);
}

static void headers_begin_with_the_vectors_ids(void)
{
    ATTR_CLEANUP(ends_release) Ends ends = {0};

    ends_begin(&ends);
    CHECK(ends.a_header.len == SECRETSTREAM_HEADER_BYTES && ends.b_header.len == SECRETSTREAM_HEADER_BYTES);
    CHECK(vector_is("noise>stream_id_initiator", ends.a_header.ptr, SECRETSTREAM_ID_BYTES));
    CHECK(vector_is("noise>stream_id_responder", ends.b_header.ptr, SECRETSTREAM_ID_BYTES));
}

static void what_is_sealed_is_opened_in_order(void)
{
    ATTR_CLEANUP(ends_release) Ends ends = {0};
    BUF_SCOPE(plain);
    Err err = {0};

    ends_begin(&ends);
    CHECK(secretstream_accept(&ends.b, buf_str(&ends.a_header), &err));
    CHECK(secretstream_accept(&ends.a, buf_str(&ends.b_header), &err));
    for (size_t len = 0; len < 5000; len = len * 3 + 1) {
        BUF_SCOPE(message);
        BUF_SCOPE(sealed);

        for (size_t i = 0; i < len; i++)
            buf_put_byte(&message, (char)(i * 7));
        secretstream_seal(&ends.a, buf_str(&message), &sealed);
        CHECK(sealed.len == len + SECRETSTREAM_OVERHEAD);
        CHECK(secretstream_open(&ends.b, buf_str(&sealed), &plain, &err));
        CHECK(str_eq(buf_str(&plain), buf_str(&message)));
    }
}

static void another_order_or_a_changed_bit_is_refused(void)
{
    for (int what = 0; what < 20; what++) {
        ATTR_CLEANUP(ends_release) Ends ends = {0};
        BUF_SCOPE(first);
        BUF_SCOPE(second);
        BUF_SCOPE(plain);
        Err err = {0};

        ends_begin(&ends);
        CHECK(secretstream_accept(&ends.b, buf_str(&ends.a_header), &err));
        secretstream_seal(&ends.a, STR("one"), &first);
        secretstream_seal(&ends.a, STR("two"), &second);
        if (what < 20 - 1)
            first.ptr[what] ^= 1;
        Str given = what < 20 - 1 ? buf_str(&first) : buf_str(&second);
        CHECK(!secretstream_open(&ends.b, given, &plain, &err) && err.code == ERR_CORRUPT && plain.len == 0);
    }
}

static void what_is_too_short_to_be_sealed_is_refused(void)
{
    ATTR_CLEANUP(ends_release) Ends ends = {0};
    BUF_SCOPE(plain);
    Err err = {0};

    ends_begin(&ends);
    CHECK(secretstream_accept(&ends.b, buf_str(&ends.a_header), &err));
    CHECK(!secretstream_open(&ends.b, STR("sixteen bytes.. "), &plain, &err) && err.code == ERR_CORRUPT);
    CHECK(!secretstream_open(&ends.b, STR(""), &plain, &err));
}

static void a_header_of_another_handshake_or_of_oneself_is_refused(void)
{
    ATTR_CLEANUP(ends_release) Ends ends = {0};
    Err err = {0};

    ends_begin(&ends);
    CHECK(!secretstream_accept(&ends.a, buf_str(&ends.a_header), &err) && err.code == ERR_CORRUPT);
    CHECK(!secretstream_accept(&ends.a, str_sub(buf_str(&ends.b_header), 0, 55), &err));
    ends.b_header.ptr[3] ^= 1;
    CHECK(!secretstream_accept(&ends.a, buf_str(&ends.b_header), &err) && err.code == ERR_CORRUPT);
    ends.b_header.ptr[3] ^= 1;
    CHECK(secretstream_accept(&ends.a, buf_str(&ends.b_header), &err));
}

static void a_wiped_stream_is_empty(void)
{
    static const SecretStream empty;
    ATTR_CLEANUP(ends_release) Ends ends = {0};

    ends_begin(&ends);
    secretstream_wipe(&ends.a);
    CHECK(memcmp(&ends.a, &empty, sizeof empty) == 0);
}

int main(void)
{
    RUN(headers_begin_with_the_vectors_ids);
    RUN(what_is_sealed_is_opened_in_order);
    RUN(another_order_or_a_changed_bit_is_refused);
    RUN(what_is_too_short_to_be_sealed_is_refused);
    RUN(a_header_of_another_handshake_or_of_oneself_is_refused);
    RUN(a_wiped_stream_is_empty);
    DONE();
}
