/* SPDX-License-Identifier: Apache-2.0 */
/* datasets -- the datasets that strata.ini names, and how their databases are reached */
#ifndef SERVE_DATASETS_H
#define SERVE_DATASETS_H

#include "place/place.h"
#include "serve/instance.h"

enum { DATASET_SERVERS_MAX = INSTANCE_SERVERS_MAX };

typedef struct Dataset {
    const char *name, *database;
    PlaceSpec spec;
} Dataset;

/* Walks them in the order of the file: `size_t at = 0; while (datasets_next(instance, &at, &name, &section))`. */
bool datasets_next(const Instance *instance, size_t *at, Str *name, const DatasetSection **out);

/*
 * The dataset of that name, with what to connect to its servers with; nothing is connected. In `arena`.
 *
 * ERR_NOT_FOUND  strata.ini has none
 * ERR_CONFIG     it names a server that strata.ini does not have, twice the same, or none
 */
bool datasets_find(const Instance *instance, Arena *arena, Str name, Dataset *out, Err *err) ATTR_MUST_USE;

/*
 * The same of one that is to be made; `servers` has commas between.
 *
 * ERR_USAGE     the name cannot be one, or the servers are none or not those of the instance
 * ERR_CONFLICT  there is one
 */
bool datasets_plan(const Instance *instance, Arena *arena, Str name, Str servers, Dataset *out,
                   Err *err) ATTR_MUST_USE;

/* Write a dataset that was planned into strata.ini. ERR_CONFLICT, ERR_IO. */
bool datasets_write(const Instance *instance, const ConfSet *set, const Dataset *dataset,
                    Err *err) ATTR_MUST_USE;

/*
 * The same dataset with one server more, the last in the list; and with one less.
 *
 * ERR_CONFLICT   it is on that server already; or on no other
 * ERR_NOT_FOUND  the instance has no such server; or the dataset is not on it
 */
bool datasets_with_server(const Instance *instance, Arena *arena, const Dataset *dataset, Str server,
                          Dataset *out, Err *err) ATTR_MUST_USE;
bool datasets_without_server(Arena *arena, const Dataset *dataset, Str server, Dataset *out,
                             Err *err) ATTR_MUST_USE;

/* Write the servers of a dataset that strata.ini has into it. ERR_CONFIG, ERR_NOT_FOUND, ERR_IO. */
bool datasets_rewrite(const Instance *instance, const ConfSet *set, const Dataset *dataset,
                      Err *err) ATTR_MUST_USE;

/* What to connect to for making a dataset's database on a server: another one. ERR_CONFIG. */
bool datasets_maintenance_dsn(const Instance *instance, Arena *arena, const char *server, const char **out,
                              Err *err) ATTR_MUST_USE;

#endif
