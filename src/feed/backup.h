/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/backup -- a feed in one file: blocks, the hashes of those that are not held, and the signature (docs/format/feed-backup.md)
 *
 *     backup_write(feed, &note, fd, NULL, err);
 *
 *     backup_open(&arena, fd, &in, err);
 *     backup_restore(store, in, name, NULL, err);      all of it is checked before there is a feed
 *
 * Both read and write from beginning to end, so the other side may be a pipe.
 */
#ifndef FEED_BACKUP_H
#define FEED_BACKUP_H

#include "feed/store.h"

/* What goes with the blocks. */
typedef struct BackupNote {
    Str name; /* empty: none */
    Instant created;
    Str sealed; /* the signer's pair as a record of crypto/keyfile.h under a passphrase; empty: left out */
    bool encrypted;
    Str reading; /* of an encrypted feed: its reading key, likewise */
} BackupNote;

/* Called now and then; false: stop, which is ERR_INTERRUPTED. */
typedef struct BackupGo {
    bool (*go)(void *ctx, uint64_t blocks);
    void *ctx;
} BackupGo;

/*
 * Write the feed as it was when it was opened.
 *
 * ERR_NOT_FOUND    another process cleared or truncated meanwhile
 * ERR_CORRUPT      the feed is damaged
 * ERR_INTERRUPTED, ERR_IO
 */
bool backup_write(Feed *feed, const BackupNote *note, int fd, const BackupGo *go, Err *err) ATTR_MUST_USE;

/* A backup that is read. */
typedef struct BackupIn BackupIn;

/*
 * Read what the backup begins with. Released with the arena.
 *
 * ERR_CORRUPT  it is none, or damaged, or its head is not signed by the feed's signer
 * ERR_LIMIT    it is of a newer version
 * ERR_IO
 */
bool backup_open(Arena *arena, int fd, BackupIn **out, Err *err) ATTR_MUST_USE;

const FeedState *backup_state(const BackupIn *in); /* without `applied` and `chain` */
const BackupNote *backup_note(const BackupIn *in);

/*
 * Make the feed in the store: called `name`, and unconfirmed. Nothing is left of it when this fails.
 *
 * ERR_CONFLICT     the feed, or one of that name, is there already
 * ERR_CORRUPT      the backup is damaged or cut off
 * ERR_USAGE        the name is none
 * ERR_INTERRUPTED, ERR_IO
 */
bool backup_restore(FeedStore *store, BackupIn *in, Str name, const BackupGo *go, Err *err) ATTR_MUST_USE;

#endif
