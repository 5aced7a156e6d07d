/* SPDX-License-Identifier: Apache-2.0 */
#include "place/summary.h"

#include <math.h>

#include "db/array.h"
#include "place_sql.h"

/* ---- reading ---- */

bool summary_read_tables(Db *db, Arena *arena, SummaryTable **out, size_t *count, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_summary_read, DB_NO_ARGS, &rows, err))
        return false;
    *count = (size_t)db_count(rows);
    *out = arena_new(arena, SummaryTable, *count + 1);
    for (int row = 0; row < db_count(rows); row++) {
        SummaryTable *table = &(*out)[row];

        *table = (SummaryTable){.name = str_copy(arena, db_text(rows, row, 0)),
                                .has_snaps = !db_is_null(rows, row, 7) && !db_is_null(rows, row, 8),
                                .rows = db_int(rows, row, 9)};
        for (int i = 0; i < 6; i++)
            *(i < 3 ? &table->bounds.low[i] : &table->bounds.high[i - 3]) =
                db_is_null(rows, row, 1 + i) ? NAN : (float)db_double(rows, row, 1 + i);
        if (table->has_snaps) {
            table->snap_low = (int32_t)db_int(rows, row, 7);
            table->snap_high = (int32_t)db_int(rows, row, 8);
        }
    }
    return true;
}

bool summary_read_snapshots(Db *db, Arena *arena, SummarySnapshot **out, size_t *count, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_snapshot_read, DB_NO_ARGS, &rows, err))
        return false;
    *count = (size_t)db_count(rows);
    *out = arena_new(arena, SummarySnapshot, *count + 1);
    for (int row = 0; row < db_count(rows); row++)
        (*out)[row] = (SummarySnapshot){(int32_t)db_int(rows, row, 0), db_double(rows, row, 1)};
    return true;
}

bool summary_read_columns(Db *db, Arena *arena, SummaryColumn **out, size_t *count, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_column_read, DB_NO_ARGS, &rows, err))
        return false;
    *count = (size_t)db_count(rows);
    *out = arena_new(arena, SummaryColumn, *count + 1);
    for (int row = 0; row < db_count(rows); row++)
        (*out)[row] = (SummaryColumn){.name = str_copy(arena, db_text(rows, row, 0)),
                                      .type = str_copy(arena, db_text(rows, row, 1)),
                                      .unit = str_copy(arena, db_text(rows, row, 2)),
                                      .description = str_copy(arena, db_text(rows, row, 3))};
    return true;
}

/* ---- writing ---- */

static void put_bounds(Buf *array, const SummaryBounds *bounds)
{
    for (int i = 0; i < 6; i++) {
        float value = i < 3 ? bounds->low[i] : bounds->high[i - 3];

        isnan(value) ? array_put_null(array) : array_put_real(array, (double)value);
    }
}

bool summary_put_tables(Change *change, const SummaryTable *tables, size_t count, Err *err)
{
    BUF_SCOPE(names);
    BUF_SCOPE(bounds);
    BUF_SCOPE(lows);
    BUF_SCOPE(highs);
    BUF_SCOPE(rows);

    for (size_t i = 0; i < count; i++) {
        const SummaryTable *table = &tables[i];

        array_put_text(&names, table->name);
        put_bounds(&bounds, &table->bounds);
        array_put_int(&rows, table->rows);
        if (table->has_snaps) {
            array_put_int(&lows, table->snap_low);
            array_put_int(&highs, table->snap_high);
        } else {
            array_put_null(&lows);
            array_put_null(&highs);
        }
    }
    return change_run(change, &sql_summary_put,
                      DB_ARGS(DB_TEXT(array_end(&names)), DB_TEXT(array_end(&bounds)),
                              DB_TEXT(array_end(&lows)), DB_TEXT(array_end(&highs)),
                              DB_TEXT(array_end(&rows))),
                      err);
}

static bool put_some_trees(Change *change, const SummaryTree *trees, size_t count, Err *err)
{
    BUF_SCOPE(ids);
    BUF_SCOPE(bounds);
    BUF_SCOPE(rows);
    BUF_SCOPE(names);

    for (size_t i = 0; i < count; i++) {
        array_put_int(&ids, trees[i].tree);
        put_bounds(&bounds, &trees[i].bounds);
        array_put_int(&rows, trees[i].rows);
        array_put_text(&names, trees[i].table);
    }
    return change_run(change, &sql_treesummary_put,
                      DB_ARGS(DB_TEXT(array_end(&ids)), DB_TEXT(array_end(&bounds)),
                              DB_TEXT(array_end(&rows)), DB_TEXT(array_end(&names))),
                      err);
}

bool summary_put_trees(Change *change, const SummaryTree *trees, size_t count, Err *err)
{
    for (size_t at = 0; at < count; at += SUMMARY_CHUNK)
        if (!put_some_trees(change, trees + at, count - at < SUMMARY_CHUNK ? count - at : SUMMARY_CHUNK, err))
            return false;
    return true;
}

bool summary_put_snapshots(Change *change, const SummarySnapshot *snapshots, size_t count, Err *err)
{
    BUF_SCOPE(snaps);
    BUF_SCOPE(redshifts);

    for (size_t i = 0; i < count; i++) {
        array_put_int(&snaps, snapshots[i].snap);
        array_put_real(&redshifts, snapshots[i].redshift);
    }
    return change_run(change, &sql_snapshot_put,
                      DB_ARGS(DB_TEXT(array_end(&snaps)), DB_TEXT(array_end(&redshifts))), err);
}

bool summary_put_columns(Change *change, const SummaryColumn *columns, size_t count, Err *err)
{
    BUF_SCOPE(names);
    BUF_SCOPE(units);
    BUF_SCOPE(descriptions);

    for (size_t i = 0; i < count; i++) {
        array_put_text(&names, columns[i].name);
        array_put_text(&units, columns[i].unit);
        array_put_text(&descriptions, columns[i].description);
    }
    return change_run(
        change, &sql_column_put,
        DB_ARGS(DB_TEXT(array_end(&names)), DB_TEXT(array_end(&units)), DB_TEXT(array_end(&descriptions))),
        err);
}
