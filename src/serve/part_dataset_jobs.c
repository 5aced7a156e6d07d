/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets over HTTP, and the jobs that the service runs for who asks for rows, also by commands. */
#include "serve/dataset_routes.h"
#include "serve/job_socket.h"
#include "serve/part.h"

static DatasetService service;
static JobSocket *commands;

static bool start(Daemon *daemon, Err *err)
{
    service.instance = daemon_instance(daemon);
    if (!jobs_start(service.instance, &service.jobs, err))
        return false;
    if (job_socket_open(instance_path(service.instance), service.jobs, &commands, err))
        return true;
    jobs_stop(service.jobs);
    return false;
}

static void stop(Daemon *daemon)
{
    (void)daemon;
    job_socket_close(commands);
    jobs_stop(service.jobs);
    service.jobs = NULL;
}

static bool mount(Daemon *daemon, Server *http, Err *err)
{
    (void)daemon;
    return dataset_routes_mount(http, &service, err);
}

const ServePart part_dataset_jobs = {.name = "dataset_jobs", .start = start, .stop = stop, .mount = mount};
