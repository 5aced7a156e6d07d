/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAGE's binary trees: int32 trees, int32 galaxies, an int32 for each tree with the number of its galaxies, and then the records of
 * all galaxies, tree by tree. Which tree that is in the whole simulation comes from the number of the file.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/os.h"
#include "dataset/trees.h"

enum { RECORD_BYTES = 232, RECORD_MAX = 65536, HEAD = 8 };

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
    Trees trees;
    off_t records; /* where they begin */
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

static bool read_counts(Source *source, SageState *state, const int32_t head[2], Err *err)
{
    ARENA_SCOPE(scratch);
    int32_t *counts = arena_new(&scratch, int32_t, (size_t)head[0] + 1);
    size_t bytes = (size_t)head[0] * sizeof *counts, got;

    source->rows = head[1];
    state->records = HEAD + (off_t)bytes;
    return os_pread_all(state->fd, counts, bytes, HEAD, &got, err) &&
           trees_make(source, counts, head[0], &state->trees, err);
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
    return read_counts(source, state, head, err) &&
           find_columns(source, options->schema, (size_t)bytes, err) &&
           record_layout(source->arena, &source->columns, (size_t)bytes, false, &state->layout, err);
}

/* ---- rows ---- */

static bool read_records(Source *source, int64_t first, int64_t count, unsigned char *out, Err *err)
{
    const SageState *state = source->state;
    size_t bytes = (size_t)count * state->layout.bytes, got;

    if (!os_pread_all(state->fd, out, bytes, state->records + (off_t)first * (off_t)state->layout.bytes, &got,
                      err))
        return false;
    return got == bytes || err_set(err, ERR_IO, "it became shorter while it was read");
}

static const RecordReader reader = {.read = read_records};

static bool put_rows(Source *source, int64_t first, int64_t count, Buf *out, Err *err)
{
    const SageState *state = source->state;

    return records_put(source, &state->layout, &reader, &state->trees, first, count, out, err);
}

static bool read_sites(Source *source, int64_t first, int64_t count, Site *out, Err *err)
{
    const SageState *state = source->state;

    return records_sites(source, &state->layout, &reader, &state->trees, first, count, out, err);
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
