/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset_jobs -- extractions that the service runs for whoever asks, one after the other, and keeps the result of
 *
 * A job waits until one of JOBS_AT_ONCE threads is free. Rows go to a file below the instance (`jobs/`), which can be fetched when the
 * job is done. Jobs and files are gone when the service stops; of those that ended, the last JOBS_KEPT stay.
 */
#ifndef SERVE_DATASET_JOBS_H
#define SERVE_DATASET_JOBS_H

#include "base/json.h"
#include "dataset/extract.h"
#include "serve/instance.h"

enum { JOBS_AT_ONCE = 2, JOBS_KEPT = 100, JOBS_OF_A_USER = 4 /* that have not ended */ };

typedef enum JobState { JOB_WAITING, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED } JobState;

typedef struct JobOrder {
    Str dataset, user, sql;
    Str tables; /* a pattern of names; empty: all */
    Str key;
    int64_t range_rows;
    RowFormatName format;
} JobOrder;

/* What is known of a job, as it was when it was asked about. */
typedef struct JobView {
    int64_t id;
    JobOrder order;
    JobState state;
    Instant created, started, ended; /* 0: not yet */
    int64_t rows, parts, parts_total, retries;
    Str problem; /* why it failed */
    const char *path;
} JobView;

typedef struct Jobs Jobs;

/* Threads begin. What a service before left of its jobs is removed. ERR_IO. */
bool jobs_start(const Instance *instance, Jobs **out, Err *err) ATTR_MUST_USE;
void jobs_stop(Jobs *jobs); /* running ones are cancelled */

/*
 * ERR_NOT_FOUND  there is no such dataset
 * ERR_BUSY       the user has JOBS_OF_A_USER jobs that have not ended
 */
bool jobs_add(Jobs *jobs, const JobOrder *order, int64_t *id, Err *err) ATTR_MUST_USE;

/* Where a dataset is named below, an empty one means whichever it is. */

/* End it, or take it away when it has ended, with its rows. ERR_NOT_FOUND. */
bool jobs_cancel(Jobs *jobs, Str dataset, int64_t id, Err *err) ATTR_MUST_USE;

/* ERR_NOT_FOUND. */
bool jobs_get(Jobs *jobs, Arena *arena, Str dataset, int64_t id, JobView *out, Err *err) ATTR_MUST_USE;

/* Those of a dataset behind number `after`, in the order they were asked for; so many at most. */
JobView *jobs_list(Jobs *jobs, Arena *arena, Str dataset, int64_t after, size_t most, size_t *count);

const char *job_state_name(JobState state);
bool job_has_ended(const JobView *job);

/* Its fields in an object of JSON: what HTTP and commands show. */
void job_put_fields(JsonOut *out, const JobView *job);

#endif
