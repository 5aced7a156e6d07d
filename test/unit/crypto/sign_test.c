/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include "test/unit/feed/vectors.h"

static void a_seed_makes_the_vectors_key(void)
{
    unsigned char seed[SIGN_SEED_BYTES];
    SIGN_SCOPE(pair);

    memset(seed, 1, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    CHECK(vector_is("core>signer_pub", pair.public_key, SIGN_PUBLIC_BYTES));
}

static void only_what_was_signed_by_the_owner_passes(void)
{
    unsigned char signature[SIGN_BYTES];
    SIGN_SCOPE(pair);
    SIGN_SCOPE(other);

    sign_pair_new(&pair);
    sign_pair_new(&other);
    CHECK(memcmp(pair.public_key, other.public_key, SIGN_PUBLIC_BYTES) != 0);
    sign_make(&pair, STR("message"), signature);
    CHECK(sign_check(pair.public_key, STR("message"), signature));
    CHECK(!sign_check(pair.public_key, STR("massage"), signature));
    CHECK(!sign_check(other.public_key, STR("message"), signature));
    for (size_t i = 0; i < SIGN_BYTES; i++) {
        signature[i] ^= 1;
        CHECK(!sign_check(pair.public_key, STR("message"), signature));
        signature[i] ^= 1;
    }
}

static void a_key_of_low_order_signs_nothing(void)
{
    unsigned char zero[SIGN_PUBLIC_BYTES] = {1}, signature[SIGN_BYTES] = {1}; /* the neutral element */

    CHECK(!sign_check(zero, STR("anything"), signature));
}

static void a_wiped_pair_is_empty(void)
{
    static const SignPair empty;
    SignPair pair;

    sign_pair_new(&pair);
    sign_wipe(&pair);
    CHECK(memcmp(&pair, &empty, sizeof pair) == 0);
}

int main(void)
{
    RUN(a_seed_makes_the_vectors_key);
    RUN(only_what_was_signed_by_the_owner_passes);
    RUN(a_key_of_low_order_signs_nothing);
    RUN(a_wiped_pair_is_empty);
    DONE();
}
