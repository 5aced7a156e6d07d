/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file to be imported: CSV, SAGE's trees, or a schema. It is opened or refused; rows that are read in pieces, in whatever
 * order, are those that are read at once; every row of a binary kind has all of its columns.
 */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataset/plan.h"
#include "dataset/source.h"

enum { ROWS_MOST = 2000, STEP = 7 };

static void check_tuples(Str bytes, size_t columns, int64_t rows)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr, *end = at + bytes.len;

    for (; rows > 0; rows--) {
        if (end - at < 2 || (size_t)(at[0] << 8 | at[1]) != columns)
            abort();
        at += 2;
        for (size_t c = 0; c < columns; c++) {
            uint32_t wire;

            if (end - at < 4)
                abort();
            memcpy(&wire, at, sizeof wire);
            int32_t length = (int32_t)be32toh(wire);
            at += 4;
            if (length < -1 || (length > 0 && length > end - at))
                abort();
            at += length > 0 ? length : 0;
        }
    }
    if (at != end)
        abort();
}

/* Backwards in steps, and put together again. */
static void check_pieces(Source *source, Str whole, int64_t rows)
{
    size_t end = whole.len;
    Err err = {0};

    for (int64_t first = (rows - 1) / STEP * STEP; rows > 0 && first >= 0; first -= STEP) {
        BUF_SCOPE(piece);
        int64_t count = rows - first < STEP ? rows - first : STEP;

        if (!source_put(source, first, count, &piece, &err) || piece.len > end ||
            memcmp(piece.ptr, whole.ptr + end - piece.len, piece.len) != 0)
            abort();
        end -= piece.len;
    }
    if (rows > 0 && end != 0)
        abort();
}

static void check_plan(Arena *arena, Source *source)
{
    PlanRule rules[] = {{.by = PLAN_ROWS, .rows = 3, .prefix = "t", .servers = 2},
                        {.by = PLAN_GRID, .cell = 10, .box = 100, .prefix = "t", .servers = 2, .trees = true},
                        {.by = PLAN_KEY, .tables = 5, .prefix = "t", .servers = 2}};

    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        int64_t rows = 0, in_runs = 0;
        Err err = {0};
        Plan plan;

        if (!plan_make(arena, &rules[i], &source, 1, NULL, &plan, &err))
            continue;
        for (size_t t = 0; t < plan.tables_count; t++) {
            rows += plan.tables[t].extent.rows;
            for (size_t r = 0; r < plan.tables[t].runs_count; r++)
                in_runs += plan.tables[t].runs[r].count;
        }
        if (rows != source->rows || in_runs != source->rows)
            abort();
    }
}

static void check_source(Arena *arena, Source *source)
{
    int64_t rows = source->rows < ROWS_MOST ? source->rows : ROWS_MOST;
    BUF_SCOPE(whole);
    Err err = {0};

    for (int i = 0; i < 3; i++)
        source->sites.at[i] = source->columns.count > (size_t)i ? i : -1;
    source->sites.key = source->columns.count > 3 ? 3 : -1;
    if (source->rows <= ROWS_MOST)
        check_plan(arena, source);
    if (!source_put(source, 0, rows, &whole, &err))
        return;
    if (source->kind->binary)
        check_tuples(buf_str(&whole), source->columns.count, rows);
    check_pieces(source, buf_str(&whole), rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"csv", "sage", NULL};
    ARENA_SCOPE(arena);
    char path[64];
    Source *source;
    Columns schema;
    Err err = {0};
    int fd = memfd_create("source", MFD_CLOEXEC);

    if (fd < 0 || size == 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) {
        (void)close(fd);
        return 0;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *kind = kinds[data[0] % COUNT_OF(kinds)];
    if (!kind)
        (void)!columns_read(&arena, path, &schema, &err);
    else if (source_open(&arena, path, &(SourceOptions){.kind = kind}, &source, &err))
        check_source(&arena, source);
    (void)close(fd);
    return 0;
}
