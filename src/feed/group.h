/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/group -- one feed that many threads append to, with one commit and one sync for all that wait at the same time
 *
 *     group = group_new(feed, &pair, NULL);
 *     group_append(group, blocks, count, &first, err);      any thread, any number at once
 *     group_free(group);
 *
 * Whoever comes while nobody is writing writes for all that wait; the others sleep. So a durable append costs a sync only where it
 * is alone. The feed is the group's alone until group_free().
 */
#ifndef FEED_GROUP_H
#define FEED_GROUP_H

#include "feed/reading.h"

typedef struct Group Group;

enum { GROUP_BYTES_MAX = 8 * 1024 * 1024 /* of one commit, but for an append that is larger alone */ };

/* The pair is the signer's; it is copied. `reading`: what the blocks go through, the group's alone as well; NULL: nothing. */
Group *group_new(Feed *feed, const SignPair *pair, Reading *reading);
void group_free(Group *group);

/*
 * Append durably: all of these blocks one after another, or none. *first: the number of the first one.
 *
 * ERR_LIMIT, ERR_IO, ERR_CONFLICT, ERR_USAGE, ERR_DENIED: as reading_append(). An append that is wrong by itself does not harm the others.
 */
bool group_append(Group *group, const Str *blocks, size_t count, uint64_t *first, Err *err) ATTR_MUST_USE;

#endif
