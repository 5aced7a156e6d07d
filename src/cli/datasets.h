/* SPDX-License-Identifier: Apache-2.0 */
/* datasets -- what the commands of datasets have in common */
#ifndef CLI_DATASETS_H
#define CLI_DATASETS_H

#include "cli/config.h"
#include "place/states.h"
#include "serve/datasets.h"

/* The dataset that the first argument names, and its servers. As datasets_find() and place_open(): ERR_NOT_FOUND, ERR_CONFIG, ERR_DB. */
bool dataset_open(const Call *call, Dataset *dataset, Place **place, Err *err) ATTR_MUST_USE;

typedef struct DatasetStates {
    CopyState *states;
    size_t count, tables;
} DatasetStates;

/* What all copies of it are, read with a bar. As dataset_open(), and ERR_INTERRUPTED. */
bool dataset_states(const Call *call, DatasetStates *out, Err *err) ATTR_MUST_USE;

#endif
