/* SPDX-License-Identifier: Apache-2.0 */
/* include/strata.h on a Place: the tables of a dataset. */
#include <stdlib.h>

#include "api/api.h"
#include "serve/datasets.h"

enum { BINDS_MAX = 40 }; /* as db/ takes them */

struct strata_dataset {
    Arena arena;
    Dataset dataset;
    Place *place;
    Arena names_arena;
    const char **tables; /* NULL: not listed since the mapping was read */
    const char **servers;
    Map statements; /* by their text: a Sql each */
    size_t statements_count;
    Db *transaction; /* NULL: there is none */
    Str transaction_table;
};

struct strata_rows {
    PGresult *result;
    strata_column *columns;
    size_t columns_count;
};

/* ---- open and close ---- */

static bool open_dataset(strata_dataset *dataset, const char *dir, const char *name, Err *err)
{
    Instance *instance;

    return instance_open(&dataset->arena, dir, &config_set, &instance, err) &&
           datasets_find(instance, &dataset->arena, str_copy(&dataset->arena, str_from_z(name)),
                         &dataset->dataset, err) &&
           place_open(&dataset->arena, &dataset->dataset.spec, &dataset->place, err);
}

strata_dataset *strata_dataset_open(const char *dir, const char *name, strata_error *error)
{
    strata_dataset *dataset = calloc(1, sizeof *dataset);
    Err err = {0};

    if (!dataset)
        abort(); /* no memory */
    if (open_dataset(dataset, dir, name, &err))
        return dataset;
    strata_dataset_close(dataset);
    (void)api_fail(&err, error);
    return NULL;
}

void strata_dataset_close(strata_dataset *dataset)
{
    if (!dataset)
        return;
    arena_free(&dataset->names_arena);
    arena_free(&dataset->arena);
    free(dataset);
}

bool strata_dataset_refresh(strata_dataset *dataset, strata_error *error)
{
    Err err = {0};

    dataset->tables = NULL;
    arena_free(&dataset->names_arena);
    return place_refresh(dataset->place, &err) || api_fail(&err, error);
}

const char *const *strata_dataset_tables(strata_dataset *dataset)
{
    const Mapping *mapping = place_mapping(dataset->place);

    if (!dataset->tables) {
        dataset->tables = arena_new(&dataset->names_arena, const char *, mapping->count + 1);
        for (size_t i = 0; i < mapping->count; i++)
            dataset->tables[i] = str_to_z(&dataset->names_arena, mapping->tables[i].name);
    }
    return dataset->tables;
}

const char *const *strata_dataset_servers(strata_dataset *dataset)
{
    const PlaceSpec *spec = &dataset->dataset.spec;

    if (!dataset->servers) {
        dataset->servers = arena_new(&dataset->arena, const char *, spec->count + 1);
        for (size_t i = 0; i < spec->count; i++)
            dataset->servers[i] = spec->servers[i].name;
    }
    return dataset->servers;
}

/* ---- connections ---- */

static bool run_text(void *text, Db *db, Err *err)
{
    return db_script(db, text, err);
}

bool strata_dataset_on_connect(strata_dataset *dataset, const char *sql, strata_error *error)
{
    Err err = {0};

    return place_add_hook(dataset->place, run_text, str_to_z(&dataset->arena, str_from_z(sql)), &err) ||
           api_fail(&err, error);
}

void strata_dataset_restart(strata_dataset *dataset)
{
    dataset->transaction = NULL;
    place_restart(dataset->place);
}

const char *strata_dataset_route(strata_dataset *dataset, const char *table, const char **server,
                                 strata_error *error)
{
    Err err = {0};
    size_t at;

    if (!place_route(dataset->place, str_from_z(table), &at, &err)) {
        (void)api_fail(&err, error);
        return NULL;
    }
    if (server)
        *server = dataset->dataset.spec.servers[at].name;
    return dataset->dataset.spec.servers[at].dsn;
}

/* ---- queries ---- */

/* Prepared statements are known by a name; the same text has the same. */
static const Sql *statement_of(strata_dataset *dataset, const char *sql, size_t binds)
{
    void **known =
        map_slot(&dataset->statements, &dataset->arena, str_copy(&dataset->arena, str_from_z(sql)));

    if (!*known) {
        Sql *new = arena_new(&dataset->arena, Sql, 1);
        Sql made = {str_printf(&dataset->arena, "strata_%zu", ++dataset->statements_count).ptr, (int)binds,
                    str_copy(&dataset->arena, str_from_z(sql)).ptr};

        memcpy(new, &made, sizeof made);
        *known = new;
    }
    return *known;
}

typedef struct Query {
    const Sql *sql;
    const DbArg *args;
    PGresult *rows;
} Query;

static bool run_query(void *query_v, Str table, Db *db, Err *err)
{
    Query *query = query_v;

    (void)table;
    return db_query(db, query->sql, query->args, &query->rows, err);
}

/* Any server; another one when it is lost on the way. */
static bool ask_any(strata_dataset *dataset, Query *query, Err *err)
{
    Err why = {0};
    Db *db;

    for (size_t i = 0; i < dataset->dataset.spec.count; i++) {
        why = (Err){0};
        if (!place_any(dataset->place, &db, &why))
            break;
        if (run_query(query, (Str){0}, db, &why))
            return true;
        if (db_alive(db))
            break;
    }
    *err = why;
    return false;
}

static bool ask(strata_dataset *dataset, const char *table, Query *query, Err *err)
{
    if (!table)
        return ask_any(dataset, query, err);
    if (dataset->transaction && str_eq_z(dataset->transaction_table, table))
        return run_query(query, dataset->transaction_table, dataset->transaction, err);
    return place_with(dataset->place, str_from_z(table), run_query, query, err);
}

static strata_type type_of(Oid oid)
{
    enum { BOOL = 16, INT8 = 20, INT2 = 21, INT4 = 23, FLOAT4 = 700, FLOAT8 = 701, NUMERIC = 1700 };

    switch (oid) {
    case BOOL:
        return STRATA_BOOL;
    case INT2:
    case INT4:
    case INT8:
        return STRATA_INT;
    case FLOAT4:
    case FLOAT8:
    case NUMERIC:
        return STRATA_DOUBLE;
    default:
        return STRATA_TEXT;
    }
}

static strata_rows *make_rows(PGresult *result)
{
    size_t count = (size_t)PQnfields(result);
    strata_rows *rows = calloc(1, sizeof *rows);
    strata_column *columns = calloc(count + 1, sizeof *columns);

    if (!rows || !columns)
        abort(); /* no memory */
    *rows = (strata_rows){result, columns, count};
    for (size_t i = 0; i < count; i++) {
        Oid oid = PQftype(result, (int)i);

        columns[i] = (strata_column){PQfname(result, (int)i), type_of(oid), oid};
    }
    return rows;
}

strata_rows *strata_dataset_query(strata_dataset *dataset, const char *table, const char *sql,
                                  const char *const *binds, size_t count, strata_error *error)
{
    DbArg args[BINDS_MAX];
    Query query = {.args = args};
    Err err = {0};

    if (count > BINDS_MAX) {
        (void)(err_set(&err, ERR_LIMIT, "a statement takes %d values at most", BINDS_MAX) ||
               api_fail(&err, error));
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        args[i] = binds[i] ? DB_TEXT_Z(binds[i]) : DB_NULL;
    query.sql = statement_of(dataset, sql, count);
    if ((size_t)query.sql->params != count)
        (void)err_set(&err, ERR_USAGE, "the statement was run with %d values before, and now with %zu",
                      query.sql->params, count);
    else if (ask(dataset, table, &query, &err))
        return make_rows(query.rows);
    (void)api_fail(&err, error);
    return NULL;
}

/* ---- transactions ---- */

bool strata_dataset_begin(strata_dataset *dataset, const char *table, strata_error *error)
{
    Err err = {0};
    Db *db;

    if (dataset->transaction)
        (void)err_set(&err, ERR_CONFLICT, "a transaction is open already, for the table '%.*s'",
                      STR_ARG(dataset->transaction_table));
    else if (place_db(dataset->place, str_from_z(table), &db, &err) && db_begin(db, &err)) {
        dataset->transaction = db;
        dataset->transaction_table = str_copy(&dataset->arena, str_from_z(table));
        return true;
    }
    return api_fail(&err, error);
}

bool strata_dataset_commit(strata_dataset *dataset, strata_error *error)
{
    Db *db = dataset->transaction;
    Err err = {0};

    dataset->transaction = NULL;
    if (!db)
        (void)err_set(&err, ERR_USAGE, "there is no transaction to commit");
    else if (db_commit(db, &err))
        return true;
    return api_fail(&err, error);
}

void strata_dataset_rollback(strata_dataset *dataset)
{
    if (dataset->transaction)
        db_rollback(dataset->transaction);
    dataset->transaction = NULL;
}

/* ---- all servers ---- */

static bool run_there(void *text, const char *server, Db *db, Err *err)
{
    (void)server;
    return db_script(db, text, err);
}

bool strata_dataset_on_all(strata_dataset *dataset, const char *sql, strata_error *errors)
{
    ARENA_SCOPE(scratch);
    size_t count = dataset->dataset.spec.count;
    Err *whys = arena_new(&scratch, Err, count);
    bool ok = place_all(dataset->place, run_there, str_to_z(&scratch, str_from_z(sql)), whys);

    for (size_t i = 0; errors && i < count; i++) {
        errors[i] = (strata_error){0};
        if (whys[i].code)
            (void)api_fail(&whys[i], &errors[i]);
    }
    return ok;
}

/* ---- rows ---- */

size_t strata_rows_count(const strata_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

size_t strata_rows_changed(const strata_rows *rows)
{
    return (size_t)strtoull(PQcmdTuples(rows->result), NULL, 10);
}

size_t strata_rows_columns(const strata_rows *rows, const strata_column **columns)
{
    *columns = rows->columns;
    return rows->columns_count;
}

bool strata_rows_is_null(const strata_rows *rows, size_t row, size_t column)
{
    return db_is_null(rows->result, (int)row, (int)column);
}

const char *strata_rows_text(const strata_rows *rows, size_t row, size_t column)
{
    return PQgetvalue(rows->result, (int)row, (int)column);
}

int64_t strata_rows_int(const strata_rows *rows, size_t row, size_t column)
{
    return db_int(rows->result, (int)row, (int)column);
}

double strata_rows_double(const strata_rows *rows, size_t row, size_t column)
{
    return db_double(rows->result, (int)row, (int)column);
}

bool strata_rows_bool(const strata_rows *rows, size_t row, size_t column)
{
    return db_bool(rows->result, (int)row, (int)column);
}

void strata_rows_ints(const strata_rows *rows, size_t column, int64_t *out)
{
    for (size_t i = 0; i < strata_rows_count(rows); i++)
        out[i] = strata_rows_int(rows, i, column);
}

void strata_rows_doubles(const strata_rows *rows, size_t column, double *out)
{
    for (size_t i = 0; i < strata_rows_count(rows); i++)
        out[i] = strata_rows_double(rows, i, column);
}

void strata_rows_free(strata_rows *rows)
{
    if (!rows)
        return;
    PQclear(rows->result);
    free(rows->columns);
    free(rows);
}
