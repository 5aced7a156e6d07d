/* SPDX-License-Identifier: Apache-2.0 */
/* extract -- from a file to its record: which reader it needs, and what all readers share */
#ifndef EXTRACT_EXTRACT_H
#define EXTRACT_EXTRACT_H

#include "extract/record.h"
#include "extract/rules.h"

typedef struct ExtractSetup {
    Rules rules;
    bool stats; /* compute statistics of every band, not only where a rule asks for them */
} ExtractSetup;

typedef enum ExtractKind {
    EXTRACT_RECORD,  /* there is a record; `text` may say what is missing from it */
    EXTRACT_NOTHING, /* the file holds no data of a known kind; `text` says why that was decided */
    EXTRACT_PROBLEM, /* it should hold some but cannot be read; `text` says why */
} ExtractKind;

typedef struct ExtractResult {
    ExtractKind kind;
    Record record;
    Str text; /* a sentence, or empty */
} ExtractResult;

/* Datasets of one file that are looked at; a file with more gets a record of the first and a sentence. */
enum { EXTRACT_SETS_MAX = 4096 };

/* The file being read. */
typedef struct ExtractFile {
    Arena *arena;
    const ExtractSetup *setup;
    Str path;
    const char *path_z;
    RuleMatch match;
    Record *record;
    Str missing; /* why a dataset of it could not be read, the first of them */
} ExtractFile;

/* Read one file. Never fails as a call: what went wrong is the result. All of it is in `arena`. */
void extract_file(Arena *arena, const ExtractSetup *setup, Str path, ExtractResult *out);

#endif
