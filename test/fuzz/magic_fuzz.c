/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "catalog/magic_signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str head = {(const char *)data, size};
    MagicSignature found;

    if (!magic_signature_match(head, &found))
        return 0;
    assert(strlen(found.format) > 0 && strlen(found.mime) > 0 && strlen(found.detail) < MAGIC_DETAIL_MAX);
    magic_signature_look_at_directory(str_sub(head, size / 2, size), &found);
    return 0;
}
