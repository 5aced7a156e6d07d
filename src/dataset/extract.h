/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/extract -- the rows that one SQL gives of many tables, from all servers at once, each table's exactly once
 *
 * A table is asked for on a server that has an active copy, the one that does the least. What comes is kept until it is whole and only then
 * passed on; when its server dies, hangs or cuts it off, what came is forgotten and another copy is asked. So a lost server costs
 * asking for some tables again, and the output has every row once. One thread and poll(2) for all connections; no other
 * process sees the rows on their way.
 */
#ifndef DATASET_EXTRACT_H
#define DATASET_EXTRACT_H

#include <stdatomic.h>

#include "base/progress.h"
#include "place/place.h"

typedef enum ExtractFormat { EXTRACT_CSV, EXTRACT_JSONL } ExtractFormat;

/* A table that was asked for once more. */
typedef struct ExtractRetry {
    Str table;
    const char *from, *to; /* servers; `to` is NULL when nobody could be asked any more */
    const char *reason;
} ExtractRetry;

typedef struct Extract {
    const PlaceSpec *spec;
    const Mapping *mapping;
    Str sql; /* with {table} */
    ExtractFormat format;
    size_t connections; /* to a server at most; 0: 2 */
    size_t memory;      /* of rows kept in memory for a table, bytes, before a file is used; 0: 8 MiB */
    const char *spool;  /* directory for such files */
    Duration deadline;  /* a server that says nothing for so long is given up; 0: 30 s */
    int attempts;       /* for a table at most; 0: 5 */
    bool ordered;       /* by the tables' names; else as they come */
    const atomic_bool *stop;
    Progress *progress; /* counts tables */
    int fd;             /* where it goes */
} Extract;

typedef struct Extracted {
    int64_t rows, tables;
    ExtractRetry *retries;
    size_t retries_count;
} Extracted;

/*
 * CSV begins with a line of names. `out` says what was retried also on failure.
 *
 * ERR_USAGE        there is no {table} in the SQL
 * ERR_NOT_FOUND    the dataset has no tables
 * ERR_DB           a table could not be had: the message names it, a server, and what that said; or what a server says to the SQL
 * ERR_IO           it cannot be written
 * ERR_INTERRUPTED  a stop was asked for
 */
bool extract_run(const Extract *extract, Arena *arena, Extracted *out, Err *err) ATTR_MUST_USE;

#endif
