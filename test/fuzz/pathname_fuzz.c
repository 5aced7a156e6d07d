/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes survive escaping, and any text unescapes to something that escapes to one text for good. */
#include <assert.h>

#include "catalog/pathname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Str given = {(const char *)data, size}, out;

    if (pathname_normalise(&arena, given, &out, &err))
        assert(pathname_is_normal(out) && pathname_parent(out).len <= out.len);
    if (size == 0 || memchr(data, '\0', size)) /* no path holds that byte */
        return 0;

    Str text = pathname_escape(&arena, given);
    assert(str_utf8_prefix(text) == text.len && str_eq(pathname_unescape(&arena, text), given));
    text = pathname_escape(&arena, pathname_unescape(&arena, given));
    assert(str_eq(pathname_escape(&arena, pathname_unescape(&arena, text)), text));
    return 0;
}
