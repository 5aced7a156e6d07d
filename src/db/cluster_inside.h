/* SPDX-License-Identifier: Apache-2.0 */
/* cluster_inside -- what cluster.c (the server) and cluster_disk.c (its directories) share; nobody else includes it */
#ifndef DB_CLUSTER_INSIDE_H
#define DB_CLUSTER_INSIDE_H

#include "db/account.h"
#include "db/cluster.h"
#include "db/install.h"

struct Cluster {
    const char *name, *title; /* title: of its processes, unique on this machine */
    const char *dir, *data, *data_new, *socket_dir, *log_dir, *start_log, *lock, *alive;
    Account account;
    Install install;
    Duration start_timeout;
    bool scratch;
    const atomic_bool *flag; /* to give up waiting, or NULL */
    pid_t child;             /* the postmaster, when this process started it; else 0 */
};

/* The major version in data/PG_VERSION, or 0 when there is no cluster. */
int cluster_disk_version(const char *data);

/* Open and lock a file, made when it is missing; `flags` as flock()'s. ERR_DENIED, ERR_IO, ERR_BUSY. */
bool cluster_disk_lock(const char *path, int flags, int *out, Err *err) ATTR_MUST_USE;

/* Take the cluster's lock and make what is missing of it; errors as cluster_make(). The caller closes *lock, also then. */
bool cluster_disk_make(const Cluster *cluster, int *lock, Err *err) ATTR_MUST_USE;

/* Write our configuration into a data directory. ERR_IO. */
bool cluster_disk_configure(const Cluster *cluster, const char *data, Err *err) ATTR_MUST_USE;

#endif
