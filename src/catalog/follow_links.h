/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow_links -- which links may lead somewhere else, or nowhere, since some names came or went
 *
 * A link tells nothing when its target appears or vanishes. So names that did are gathered, and the links
 * whose targets go through one of them are asked for; and so on with the names of those that changed.
 */
#ifndef CATALOG_FOLLOW_LINKS_H
#define CATALOG_FOLLOW_LINKS_H

#include "base/map.h"
#include "catalog/pathname.h"
#include "db/db.h"

typedef struct FollowLinks {
    Arena *arena;
    PathHash root;
    bool everywhere; /* the root is / */
    Map seen;        /* names that were asked for, or will be */
    Buf names;       /* text[] of those still to be asked for, without its end */
    Buf dirs;        /* uuid[], likewise */
} FollowLinks;

void follow_links_init(FollowLinks *links, Arena *arena, Str root);
void follow_links_release(FollowLinks *links);

/* What is called `path` (text) came or went. */
void follow_links_name(FollowLinks *links, Str path);
/* Directory `path` (text) is at another place: what is relative below may lead elsewhere. */
void follow_links_moved(FollowLinks *links, Str path);

/* Ask for links by all that was told since the last time: rows of path (text), intact. NULL: nothing to ask. ERR_DB. */
bool follow_links_ask(FollowLinks *links, Db *db, DbRows *out, Err *err) ATTR_MUST_USE;

#endif
