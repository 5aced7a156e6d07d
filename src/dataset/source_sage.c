/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAGE's binary trees: int32 trees, int32 galaxies, an int32 for each tree with the number of its galaxies, and then the records of
 * all galaxies, tree by tree. Which tree that is in the whole simulation comes from the number of the file.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/os.h"
#include "dataset/record.h"
#include "dataset/source.h"

enum {
    RECORD_BYTES = 232,
    TREES_OF_A_FILE = 1000000 /* as in GalaxyIndex / 1e9 */,
    RECORD_MAX = 65536,
    HEAD = 8
};

typedef struct Known {
    const char *field, *name;
    Stored stored;
    const char *unit, *description;
} Known;

static const Known known[] = {
#define X(field, name, stored, unit, description) {field, name, STORED_##stored, unit, description},
#include "dataset/sage.def"
#undef X
    {"tree", "globaltreeid", STORED_TREE, "", "number of the tree in the whole simulation"},
    {"row", "globalindex", STORED_ROW, "", "number of the row in the import"},
    {"inner", "localgalaxyid", STORED_INNER, "", "number of the galaxy within its tree and snapshot"},
};

typedef struct SageState {
    int fd;
    int32_t trees;
    int64_t *starts; /* the first row of each tree, and behind the last one */
    off_t records;   /* where they begin */
    RecordLayout layout;
} SageState;

static bool read_head(int fd, int32_t out[2])
{
    Err ignored = {0};
    size_t got;

    return os_pread_all(fd, out, HEAD, 0, &got, &ignored) && got == HEAD;
}

/* The bytes of a record, or 0 where the size of the file does not fit its head. */
static int64_t record_bytes(int64_t size, const int32_t head[2])
{
    int64_t left = size - HEAD - (int64_t)head[0] * 4;

    if (head[0] < 0 || head[1] < 0 || left < 0)
        return 0;
    if (head[1] == 0)
        return left == 0 && head[0] > 0 ? RECORD_BYTES : 0;
    return left % head[1] == 0 && left / head[1] >= 4 && left / head[1] <= RECORD_MAX ? left / head[1] : 0;
}

static bool is_sage(Str start, const char *path)
{
    int32_t head[2];
    struct stat info;

    if (start.len < HEAD || stat(path, &info) != 0)
        return false;
    memcpy(head, start.ptr, HEAD);
    return record_bytes(info.st_size, head) > 0;
}

static void close_sage(void *state_v)
{
    os_close(&((SageState *)state_v)->fd);
}

static bool read_counts(Source *source, SageState *state, int32_t galaxies, Err *err)
{
    ARENA_SCOPE(scratch);
    int32_t *counts = arena_new(&scratch, int32_t, (size_t)state->trees + 1);
    size_t bytes = (size_t)state->trees * sizeof *counts, got;

    if (!os_pread_all(state->fd, counts, bytes, HEAD, &got, err))
        return false;
    state->starts = arena_new(source->arena, int64_t, (size_t)state->trees + 1);
    for (int32_t i = 0; i < state->trees; i++) {
        if (counts[i] < 0)
            return err_set(err, ERR_USAGE, "tree %d of '%s' has %d galaxies", i, source->path, counts[i]);
        state->starts[i + 1] = state->starts[i] + counts[i];
    }
    source->rows = state->starts[state->trees];
    return source->rows == galaxies ||
           err_set(err, ERR_USAGE, "the trees of '%s' have %lld galaxies, and it says %d", source->path,
                   (long long)source->rows, galaxies);
}

static bool check_trees(Source *source, const SageState *state, Err *err)
{
    return state->trees <= TREES_OF_A_FILE || err_set(err, ERR_LIMIT, "'%s' has %d trees, more than %d",
                                                      source->path, state->trees, TREES_OF_A_FILE);
}

static void known_columns(Arena *arena, Columns *out)
{
    size_t offset = 0;

    *out = (Columns){arena_new(arena, Column, COUNT_OF(known)), COUNT_OF(known)};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        size_t bytes = stored_bytes(known[i].stored);

        out->items[i] = (Column){.field = str_from_z(known[i].field),
                                 .name = str_from_z(known[i].name),
                                 .type = stored_type(known[i].stored),
                                 .unit = str_from_z(known[i].unit),
                                 .description = str_from_z(known[i].description),
                                 .stored = known[i].stored,
                                 .offset = bytes ? offset : 0,
                                 .bytes = bytes};
        offset += bytes;
    }
}

/* A schema that tells how fields are stored is that of another record. */
static bool find_columns(Source *source, const Columns *schema, size_t bytes, Err *err)
{
    bool own = schema && schema->count > 0;
    Columns file;

    for (size_t i = 0; own && i < schema->count; i++)
        own = schema->items[i].stored != STORED_NONE;
    if (own) {
        source->columns = *schema;
        for (size_t i = 0; i < schema->count; i++)
            if (!schema->items[i].type)
                schema->items[i].type = stored_type(schema->items[i].stored);
        return true;
    }
    if (bytes != RECORD_BYTES) {
        (void)err_set(err, ERR_USAGE, "'%s' has records of %zu bytes, and SAGE's have %d", source->path,
                      bytes, RECORD_BYTES);
        return err_hint(err, "a --schema with 'stored' and 'offset' for each field describes other records");
    }
    known_columns(source->arena, &file);
    if (schema)
        return columns_apply(source->arena, schema, &file, source->path, &source->columns, err);
    source->columns = file;
    return true;
}

static bool open_sage(Source *source, const SourceOptions *options, Err *err)
{
    SageState *state = arena_new(source->arena, SageState, 1);
    struct stat info;
    int32_t head[2];

    state->fd = os_open(source->path, O_RDONLY, 0);
    if (state->fd < 0 || fstat(state->fd, &info) != 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", source->path);
    arena_defer(source->arena, close_sage, state);
    source->state = state;
    int64_t bytes = read_head(state->fd, head) ? record_bytes(info.st_size, head) : 0;
    if (bytes == 0)
        return err_set(err, ERR_USAGE, "'%s' is not what SAGE writes: its size does not fit its head",
                       source->path);
    state->trees = head[0];
    state->records = HEAD + (off_t)state->trees * 4;
    return check_trees(source, state, err) && read_counts(source, state, head[1], err) &&
           find_columns(source, options->schema, (size_t)bytes, err) &&
           record_layout(source->arena, &source->columns, (size_t)bytes, false, &state->layout, err);
}

/* ---- rows ---- */

static int32_t tree_of(const SageState *state, int64_t row)
{
    int32_t low = 0, high = state->trees - 1;

    while (low < high) {
        int32_t middle = low + (high - low + 1) / 2;

        if (state->starts[middle] <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Which tree a row is of, walking on from the one before. */
static RecordPlace place_of(const Source *source, const SageState *state, int64_t row, int32_t *tree)
{
    while (state->starts[*tree + 1] <= row)
        ++*tree;
    return (RecordPlace){.tree = (int64_t)source->number * TREES_OF_A_FILE + *tree,
                         .row = source->first + row,
                         .inner = (int32_t)(row - state->starts[*tree])};
}

static bool read_records(const SageState *state, int64_t first, int64_t count, unsigned char *out, Err *err)
{
    size_t bytes = (size_t)count * state->layout.bytes, got;

    if (!os_pread_all(state->fd, out, bytes, state->records + (off_t)first * (off_t)state->layout.bytes, &got,
                      err))
        return false;
    return got == bytes || err_set(err, ERR_IO, "it became shorter while it was read");
}

static bool put_rows(Source *source, int64_t first, int64_t count, Buf *out, Err *err)
{
    SageState *state = source->state;
    ARENA_SCOPE(scratch);
    unsigned char *records = arena_new(&scratch, unsigned char, (size_t)count * state->layout.bytes);
    int32_t tree = tree_of(state, first);

    if (!read_records(state, first, count, records, err))
        return false;
    for (int64_t i = 0; i < count; i++) {
        RecordPlace place = place_of(source, state, first + i, &tree);

        if (!record_put(out, &state->layout, records + (size_t)i * state->layout.bytes, &place, err))
            return err_wrap(err, "row %lld", (long long)(first + i + 1));
    }
    return true;
}

static bool read_sites(Source *source, int64_t first, int64_t count, Site *out, Err *err)
{
    SageState *state = source->state;
    ARENA_SCOPE(scratch);
    unsigned char *records = arena_new(&scratch, unsigned char, (size_t)count * state->layout.bytes);
    int32_t tree = tree_of(state, first);

    if (!read_records(state, first, count, records, err))
        return false;
    for (int64_t i = 0; i < count; i++) {
        RecordPlace place = place_of(source, state, first + i, &tree);

        record_site(&state->layout, &source->sites, records + (size_t)i * state->layout.bytes, &place,
                    &out[i]);
    }
    return true;
}

const SourceKind source_sage = {
    .name = "sage",
    .what = "SAGE's binary trees",
    .binary = true,
    .has_trees = true,
    .is = is_sage,
    .open = open_sage,
    .put = put_rows,
    .sites = read_sites,
};
