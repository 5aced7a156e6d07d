/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_socket -- the jobs of a running service, for commands on its machine: DIR/run/jobs.sock
 *
 * Who may connect is up to the file, which belongs to who runs the service: no token is asked for, as none is to read the instance. A
 * question is a line, and its answer all that comes until the end, an object of JSON a line:
 *
 *     jobs [DATASET]   all that the service knows of, each as over HTTP, and "file", where its rows are when it is done
 *     job ID           one
 *     cancel ID        end it; the answer is what it was
 *
 * What went wrong is the line {"error":...} of json_err().
 */
#ifndef SERVE_JOB_SOCKET_H
#define SERVE_JOB_SOCKET_H

#include "serve/dataset_jobs.h"

typedef struct JobSocket JobSocket;

/* A thread answers from now on. `jobs` has to stay until it is closed. ERR_IO. */
bool job_socket_open(const char *dir, Jobs *jobs, JobSocket **out, Err *err) ATTR_MUST_USE;
void job_socket_close(JobSocket *socket);

/*
 * Ask the service of the instance at `dir`. The answer is in `arena`.
 *
 * ERR_DB  it is down
 * ERR_IO  it does not answer
 * and what it says: ERR_NOT_FOUND, ERR_CONFLICT ...
 */
bool job_socket_ask(const char *dir, Arena *arena, Str question, Str *answer, Err *err) ATTR_MUST_USE;

#endif
