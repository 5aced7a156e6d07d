/* SPDX-License-Identifier: Apache-2.0 */
#include "place/recopy.h"

#include "place/metadata.h"

/* ---- which copies ---- */

static bool check_names(Upkeep *upkeep, const RecopyWish *wish, Err *err)
{
    const MappingTable *table;
    const MappingCopy *copy;
    Str server = wish->server.len ? wish->server : str_from_z(place_spec(upkeep->place)->servers[0].name);

    for (size_t i = 0; i < wish->count; i++)
        if (!upkeep_find(upkeep, wish->tables[i], server, &table, &copy, err))
            return false;
    return place_lists(place_spec(upkeep->place), server) ||
           err_set(err, ERR_NOT_FOUND, "the dataset '%s' is not on the server '%.*s'",
                   place_spec(upkeep->place)->dataset, STR_ARG(server));
}

static bool is_wished(const RecopyWish *wish, Str table)
{
    for (size_t i = 0; i < wish->count; i++)
        if (str_eq(wish->tables[i], table))
            return true;
    return wish->count == 0;
}

/* What has a copy there is copied from there. */
static bool choose_primaries(Upkeep *upkeep, const RecopyWish *wish, Err *err)
{
    ARENA_SCOPE(scratch);
    const Mapping *mapping = place_mapping(upkeep->place);
    size_t count = 0;
    Str *tables = arena_new(&scratch, Str, mapping->count + 1);
    UpkeepOutcome outcome;

    for (size_t t = 0; t < mapping->count; t++)
        for (size_t c = 0; c < mapping->tables[t].count; c++)
            if (is_wished(wish, mapping->tables[t].name) &&
                str_eq(mapping->tables[t].copies[c].server, wish->primary))
                tables[count++] = str_copy(&scratch, mapping->tables[t].name);
    for (size_t i = 0; i < count; i++)
        if (!upkeep_choose_primary(upkeep, tables[i], wish->primary, &outcome, err))
            return false;
    return true;
}

/* Names of its own: the mapping is read again and again. */
static Recopied *list_copies(Upkeep *upkeep, const RecopyWish *wish, Arena *arena, size_t *count)
{
    const Mapping *mapping = place_mapping(upkeep->place);
    size_t all = 0;

    for (size_t t = 0; t < mapping->count; t++)
        all += mapping->tables[t].count;
    Recopied *list = arena_new(arena, Recopied, all + 1);
    *count = 0;
    for (size_t t = 0; t < mapping->count; t++)
        for (size_t c = 0; c < mapping->tables[t].count; c++) {
            const MappingTable *table = &mapping->tables[t];
            const MappingCopy *copy = &table->copies[c];

            if (!copy->primary && is_wished(wish, table->name) &&
                (!wish->server.len || str_eq(wish->server, copy->server)))
                list[(*count)++] = (Recopied){.table = str_copy(arena, table->name),
                                              .server = str_copy(arena, copy->server)};
        }
    return list;
}

bool recopy_run(Upkeep *upkeep, const RecopyWish *wish, Arena *arena, Recopied **out, size_t *count, Err *err)
{
    if (!check_names(upkeep, wish, err) || (wish->primary.len && !choose_primaries(upkeep, wish, err)) ||
        !place_refresh(upkeep->place, err))
        return false;
    *out = list_copies(upkeep, wish, arena, count);
    for (size_t i = 0; i < *count; i++) {
        Recopied *one = &(*out)[i];

        if (!upkeep_recopy(upkeep, one->table, one->server, wish->always, &one->outcome, &one->why) &&
            one->why.code == ERR_INTERRUPTED) {
            *err = one->why;
            return false;
        }
    }
    return true;
}

/* ---- every so often ---- */

static const char every_key[] = "recopy_every", last_key[] = "recopied";

static bool put(Upkeep *upkeep, const char *key, int64_t microseconds, Err *err)
{
    ARENA_SCOPE(scratch);
    CHANGE_SCOPE(change);

    return change_begin(&change, upkeep->place, err) &&
           metadata_put(&change, key, str_printf(&scratch, "%lld", (long long)microseconds), err) &&
           change_commit(&change, err);
}

bool recopy_plan(Upkeep *upkeep, Duration every, Err *err)
{
    return put(upkeep, every_key, every, err);
}

bool recopy_note(Upkeep *upkeep, Err *err)
{
    return put(upkeep, last_key, time_now(), err);
}

static bool read_number(Db *db, const char *key, int64_t *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Str text;

    *out = 0;
    if (!metadata_get(db, &scratch, key, &text, err))
        return false;
    return text.len == 0 || str_to_int64(text, out) ||
           err_set(err, ERR_CORRUPT, "'%s' in the dataset's metadata is no number of microseconds", key);
}

bool recopy_read_plan(Place *place, RecopyPlan *out, Err *err)
{
    Db *db;

    return place_any(place, &db, err) && read_number(db, every_key, &out->every, err) &&
           read_number(db, last_key, &out->last, err);
}
