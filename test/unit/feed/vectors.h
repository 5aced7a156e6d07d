/* SPDX-License-Identifier: Apache-2.0 */
/* vectors -- test/fixture/hypercore/vectors.json: what npm hypercore makes of known keys and blocks */
#ifndef TEST_FEED_VECTORS_H
#define TEST_FEED_VECTORS_H

#define json_bool json_c_bool /* NOLINT: a type of json-c, a function of base/json.h */
#include <json-c/json.h>
#undef json_bool

#include "base/buf.h"
#include "test/check.h"

/* The value at "core>signer_pub", and so on; a name may have any other character. */
static inline struct json_object *vector_at(const char *path)
{
    static struct json_object *all;
    ARENA_SCOPE(arena);
    const char *src = getenv("SRC");
    Str rest = str_from_z(path);

    if (!all)
        all = json_object_from_file(
            str_printf(&arena, "%s/test/fixture/hypercore/vectors.json", src ? src : ".").ptr);
    struct json_object *found = all;
    while (found && rest.len) {
        Str key;

        rest = str_cut(rest, '>', &key);
        found = json_object_object_get(found, str_to_z(&arena, key));
    }
    if (!found) {
        printf("Bail out! no %s in the vectors (SRC is the repository)\n", path);
        exit(1);
    }
    return found;
}

/* Whether the vector is these bytes in hexadecimal. */
static inline bool vector_is(const char *path, const void *bytes, size_t len)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, bytes, len);
    return str_eq_z(buf_str(&hex), json_object_get_string(vector_at(path)));
}

#endif
