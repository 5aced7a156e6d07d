/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content_work -- what the crawlers of contents do with one file after another
 *
 * A reader is a row of functions: magic and checksum open files in threads, gdal gives them to processes.
 */
#ifndef CATALOG_CONTENT_WORK_H
#define CATALOG_CONTENT_WORK_H

#include <stdatomic.h>

#include "catalog/content.h"
#include "catalog/loader.h"
#include "catalog/problem.h"

typedef struct ContentFile {
    Str path; /* text */
    int64_t size;
    Instant mtime;
    bool has_record; /* of an earlier state */
} ContentFile;

typedef struct ContentWork ContentWork;

typedef struct ContentReader {
    bool (*open)(ContentWork *work, Err *err);
    bool (*submit)(ContentWork *work, const ContentFile *file,
                   Err *err);                   /* waits while enough is under way */
    bool (*close)(ContentWork *work, Err *err); /* waits for all of it; called once if open() succeeded */
} ContentReader;

struct ContentWork {
    const ContentOptions *options;
    const ContentReader *reader;
    Str type; /* md_type */
    Arena *arena;
    Loader *loader;
    ProblemLog *problems;
    void *state; /* the reader's own */
    atomic_int_fast64_t looked, records;
};

extern const ContentReader content_reader_magic, content_reader_checksum, content_reader_gdal;

/* Note into `batch` that a file was looked at, with its record unless `json` is empty, and send it when full. ERR_DB. */
bool content_put(ContentWork *work, Batch **batch, const ContentFile *file, Str json,
                 const DatasetList *datasets, bool failed, Err *err) ATTR_MUST_USE;

#endif
