/* SPDX-License-Identifier: Apache-2.0 */
/* What is read as a posix record is written and read back the same; also as a checksum record. */
#include <assert.h>

#include "catalog/checksum.h"
#include "catalog/posix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(once);
    BUF_SCOPE(twice);
    Err err = {0};
    Str json = {(const char *)data, size};
    PosixFacts facts, again;
    ChecksumFacts sums;

    if (checksum_parse(json, &sums, &err)) {
        checksum_put_json(&once, &sums);
        assert(checksum_parse(buf_str(&once), &sums, &err));
        buf_reset(&once);
    }
    if (!posix_parse(&arena, json, &facts, &err))
        return 0;
    posix_put_json(&once, &facts);
    assert(posix_parse(&arena, buf_str(&once), &again, &err));
    posix_put_json(&twice, &again);
    assert(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
