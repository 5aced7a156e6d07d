/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/make -- a new dataset: its database on every server, with nothing in it */
#ifndef DATASET_MAKE_H
#define DATASET_MAKE_H

#include "place/place.h"

typedef struct DatasetNew {
    const PlaceSpec *spec;
    const char *database;
    const char *const *maintenance; /* for each server: what to connect to for making a database there */
    int64_t replicas;               /* copies that each table will have; 1 up to the number of servers */
} DatasetNew;

/*
 * Make the databases where they are missing, and say in all of them what the dataset is. What was cut off goes on.
 *
 * ERR_USAGE     more replicas than servers
 * ERR_CONFLICT  one of the databases is something else, or a dataset that has tables already
 * ERR_DB, ERR_DENIED, ERR_CONFIG  a server cannot be reached, or does not allow what is needed
 */
bool dataset_make(const DatasetNew *what, Err *err) ATTR_MUST_USE;

#endif
