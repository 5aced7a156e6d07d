/* SPDX-License-Identifier: Apache-2.0 */
/* jobs -- the jobs of a running service, as it tells them to commands (serve/job_socket.h) */
#ifndef CLI_JOBS_H
#define CLI_JOBS_H

#include "cli/cmd.h"

/* Ask the service of the instance. As job_socket_ask(): ERR_DB, ERR_IO, ERR_NOT_FOUND ... */
bool jobs_ask(const Call *call, Str question, Str *answer, Err *err) ATTR_MUST_USE;

/* A list of what an answer has, one a line; and one job as a record. */
void jobs_put_list(const Call *call, Str lines);
void jobs_put(const Call *call, Str line);

/* What an answer of one job says of its state. */
Str jobs_state(const Call *call, Str line);

#endif
