/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/make.h"

#include "place/metadata.h"
#include "place/schema.h"

static bool make_databases(const DatasetNew *what, Err *err)
{
    for (size_t i = 0; i < what->spec->count; i++)
        if (!schema_make(what->maintenance[i], what->database, err))
            return err_wrap(err, "server '%s'", what->spec->servers[i].name);
    return true;
}

static bool check_empty(Place *place, const DatasetNew *what, Err *err)
{
    if (place_mapping(place)->count == 0)
        return true;
    (void)err_set(err, ERR_CONFLICT, "the database '%s' holds a dataset with %zu tables", what->database,
                  place_mapping(place)->count);
    return err_hint(err, "to use it as it is, write [dataset %s] and its servers into strata.ini",
                    what->spec->dataset);
}

static bool say_what_it_is(Place *place, const DatasetNew *what, Err *err)
{
    ARENA_SCOPE(scratch);
    CHANGE_SCOPE(change);

    return change_begin_anyway(&change, place, err) &&
           metadata_put(&change, "dataset", str_from_z(what->spec->dataset), err) &&
           metadata_put(&change, "replicas", str_printf(&scratch, "%lld", (long long)what->replicas), err) &&
           metadata_put(&change, "state", STR("open"), err) &&
           metadata_put(&change, "servers", place_list(what->spec, &scratch), err) &&
           change_commit(&change, err);
}

bool dataset_make(const DatasetNew *what, Err *err)
{
    ARENA_SCOPE(arena);
    Place *place;

    if (what->replicas < 1 || (size_t)what->replicas > what->spec->count)
        return err_set(err, ERR_USAGE, "%lld copies of each table need as many servers, and there are %zu",
                       (long long)what->replicas, what->spec->count);
    return make_databases(what, err) && place_open(&arena, what->spec, &place, err) &&
           check_empty(place, what, err) && say_what_it_is(place, what, err);
}
