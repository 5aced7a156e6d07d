/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/import -- rows of CSV files become tables of a dataset, each on several servers
 *
 * Rows are parted in their order: so many to a table. Tables go round the servers, and the copies of one to the servers behind its first.
 * Whoever imports the same files again goes on where it was cut off, at any step: a copy's rows and the note that they are all there
 * are committed together, and a table can be read when all of its copies have been noted.
 */
#ifndef DATASET_IMPORT_H
#define DATASET_IMPORT_H

#include <stdatomic.h>

#include "base/progress.h"
#include "dataset/csv.h"
#include "place/place.h"

typedef struct Import {
    Place *place;
    const char *prefix; /* of the tables' names, which end with their number */
    int64_t rows_most;  /* of a table */
    const atomic_bool *stop;
    Progress *progress; /* counts rows; may be NULL */

    int64_t number; /* tables so far; begin with 0 */
    int64_t rows, tables,
        were_there; /* rows and tables now in the dataset; tables that were complete before */
} Import;

/*
 * Import one more file. `source` is what is noted of it: the same for the same file.
 *
 * ERR_CONFLICT     a table of the next name is there, of other rows; or the dataset takes no more (state)
 * ERR_USAGE        a value is not of its column's type; and as csv_next()
 * ERR_DB           a server cannot be reached, or failed
 * ERR_INTERRUPTED  a stop was asked for; the next import goes on
 */
bool import_csv(Import *import, Csv *csv, Str source, Err *err) ATTR_MUST_USE;

#endif
