/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster -- a private PostgreSQL cluster that Strata makes, starts, supervises and stops
 *
 * On disk, below the cluster's directory (mode 0700, owned by the account that PostgreSQL runs under):
 *
 *     data/         PostgreSQL's own; it exists only when it is complete (made as data.new, then renamed)
 *     local.conf    settings of the user, read after ours; optional
 *     alive         locked by every process of the running cluster: free means that really nothing runs
 *
 * and beside it a file with .lock behind the name, locked while the cluster is made, started or stopped.
 *
 * The cluster listens on one unix socket only, in a directory that only the account may enter; that
 * directory is the whole access control (root passes it too). sun_path holds 107 bytes, so when the
 * instance's own run directory is too deep a short one in /run or /tmp is used.
 *
 * A cluster outlives the process that started it, also when that process is killed: the next
 * cluster_start() adopts it. What is left of a killed cluster (stale pid file, orphaned backends) is cleaned up there.
 * A Cluster belongs to one thread at a time.
 */
#ifndef DB_CLUSTER_H
#define DB_CLUSTER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "base/str.h"
#include "base/time.h"

typedef struct Cluster Cluster;

typedef struct ClusterSpec {
    const char *name;       /* in messages and log files: "local" */
    const char *dir;        /* absolute, links resolved: DIR/pg/local */
    const char *run_dir;    /* where the socket's directory goes when that is short enough: DIR/run */
    const char *log_dir;    /* DIR/log; PostgreSQL's own log files go to a directory in it */
    const char *bin_dir;    /* of PostgreSQL's programs; NULL finds them */
    const char *account;    /* the system user when the caller is root; NULL for `postgres` */
    Duration start_timeout; /* for recovery after a crash, too; 0 for 10 minutes */
    bool scratch;           /* for tests: nothing is synced */
} ClusterSpec;

/*
 * Describe a cluster; nothing on disk is touched. The paths in `spec` are copied.
 *
 * ERR_CONFIG  no PostgreSQL of the right version, no account to run it under
 */
bool cluster_open(Arena *arena, const ClusterSpec *spec, Cluster **out, Err *err) ATTR_MUST_USE;

/*
 * Make the cluster when it is not there: initdb with UTF-8, locale C.UTF-8, text in byte order, and data checksums. A data
 * directory that an interrupted earlier call left half-made is removed.
 *
 * ERR_DENIED  the account cannot get to the directory, or the directory is somebody else's
 * ERR_DB      initdb failed
 * ERR_IO      a file or directory could not be made
 */
bool cluster_make(Cluster *cluster, Err *err) ATTR_MUST_USE;

/*
 * Start the cluster (making it first when needed) and wait until it takes connections. No error when it
 * runs already. After a crash this includes PostgreSQL's recovery.
 *
 * ERR_DB           it did not start; the message ends with what PostgreSQL logged
 * ERR_BUSY         processes of an earlier start are still there and cannot be ended
 * ERR_INTERRUPTED  cluster_watch_flag()
 * and what cluster_make() reports
 */
bool cluster_start(Cluster *cluster, Err *err) ATTR_MUST_USE;

/*
 * Stop the cluster: sessions are ended and everything is written ("fast"); when that takes longer than
 * `patience`, at once, leaving recovery to the next start. No error when it does not run.
 *
 * ERR_BUSY  a process of it cannot be ended
 */
bool cluster_stop(Cluster *cluster, Duration patience, Err *err) ATTR_MUST_USE;

/* Stop the cluster at once and remove its directory with all data. ERR_IO, ERR_BUSY. */
bool cluster_destroy(Cluster *cluster, Err *err) ATTR_MUST_USE;

typedef struct ClusterState {
    bool made;   /* it has a data directory */
    bool ready;  /* it takes connections */
    pid_t pid;   /* of the running postmaster, or 0 */
    int version; /* PostgreSQL's major version */
} ClusterState;

/* Ask how it is; also lets go of a child that ended. Cheap enough for every second. */
ClusterState cluster_state(Cluster *cluster);

/* The running postmaster, or 0; without asking whether it takes connections. */
pid_t cluster_pid(Cluster *cluster);

/* Let cluster_start() give up with ERR_INTERRUPTED once *flag is true. What it started goes on by itself. */
void cluster_watch_flag(Cluster *cluster, const atomic_bool *flag);

/* What libpq needs to connect. `user` NULL: the superuser `postgres`. */
const char *cluster_dsn(const Cluster *cluster, Arena *arena, const char *database, const char *user);

const char *cluster_name(const Cluster *cluster);
const char *cluster_socket_dir(const Cluster *cluster);

#endif
