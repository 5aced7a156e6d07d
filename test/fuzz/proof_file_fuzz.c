/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the proof of a block: it is refused, or it is one of a feed whose signer signed just that. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feed/proof_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The proofs in the corpus are of a feed with this signer: block n is n times the byte n. */
static void check_block(const ProofFile *proof)
{
    SignPair pair;
    FeedIdentity identity;

    sign_pair_from_seed((const unsigned char *)"strata: the seed of a fuzz test.", &pair);
    feed_identity_new(pair.public_key, &identity);
    if (memcmp(proof->key, identity.key, sizeof identity.key) != 0)
        return;
    if (proof->block >= proof->length || proof->bytes.len != proof->block)
        abort();
    for (size_t i = 0; i < proof->bytes.len; i++)
        if ((unsigned char)proof->bytes.ptr[i] != proof->block)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    ProofFile proof;
    Err err = {0};

    if (proof_file_check((Str){(const char *)data, size}, &arena, &proof, &err))
        check_block(&proof);
    else if (err.code != ERR_CORRUPT && err.code != ERR_LIMIT)
        abort();
    return 0;
}
