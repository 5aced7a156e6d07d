/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/source -- a file whose rows become tables: what columns it has, and any of its rows in the form that COPY takes
 *
 * What kinds of files there are is a table in source.c; a kind says how to open one and how to read rows of it. Rows are read in
 * whatever order is asked for, and several processes may read one that was opened before they were made.
 *
 *     if (!source_open(arena, path, &options, &source, err))
 *         return false;
 *     ... source->columns, source->rows ...
 *     while (source_put(source, row, SOURCE_BLOCK, &bytes, err)) ...
 */
#ifndef DATASET_SOURCE_H
#define DATASET_SOURCE_H

#include "base/buf.h"
#include "dataset/column.h"
#include "dataset/site.h"

enum { SOURCE_BLOCK = 2048 /* rows at once */ };

typedef struct SourceOptions {
    const char *kind;      /* NULL: found from the file */
    const Columns *schema; /* NULL: what the file says */
    const char *part;      /* of a file with several tables: its name or number; NULL: the first */
} SourceOptions;

typedef struct SourceFact {
    const char *key;
    double value;
} SourceFact;

typedef struct SourceKind SourceKind;

typedef struct Source {
    const SourceKind *kind;
    Arena *arena;
    const char *path;
    Columns columns;
    int64_t rows;
    int64_t first;           /* rows of those before it in the same import */
    unsigned char sum[16];   /* of its bytes */
    double redshift;         /* of all of its rows, as its name says; NaN: it does not */
    const SourceFact *facts; /* what it says of the simulation */
    size_t facts_count;
    const double *redshifts; /* of snapshots, from 0 on */
    size_t redshifts_count;
    int number; /* of its file among those of one output, as its name says, or its place in the import */
    SiteColumns sites;
    void *state; /* of its kind */
} Source;

struct SourceKind {
    const char *name, *what; /* "sage", "SAGE binary trees" */
    bool binary;             /* rows as COPY's binary form; else CSV */
    bool has_trees;          /* its rows know their trees */
    bool (*is)(Str start, const char *path);
    bool (*open)(Source *source, const SourceOptions *options, Err *err);
    bool (*reopen)(Source *source, Err *err); /* in a new process; NULL: nothing to do */
    bool (*put)(Source *source, int64_t first, int64_t count, Buf *out, Err *err);
    bool (*sites)(Source *source, int64_t first, int64_t count, Site *out, Err *err);
};

extern const SourceKind source_csv, source_sage, source_fits, source_hdf5;

/*
 * ERR_NOT_FOUND, ERR_IO  it is not there, or cannot be read
 * ERR_USAGE              it is of no known kind, or not what its kind should be; or has not what the schema names
 * ERR_LIMIT              a row is too long
 */
bool source_open(Arena *arena, const char *path, const SourceOptions *options, Source **out,
                 Err *err) ATTR_MUST_USE;

/* In a process that was made after it was opened. ERR_IO. */
bool source_reopen(Source *source, Err *err) ATTR_MUST_USE;

/* Append rows [first, first + count) as its kind has them. ERR_IO, ERR_USAGE: a value does not fit its column. */
bool source_put(Source *source, int64_t first, int64_t count, Buf *out, Err *err) ATTR_MUST_USE;

/* What is to be known of rows [first, first + count). ERR_IO, ERR_USAGE: a key is none. */
bool source_sites(Source *source, int64_t first, int64_t count, Site *out, Err *err) ATTR_MUST_USE;

/* The names of all kinds, with commas between. */
const char *source_kinds(Arena *arena);

#endif
