/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/import_inside -- what planning and filling of an import share */
#ifndef DATASET_IMPORT_INSIDE_H
#define DATASET_IMPORT_INSIDE_H

#include "dataset/import.h"
#include "place/tables.h"

typedef struct Importing {
    Import *import;
    Arena arena;
    Plan plan;
    TableFound *found; /* one for each table of the plan */
    size_t *missing;   /* tables of the plan that cannot be read yet */
    size_t missing_count;
} Importing;

/* Fill all copies of the tables that are missing, in so many processes. As import_run(): ERR_DB, ERR_USAGE ... */
bool import_fill(Importing *importing, Err *err) ATTR_MUST_USE;

#endif
