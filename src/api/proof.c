/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of blocks and of forks, for include/strata.h. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "feed/forks.h"
#include "feed/proof_file.h"

bool strata_feed_prove(strata_feed *feed, uint64_t block, void **proof, size_t *len, strata_error *error)
{
    Buf out = {0};
    Err err = {0};

    if (!proof_file_make(feed->feed, block, &out, &err)) {
        buf_release(&out);
        return api_fail(&err, error);
    }
    *proof = out.ptr;
    *len = out.len;
    return true;
}

bool strata_check_proof(const void *proof, size_t len, strata_proven *out, strata_error *error)
{
    ARENA_SCOPE(scratch);
    ProofFile found;
    Err err = {0};

    if (!proof_file_check((Str){proof, len}, &scratch, &found, &err))
        return api_fail(&err, error);
    *out = (strata_proven){.block = found.block,
                           .length = found.length,
                           .fork = found.fork,
                           .at = (size_t)(found.bytes.ptr - (const char *)proof),
                           .len = found.bytes.len};
    memcpy(out->key, found.key, sizeof out->key);
    memcpy(out->root, found.root, sizeof out->root);
    return true;
}

bool strata_feed_forks(strata_feed *feed, strata_fork **forks, size_t *count, strata_error *error)
{
    ARENA_SCOPE(scratch);
    ForkProof *list;
    size_t found;
    Err err = {0};

    if (!forks_list(feed->feed, &scratch, &list, &found, &err))
        return api_fail(&err, error);
    strata_fork *out = calloc(found + 1, sizeof *out);
    if (!out)
        abort();
    for (size_t i = 0; i < found; i++) {
        out[i] = (strata_fork){
            .fork = list[i].fork, .length = list[i].length, .here = list[i].here, .there = list[i].there};
        memcpy(out[i].root_here, list[i].hash_here, sizeof out[i].root_here);
        memcpy(out[i].root_there, list[i].hash_there, sizeof out[i].root_there);
    }
    *forks = out;
    *count = found;
    return true;
}
