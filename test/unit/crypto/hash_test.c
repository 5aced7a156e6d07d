/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <pthread.h>

#include "base/buf.h"
#include "test/check.h"

static bool is_hex(const void *bytes, size_t len, const char *expected)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, bytes, len);
    return str_eq_z(buf_str(&hex), expected);
}

/* RFC 1321 appendix A.5, FIPS 180-2 appendix B. */
static void the_standards_examples_come_out(void)
{
    unsigned char out[HASH_BYTES_MAX];

    hash_md5(STR(""), out);
    CHECK(is_hex(out, HASH_MD5_BYTES, "d41d8cd98f00b204e9800998ecf8427e"));
    hash_md5(STR("message digest"), out);
    CHECK(is_hex(out, HASH_MD5_BYTES, "f96b697d7cb7938d525a2f31aaf161d0"));
    hash_sha256(STR("abc"), out);
    CHECK(is_hex(out, HASH_SHA256_BYTES, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

static void pieces_hash_as_the_whole_and_a_hash_can_begin_again(void)
{
    unsigned char whole[HASH_BYTES_MAX], pieces[HASH_BYTES_MAX];
    HASH_SCOPE(hash);

    hash_sha256(STR("one message"), whole);
    for (int turn = 0; turn < 2; turn++) {
        hash_begin(&hash, HASH_SHA256);
        hash_add(&hash, STR("one "));
        hash_add(&hash, STR(""));
        hash_add(&hash, STR("message"));
        CHECK(hash_end(&hash, pieces) == HASH_SHA256_BYTES && memcmp(whole, pieces, HASH_SHA256_BYTES) == 0);
    }
    hash_begin(&hash, HASH_MD5);
    hash_add(&hash, STR("message digest"));
    CHECK(hash_end(&hash, pieces) == HASH_MD5_BYTES);
    CHECK(is_hex(pieces, HASH_MD5_BYTES, "f96b697d7cb7938d525a2f31aaf161d0"));
}

static void *hash_many(void *arg)
{
    unsigned char out[HASH_MD5_BYTES];
    bool *ok = arg;

    *ok = true;
    for (int i = 0; i < 1000; i++) {
        hash_md5(STR("a"), out);
        *ok = *ok && is_hex(out, sizeof out, "0cc175b9c0f1b6a831c399e269772661");
    }
    return NULL;
}

static void threads_do_not_share_a_context(void)
{
    pthread_t threads[4];
    bool ok[COUNT_OF(threads)];

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, hash_many, &ok[i]) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(ok[i]);
    }
}

int main(void)
{
    RUN(the_standards_examples_come_out);
    RUN(pieces_hash_as_the_whole_and_a_hash_can_begin_again);
    RUN(threads_do_not_share_a_context);
    DONE();
}
