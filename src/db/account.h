/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account -- the system account that PostgreSQL runs under
 *
 * PostgreSQL refuses to run as root. When the caller is root, its programs run under `postgres` (or
 * `nobody` where that does not exist), without supplementary groups and with no_new_privs set; otherwise
 * under the caller's own account. The account needs a line in the passwd database.
 */
#ifndef DB_ACCOUNT_H
#define DB_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

enum { ACCOUNT_NAME_MAX = 64 };

typedef struct Account {
    uid_t uid;
    gid_t gid;
    bool change; /* the caller is root: become this account before running anything */
    char name[ACCOUNT_NAME_MAX];
} Account;

/*
 * Find the account.
 *
 * name  what to use when the caller is root; NULL means `postgres`, else `nobody`
 *
 * ERR_CONFIG  there is no such account, or it is root's
 */
bool account_find(const char *name, Account *out, Err *err) ATTR_MUST_USE;

/*
 * Start a program under the account, in a session of its own, with an environment of its own.
 *
 * argv    argv[0] is the program's path; ends with NULL
 * output  where its standard output and error go; not closed
 * keep    a descriptor that the program inherits, or -1; all others are closed
 *
 * What goes wrong after the fork is written to `output` and the exit status is 127.
 *
 * ERR_IO  the process cannot be made
 */
bool account_spawn(const Account *account, const char *const *argv, int output, int keep, pid_t *out,
                   Err *err) ATTR_MUST_USE;

/*
 * Run a program to its end; what it prints goes to `output`.
 *
 * ERR_DB  it ended with a status other than 0; the message ends with the last line it printed
 * ERR_IO  it could not be started
 */
bool account_run(const Account *account, const char *const *argv, Buf *output, Err *err) ATTR_MUST_USE;

/*
 * Check that the account can walk down to `path` (an absolute directory).
 *
 * ERR_DENIED  the message names the directory that it may not enter
 */
bool account_can_enter(const Account *account, const char *path, Err *err) ATTR_MUST_USE;

#endif
