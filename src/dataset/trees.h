/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/trees -- rows that stand tree by tree in a file, with the number of rows of each: which tree a row is of */
#ifndef DATASET_TREES_H
#define DATASET_TREES_H

#include "dataset/record.h"
#include "dataset/source.h"

enum { TREES_OF_A_FILE = 1000000 /* as in the numbers of SAGE's galaxies: GalaxyIndex / 1e9 */ };

typedef struct Trees {
    int64_t *starts; /* the first row of each tree, and behind the last one */
    int64_t count;
} Trees;

/*
 * The counts must sum up to the source's rows. ERR_USAGE: they do not, or one is below 0; ERR_LIMIT: more than TREES_OF_A_FILE in one of
 * several files.
 */
bool trees_make(Source *source, const int32_t *counts, int64_t count, Trees *out, Err *err) ATTR_MUST_USE;

int64_t trees_find(const Trees *trees, int64_t row); /* the tree of a row */

/* What is to be told of a row; *tree is that of the row before, or of a row before that. */
/* `trees` may be NULL. */
RecordPlace trees_place(const Source *source, const Trees *trees, int64_t row, int64_t *tree);

/* ---- rows of any file of records ---- */

/* Reads records [first, first + count) as they are; release() gives back what they point to, and may be NULL. */
typedef struct RecordReader {
    bool (*read)(Source *source, int64_t first, int64_t count, unsigned char *out, Err *err);
    void (*release)(Source *source, int64_t count, unsigned char *records);
} RecordReader;

/* What a SourceKind does: `put` and `sites`, with the same errors: ERR_IO, ERR_USAGE. `trees` may be NULL. */
bool records_put(Source *source, const RecordLayout *layout, const RecordReader *reader, const Trees *trees,
                 int64_t first, int64_t count, Buf *out, Err *err) ATTR_MUST_USE;
bool records_sites(Source *source, const RecordLayout *layout, const RecordReader *reader, const Trees *trees,
                   int64_t first, int64_t count, Site *out, Err *err) ATTR_MUST_USE;

#endif
