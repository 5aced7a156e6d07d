/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/batch.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/posix_row.h"
#include "db/array.h"
#include "db/copy.h"

typedef struct BatchPath {
    PathHash hash;
    Str text;
    const PathHash *above; /* of the directories it is in, root-most first */
    int depth;             /* how many these are */
    int last;              /* its newest record, or -1 */
} BatchPath;

typedef struct Kept {
    BatchRecord record; /* its JSON is in the rows, where rows may move: `json_at` */
    size_t path;
    size_t row_at, row_len, json_at,
        json_len; /* in the rows of records; all 0 when the facts are the record */
    int before;   /* the path's record before this one, or -1 */
    bool dead;    /* a later one of the same type came */
} Kept;

struct Batch {
    Arena arena;
    BatchPath *paths;
    Kept *records;
    uint32_t *slots; /* by hash: 1 + index into paths, 0 free */
    size_t path_count, record_count, bytes;
    size_t directory_count; /* with a posix record */
    bool datasets, contents, bare;
    const BatchPath *last; /* the path added last: neighbours share their directories */
    Buf rows[BATCH_TABLE_COUNT];
    DatasetLevels *levels;
    Buf canonical;                   /* a posix record as our own writer has it */
    Buf forgotten;                   /* uuid[] */
    const BatchPath *forgotten_last; /* all above it is there */
};

enum { FACTS_BYTES = 200 }; /* what a record without JSON counts for */

enum { PATHS_MAX = BATCH_RECORDS + 1, RECORDS_MAX = BATCH_RECORDS + 1, SLOTS = 65536 };

Batch *batch_new(void)
{
    Batch *batch = calloc(1, sizeof *batch);

    if (!batch)
        abort();
    batch->paths = calloc(PATHS_MAX, sizeof *batch->paths);
    batch->records = calloc(RECORDS_MAX, sizeof *batch->records);
    batch->slots = calloc(SLOTS, sizeof *batch->slots);
    batch->levels = calloc(1, sizeof *batch->levels);
    if (!batch->paths || !batch->records || !batch->slots || !batch->levels)
        abort();
    return batch;
}

void batch_free(Batch *batch)
{
    if (!batch)
        return;
    for (int t = 0; t < BATCH_TABLE_COUNT; t++)
        buf_release(&batch->rows[t]);
    buf_release(&batch->canonical);
    buf_release(&batch->forgotten);
    arena_free(&batch->arena);
    free(batch->paths);
    free(batch->records);
    free(batch->slots);
    free(batch->levels);
    free(batch);
}

void batch_reset(Batch *batch)
{
    for (int t = 0; t < BATCH_TABLE_COUNT; t++)
        buf_reset(&batch->rows[t]);
    buf_reset(&batch->forgotten);
    arena_reset(&batch->arena);
    memset(batch->slots, 0, SLOTS * sizeof *batch->slots);
    batch->path_count = batch->record_count = batch->bytes = batch->directory_count = 0;
    batch->last = batch->forgotten_last = NULL;
    batch->datasets = batch->contents = batch->bare = false;
}

Arena *batch_arena(Batch *batch)
{
    return &batch->arena;
}

/* ---- filling ---- */

static size_t slot_of(const Batch *batch, const PathHash *hash)
{
    uint32_t at;

    memcpy(&at, hash->bytes, sizeof at); /* MD5: any bytes are as good as others */
    for (at %= SLOTS;; at = (at + 1) % SLOTS) {
        uint32_t n = batch->slots[at];

        if (n == 0 || memcmp(&batch->paths[n - 1].hash, hash, sizeof *hash) == 0)
            return at;
    }
}

/* The directories above `text`; those of the path added last when it lies beside it. */
static void find_above(Batch *batch, BatchPath *path)
{
    if (batch->last && str_eq(pathname_parent(batch->last->text), pathname_parent(path->text))) {
        path->above = batch->last->above;
        path->depth = batch->last->depth;
        return;
    }
    path->depth = (int)pathname_depth(path->text);
    PathHash *above = arena_new(&batch->arena, PathHash, (size_t)path->depth + 1);
    pathname_ancestors(path->text, above);
    path->above = above;
}

static size_t find_path(Batch *batch, Str text)
{
    PathHash hash = pathname_hash(text);
    size_t slot = slot_of(batch, &hash);

    if (batch->slots[slot])
        return batch->slots[slot] - 1;
    BatchPath *path = &batch->paths[batch->path_count++];
    *path = (BatchPath){.hash = hash, .text = str_copy(&batch->arena, text), .last = -1};
    find_above(batch, path);
    batch->last = path;
    batch->slots[slot] = (uint32_t)batch->path_count;
    return batch->path_count - 1;
}

static const PosixFacts *copy_facts(Arena *arena, const PosixFacts *facts)
{
    PosixFacts *copy = arena_new(arena, PosixFacts, 1);

    *copy = *facts;
    copy->user = str_copy(arena, facts->user);
    copy->group = str_copy(arena, facts->group);
    copy->target = str_copy(arena, facts->target);
    return copy;
}

/*
 * The JSON goes right where COPY takes it from: records are large, and copying them twice costs. The server takes a
 * gdal record, which was read to its end, as text: parsing it there is most of the work of taking it in.
 */
static void put_record(Batch *batch, Kept *kept, Str json)
{
    Buf *rows = &batch->rows[BATCH_RECORDS_KEPT];

    kept->row_at = rows->len;
    copy_row(rows, 4);
    if (kept->row_at == 0)
        kept->row_at = rows->len - 2; /* behind the head of the whole COPY */
    copy_uuid(rows, batch->paths[kept->path].hash.bytes);
    copy_text(rows, kept->record.type);
    if (kept->record.datasets) {
        copy_null(rows);
        copy_text(rows, json);
        kept->json_at = rows->len - json.len;
    } else {
        copy_jsonb(rows, json);
        kept->json_at = rows->len - json.len;
        copy_null(rows);
    }
    kept->row_len = rows->len - kept->row_at;
    kept->json_len = json.len;
}

/* Puts the record of facts among the rows, unless the columns say it whole. `json` is empty or what was said. */
static void put_posix(Batch *batch, Kept *kept, Str json)
{
    const PosixFacts *facts = kept->record.facts;

    if (posix_row_is_whole(facts) && (json.len == 0 || posix_row_says(facts, json, &batch->canonical)))
        return;
    if (json.len == 0) {
        buf_reset(&batch->canonical);
        posix_put_json(&batch->canonical, facts);
        json = buf_str(&batch->canonical);
    }
    put_record(batch, kept, json);
}

void batch_forget(Batch *batch, PathHash dir)
{
    array_put_uuid(&batch->forgotten, dir.bytes);
}

/*
 * Of all directories above, because one of them may be a file. And of a directory what it has itself: where a crawl
 * begins, none above it is compared.
 */
static void forget_where(Batch *batch, const BatchPath *path, const PosixFacts *facts)
{
    const BatchPath *last = batch->forgotten_last;

    if (facts && facts->type == POSIX_DIRECTORY)
        batch_forget(batch, path->hash);
    for (int i = 0; i < path->depth && !(last && last->above == path->above); i++)
        if (!last || i >= last->depth || memcmp(&last->above[i], &path->above[i], sizeof *path->above) != 0)
            batch_forget(batch, path->above[i]);
    batch->forgotten_last = path;
}

void batch_add(Batch *batch, const BatchRecord *record)
{
    size_t n = find_path(batch, record->path);
    BatchPath *path = &batch->paths[n];
    Kept *kept = &batch->records[batch->record_count];

    for (int r = path->last; r >= 0; r = batch->records[r].before)
        if (str_eq(batch->records[r].record.type, record->type))
            batch->records[r].dead = true;
    *kept = (Kept){.record = *record, .path = n, .before = path->last};
    kept->record.path = path->text;
    kept->record.type = str_copy(&batch->arena, record->type);
    batch->datasets |= record->datasets != NULL;
    batch->contents |= str_eq(record->type, STR("magic")) || str_eq(record->type, STR("checksum"));
    if (record->facts) {
        kept->record.facts = copy_facts(&batch->arena, record->facts);
        put_posix(batch, kept, record->json);
    } else
        put_record(batch, kept, record->json);
    if (record->told)
        forget_where(batch, path, record->facts);
    path->last = (int)batch->record_count++;
    batch->bytes += (record->json.len ? record->json.len : FACTS_BYTES) + record->path.len;
}

void batch_add_path(Batch *batch, Str path)
{
    (void)find_path(batch, path);
    batch->bytes += path.len;
}

void batch_add_scan(Batch *batch, const BatchScan *scan)
{
    Buf *rows = &batch->rows[BATCH_SCANS];

    copy_row(rows, 8);
    copy_uuid(rows, scan->dir.bytes);
    copy_int8(rows, scan->print);
    copy_int8(rows, scan->mtime_ns);
    copy_int8(rows, scan->ctime_ns);
    copy_int8(rows, scan->options);
    copy_int4(rows, scan->files);
    copy_int4(rows, scan->directories);
    copy_int4(rows, scan->links);
}

void batch_add_look(Batch *batch, const BatchLook *look)
{
    Buf *rows = &batch->rows[BATCH_LOOKS];

    copy_row(rows, 5);
    copy_uuid(rows, look->file.bytes);
    copy_text(rows, look->type);
    copy_int8(rows, look->size);
    copy_timestamptz(rows, look->mtime);
    copy_bool(rows, look->failed);
}

void batch_add_gone(Batch *batch, PathHash hash)
{
    Buf *rows = &batch->rows[BATCH_GONE];

    copy_row(rows, 1);
    copy_uuid(rows, hash.bytes);
}

bool batch_is_full(const Batch *batch)
{
    return batch->record_count >= BATCH_RECORDS || batch->path_count >= BATCH_RECORDS ||
           batch->bytes >= BATCH_BYTES;
}

bool batch_is_empty(const Batch *batch)
{
    return batch->path_count == 0 && batch->rows[BATCH_SCANS].len == 0 && batch->rows[BATCH_LOOKS].len == 0 &&
           batch->rows[BATCH_GONE].len == 0;
}

bool batch_has_contents(const Batch *batch)
{
    return batch->contents;
}

bool batch_has_bare(const Batch *batch)
{
    return batch->bare;
}

bool batch_has_datasets(const Batch *batch)
{
    return batch->datasets;
}

size_t batch_directories(const Batch *batch)
{
    return batch->directory_count;
}

size_t batch_records(const Batch *batch)
{
    return batch->record_count;
}

size_t batch_paths(const Batch *batch)
{
    return batch->path_count;
}

PathHash batch_path_hash(const Batch *batch, size_t n)
{
    return batch->paths[n].hash;
}

bool batch_has_path(const Batch *batch, const PathHash *hash)
{
    return batch->slots[slot_of(batch, hash)] != 0;
}

bool batch_record(const Batch *batch, size_t n, BatchRecord *out)
{
    const Kept *kept = &batch->records[n];

    if (kept->dead)
        return false;
    *out = kept->record;
    out->json = (Str){0};
    if (kept->row_len > 0)
        out->json = (Str){batch->rows[BATCH_RECORDS_KEPT].ptr + kept->json_at, kept->json_len};
    return true;
}

/* ---- sealing ---- */

static void put_path(Batch *batch, const BatchPath *path, Str type)
{
    bool directory = str_eq(type, STR("directory"));
    Buf *rows = &batch->rows[directory ? BATCH_DIRECTORY_PATHS : BATCH_PATHS];

    if (!directory) {
        copy_row(&batch->rows[BATCH_KEYS], 1);
        copy_uuid(&batch->rows[BATCH_KEYS], path->hash.bytes);
    }
    copy_row(rows, 4);
    copy_uuid(rows, path->hash.bytes);
    if (type.len > 0)
        copy_text(rows, type);
    else
        copy_null(rows);
    copy_text(rows, path->text);
    copy_uuid_array(rows, path->depth ? path->above[0].bytes : NULL, path->depth);
}

static const PathHash *parent_of(const BatchPath *path)
{
    return path->depth > 0 ? &path->above[path->depth - 1] : NULL;
}

static void put_derived(Batch *batch, const BatchPath *path, const PosixFacts *facts, bool whole)
{
    const PosixRowKey key = {
        .hash = &path->hash, .parent = parent_of(path), .name = pathname_name(path->text)};

    posix_row_put(&batch->rows[BATCH_FILES], &batch->rows[BATCH_DIRECTORIES], &batch->rows[BATCH_LINKS], &key,
                  facts, whole);
}

/* The path_type of a path by its posix record; fifos and the like have none. */
static Str type_of(const PosixFacts *facts)
{
    return facts->type <= POSIX_LINK ? str_from_z(posix_type_name(facts->type)) : (Str){0};
}

/* Takes the rows of records that a later one replaced out; seldom any. */
static void drop_dead_rows(Batch *batch)
{
    Buf *rows = &batch->rows[BATCH_RECORDS_KEPT];
    size_t removed = 0;

    for (size_t r = 0; r < batch->record_count; r++) {
        Kept *kept = &batch->records[r];

        if (kept->row_len == 0)
            continue;
        if (removed)
            memmove(rows->ptr + kept->row_at - removed, rows->ptr + kept->row_at, kept->row_len);
        if (kept->dead)
            removed += kept->row_len;
        kept->row_at -= kept->dead ? 0 : removed;
        kept->json_at -= kept->dead ? 0 : removed;
    }
    rows->len -= removed;
}

static size_t put_datasets(Batch *batch, const Kept *kept)
{
    const BatchPath *path = &batch->paths[kept->path];

    if (!kept->record.datasets)
        return 0;
    dataset_put_rows(kept->record.datasets, &path->hash, parent_of(path),
                     &(DatasetRows){.datasets = &batch->rows[BATCH_DATASETS],
                                    .cells = &batch->rows[BATCH_CELLS],
                                    .fresh = &batch->rows[BATCH_FRESH],
                                    .level_rows = &batch->rows[BATCH_LEVELS],
                                    .levels = batch->levels});
    return dataset_count(kept->record.datasets);
}

/* What is added to one directory; neighbours share theirs, so few rows are written of it. */
typedef struct Delta {
    const PathHash *dir;
    int64_t files, bytes, datasets;
} Delta;

static void put_delta(Batch *batch, const Delta *delta)
{
    Buf *rows = &batch->rows[BATCH_DELTA];

    if (!delta->dir || (delta->files == 0 && delta->datasets == 0))
        return;
    copy_row(rows, 4);
    copy_uuid(rows, delta->dir->bytes);
    copy_int8(rows, delta->files);
    copy_int8(rows, delta->bytes);
    copy_int8(rows, delta->datasets);
}

static void add_delta(Batch *batch, Delta *delta, const BatchPath *path, const PosixFacts *facts,
                      size_t datasets)
{
    const PathHash *dir = parent_of(path);

    if (!delta->dir || !dir || memcmp(delta->dir, dir, sizeof *dir) != 0) {
        put_delta(batch, delta);
        *delta = (Delta){.dir = dir};
    }
    if (facts && facts->type == POSIX_FILE) {
        delta->files++;
        delta->bytes += facts->has & POSIX_HAS_SIZE ? (int64_t)facts->size : 0;
    }
    delta->datasets += (int64_t)datasets;
}

static void put_above(Batch *batch, const BatchPath *path)
{
    Buf *rows = &batch->rows[BATCH_ABOVE];
    const PathHash *dir = parent_of(path);

    if (!dir || batch_has_path(batch, dir))
        return;
    copy_row(rows, 2);
    copy_uuid(rows, dir->bytes);
    copy_text(rows, pathname_parent(path->text));
}

/* Seals one path: rows of all its records. */
static void put_path_rows(Batch *batch, const BatchPath *path, bool whole, Delta *delta)
{
    static const PosixFacts nothing = {.type = POSIX_FILE};
    const PosixFacts *facts = NULL;
    bool columns = false; /* are the record */
    size_t datasets = 0;

    for (int r = path->last; r >= 0; r = batch->records[r].before) {
        const Kept *kept = &batch->records[r];

        if (kept->dead)
            continue;
        datasets += put_datasets(batch, kept);
        if (kept->record.facts) {
            facts = kept->record.facts;
            columns = kept->row_len == 0;
        }
    }
    batch->bare |= !facts;
    batch->directory_count += facts && facts->type == POSIX_DIRECTORY;
    add_delta(batch, delta, path, facts, datasets);
    if (!facts && whole)
        facts = &nothing;
    put_path(batch, path, facts ? type_of(facts) : (Str){0});
    if (facts)
        put_derived(batch, path, facts, columns);
}

void batch_seal(Batch *batch, bool whole)
{
    const PathHash *last = NULL; /* the directory seen last */
    Delta delta = {0};

    drop_dead_rows(batch);
    for (size_t n = 0; n < batch->path_count; n++) {
        const BatchPath *path = &batch->paths[n];

        put_path_rows(batch, path, whole, &delta);
        if (!last || path->above != last)
            put_above(batch, path);
        last = path->above;
    }
    put_delta(batch, &delta);
    if (batch->forgotten.len > 0)
        (void)array_end(&batch->forgotten);
    dataset_put_levels(batch->levels, &batch->rows[BATCH_LEVELS]);
}

Buf *batch_rows(Batch *batch, BatchTable table)
{
    return &batch->rows[table];
}

Str batch_forgotten(const Batch *batch)
{
    return buf_str(&batch->forgotten);
}
