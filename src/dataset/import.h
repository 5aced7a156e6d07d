/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/import -- files become tables of a dataset, each with its copies on different servers
 *
 * What goes where is planned first (dataset/plan). Then all tables are added in one change, several processes fill their copies, table by
 * table, and one more change lets them be read and notes where they lie. Tables go round the servers, and the copies of one to
 * the servers behind its first.
 *
 * Whoever imports the same files again goes on where it was cut off, at any step: a copy's rows, its indexes and the note that they are
 * all there are committed together, and a table can be read when all of its copies have been noted.
 */
#ifndef DATASET_IMPORT_H
#define DATASET_IMPORT_H

#include "base/progress.h"
#include "dataset/plan.h"
#include "place/place.h"

enum { IMPORT_WORKERS_MAX = 64 };

/* What the dataset is to say of itself. */
typedef struct ImportFact {
    const char *key;
    Str value;
} ImportFact;

typedef struct Import {
    Place *place;
    PlanRule rule;
    Source **sources; /* all with the same columns, and all of binary kinds or none */
    size_t sources_count;
    Str primary;        /* column of the primary key; empty: none */
    const Str *indexes; /* columns that get an index */
    size_t indexes_count;
    const ImportFact *facts;
    size_t facts_count;
    size_t workers; /* processes; 1: none but this one */
    const atomic_bool *stop;
    Progress *progress; /* counts rows; may be NULL */

    int64_t rows, tables,
        were_there; /* rows and tables now in the dataset; tables that were complete before */
} Import;

/* What indexes somebody wants. */
typedef struct ImportIndexes {
    Str primary;        /* empty: the column that numbers rows, where there is one */
    const Str *columns; /* none: those of trees and snapshots */
    size_t count;
    bool none; /* no indexes at all but these, and no primary key */
} ImportIndexes;

/* Its sources and its rule are there. In `arena`. ERR_USAGE: there is no such column. */
bool import_choose_indexes(Import *import, Arena *arena, const ImportIndexes *wanted, Err *err) ATTR_MUST_USE;

/* What is to be noted: what somebody says, and which columns are what, for those who ask for places later. In `arena`. */
void import_choose_facts(Import *import, Arena *arena, const ImportFact *said, size_t count);

/*
 * ERR_CONFLICT     a table of the same name is there, of other rows; the dataset is sealed; another import of it is running
 * ERR_USAGE        no file has rows; a value is not of its column's type; and as plan_make()
 * ERR_DB           a server cannot be reached, or failed
 * ERR_IO           a file cannot be read; a process could not be made, or was killed
 * ERR_INTERRUPTED  a stop was asked for; the next import goes on
 */
bool import_run(Import *import, Err *err) ATTR_MUST_USE;

#endif
