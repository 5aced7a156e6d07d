/* SPDX-License-Identifier: Apache-2.0 */
/* feed/backup_inside -- what both sides of backup.h know of the file */
#ifndef FEED_BACKUP_INSIDE_H
#define FEED_BACKUP_INSIDE_H

#include "feed/backup.h"

#define BACKUP_MAGIC "STRFEEDB"

enum {
    BACKUP_VERSION = 1,
    BACKUP_COMPAT = 1, /* flags */
    BACKUP_ANONYMOUS = 2,
    BACKUP_ENCRYPTED = 4,
    BACKUP_FLAGS = 7,          /* all of them */
    BACKUP_PIECE = 256 * 1024, /* read and written at once */
    BACKUP_GO_EVERY = 256,     /* blocks */
};

typedef enum BackupItem { BACKUP_END, BACKUP_BLOCK, BACKUP_NODE } BackupItem;

#endif
