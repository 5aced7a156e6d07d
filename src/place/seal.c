/* SPDX-License-Identifier: Apache-2.0 */
#include "place/seal.h"

#include "base/log.h"
#include "place/change.h"
#include "place/metadata.h"
#include "place_sql.h"

bool place_is_sealed(Place *place, bool *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Str state;
    Db *db;

    if (!place_any(place, &db, err) || !metadata_get(db, &scratch, "state", &state, err))
        return false;
    *out = str_eq(state, STR("sealed"));
    return *out || str_eq(state, STR("open")) ||
           err_set(err, ERR_CORRUPT, "the dataset '%s' does not say whether it is open or sealed",
                   place_spec(place)->dataset);
}

bool place_check_open(Place *place, Err *err)
{
    bool sealed;

    if (!place_is_sealed(place, &sealed, err))
        return false;
    if (!sealed)
        return true;
    (void)err_set(err, ERR_CONFLICT, "the dataset '%s' is sealed: it is only read",
                  place_spec(place)->dataset);
    return err_hint(err, "strata dataset unseal %s lets it be written again", place_spec(place)->dataset);
}

/* That it is so already is no reason to leave it: a server may have come later. */
bool place_seal(Place *place, Err *err)
{
    CHANGE_SCOPE(change);

    return change_begin(&change, place, err) && metadata_put(&change, "state", STR("sealed"), err) &&
           change_run_made(&change, &sql_seal_database, DB_NO_ARGS, err) && change_commit(&change, err);
}

static bool check_admin(Place *place, Str *role, Arena *arena, Err *err)
{
    for (size_t i = 0; i < place_spec(place)->count; i++) {
        RESULT_SCOPE(rows);
        Db *db;

        if (!place_server(place, i, &db, err) || !db_query(db, &sql_is_admin, DB_NO_ARGS, &rows, err))
            return false;
        *role = str_copy(arena, db_text(rows, 0, 0));
        if (!db_bool(rows, 0, 1))
            return err_set(err, ERR_DENIED,
                           "'%.*s' may not unseal the dataset '%s': it does not own the database on '%s'",
                           STR_ARG(*role), place_spec(place)->dataset, place_spec(place)->servers[i].name);
    }
    return true;
}

bool place_unseal(Place *place, Err *err)
{
    ARENA_SCOPE(scratch);
    CHANGE_SCOPE(change);
    char at[TIME_TEXT_MAX];
    Str role = {0};

    if (!check_admin(place, &role, &scratch, err) || !change_begin(&change, place, err) ||
        !metadata_put(&change, "state", STR("open"), err) ||
        !metadata_put(
            &change, "unsealed",
            str_printf(&scratch, "%.*s by %.*s", STR_ARG(time_format(time_now(), at)), STR_ARG(role)), err) ||
        !change_run_made(&change, &sql_unseal_database, DB_NO_ARGS, err) || !change_commit(&change, err))
        return false;
    log_line(LOG_INFO, "unsealed dataset=%s role=%.*s", place_spec(place)->dataset, STR_ARG(role));
    return true;
}
