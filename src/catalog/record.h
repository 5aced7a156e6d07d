/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record -- (path, type, JSON) from somebody else, checked and read so that a batch can take it
 *
 * For one thread. What is wrong with a record is ERR_USAGE or ERR_LIMIT; other codes are not the record's fault.
 */
#ifndef CATALOG_RECORD_H
#define CATALOG_RECORD_H

#include "catalog/batch.h"

typedef struct RecordReader RecordReader;

/* `root` and `conninfo` as the shard's. Connects with the first gdal record. Released with the arena. */
RecordReader *record_reader_new(Arena *arena, const char *conninfo, Str shard, Str root);

/*
 * A path in its normal form, in `arena` or in `given`; bytes that are not UTF-8 are escaped.
 *
 * ERR_USAGE  it has a control byte, or does not lie in the shard's root
 */
bool record_path(const RecordReader *reader, Arena *arena, Str given, Str *out, Err *err) ATTR_MUST_USE;

/*
 * Check a record's JSON by its type and put the record, with its path from record_path(), into `batch`.
 * The next crawl compares the directories above it.
 *
 * arena  of what is needed during the call
 *
 * ERR_USAGE, ERR_LIMIT  the record
 * ERR_DB                a new name, coordinate system or axes could not be entered
 */
bool record_add(RecordReader *reader, Arena *arena, const BatchRecord *record, Batch *batch,
                Err *err) ATTR_MUST_USE;

/* Is it one whole JSON object? ERR_USAGE names the byte where it is not. */
bool record_json_check(Str json, Err *err) ATTR_MUST_USE;

/* Is it the record that is wrong, not the database or the disk? */
bool record_is_bad(const Err *err);

#endif
