/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets over HTTP, and the jobs that the service runs for who asks for rows. */
#include "serve/dataset_routes.h"
#include "serve/part.h"

static DatasetService service;

static bool start(Daemon *daemon, Err *err)
{
    service.instance = daemon_instance(daemon);
    return jobs_start(service.instance, &service.jobs, err);
}

static void stop(Daemon *daemon)
{
    (void)daemon;
    jobs_stop(service.jobs);
    service.jobs = NULL;
}

static bool mount(Daemon *daemon, Server *http, Err *err)
{
    (void)daemon;
    return dataset_routes_mount(http, &service, err);
}

const ServePart part_dataset_jobs = {.name = "dataset_jobs", .start = start, .stop = stop, .mount = mount};
