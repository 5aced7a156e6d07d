/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_routes -- datasets over HTTP: what there is, how servers and tables are, rows, and jobs */
#ifndef SERVE_DATASET_ROUTES_H
#define SERVE_DATASET_ROUTES_H

#include "http/server.h"
#include "serve/dataset_jobs.h"

typedef struct DatasetService {
    const Instance *instance;
    Jobs *jobs;
} DatasetService;

#define DATASET_PARAM                                                                                  \
    {                                                                                                  \
        "dataset", PARAM_TEXT, IN_PATH, .max = "63", .help = "Name of the dataset.", .example = "mini" \
    }
#define DATASET_FORMATS "csv|jsonl|binary|fits|hdf5|votable" /* as RowFormatName */

/* ERR_BUG. */
bool dataset_routes_mount(Server *server, DatasetService *service, Err *err) ATTR_MUST_USE;

/* Rows and jobs. ERR_BUG. */
bool dataset_routes_mount_jobs(Server *server, DatasetService *service, Err *err) ATTR_MUST_USE;

void dataset_schemas(Server *server);

#endif
