/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a search of the STAC API can hold, as a query and as a body, and the keys under which its box would be looked for.
 *
 * Input: a query, a line feed, a JSON body. Whatever comes, what is taken from it is within its bounds, or the request is
 * refused with a sentence.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/stac_probe.h"
#include "http/route.h"
#include "serve/stac_search.h"
#include "serve/stac_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: the fuzzer's name */

static const Route route = {"GET", "/search", "A search",
                            PARAMS(STAC_SEARCH_PARAMS, {"ids", PARAM_LIST}, {"collections", PARAM_LIST})};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_text(Str text)
{
    must(str_utf8_prefix(text) == text.len);
}

/* Places that there are; others are refused before they are looked for. */
static bool is_place(const FindBox *box)
{
    return fabs(box->west) <= 180 && fabs(box->east) <= 180 && fabs(box->south) <= 90 &&
           fabs(box->north) <= 90 && box->south <= box->north;
}

static void must_be_keys(Arena *arena, const StacSearch *search)
{
    ATTR_CLEANUP(stac_probes_release) StacProbes probes = {0};
    StacLevel at[] = {{1, 0, 0}, {1, 3, 9}, {2, GRID_SPAN_NONE, 16}, {3, 6, 5}};
    StacLevels levels = {at, COUNT_OF(at), 1000};
    const FindBox *box = &search->box;
    StacPlace place = {.boxes = {{box->west, box->south, box->east, box->north}}, .count = search->has_box};
    bool timed = search->has_since || search->has_until;

    if (search->has_box && !is_place(box))
        return;
    bool made = stac_probes_make(&probes, &place, search->has_since ? &search->since : NULL,
                                 search->has_until ? &search->until : NULL, &levels);
    must(made || !(search->has_box || timed) || probes.count > 1000);
    must(!made || (str_ends(buf_str(&probes.keys), STR("}")) && str_ends(buf_str(&probes.lasts), STR("}"))));
    must(stac_place_parts(arena, &place).len > 8);
}

static void check_search(Arena *arena, const StacSearch *search)
{
    must(search->limit >= 1 && search->limit <= STAC_LIMIT_MOST && search->token.len <= STAC_TOKEN_MAX);
    must(!search->has_box || (isfinite(search->box.west) && isfinite(search->box.south) &&
                              isfinite(search->box.east) && isfinite(search->box.north)));
    must_be_text(search->token);
    must_be_text(search->intersects);
    for (size_t i = 0; search->ids && i < search->id_count; i++)
        must_be_text(search->ids[i]);
    for (size_t i = 0; search->collections && i < search->collection_count; i++) {
        Str shard, key;

        must_be_text(search->collections[i]);
        if (stac_collection_parse(search->collections[i], &shard, &key))
            must(shard.len > 0 && (key.len == 0 || stac_is_key(key)));
    }
    must_be_keys(arena, search);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    Value values[16] = {0};
    Request request = {.arena = &arena, .route = &route, .values = values};
    StacSearch search;
    Err err = {0};

    request.body = str_cut((Str){(const char *)data, size}, '\n', &request.query_raw);
    bool ok = url_pairs(&arena, request.query_raw, &request.query, &err) &&
              param_check(route.params, route.param_count, request.query, (Pairs){0}, NULL, false, &arena,
                          values, &err) &&
              stac_search_params(&request, &search, &err);
    if (ok)
        check_search(&arena, &search);
    else
        must(err.code != ERR_NONE && str_utf8_prefix(str_from_z(err.text)) == strlen(err.text));
    err = (Err){0};
    if (stac_search_body(&request, &search, &err))
        check_search(&arena, &search);
    else
        must(err.code == ERR_USAGE && str_utf8_prefix(str_from_z(err.text)) == strlen(err.text));
    return 0;
}
