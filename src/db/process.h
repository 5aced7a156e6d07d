/* SPDX-License-Identifier: Apache-2.0 */
/* process -- other processes, recognised by their command lines in /proc, which everybody may read */
#ifndef DB_PROCESS_H
#define DB_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Is `pid` alive (a zombie is not) with `argument` among its command line's words? */
bool process_has_argument(pid_t pid, const char *argument);

/* Send a signal to every process whose title begins with `title`, as PostgreSQL's setproctitle writes it. */
void process_signal_titled(const char *title, int signal);

#endif
