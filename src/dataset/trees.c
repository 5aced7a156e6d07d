/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/trees.h"

bool trees_make(Source *source, const int32_t *counts, int64_t count, Trees *out, Err *err)
{
    if (count > TREES_OF_A_FILE && source->number > 0)
        return err_set(err, ERR_LIMIT, "'%s' has %lld trees, more than %d", source->path, (long long)count,
                       TREES_OF_A_FILE);
    *out = (Trees){arena_new(source->arena, int64_t, (size_t)count + 1), count};
    for (int64_t i = 0; i < count; i++) {
        if (counts[i] < 0)
            return err_set(err, ERR_USAGE, "tree %lld of '%s' has %d galaxies", (long long)i, source->path,
                           counts[i]);
        out->starts[i + 1] = out->starts[i] + counts[i];
    }
    return out->starts[count] == source->rows ||
           err_set(err, ERR_USAGE, "the trees of '%s' have %lld galaxies, and it says %lld", source->path,
                   (long long)out->starts[count], (long long)source->rows);
}

int64_t trees_find(const Trees *trees, int64_t row)
{
    int64_t low = 0, high = trees->count - 1;

    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;

        if (trees->starts[middle] <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

RecordPlace trees_place(const Source *source, const Trees *trees, int64_t row, int64_t *tree)
{
    if (!trees || trees->count == 0)
        return (RecordPlace){.row = source->first + row};
    while (trees->starts[*tree + 1] <= row)
        ++*tree;
    return (RecordPlace){.tree = (int64_t)source->number * TREES_OF_A_FILE + *tree,
                         .row = source->first + row,
                         .inner = (int32_t)(row - trees->starts[*tree])};
}

/* ---- rows of any file of records ---- */

/* Does something with each of the records, of which there are SOURCE_BLOCK at most. */
typedef bool EachFn(void *ctx, int64_t at, const unsigned char *record, const RecordPlace *place, Err *err);

static bool each_record(Source *source, size_t bytes, const RecordReader *reader, const Trees *trees,
                        int64_t first, int64_t count, EachFn *each, void *ctx, Err *err)
{
    ARENA_SCOPE(scratch);
    unsigned char *records = arena_new(&scratch, unsigned char, (size_t)count *bytes + 1);
    int64_t tree = trees && trees->count > 0 ? trees_find(trees, first) : 0;
    bool ok = reader->read(source, first, count, records, err);

    if (!ok)
        return false;
    for (int64_t i = 0; ok && i < count; i++) {
        RecordPlace place = trees_place(source, trees, first + i, &tree);

        ok = each(ctx, i, records + (size_t)i * bytes, &place, err) ||
             err_wrap(err, "row %lld", (long long)(first + i + 1));
    }
    if (reader->release)
        reader->release(source, count, records);
    return ok;
}

typedef struct Putting {
    const RecordLayout *layout;
    Buf *out;
} Putting;

static bool put_one(void *ctx, int64_t at, const unsigned char *record, const RecordPlace *place, Err *err)
{
    const Putting *putting = ctx;

    (void)at;
    return record_put(putting->out, putting->layout, record, place, err);
}

bool records_put(Source *source, const RecordLayout *layout, const RecordReader *reader, const Trees *trees,
                 int64_t first, int64_t count, Buf *out, Err *err)
{
    Putting putting = {layout, out};

    return each_record(source, layout->bytes, reader, trees, first, count, put_one, &putting, err);
}

typedef struct Siting {
    const RecordLayout *layout;
    const SiteColumns *columns;
    Site *out;
} Siting;

static bool site_one(void *ctx, int64_t at, const unsigned char *record, const RecordPlace *place, Err *err)
{
    const Siting *siting = ctx;

    (void)err;
    record_site(siting->layout, siting->columns, record, place, &siting->out[at]);
    return true;
}

bool records_sites(Source *source, const RecordLayout *layout, const RecordReader *reader, const Trees *trees,
                   int64_t first, int64_t count, Site *out, Err *err)
{
    Siting siting = {layout, &source->sites, out};

    return each_record(source, layout->bytes, reader, trees, first, count, site_one, &siting, err);
}
