/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings -- the postgresql.conf and pg_hba.conf of an embedded cluster, fitted to the machine
 *
 * Both files are written anew at every start. A user's own settings go into the file `local.conf` beside
 * the data directory, which is read last.
 */
#ifndef DB_SETTINGS_H
#define DB_SETTINGS_H

#include "base/buf.h"

typedef struct Machine {
    int64_t memory; /* bytes this process may use: the machine's, or its control group's limit */
    int64_t disk;   /* bytes free where the data is */
    int64_t shm;    /* bytes of /dev/shm */
    int processors;
} Machine;

/* What the machine that this runs on has. `data` is any path on the disk that will hold the data. */
Machine settings_machine(const char *data);

typedef struct SettingsPlace {
    const char *socket_dir, *log_dir, *log_name;
    bool scratch; /* for tests: nothing is synced to disk */
} SettingsPlace;

void settings_put_conf(Buf *out, const Machine *machine, const SettingsPlace *place);
Str settings_hba(void);

#endif
