/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch -- some thousand records on their way into a shard, put into the form in which COPY takes them
 *
 * One thread fills a batch; sealed, it is sent by another. A path may have several records of different
 * types; of two records of one path and type the later counts. `origin` is whatever lets the giver find
 * the record again when it is refused, usually a line number.
 */
#ifndef CATALOG_BATCH_H
#define CATALOG_BATCH_H

#include "base/buf.h"
#include "base/time.h"
#include "catalog/dataset.h"
#include "catalog/pathname.h"
#include "catalog/posix.h"

enum { BATCH_RECORDS = 10000, BATCH_BYTES = 6 * 1024 * 1024 }; /* a batch with as many is full */

/* The tables that a batch fills. */
typedef enum BatchTable {
    BATCH_PATHS,           /* of all but directories */
    BATCH_DIRECTORY_PATHS, /* of directories */
    BATCH_KEYS,            /* of BATCH_PATHS: are they known? */
    BATCH_RECORDS_KEPT,
    BATCH_FILES,
    BATCH_DIRECTORIES,
    BATCH_LINKS,
    BATCH_SCANS,
    BATCH_DATASETS,
    BATCH_CELLS,
    BATCH_LOOKS,
    BATCH_GONE,
    BATCH_ABOVE, /* directories that its paths lie in and that are not among them */
    /* What a batch of nothing but new paths adds to sums; of others the server finds it out. */
    BATCH_DELTA,  /* files, bytes and datasets of directories */
    BATCH_LEVELS, /* cells by name, length of time and size */
    BATCH_FRESH,  /* datasets that coverage does not hold */
    BATCH_TABLE_COUNT
} BatchTable;

typedef struct BatchRecord {
    int64_t origin;
    Str path;                    /* text of pathname.h, normal */
    Str type;                    /* md_type */
    Str json;                    /* checked: one JSON object; may be empty where `facts` say it all */
    const PosixFacts *facts;     /* of a posix record; NULL for others */
    const DatasetList *datasets; /* of a gdal record; NULL for others */
    bool told;                   /* not by a crawl: as batch_forget() of all directories above */
} BatchRecord;

/* A directory read to its end: see the table `scans`. */
typedef struct BatchScan {
    PathHash dir;
    int64_t print, mtime_ns, ctime_ns, options;
    int32_t files, directories, links;
} BatchScan;

/* A file's state that a crawler of contents has looked at: see the table `looks`. */
typedef struct BatchLook {
    PathHash file;
    Str type;
    int64_t size;
    Instant mtime;
    bool failed;
} BatchLook;

typedef struct Batch Batch;

Batch *batch_new(void);
void batch_free(Batch *batch);
void batch_reset(Batch *batch);

/* Everything is copied but `datasets`, which must be in batch_arena(). */
void batch_add(Batch *batch, const BatchRecord *record);
void batch_add_path(Batch *batch, Str path); /* without a record */
void batch_add_scan(Batch *batch, const BatchScan *scan);
void batch_add_look(Batch *batch, const BatchLook *look);
void batch_add_gone(Batch *batch, PathHash hash); /* with all below it */
/* With the batch goes what crawls noted of a directory, so that the next one compares it. */
void batch_forget(Batch *batch, PathHash dir);
Arena *batch_arena(Batch *batch);

bool batch_is_full(const Batch *batch);
bool batch_is_empty(const Batch *batch);
bool batch_has_datasets(const Batch *batch);
bool batch_has_contents(const Batch *batch);  /* records of magic or checksum */
bool batch_has_bare(const Batch *batch);      /* sealed: paths without a posix record */
size_t batch_directories(const Batch *batch); /* sealed: posix records of directories */
size_t batch_records(const Batch *batch);
size_t batch_paths(const Batch *batch);

/* The nth path's key; for asking whether a path came before. */
PathHash batch_path_hash(const Batch *batch, size_t n);
bool batch_has_path(const Batch *batch, const PathHash *hash);
/* The nth record, for sending it once more in a smaller batch; false when a later one replaced it. */
bool batch_record(const Batch *batch, size_t n, BatchRecord *out);

/*
 * Fill the COPY buffers. `whole`: the rows go right into a shard that has none of these paths, so a path
 * without a posix record gets its own row in files; otherwise the merge decides.
 */
void batch_seal(Batch *batch, bool whole);
Buf *batch_rows(Batch *batch, BatchTable table);
Str batch_forgotten(const Batch *batch); /* sealed: the directories of batch_forget(), uuid[]; empty: none */

#endif
