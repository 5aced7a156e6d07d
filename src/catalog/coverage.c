/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/coverage.h"

#include <arpa/inet.h>
#include <endian.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "catalog/shard.h"
#include "catalog_sql.h"
#include "db/copy.h"

enum { UUID = 16, WHOLE_PART = 4, TRIES = 5 };

/* PostgreSQL counts from 2000-01-01. */
static const Instant postgres_start = SECONDS(946684800);

/* What a directory holds of a name. */
typedef struct Sum {
    struct Sum *next; /* of all */
    const struct Dir *dir;
    int name;
    int64_t count;
    Buf stamps;    /* Instants; the first `sorted` ascending and once each */
    size_t sorted; /* bytes */
    size_t last;   /* where the list that came last starts, bytes */
    double xmin, ymin, xmax, ymax;
} Sum;

typedef struct Dir {
    struct Dir *next;
    unsigned char hash[UUID];
    bool whole;
    int64_t datasets;
    bool filling; /* by the pass that runs now */
} Dir;

/* The directories above one that change. */
typedef struct Above {
    Dir **dirs;
    size_t count;
} Above;

typedef struct Work {
    Arena arena;
    Db *db;
    Map dirs, parents, sums; /* by hash; by hash; by hash and name */
    Dir *first_dir;
    Sum *first_sum;
} Work;

static void release(Work *work)
{
    for (Sum *sum = work->first_sum; sum; sum = sum->next)
        buf_release(&sum->stamps);
    arena_free(&work->arena);
}

/* ---- sums ---- */

static Sum *sum_of(Work *work, const Dir *dir, int name)
{
    struct {
        unsigned char hash[UUID];
        int name;
    } key = {.name = name};

    memcpy(key.hash, dir->hash, UUID);
    void **slot = map_slot(&work->sums, &work->arena, (Str){(const char *)&key, sizeof key});
    if (!*slot) {
        Sum *sum = arena_new(&work->arena, Sum, 1);

        *sum = (Sum){.next = work->first_sum,
                     .dir = dir,
                     .name = name,
                     .xmin = INFINITY,
                     .ymin = INFINITY,
                     .xmax = -INFINITY,
                     .ymax = -INFINITY};
        work->first_sum = sum;
        *slot = sum;
    }
    return *slot;
}

static int by_time(const void *a_v, const void *b_v)
{
    const Instant *a = a_v, *b = b_v;

    return (*a > *b) - (*a < *b);
}

static void sort_once_each(Sum *sum)
{
    Instant *at = (Instant *)(void *)sum->stamps.ptr;
    size_t count = sum->stamps.len / sizeof *at, n = 0;

    if (count)
        qsort(at, count, sizeof *at, by_time);
    for (size_t i = 0; i < count; i++)
        if (n == 0 || at[n - 1] != at[i])
            at[n++] = at[i];
    sum->stamps.len = sum->sorted = n * sizeof *at;
    sum->last = 0;
}

/* A list that is the same as the one before, as those of one file are, is not entered again. */
static void add_stamps(Sum *sum, Str stamps)
{
    enum { ROOM = 8192 };

    if (stamps.len == 0 || (sum->stamps.len - sum->last == stamps.len &&
                            memcmp(sum->stamps.ptr + sum->last, stamps.ptr, stamps.len) == 0))
        return;
    if (sum->stamps.len > 2 * sum->sorted + ROOM)
        sort_once_each(sum);
    sum->last = sum->stamps.len;
    buf_put(&sum->stamps, stamps);
}

/* ---- rows in binary form ---- */

static double get_double(const PGresult *row, int column)
{
    return PQgetisnull(row, 0, column) ? NAN : copy_get_float8(db_text(row, 0, column));
}

/* The elements of an array without its head and their lengths, each turned into this machine's order. */
static Str get_stamps(const PGresult *row, int column, Buf *scratch)
{
    enum { HEAD = 20, ELEMENT = 12, LENGTH = 4 };
    Str list = db_text(row, 0, column);

    buf_reset(scratch);
    for (size_t at = HEAD; at + ELEMENT <= list.len; at += ELEMENT) {
        Instant stamp = copy_get_int8(str_sub(list, at + LENGTH, at + ELEMENT)) + postgres_start;

        buf_put(scratch, (Str){(const char *)&stamp, sizeof stamp});
    }
    return buf_str(scratch);
}

/* Times as coverage keeps them: to and from this machine's order. */
static Str get_packed(const PGresult *row, int column, Buf *scratch)
{
    Str packed = db_text(row, 0, column);

    buf_reset(scratch);
    for (size_t at = 0; at + sizeof(Instant) <= packed.len; at += sizeof(Instant)) {
        Instant stamp = copy_get_int8(str_sub(packed, at, at + sizeof stamp));

        buf_put(scratch, (Str){(const char *)&stamp, sizeof stamp});
    }
    return buf_str(scratch);
}

static void put_packed(Buf *rows, const Instant *stamps, size_t count)
{
    BUF_SCOPE(packed);

    for (size_t i = 0; i < count; i++) {
        uint64_t big = htobe64((uint64_t)stamps[i]);

        buf_put(&packed, (Str){(const char *)&big, sizeof big});
    }
    copy_text(rows, buf_str(&packed));
}

typedef struct Pass {
    Work *work;
    Buf scratch;
} Pass;

static void pass_release(Pass *pass)
{
    buf_release(&pass->scratch);
}

static void add_to(Sum *sum, const PGresult *row, int64_t count, Str stamps)
{
    sum->count += count;
    sum->xmin = fmin(sum->xmin, get_double(row, 3));
    sum->ymin = fmin(sum->ymin, get_double(row, 4));
    sum->xmax = fmax(sum->xmax, get_double(row, 5));
    sum->ymax = fmax(sum->ymax, get_double(row, 6));
    add_stamps(sum, stamps);
}

static bool add_dataset(void *pass_v, const PGresult *row, Err *err)
{
    Pass *pass = pass_v;
    const Above *above = map_get(&pass->work->parents, db_text(row, 0, 0));
    int name = copy_get_int4(db_text(row, 0, 1));

    (void)err;
    if (!above)
        return true;
    Str stamps = get_stamps(row, 2, &pass->scratch);
    for (size_t i = 0; i < above->count; i++)
        if (above->dirs[i]->filling)
            add_to(sum_of(pass->work, above->dirs[i], name), row, 1, stamps);
    return true;
}

static bool add_kept(void *pass_v, const PGresult *row, Err *err)
{
    Pass *pass = pass_v;
    const Dir *dir = map_get(&pass->work->dirs, db_text(row, 0, 0));

    (void)err;
    add_to(sum_of(pass->work, dir, copy_get_int4(db_text(row, 0, 1))), row, copy_get_int8(db_text(row, 0, 7)),
           get_packed(row, 2, &pass->scratch));
    return true;
}

/* ---- what there is to do ---- */

static bool read_dirs(Work *work, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query_binary(work->db, &sql_coverage_dirs, DB_NO_ARGS, &rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++) {
        Dir *dir = arena_new(&work->arena, Dir, 1);
        Str hash = db_text(rows, i, 0);

        memcpy(dir->hash, hash.ptr, UUID);
        dir->whole = db_text(rows, i, 1).ptr[0] != 0;
        dir->datasets = copy_get_int8(db_text(rows, i, 2));
        dir->next = work->first_dir;
        work->first_dir = dir;
        *map_slot(&work->dirs, &work->arena, hash) = dir;
    }
    return true;
}

static void enter_parent(Work *work, Str hash, Str list)
{
    enum { HEAD = 20, ELEMENT = 20, LENGTH = 4 };
    Above *above = arena_new(&work->arena, Above, 1);

    above->dirs = arena_new(&work->arena, Dir *, list.len / ELEMENT + 1);
    for (size_t at = HEAD; at + ELEMENT <= list.len; at += ELEMENT) {
        Dir *dir = map_get(&work->dirs, str_sub(list, at + LENGTH, at + ELEMENT));

        if (dir)
            above->dirs[above->count++] = dir;
    }
    if (above->count)
        *map_slot(&work->parents, &work->arena, hash) = above;
}

static bool read_parents(Work *work, bool came, Err *err)
{
    RESULT_SCOPE(rows);

    work->parents = (Map){0};
    if (!db_query_binary(work->db, &sql_coverage_parents, DB_ARGS(DB_BOOL(came)), &rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++)
        enter_parent(work, db_text(rows, i, 0), db_text(rows, i, 1));
    return true;
}

/* "{uuid,uuid}" of the directories that `whole` fits, or of all. */
static Str list_of(Work *work, const bool *whole)
{
    BUF_SCOPE(out);

    for (const Dir *dir = work->first_dir; dir; dir = dir->next) {
        if (whole && dir->whole != *whole)
            continue;
        buf_put_byte(&out, out.len ? ',' : '{');
        buf_put_hex(&out, dir->hash, UUID);
    }
    buf_put_z(&out, out.len ? "}" : "{}");
    return str_copy(&work->arena, buf_str(&out));
}

static void fill(Work *work, bool whole)
{
    for (Dir *dir = work->first_dir; dir; dir = dir->next)
        dir->filling = dir->whole == whole;
}

/* ---- the two ways ---- */

static bool make_whole(Work *work, int64_t total, Err *err)
{
    ATTR_CLEANUP(pass_release) Pass pass = {.work = work};
    static const bool whole = true;
    int64_t datasets = 0;

    for (const Dir *dir = work->first_dir; dir; dir = dir->next)
        datasets += dir->whole ? dir->datasets : 0;
    if (datasets == 0)
        return true;
    fill(work, true);
    if (!read_parents(work, false, err))
        return false;
    if (datasets > total / WHOLE_PART)
        return db_stream(work->db, &sql_coverage_all, DB_NO_ARGS, true, add_dataset, &pass, err);
    return db_stream(work->db, &sql_coverage_below, DB_ARGS(DB_TEXT(list_of(work, &whole))), true,
                     add_dataset, &pass, err);
}

static bool add_what_came(Work *work, Err *err)
{
    ATTR_CLEANUP(pass_release) Pass pass = {.work = work};
    static const bool whole = false;

    fill(work, false);
    return read_parents(work, true, err) &&
           db_stream(work->db, &sql_coverage_kept, DB_ARGS(DB_TEXT(list_of(work, &whole))), true, add_kept,
                     &pass, err) &&
           db_stream(work->db, &sql_coverage_came, DB_NO_ARGS, true, add_dataset, &pass, err);
}

/* ---- writing ---- */

static void put_double(Buf *rows, double value)
{
    if (isfinite(value))
        copy_float8(rows, value);
    else
        copy_null(rows);
}

static void put_sum(Buf *rows, const Sum *sum)
{
    enum { COLUMNS = 10 };
    const Instant *at = (const Instant *)(const void *)sum->stamps.ptr;
    size_t count = sum->stamps.len / sizeof *at;

    copy_row(rows, COLUMNS);
    copy_uuid(rows, sum->dir->hash);
    copy_int4(rows, sum->name);
    copy_int8(rows, sum->count);
    put_packed(rows, at, count);
    if (count) {
        copy_timestamptz(rows, at[0]);
        copy_timestamptz(rows, at[count - 1]);
    } else {
        copy_null(rows);
        copy_null(rows);
    }
    put_double(rows, sum->xmin);
    put_double(rows, sum->ymin);
    put_double(rows, sum->xmax);
    put_double(rows, sum->ymax);
}

static const char copy_coverage[] =
    "copy coverage (co_dir, co_name, co_count, co_stamps, co_min_stamp, co_max_stamp, co_xmin, co_ymin, co_xmax,"
    " co_ymax) from stdin (format binary)";

static bool write_all(Work *work, Err *err)
{
    enum { ENOUGH = 8 * 1024 * 1024 };
    BUF_SCOPE(rows);

    if (!db_run(work->db, &sql_coverage_remove, DB_ARGS(DB_TEXT(list_of(work, NULL))), NULL, err))
        return false;
    for (Sum *sum = work->first_sum; sum; sum = sum->next) {
        sort_once_each(sum);
        put_sum(&rows, sum);
        if (rows.len > ENOUGH && !copy_send(work->db, copy_coverage, &rows, err))
            return false;
    }
    return (rows.len == 0 || copy_send(work->db, copy_coverage, &rows, err)) &&
           db_run(work->db, &sql_coverage_taken, DB_NO_ARGS, NULL, err);
}

/* One snapshot for all of it: what others commit meanwhile stays noted, or makes this fail and start again. */
static bool refresh_once(Db *db, Err *err)
{
    ATTR_CLEANUP(release) Work work = {.db = db};
    RESULT_SCOPE(rows);

    if (!db_script(db, "begin isolation level repeatable read", err))
        return false;
    TX_SCOPE(db);
    if (!db_query(db, &sql_coverage_total, DB_NO_ARGS, &rows, err) || !read_dirs(&work, err))
        return false;
    if (!work.first_dir && db_int(rows, 0, 1) == 0)
        return true;
    return make_whole(&work, db_int(rows, 0, 0), err) && add_what_came(&work, err) && write_all(&work, err) &&
           db_commit(db, err);
}

bool coverage_refresh_on(Db *db, Err *err)
{
    for (int try = 1;; try++) {
        if (refresh_once(db, err))
            return true;
        if (err->code != ERR_CONFLICT || try == TRIES)
            return err_wrap(err, "cannot refresh the coverage");
    }
}

bool coverage_refresh(const char *conninfo, Str shard, Err *err)
{
    ARENA_SCOPE(arena);
    Db *db;

    return db_open(&arena, conninfo, &db, err) && shard_use(db, shard, err) && coverage_refresh_on(db, err);
}
