/* SPDX-License-Identifier: Apache-2.0 */
/* datasets -- what the commands of datasets have in common */
#ifndef CLI_DATASETS_H
#define CLI_DATASETS_H

#include "cli/config.h"
#include "place/states.h"
#include "place/upkeep.h"
#include "serve/datasets.h"

/* The dataset that the first argument names, and its servers. As datasets_find() and place_open(): ERR_NOT_FOUND, ERR_CONFIG, ERR_DB. */
bool dataset_open(const Call *call, Dataset *dataset, Place **place, Err *err) ATTR_MUST_USE;

typedef struct DatasetStates {
    Place *place;
    CopyState *states;
    size_t count, tables;
} DatasetStates;

/* What all copies of it are, read with a bar. As dataset_open(), and ERR_INTERRUPTED. */
bool dataset_states(const Call *call, DatasetStates *out, Err *err) ATTR_MUST_USE;

typedef struct DatasetWork {
    Instance *instance;
    Dataset dataset;
    Upkeep upkeep;
} DatasetWork;

/*
 * The dataset that the first argument names, ready for its copies to be worked on; a bar shows what is done until progress_end() of
 * work->upkeep.progress. As dataset_open() and upkeep_begin(): ERR_NOT_FOUND, ERR_CONFIG, ERR_DB, ERR_CONFLICT.
 */
bool dataset_work(const Call *call, DatasetWork *work, Err *err) ATTR_MUST_USE;

const char *dataset_outcome(UpkeepOutcome outcome); /* "done", "finished", "as it was" */

/* A record that says what became of a copy. */
void dataset_put_copy(const Call *call, Str table, Str server, UpkeepOutcome outcome);

/* A record of the dataset's servers. */
void dataset_put_servers(const Call *call, const Dataset *dataset);

#endif
