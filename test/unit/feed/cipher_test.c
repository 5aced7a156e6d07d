/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of encrypted feeds: as npm hypercore 10 and 11 make them (test/fixture/hypercore/encryption.json), and what is refused. */
#include "feed/cipher.h"

#define json_bool json_c_bool /* NOLINT: a type of json-c, a function of base/json.h */
#include <json-c/json.h>
#undef json_bool

#include "base/buf.h"
#include "test/check.h"

static struct json_object *vectors;
static FeedIdentity compat = {.compat = true}, modern;
static unsigned char reading[CIPHER_KEY_BYTES];

static struct json_object *in(struct json_object *object, const char *key)
{
    struct json_object *found = json_object_object_get(object, key);

    if (!found) {
        printf("Bail out! no %s in the vectors (SRC is the repository)\n", key);
        exit(1);
    }
    return found;
}

static void take_hex(struct json_object *object, const char *key, Buf *out)
{
    Str hex = str_from_z(json_object_get_string(in(object, key)));

    buf_reset(out);
    CHECK(str_to_bytes(hex, buf_reserve(out, hex.len / 2 + 1), hex.len / 2));
    out->len = hex.len / 2;
}

static bool is_hex(struct json_object *object, const char *key, Str bytes)
{
    BUF_SCOPE(expected);

    take_hex(object, key, &expected);
    return str_eq(buf_str(&expected), bytes);
}

#define BYTES(array) ((Str){(const char *)(array), sizeof(array)})

/* ---- vectors ---- */

static void check_case(const Cipher *cipher, struct json_object *one)
{
    uint64_t number = (uint64_t)json_object_get_int64(in(one, "number")),
             fork = (uint64_t)json_object_get_int64(in(one, "fork"));
    BUF_SCOPE(plain);
    BUF_SCOPE(block);
    BUF_SCOPE(back);
    Err err = {0};

    take_hex(one, "plain", &plain);
    cipher_put(cipher, number, fork, buf_str(&plain), &block);
    CHECK(is_hex(one, "block", buf_str(&block)));
    CHECK(cipher_take(cipher, number, fork, buf_str(&block), &back, &err) &&
          str_eq(buf_str(&back), buf_str(&plain)));
}

static void keys_and_blocks_are_those_of_hypercore_10_and_11(void)
{
    struct json_object *rows = in(vectors, "rows");
    size_t count = 0;

    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i), *cases = in(row, "cases");
        CIPHER_SCOPE(cipher);

        cipher_init(&cipher, json_object_get_boolean(in(row, "compat")) ? &compat : &modern, reading);
        CHECK(is_hex(row, "block", BYTES(cipher.block)) && is_hex(row, "blinding", BYTES(cipher.blinding)));
        for (size_t j = 0; j < json_object_array_length(cases); j++, count++)
            check_case(&cipher, json_object_array_get_idx(cases, j));
    }
    CHECK(json_object_array_length(rows) == 4 && count == 80);
}

/* ---- what is refused ---- */

static void another_key_is_denied(void)
{
    CIPHER_SCOPE(right);
    CIPHER_SCOPE(wrong);
    unsigned char other[CIPHER_KEY_BYTES];
    BUF_SCOPE(block);
    BUF_SCOPE(out);

    memcpy(other, reading, sizeof other);
    other[31] ^= 1;
    cipher_init(&right, &modern, reading);
    cipher_put(&right, 5, 2, STR("plain text"), &block);
    for (int what = 0; what < 2; what++) {
        Err err = {0};

        cipher_init(&wrong, what ? &modern : &compat, what ? other : reading);
        CHECK(!cipher_take(&wrong, 5, 2, buf_str(&block), &out, &err) && err.code == ERR_DENIED);
    }
    CHECK(out.len == 0);
}

static void a_block_of_a_later_fork_or_another_place_is_denied(void)
{
    CIPHER_SCOPE(cipher);
    BUF_SCOPE(block);
    BUF_SCOPE(out);
    Err err = {0};

    cipher_init(&cipher, &compat, reading);
    cipher_put(&cipher, 5, 2, STR("plain text"), &block);
    CHECK(!cipher_take(&cipher, 5, 1, buf_str(&block), &out, &err) && err.code == ERR_DENIED);
    CHECK(!cipher_take(&cipher, 6, 2, buf_str(&block), &out, &err) && err.code == ERR_DENIED);
    CHECK(out.len == 0 && cipher_take(&cipher, 5, 3, buf_str(&block), &out, &err));
    CHECK(str_eq(buf_str(&out), STR("plain text")));
}

static void a_block_without_padding_is_denied(void)
{
    CIPHER_SCOPE(cipher);
    BUF_SCOPE(block);
    BUF_SCOPE(out);

    cipher_init(&cipher, &modern, reading);
    cipher_put(&cipher, 0, 0, STR(""), &block);
    CHECK(block.len == CIPHER_PADDING);
    for (size_t len = 0; len <= block.len; len++) {
        Err err = {0};
        bool ok = cipher_take(&cipher, 0, 0, str_sub(buf_str(&block), 0, len), &out, &err);

        CHECK(ok == (len == CIPHER_PADDING) && (ok || err.code == ERR_DENIED));
    }
    CHECK(out.len == 0);
}

static void another_fork_makes_other_bytes_of_the_same_block(void)
{
    CIPHER_SCOPE(cipher);
    BUF_SCOPE(first);
    BUF_SCOPE(second);

    cipher_init(&cipher, &modern, reading);
    cipher_put(&cipher, 9, 0, STR("the same text"), &first);
    cipher_put(&cipher, 9, 1, STR("the same text"), &second);
    CHECK(first.len == second.len);
    size_t same = 0;
    for (size_t i = CIPHER_PADDING; i < first.len; i++)
        same += first.ptr[i] == second.ptr[i];
    CHECK(same < first.len - CIPHER_PADDING);
}

int main(void)
{
    ARENA_SCOPE(arena);
    const char *src = getenv("SRC");
    BUF_SCOPE(bytes);

    vectors = json_object_from_file(
        str_printf(&arena, "%s/test/fixture/hypercore/encryption.json", src ? src : ".").ptr);
    take_hex(vectors, "feed", &bytes);
    memcpy(compat.key, bytes.ptr, sizeof compat.key);
    modern = compat;
    modern.compat = false;
    take_hex(vectors, "reading", &bytes);
    memcpy(reading, bytes.ptr, sizeof reading);

    RUN(keys_and_blocks_are_those_of_hypercore_10_and_11);
    RUN(another_key_is_denied);
    RUN(a_block_of_a_later_fork_or_another_place_is_denied);
    RUN(a_block_without_padding_is_denied);
    RUN(another_fork_makes_other_bytes_of_the_same_block);
    DONE();
}
