/* SPDX-License-Identifier: Apache-2.0 */
/* Backups for include/strata.h. */
#include <string.h>

#include "api/api.h"
#include "feed/backup.h"

bool strata_feed_backup(strata_feed *feed, int fd, strata_error *error)
{
    ARENA_SCOPE(scratch);
    StoreFeed about;
    Err err = {0};

    if (!store_about(feed->store->feeds, &scratch, feed_state(feed->feed)->identity.key, &about, &err))
        return api_fail(&err, error);
    BackupNote note = {.name = about.about.name,
                       .created = about.about.created,
                       .encrypted = reading_state(feed->store->keys, &about.about).encrypted};
    return backup_write(feed->feed, &note, fd, NULL, &err) || api_fail(&err, error);
}

/* One whose signer is here is appended to here. */
static bool note_own(strata_store *store, const FeedIdentity *identity, Err *err)
{
    ARENA_SCOPE(scratch);
    KeystoreKey key;
    Err ignored = {0};

    return identity->anonymous || !keystore_info(store->keys, &scratch, identity->signer, &key, &ignored) ||
           !key.own || store_own(store->feeds, identity->key, err);
}

bool strata_restore(strata_store *store, int fd, const char *name, unsigned char key[STRATA_KEY_BYTES],
                    strata_error *error)
{
    ARENA_SCOPE(scratch);
    BackupIn *in;
    Err err = {0};

    if (!backup_open(&scratch, fd, &in, &err) ||
        !backup_restore(store->feeds, in, name ? str_from_z(name) : backup_note(in)->name, NULL, &err))
        return api_fail(&err, error);
    const FeedIdentity *identity = &backup_state(in)->identity;
    if (!note_own(store, identity, &err) || !reading_note(store->feeds, store->keys, identity->key, &err))
        return api_fail(&err, error);
    memcpy(key, identity->key, FEED_KEY_BYTES);
    return true;
}
