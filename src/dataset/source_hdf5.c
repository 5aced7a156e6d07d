/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datasets of HDF5 whose elements are compounds, read as records: numbers, texts of fixed and of any length, truths (h5py's enumeration), and
 * short arrays as columns of their own. `nulls` beside `rows`, as we write it, says what is null. With `tree_counts` rows have trees; `cosmology` and `snapshot_redshifts` are taken
 * over (the layout of TAO's own imports).
 */
#include <math.h>
#include <stdlib.h>

#include "dataset/hdf5.h"
#include "dataset/trees.h"

enum {
    ARRAY_MAX = 16 /* elements that become columns */,
    ROW_BYTES_MAX = 1024 * 1024,
    SNAPSHOTS_MAX = 10000
};

typedef struct Hdf5State {
    const char *name; /* of the dataset in the file */
    hid_t file, rows, nulls, memory;
    size_t null_bytes; /* of a row, behind its record; 0: there are none */
    RecordLayout layout;
    Trees trees;
} Hdf5State;

/* What is made of the members while they are looked at. */
typedef struct Members {
    Source *source;
    hid_t *types; /* in memory, for each column that comes from a member */
    const char **names;
    size_t count, bytes;
    unsigned number; /* of the one that is looked at */
    bool has_schema;
} Members;

static bool is_hdf5(Str start, const char *path)
{
    (void)path;
    return str_starts(start, (Str){"\x89HDF\r\n\x1a\n", 8});
}

static void close_hdf5(void *state_v)
{
    Hdf5State *state = state_v;

    if (state->memory > 0)
        (void)h5.H5Tclose(state->memory);
    if (state->nulls > 0)
        (void)h5.H5Dclose(state->nulls);
    if (state->rows > 0)
        (void)h5.H5Dclose(state->rows);
    if (state->file > 0)
        (void)h5.H5Fclose(state->file);
    state->memory = state->nulls = state->rows = state->file = 0;
}

static bool cannot_read(const Source *source, const char *what, Err *err)
{
    return err_set(err, ERR_USAGE, "cannot read %s of '%s'", what, source->path);
}

/* ---- which dataset ---- */

static bool is_table(hid_t file, const char *name)
{
    hid_t set = h5.H5Dopen2(file, name, H5P_DEFAULT), type = set > 0 ? h5.H5Dget_type(set) : 0,
          space = set > 0 ? h5.H5Dget_space(set) : 0;
    bool is = type > 0 && space > 0 && h5.H5Tget_class(type) == H5T_COMPOUND &&
              h5.H5Sget_simple_extent_ndims(space) == 1;

    if (space > 0)
        (void)h5.H5Sclose(space);
    if (type > 0)
        (void)h5.H5Tclose(type);
    if (set > 0)
        (void)h5.H5Dclose(set);
    return is;
}

/* What it is usually called, or else the first one of the file. */
static bool find_table(Source *source, Hdf5State *state, const char *part, Err *err)
{
    static const char *const usual[] = {"galaxies", "rows"};
    hsize_t count = 0;
    char name[256];

    if (part && !is_table(state->file, part))
        return err_set(err, ERR_USAGE, "'%s' in '%s' is no dataset of compounds", part, source->path);
    state->name = part;
    for (size_t i = 0; i < COUNT_OF(usual) && !state->name; i++)
        if (h5.H5Lexists(state->file, usual[i], H5P_DEFAULT) > 0 && is_table(state->file, usual[i]))
            state->name = usual[i];
    if (!state->name)
        (void)h5.H5Gget_num_objs(state->file, &count);
    for (hsize_t i = 0; i < count && !state->name; i++)
        if (h5.H5Gget_objtype_by_idx(state->file, i) == H5G_DATASET &&
            h5.H5Gget_objname_by_idx(state->file, i, name, sizeof name) > 0 && is_table(state->file, name))
            state->name = str_copy(source->arena, str_from_z(name)).ptr;
    return state->name ||
           err_set(err, ERR_USAGE, "'%s' has no dataset of compounds at its root; --part names one",
                   source->path);
}

/* ---- members ---- */

typedef struct Kind {
    Stored stored;
    hid_t *type;
} Kind;

static bool is_truth(hid_t type)
{
    char *first = h5.H5Tget_nmembers(type) == 2 ? h5.H5Tget_member_name(type, 0) : NULL;
    bool is = first && strcmp(first, "FALSE") == 0;

    if (first)
        (void)h5.H5free_memory(first);
    return is;
}

static Kind whole_kind(size_t bytes, bool is_signed)
{
    switch (bytes) {
    case 1:
        return is_signed ? (Kind){STORED_INT8, h5.H5T_STD_I8LE_g} : (Kind){STORED_UINT8, h5.H5T_STD_U8LE_g};
    case 2:
        return is_signed ? (Kind){STORED_INT16, h5.H5T_STD_I16LE_g}
                         : (Kind){STORED_UINT16, h5.H5T_STD_U16LE_g};
    case 4:
        return is_signed ? (Kind){STORED_INT32, h5.H5T_STD_I32LE_g}
                         : (Kind){STORED_UINT32, h5.H5T_STD_U32LE_g};
    case 8:
        return is_signed ? (Kind){STORED_INT64, h5.H5T_STD_I64LE_g}
                         : (Kind){STORED_UINT64, h5.H5T_STD_U64LE_g};
    default:
        return (Kind){STORED_NONE, NULL};
    }
}

static Kind kind_of(hid_t type)
{
    size_t bytes = h5.H5Tget_size(type);

    switch (h5.H5Tget_class(type)) {
    case H5T_INTEGER:
        return whole_kind(bytes, h5.H5Tget_sign(type) == H5T_SGN_2);
    case H5T_FLOAT:
        return bytes <= 4 ? (Kind){STORED_FLOAT32, h5.H5T_IEEE_F32LE_g}
                          : (Kind){STORED_FLOAT64, h5.H5T_IEEE_F64LE_g};
    case H5T_ENUM:
        return is_truth(type) ? (Kind){STORED_BOOL, NULL} : (Kind){STORED_NONE, NULL};
    case H5T_STRING:
        return (Kind){h5.H5Tis_variable_str(type) > 0 ? STORED_POINTER : STORED_CHARS, NULL};
    default:
        return (Kind){STORED_NONE, NULL};
    }
}

static void add_column(Members *members, const char *name, Stored stored, size_t offset, size_t bytes,
                       int element)
{
    Source *source = members->source;
    Column *column = &source->columns.items[source->columns.count++];

    *column = (Column){.stored = stored, .offset = offset, .bytes = bytes, .type = stored_type(stored)};
    column->encoding.null_at = members->number; /* for mark_nulls() */
    column->field = element ? str_printf(source->arena, "%s_%d", name, element)
                            : str_copy(source->arena, str_from_z(name));
    column->name = column_name(source->arena, column->field);
}

/* Keeps the member for the record in memory. */
static void keep(Members *members, const char *name, hid_t type)
{
    members->types[members->count] = type;
    members->names[members->count++] = str_copy(members->source->arena, str_from_z(name)).ptr;
    members->bytes += h5.H5Tget_size(type);
}

static bool take_single(Members *members, const char *name, hid_t type)
{
    Kind kind = kind_of(type);
    hid_t kept;

    if (kind.stored == STORED_NONE)
        return false;
    kept = h5.H5Tcopy(kind.type ? *kind.type : type);
    add_column(members, name, kind.stored, members->bytes, h5.H5Tget_size(kept), 0);
    keep(members, name, kept);
    return true;
}

static bool take_array(Members *members, const char *name, hid_t type)
{
    hid_t element = h5.H5Tget_super(type);
    Kind kind = kind_of(element);
    hsize_t count = 0;
    bool ok = h5.H5Tget_array_ndims(type) == 1 && h5.H5Tget_array_dims2(type, &count) == 1 && count >= 1 &&
              count <= ARRAY_MAX && kind.type && members->source->columns.count + count <= COLUMNS_MAX;

    if (ok) {
        size_t bytes = stored_bytes(kind.stored);

        for (size_t i = 0; i < count; i++)
            add_column(members, name, kind.stored, members->bytes + i * bytes, bytes, (int)i + 1);
        keep(members, name, h5.H5Tarray_create2(*kind.type, 1, &count));
    }
    (void)h5.H5Tclose(element);
    return ok;
}

static bool take_member(Members *members, hid_t compound, unsigned number, Err *err)
{
    hid_t type = h5.H5Tget_member_type(compound, number);
    char *name = h5.H5Tget_member_name(compound, number);
    bool ok = type > 0 && name &&
              (h5.H5Tget_class(type) == H5T_ARRAY ? take_array(members, name, type)
                                                  : take_single(members, name, type));

    if (!ok) {
        (void)err_set(err, ERR_USAGE, "member '%s' of '%s' is of a kind that is not read", name ? name : "?",
                      members->source->path);
        (void)err_hint(err, "a --schema that leaves it out takes the others");
    }
    if (type > 0)
        (void)h5.H5Tclose(type);
    if (name)
        (void)h5.H5free_memory(name);
    return ok || members->has_schema;
}

/* A bit for each member, the first one the highest. */
static void mark_nulls(Members *members, size_t null_bytes)
{
    for (size_t i = 0; i < members->source->columns.count; i++) {
        Encoding *encoding = &members->source->columns.items[i].encoding;
        size_t number = encoding->null_at;

        encoding->null_mask = null_bytes ? (unsigned char)(0x80 >> number % 8) : 0;
        encoding->null_at = null_bytes ? members->bytes + number / 8 : 0;
    }
}

/* The record in memory: the members that can be read, packed, and room for what is null. */
static hid_t make_memory(const Members *members, size_t bytes)
{
    hid_t memory = h5.H5Tcreate(H5T_COMPOUND, bytes);
    size_t offset = 0;

    for (size_t i = 0; i < members->count; i++) {
        (void)h5.H5Tinsert(memory, members->names[i], offset, members->types[i]);
        offset += h5.H5Tget_size(members->types[i]);
        (void)h5.H5Tclose(members->types[i]);
    }
    return memory;
}

/* As rows_hdf5.c writes it: so many bytes for each row. What is called so and is something else is none of ours. */
static void find_nulls(const Source *source, Hdf5State *state, size_t members)
{
    bool there = strcmp(state->name, "rows") == 0 && h5.H5Lexists(state->file, "nulls", H5P_DEFAULT) > 0;
    hid_t type, space;
    hsize_t size[2] = {0};

    state->nulls = there ? h5.H5Dopen2(state->file, "nulls", H5P_DEFAULT) : 0;
    if (state->nulls <= 0)
        return;
    type = h5.H5Dget_type(state->nulls);
    space = h5.H5Dget_space(state->nulls);
    if (h5.H5Tget_class(type) == H5T_INTEGER && h5.H5Tget_size(type) == 1 &&
        h5.H5Sget_simple_extent_ndims(space) == 2 && h5.H5Sget_simple_extent_dims(space, size, NULL) == 2 &&
        size[0] == (hsize_t)source->rows && size[1] == members / 8 + 1)
        state->null_bytes = size[1];
    (void)h5.H5Sclose(space);
    (void)h5.H5Tclose(type);
}

static bool read_members(Source *source, Hdf5State *state, bool has_schema, Err *err)
{
    hid_t compound = h5.H5Dget_type(state->rows);
    int count = h5.H5Tget_nmembers(compound);
    Members members = {.source = source, .has_schema = has_schema};
    Err why = {0};
    bool ok = count > 0 && count <= COLUMNS_MAX;

    source->columns.items = arena_new(source->arena, Column, COLUMNS_MAX + 4);
    members.types = arena_new(source->arena, hid_t, COLUMNS_MAX);
    members.names = arena_new(source->arena, const char *, COLUMNS_MAX);
    for (; ok && members.number < (unsigned)count; members.number++)
        ok = take_member(&members, compound, members.number, &why);
    (void)h5.H5Tclose(compound);
    if (ok)
        find_nulls(source, state, (size_t)count);
    mark_nulls(&members, state->null_bytes);
    if (!ok && why.code) {
        *err = why;
        return false;
    }
    if (!ok || members.count == 0 || members.bytes > ROW_BYTES_MAX)
        return cannot_read(source, "the members", err);
    state->layout.bytes = members.bytes + state->null_bytes;
    state->memory = make_memory(&members, state->layout.bytes);
    return true;
}

/* ---- what stands beside it ---- */

/* A whole dataset of numbers with one dimension, or none: *count elements in `arena`; NULL when there is no such thing. */
static void *read_beside(Hdf5State *state, Arena *arena, const char *name, hid_t type, size_t most,
                         size_t *count)
{
    hid_t set = h5.H5Dopen2(state->file, name, H5P_DEFAULT), space = set > 0 ? h5.H5Dget_space(set) : 0;
    hsize_t size = 1;
    void *out = NULL;

    if (space > 0 && h5.H5Sget_simple_extent_ndims(space) <= 1 &&
        h5.H5Sget_simple_extent_dims(space, &size, NULL) >= 0 && size >= 1 && size <= most) {
        out = arena_new(arena, double, size);
        *count = size;
        if (h5.H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
            out = NULL;
    }
    if (space > 0)
        (void)h5.H5Sclose(space);
    if (set > 0)
        (void)h5.H5Dclose(set);
    return out;
}

static bool exists(Hdf5State *state, const char *name)
{
    return h5.H5Lexists(state->file, name, H5P_DEFAULT) > 0;
}

static void read_simulation(Source *source, Hdf5State *state)
{
    static const struct {
        const char *path, *key;
    } known[] = {
        {"cosmology/hubble", "hubble"}, {"cosmology/omega_m", "omega_m"}, {"cosmology/omega_l", "omega_l"}};
    SourceFact *facts = arena_new(source->arena, SourceFact, COUNT_OF(known));
    size_t one;

    source->facts = facts;
    for (size_t i = 0; exists(state, "cosmology") && i < COUNT_OF(known); i++) {
        const double *value = exists(state, known[i].path) ? read_beside(state, source->arena, known[i].path,
                                                                         *h5.H5T_IEEE_F64LE_g, 1, &one)
                                                           : NULL;

        if (value && isfinite(*value))
            facts[source->facts_count++] = (SourceFact){known[i].key, *value};
    }
    if (exists(state, "snapshot_redshifts"))
        source->redshifts = read_beside(state, source->arena, "snapshot_redshifts", *h5.H5T_IEEE_F64LE_g,
                                        SNAPSHOTS_MAX, &source->redshifts_count);
    source->redshifts_count = source->redshifts ? source->redshifts_count : 0;
}

/* Rows of trees get what SAGE's rows get, unless they say it themselves. */
static void add_made(Source *source)
{
    static const struct {
        const char *field, *name;
        Stored stored;
    } made[] = {{"tree", "globaltreeid", STORED_TREE},
                {"row", "globalindex", STORED_ROW},
                {"inner", "localgalaxyid", STORED_INNER}};

    for (size_t i = 0; i < COUNT_OF(made); i++)
        if (columns_find(&source->columns, str_from_z(made[i].name)) < 0)
            source->columns.items[source->columns.count++] = (Column){.field = str_from_z(made[i].field),
                                                                      .name = str_from_z(made[i].name),
                                                                      .type = stored_type(made[i].stored),
                                                                      .stored = made[i].stored};
}

static bool read_trees(Source *source, Hdf5State *state, Err *err)
{
    size_t count = 0;

    if (!exists(state, "tree_counts"))
        return true;
    const int32_t *counts =
        read_beside(state, source->arena, "tree_counts", *h5.H5T_STD_I32LE_g, INT32_MAX, &count);
    if (!counts)
        return cannot_read(source, "'tree_counts'", err);
    add_made(source);
    return trees_make(source, counts, (int64_t)count, &state->trees, err);
}

/* ---- opening ---- */

static bool open_file(Source *source, Hdf5State *state, Err *err)
{
    state->file = h5.H5Fopen(source->path, HDF5_READ, H5P_DEFAULT);
    return state->file > 0 || err_set(err, ERR_USAGE, "'%s' is no whole file of HDF5", source->path);
}

static bool open_rows(Source *source, Hdf5State *state, Err *err)
{
    hid_t space;
    hsize_t rows = 0;

    state->rows = h5.H5Dopen2(state->file, state->name, H5P_DEFAULT);
    space = state->rows > 0 ? h5.H5Dget_space(state->rows) : 0;
    bool ok = space > 0 && h5.H5Sget_simple_extent_dims(space, &rows, NULL) == 1 && rows <= INT64_MAX;
    if (space > 0)
        (void)h5.H5Sclose(space);
    source->rows = (int64_t)rows;
    return ok || cannot_read(source, "the rows", err);
}

static bool open_hdf5(Source *source, const SourceOptions *options, Err *err)
{
    Hdf5State *state = arena_new(source->arena, Hdf5State, 1);

    *state = (Hdf5State){0};
    source->state = state;
    if (!hdf5_load(err))
        return false;
    arena_defer(source->arena, close_hdf5, state);
    if (!open_file(source, state, err) || !find_table(source, state, options->part, err) ||
        !open_rows(source, state, err) || !read_members(source, state, options->schema != NULL, err) ||
        !read_trees(source, state, err))
        return false;
    read_simulation(source, state);
    Columns file = source->columns;
    if (options->schema &&
        !columns_apply(source->arena, options->schema, &file, source->path, &source->columns, err))
        return false;
    return record_layout(source->arena, &source->columns, state->layout.bytes, false, &state->layout, err);
}

/* What the parent has open is the parent's. */
static bool reopen_hdf5(Source *source, Err *err)
{
    Hdf5State *state = source->state;

    state->nulls = 0;
    if (!open_file(source, state, err) || !open_rows(source, state, err))
        return false;
    if (state->null_bytes)
        state->nulls = h5.H5Dopen2(state->file, "nulls", H5P_DEFAULT);
    return !state->null_bytes || state->nulls > 0 || cannot_read(source, "'nulls'", err);
}

/* ---- rows ---- */

/* Texts of any length were allocated by the library. */
static void release_records(Source *source, int64_t count, unsigned char *records)
{
    Hdf5State *state = source->state;
    hsize_t many = (hsize_t)count;
    hid_t space = h5.H5Screate_simple(1, &many, NULL);

    (void)h5.H5Dvlen_reclaim(state->memory, space, H5P_DEFAULT, records);
    (void)h5.H5Sclose(space);
}

/* Each row's to the end of its record. */
static bool read_nulls(const Hdf5State *state, hsize_t first, hsize_t count, unsigned char *out)
{
    ARENA_SCOPE(scratch);
    size_t each = state->null_bytes, bytes = state->layout.bytes;
    unsigned char *nulls = arena_new(&scratch, unsigned char, count *each + 1);
    hsize_t from[] = {first, 0}, many[] = {count, each};
    hid_t file = h5.H5Dget_space(state->nulls), memory = h5.H5Screate_simple(2, many, NULL);
    bool ok = file > 0 && memory > 0 &&
              h5.H5Sselect_hyperslab(file, H5S_SELECT_SET, from, NULL, many, NULL) >= 0 &&
              h5.H5Dread(state->nulls, *h5.H5T_STD_U8LE_g, memory, file, H5P_DEFAULT, nulls) >= 0;

    if (memory > 0)
        (void)h5.H5Sclose(memory);
    if (file > 0)
        (void)h5.H5Sclose(file);
    for (hsize_t i = 0; ok && i < count; i++)
        memcpy(out + i * bytes + bytes - each, nulls + i * each, each);
    return ok;
}

static bool read_records(Source *source, int64_t first, int64_t count, unsigned char *out, Err *err)
{
    Hdf5State *state = source->state;
    hsize_t from = (hsize_t)first, many = (hsize_t)count;
    hid_t file = h5.H5Dget_space(state->rows), memory = h5.H5Screate_simple(1, &many, NULL);
    bool ok = file > 0 && memory > 0 &&
              h5.H5Sselect_hyperslab(file, H5S_SELECT_SET, &from, NULL, &many, NULL) >= 0 &&
              h5.H5Dread(state->rows, state->memory, memory, file, H5P_DEFAULT, out) >= 0;

    if (ok && state->null_bytes && !read_nulls(state, from, many, out)) {
        release_records(source, count, out);
        ok = false;
    }
    if (memory > 0)
        (void)h5.H5Sclose(memory);
    if (file > 0)
        (void)h5.H5Sclose(file);
    return ok || err_set(err, ERR_IO, "cannot read rows %lld to %lld", (long long)first + 1,
                         (long long)(first + count));
}

static const RecordReader reader = {read_records, release_records};

static bool put_rows(Source *source, int64_t first, int64_t count, Buf *out, Err *err)
{
    const Hdf5State *state = source->state;

    return records_put(source, &state->layout, &reader, &state->trees, first, count, out, err);
}

static bool read_sites(Source *source, int64_t first, int64_t count, Site *out, Err *err)
{
    const Hdf5State *state = source->state;

    return records_sites(source, &state->layout, &reader, &state->trees, first, count, out, err);
}

const SourceKind source_hdf5 = {
    .name = "hdf5",
    .what = "a dataset of HDF5",
    .binary = true,
    .is = is_hdf5,
    .open = open_hdf5,
    .reopen = reopen_hdf5,
    .put = put_rows,
    .sites = read_sites,
};
