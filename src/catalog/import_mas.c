/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/import_mas.h"

#include "base/lock.h"
#include "catalog/loader.h"
#include "catalog/record.h"
#include "catalog/shard.h"
#include "catalog_sql.h"
#include "db/copy.h"

typedef struct Import {
    const ImportOptions *options;
    Arena arena; /* of the shard in hand */
    Arena row;
    Db *old, *db;
    Str shard;
    Loader *loader;
    RecordReader *reader;
    Batch *records, *bare; /* apart, so that a refused record cannot take paths without one along */
    Buf last;              /* the path of the row before: a path's records go in one batch */
    pthread_mutex_t reject_mutex;
    ImportTotals totals;
} Import;

static void release(Import *import)
{
    batch_free(import->records);
    batch_free(import->bare);
    buf_release(&import->last);
    arena_free(&import->row);
    arena_free(&import->arena);
    (void)pthread_mutex_destroy(&import->reject_mutex);
}

static void reject(Import *import, Str path, Str type, const char *reason)
{
    LOCK_SCOPE(held, &import->reject_mutex);
    import->totals.rejected++;
    if (import->options->reject)
        import->options->reject(import->options->ctx, import->shard, path, type, reason);
}

static void reject_record(void *import_v, const BatchRecord *record, const char *reason)
{
    reject(import_v, record->path, record->type, reason);
}

/* ---- paths and records ---- */

enum { PATH, TYPE, JSON, COLUMNS };

static const char copy_paths[] =
    "copy (select pa_path, md_type, md_json::text from paths left join metadata on md_hash = pa_hash "
    "order by pa_hash) to stdout (format binary)";

static bool give_full(Import *import, Str path, Err *err)
{
    bool same = str_eq(buf_str(&import->last), path);

    if (!same) {
        buf_reset(&import->last);
        buf_put(&import->last, path);
    }
    if (!same && batch_is_full(import->records) && !loader_give(import->loader, &import->records, err))
        return false;
    return !batch_is_full(import->bare) || loader_give(import->loader, &import->bare, err);
}

static bool add(Import *import, const Str *fields, Err *err)
{
    BatchRecord record = {.type = fields[TYPE], .json = fields[JSON]};

    if (!record_path(import->reader, &import->row, fields[PATH], &record.path, err))
        return false;
    if (!record.type.ptr || !record.json.ptr) {
        batch_add_path(import->bare, record.path);
        batch_forget(import->bare, pathname_hash(pathname_parent(record.path)));
        import->totals.bare++;
        return true;
    }
    if (!record_add(import->reader, &import->row, &record, import->records, err))
        return false;
    import->totals.records++;
    return true;
}

static bool take_row(void *import_v, const Str *fields, int count, Err *err)
{
    Import *import = import_v;
    const ImportOptions *options = import->options;

    if (count != COLUMNS || !fields[PATH].ptr)
        return err_set(err, ERR_CORRUPT, "a row of the old database has no path");
    if (options->stop && atomic_load(options->stop))
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    arena_reset(&import->row);
    if (!give_full(import, fields[PATH], err))
        return false;
    if (!add(import, fields, err)) {
        if (!record_is_bad(err))
            return false;
        reject(import, fields[PATH], fields[TYPE], err->text);
    }
    if (options->progress)
        options->progress(options->ctx, 1);
    return true;
}

/* ---- cached answers ---- */

static bool take_cached(void *import_v, const Str *fields, int count, Err *err)
{
    Import *import = import_v;
    int64_t made;

    if (count != 2 || !fields[1].ptr)
        return true;
    if (!db_run(import->db, &sql_import_cache, DB_ARGS(DB_BINARY(fields[0]), DB_TEXT(fields[1])), &made, err))
        return false;
    import->totals.cached += made;
    return true;
}

static bool take_cache(Import *import, Err *err)
{
    if (copy_receive(import->old,
                     "copy (select query_id, value::text from ows_cache) to stdout (format binary)",
                     take_cached, import, err))
        return true;
    return err->code == ERR_NOT_FOUND; /* a shard made before there was a cache */
}

/* ---- a shard ---- */

static bool make_shard(Import *import, Str root, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(import->db, &sql_shard_find, DB_ARGS(DB_TEXT(import->shard)), &rows, err))
        return false;
    if (db_count(rows) == 0)
        return shard_create(import->db, import->shard, root, false, err);
    Str here = db_text(rows, 0, 0), normal;
    if (!pathname_normalise(&import->arena, root, &normal, err))
        return false;
    return str_eq(here, normal) ||
           err_set(err, ERR_CONFLICT, "shard '%.*s' is here already, with the path '%.*s' and not '%.*s'",
                   STR_ARG(import->shard), STR_ARG(here), STR_ARG(normal));
}

static bool load_shard(Import *import, Err *err)
{
    const ImportOptions *o = import->options;
    LoaderTotals loaded = {0};
    Err later;

    if (!loader_open(&import->arena,
                     &(LoaderOptions){.conninfo = o->conninfo,
                                      .shard = import->shard,
                                      .writers = o->writers,
                                      .reject = reject_record,
                                      .reject_ctx = import},
                     &import->loader, err))
        return false;
    import->reader =
        record_reader_new(&import->arena, o->conninfo, import->shard, loader_root(import->loader));
    bool ok = copy_receive(import->old, copy_paths, take_row, import, err) &&
              loader_give(import->loader, &import->records, err) &&
              loader_give(import->loader, &import->bare, err);
    if (!loader_finish(import->loader, &loaded, ok ? err : &later))
        ok = false;
    import->totals.added += loaded.added;
    import->totals.changed += loaded.changed;
    return ok;
}

static bool take_shard(Import *import, Str root, Err *err)
{
    batch_reset(import->records);
    batch_reset(import->bare);
    buf_reset(&import->last);
    if (!make_shard(import, root, err) ||
        !db_run(import->old, &sql_shard_use, DB_ARGS(DB_TEXT(import->shard)), NULL, err) ||
        !load_shard(import, err) || !shard_use(import->db, import->shard, err) || !take_cache(import, err))
        return false;
    import->totals.shards++;
    return true;
}

/* ---- the whole ---- */

static void put_codes(Buf *out, const Str *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_put(out, i ? STR(",\"") : STR("{\""));
        for (size_t c = 0; c < codes[i].len; c++) {
            if (codes[i].ptr[c] == '"' || codes[i].ptr[c] == '\\')
                buf_put_byte(out, '\\');
            buf_put_byte(out, codes[i].ptr[c]);
        }
        buf_put_byte(out, '"');
    }
    buf_put_byte(out, '}');
}

static bool has_shard(const PGresult *rows, Str code)
{
    for (int i = 0; i < db_count(rows); i++)
        if (str_eq(db_text(rows, i, 0), code))
            return true;
    return false;
}

static bool list_shards(Import *import, DbRows *out, Err *err)
{
    const ImportOptions *o = import->options;
    BUF_SCOPE(codes);

    put_codes(&codes, o->shards, o->shard_count);
    if (!db_query(import->old, &sql_import_shards, DB_ARGS(DB_TEXT_IF(o->shard_count, buf_str(&codes))), out,
                  err))
        return err->code == ERR_NOT_FOUND ? err_wrap(err, "this is no MAS database") : false;
    for (size_t i = 0; i < o->shard_count; i++)
        if (!has_shard(*out, o->shards[i]))
            return err_set(err, ERR_NOT_FOUND, "the old database has no shard '%.*s'", STR_ARG(o->shards[i]));
    return true;
}

/* Now, and not after the hours that those before it take. */
static bool check_codes(const PGresult *rows, Err *err)
{
    for (int i = 0; i < db_count(rows); i++)
        if (!shard_check_name(db_text(rows, i, 0), err))
            return err_hint(err, "choose the others with --shard");
    return true;
}

static bool take_all(Import *import, Err *err)
{
    RESULT_SCOPE(rows);

    if (!list_shards(import, &rows, err) || !check_codes(rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++) {
        import->shard = db_text(rows, i, 0);
        bool ok = take_shard(import, db_text(rows, i, 1), err);
        arena_reset(&import->arena);
        if (!ok)
            return err_wrap(err, "cannot take over shard '%.*s'", STR_ARG(import->shard));
    }
    return true;
}

static bool open_old(Arena *arena, const char *from, Db **out, Err *err)
{
    const char *dsn = db_dsn_with(arena, from, "application_name", "strata import-mas", err);

    return (dsn && db_open(arena, dsn, out, err)) || err_wrap(err, "the old database");
}

bool import_mas(const ImportOptions *options, ImportTotals *out, Err *err)
{
    ARENA_SCOPE(connections);
    ATTR_CLEANUP(release) Import import = {.options = options};

    *out = (ImportTotals){0};
    (void)pthread_mutex_init(&import.reject_mutex, NULL);
    import.records = batch_new();
    import.bare = batch_new();
    bool ok = open_old(&connections, options->from, &import.old, err) &&
              db_open(&connections, options->conninfo, &import.db, err) && take_all(&import, err);
    *out = import.totals;
    return ok;
}
