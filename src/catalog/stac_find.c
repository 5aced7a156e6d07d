/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a search finds: stac_find() of stac.h.
 *
 * Files come in the order of their keys, so that pages stay the same whatever is asked. What few files can be is looked
 * up and sorted: the files of directories, of cells, of a time. When that turns out to be many, going through all files
 * in their order fills the page sooner: with n datasets and pages of k, both look at as many where sqrt(n k) fit. A
 * candidate of the first kind costs a quarter: most of it comes out of an index alone.
 */
#include <math.h>

#include "catalog/stac.h"
#include "catalog_sql.h"

enum { LEAST = 1000, MOST = 200000, KEY_LENGTH = 36, PAGE_USUAL = 10000 };

/* Where candidates come from. */
typedef enum Source { FROM_IDS, FROM_DIRS, FROM_PROBES, FROM_ALL } Source;

typedef struct Finding {
    const Access *access;
    const StacQuery *query;
    StacProbes probes;
    StacLevels levels;
    Str after;
    int64_t want; /* files; 0: all */
    int64_t most; /* candidates that are worth sorting */
    Buf found;    /* keys with commas */
    Str upto;     /* the last candidate */
} Finding;

static void finding_release(Finding *f)
{
    stac_probes_release(&f->probes);
    buf_release(&f->found);
}

/* An array of uuids as PostgreSQL reads it; texts that are none are left out. */
static DbArg keys_arg(Arena *arena, const Str *keys, size_t count)
{
    BUF_SCOPE(list);

    if (!keys)
        return DB_NULL;
    buf_put_byte(&list, '{');
    for (size_t i = 0; i < count; i++) {
        if (!stac_is_key(keys[i]))
            continue;
        if (list.len > 1)
            buf_put_byte(&list, ',');
        buf_put(&list, keys[i]);
    }
    buf_put_byte(&list, '}');
    return DB_TEXT(str_copy(arena, buf_str(&list)));
}

static DbArg time_arg(Arena *arena, const Instant *at)
{
    char text[TIME_TEXT_MAX];

    return at ? DB_TEXT(str_copy(arena, time_format(*at, text))) : DB_NULL;
}

static DbArg array_arg(const Buf *array, bool used)
{
    return DB_TEXT(used ? buf_str(array) : STR("{}"));
}

static int64_t keys_count(Str list)
{
    return (int64_t)((list.len + 1) / (KEY_LENGTH + 1));
}

/* Look at up to `most` candidates; *seen tells how many there were, most + 1 when there are more. */
static bool look(Finding *f, Source source, int64_t most, int64_t *seen, Err *err)
{
    const Access *access = f->access;
    const StacQuery *query = f->query;
    const FindBox *box = query->box;
    const StacProbes *p = &f->probes;
    Arena *arena = access->arena;
    bool probes = source == FROM_PROBES;
    int64_t left = f->want ? f->want - keys_count(buf_str(&f->found)) : 0;
    DbArg dirs = keys_arg(arena, query->dirs, query->dir_count);
    RESULT_SCOPE(rows);
    DbArg args[] = {array_arg(&p->keys, probes),
                    array_arg(&p->key_since, probes),
                    array_arg(&p->key_until, probes),
                    array_arg(&p->firsts, probes),
                    array_arg(&p->lasts, probes),
                    array_arg(&p->range_since, probes),
                    array_arg(&p->range_until, probes),
                    array_arg(&p->names, probes),
                    array_arg(&p->classes, probes),
                    array_arg(&p->time_since, probes),
                    array_arg(&p->time_until, probes),
                    DB_TEXT(stac_place_parts(arena, &query->place)),
                    source == FROM_IDS ? keys_arg(arena, query->ids, query->id_count) : DB_TEXT_Z("{}"),
                    source == FROM_DIRS ? dirs : DB_TEXT_Z("{}"),
                    DB_BOOL(source == FROM_ALL),
                    DB_INT(source == FROM_ALL ? most : most + 1),
                    dirs,
                    box ? DB_DOUBLE(box->west) : DB_NULL,
                    box ? DB_DOUBLE(box->south) : DB_NULL,
                    box ? DB_DOUBLE(box->east) : DB_NULL,
                    box ? DB_DOUBLE(box->north) : DB_NULL,
                    DB_TEXT_IF(query->shape.len > 0, query->shape),
                    time_arg(arena, query->since),
                    time_arg(arena, query->until),
                    access->uid,
                    access->groups,
                    DB_TEXT_IF(f->after.len > 0, f->after),
                    f->want ? DB_INT(left) : DB_NULL};

    if (!db_query(access->db, &sql_stac_find, args, &rows, err))
        return false;
    Str found = db_text(rows, 0, 0);
    *seen = db_int(rows, 0, 1);
    f->upto = str_copy(arena, db_text(rows, 0, 2));
    if (source != FROM_ALL && source != FROM_IDS && *seen > most)
        return true;
    if (found.len > 2 && f->found.len > 0)
        buf_put_byte(&f->found, ',');
    buf_put(&f->found, str_sub(found, 1, found.len - 1));
    return true;
}

/* All files in the order of their keys, more and more at a time, until the page is full. */
static bool look_at_all(Finding *f, Err *err)
{
    int64_t chunk = 4 * f->want > LEAST ? 4 * f->want : LEAST, seen;

    do {
        if (!look(f, FROM_ALL, chunk, &seen, err))
            return false;
        bool last = seen < chunk;
        if (last || (f->want && keys_count(buf_str(&f->found)) >= f->want))
            return true;
        f->after = f->upto;
        chunk = chunk * 4 < MOST ? chunk * 4 : MOST;
    } while (true);
}

/* Fewer sources are asked the fewer files they can have; false in *done when there were too many. */
static bool look_where_few_are(Finding *f, bool *done, Err *err)
{
    const StacQuery *query = f->query;
    int64_t seen;

    *done = true;
    if (query->ids)
        return look(f, FROM_IDS, f->query->id_count ? (int64_t)f->query->id_count : 1, &seen, err);
    if (query->dirs) {
        if (!look(f, FROM_DIRS, f->most, &seen, err))
            return false;
        if (seen <= f->most)
            return true;
    }
    if (stac_probes_make(&f->probes, &query->place, query->since, query->until, &f->levels)) {
        if (!look(f, FROM_PROBES, f->most, &seen, err))
            return false;
        if (seen <= f->most)
            return true;
    }
    *done = false;
    return true;
}

bool stac_find(const Access *access, const StacQuery *query, Str after, int64_t want, Str *out, Err *err)
{
    ATTR_CLEANUP(finding_release)
    Finding f = {.access = access, .query = query, .after = after, .want = want};
    bool done;

    if (!stac_levels_read(access->arena, access->db, &f.levels, err))
        return false;
    f.most = (int64_t)(4 * sqrt((double)f.levels.datasets * (double)(want ? want : PAGE_USUAL)));
    f.most = f.most < LEAST ? LEAST : f.most > MOST ? MOST : f.most;
    if (!look_where_few_are(&f, &done, err) || (!done && !look_at_all(&f, err)))
        return false;
    *out = str_copy(access->arena, buf_str(&f.found));
    return true;
}
