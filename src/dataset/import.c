/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/import.h"

#include "base/fault.h"
#include "place/metadata.h"
#include "place/seal.h"
#include "place/tables.h"

/* One table on its way. */
typedef struct Loading {
    Import *import;
    Csv *csv;
    Arena arena;
    Str name;
    TableFound found;
    Filling *
        fillings; /* as many as servers, in the order of `found`; those that are whole already are not begun */
    int64_t rows; /* that it has, -1 as long as nobody knows */
} Loading;

static void end_loading(Loading *loading)
{
    for (size_t i = 0; loading->fillings && i < loading->found.servers_count; i++)
        filling_undo(&loading->fillings[i]);
    arena_free(&loading->arena);
}

/* ---- where it goes ---- */

static bool read_replicas(Import *import, int64_t *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Str text;
    Db *db;

    if (!place_check_open(import->place, err) || !place_any(import->place, &db, err) ||
        !metadata_get(db, &scratch, "replicas", &text, err))
        return false;
    return (str_to_int64(text, out) && *out >= 1) ||
           err_set(err, ERR_CORRUPT, "the dataset '%s' has no number of replicas",
                   place_spec(import->place)->dataset);
}

static bool add_table(Loading *loading, Str source, Err *err)
{
    const PlaceSpec *spec = place_spec(loading->import->place);
    MappingCopy *copies = arena_new(&loading->arena, MappingCopy, spec->count);
    TableNew table = {loading->name, source, csv_row(loading->csv)};
    CHANGE_SCOPE(change);
    int64_t replicas;

    if (!read_replicas(loading->import, &replicas, err))
        return false;
    for (int64_t i = 0; i < replicas; i++) {
        size_t server = (size_t)(loading->import->number - 1 + i) % spec->count;

        copies[i] = (MappingCopy){str_from_z(spec->servers[server].name), true, i == 0};
    }
    return change_begin(&change, loading->import->place, err) &&
           tables_add(&change, &table, copies, (size_t)replicas, err) && change_commit(&change, err) &&
           fault_pass(FAULT_dataset_table_added, err);
}

static bool is_of_other_rows(const Loading *loading, Str source, Err *err)
{
    const TableFound *found = &loading->found;

    if (str_eq(found->source, source) && found->first_row == csv_row(loading->csv))
        return true;
    (void)err_set(err, ERR_CONFLICT, "the dataset has a table '%.*s' already, of row %lld of '%.*s'",
                  STR_ARG(loading->name), (long long)found->first_row + 1, STR_ARG(found->source));
    return err_hint(err,
                    "--prefix gives the tables of other files other names; to go on with an import, name its "
                    "files as before, and --rows");
}

static bool find_table(Loading *loading, Err *err)
{
    Db *db;

    return place_any(loading->import->place, &db, err) &&
           tables_find(db, &loading->arena, loading->name, &loading->found, err);
}

static bool prepare(Loading *loading, Str source, Err *err)
{
    if (!find_table(loading, err))
        return false;
    if (loading->found.there)
        return is_of_other_rows(loading, source, err);
    return add_table(loading, source, err) && find_table(loading, err);
}

/* ---- the rows ---- */

static bool server_of(const Loading *loading, Str name, size_t *out, Err *err)
{
    const PlaceSpec *spec = place_spec(loading->import->place);

    for (*out = 0; *out < spec->count; ++*out)
        if (str_eq_z(name, spec->servers[*out].name))
            return true;
    return err_set(err, ERR_CONFIG, "table '%.*s' has a copy on '%.*s', which [dataset %s] does not list",
                   STR_ARG(loading->name), STR_ARG(name), spec->dataset);
}

static bool begin_copy(Loading *loading, size_t copy, const TableColumn *columns, size_t count, Err *err)
{
    size_t server;
    int64_t rows;
    Db *db;

    if (!server_of(loading, loading->found.servers[copy], &server, err) ||
        !place_server(loading->import->place, server, &db, err) ||
        !filling_rows(db, loading->name, &rows, err))
        return false;
    if (rows >= 0) {
        loading->rows = rows;
        return true;
    }
    return filling_begin(&loading->fillings[copy], db, loading->name, columns, count, err);
}

static bool begin_copies(Loading *loading, Err *err)
{
    size_t count;
    const CsvColumn *in = csv_columns(loading->csv, &count);
    TableColumn *columns = arena_new(&loading->arena, TableColumn, count);

    for (size_t i = 0; i < count; i++)
        columns[i] = (TableColumn){in[i].name, in[i].type};
    loading->fillings = arena_new(&loading->arena, Filling, loading->found.servers_count);
    for (size_t i = 0; i < loading->found.servers_count; i++)
        if (!begin_copy(loading, i, columns, count, err))
            return false;
    return true;
}

static bool stopped(const Import *import, Err *err)
{
    return import->stop && atomic_load(import->stop) &&
           !err_set(err, ERR_INTERRUPTED, "interrupted; the next import of these files goes on");
}

/* The same rows to all copies that miss them. */
static bool send_rows(Loading *loading, Err *err)
{
    int64_t most = loading->rows >= 0 ? loading->rows : loading->import->rows_most, sent = 0, rows;
    Str piece;

    while (sent < most) {
        if (stopped(loading->import, err) || !csv_next(loading->csv, most - sent, &piece, &rows, err))
            return false;
        if (rows == 0)
            break;
        for (size_t i = 0; i < loading->found.servers_count; i++)
            if (loading->fillings[i].db && !filling_put(&loading->fillings[i], piece, err))
                return false;
        sent += rows;
        progress_add(loading->import->progress, rows);
    }
    loading->rows = sent;
    return true;
}

static bool end_copies(Loading *loading, Err *err)
{
    for (size_t i = 0; i < loading->found.servers_count; i++)
        if (loading->fillings[i].db && (!filling_end(&loading->fillings[i], loading->rows, err) ||
                                        !fault_pass(FAULT_dataset_copy_filled, err)))
            return err_wrap(err, "server '%.*s'", STR_ARG(loading->found.servers[i]));
    return true;
}

static bool let_be_read(Loading *loading, Err *err)
{
    CHANGE_SCOPE(change);

    return change_begin(&change, loading->import->place, err) &&
           tables_load(&change, loading->name, loading->rows, err) && change_commit(&change, err);
}

static bool skip_rows(Loading *loading, Err *err)
{
    int64_t rows = 1, left = loading->found.rows;
    Str piece;

    for (; left > 0 && rows > 0; left -= rows)
        if (!csv_next(loading->csv, left, &piece, &rows, err))
            return false;
    loading->import->were_there++;
    progress_add(loading->import->progress, loading->found.rows);
    return true;
}

static bool load(Loading *loading, Str source, Err *err)
{
    int64_t first = csv_row(loading->csv);

    if (!prepare(loading, source, err))
        return false;
    if (loading->found.loaded)
        return skip_rows(loading, err);
    if (!begin_copies(loading, err) || !send_rows(loading, err) || !end_copies(loading, err) ||
        !let_be_read(loading, err))
        return err_wrap(err, "cannot import rows %lld to %lld of '%.*s' into '%.*s'", (long long)first + 1,
                        (long long)csv_row(loading->csv), STR_ARG(source), STR_ARG(loading->name));
    loading->import->rows += loading->rows;
    loading->import->tables++;
    return true;
}

/* What a killed import left prepared would be seen on one server and not on another. */
static bool settle(Import *import, Err *err)
{
    size_t settled;

    return import->number > 0 || change_settle(import->place, &settled, err);
}

bool import_csv(Import *import, Csv *csv, Str source, Err *err)
{
    bool end, ok = settle(import, err);

    while (ok) {
        if (!csv_at_end(csv, &end, err))
            return false;
        if (end)
            return true;
        Loading loading = {.import = import, .csv = csv, .rows = -1};
        loading.name = str_printf(&loading.arena, "%s%lld", import->prefix, (long long)++import->number);
        ok = load(&loading, source, err);
        end_loading(&loading);
    }
    return false;
}
