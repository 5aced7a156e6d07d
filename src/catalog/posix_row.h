/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_row -- posix facts as a row of `files`, `directories` or `links`, in the form in which COPY takes it
 *
 * Nearly every posix record is said whole by the columns of its row, and is then not kept as JSON beside it
 * (docs/decisions/records.md); catalog.posix_record() makes it of the columns again.
 */
#ifndef CATALOG_POSIX_ROW_H
#define CATALOG_POSIX_ROW_H

#include "base/buf.h"
#include "catalog/pathname.h"
#include "catalog/posix.h"

/* The columns of each table, in the order in which posix_row_put() writes them. */
#define POSIX_ROW_FILES                                                                                      \
    "files (fi_hash, fi_parent, fi_name, fi_size, fi_ctime, fi_mtime, fi_atime, fi_mode, fi_inode, fi_uid, " \
    "fi_gid, fi_user, fi_group, fi_nuid, fi_ngid, fi_nmode, fi_nlink, fi_dev, fi_btime, fi_nanos)"
#define POSIX_ROW_DIRECTORIES                                                                                     \
    "directories (di_hash, di_parent, di_name, di_ctime, di_mtime, di_atime, di_mode, di_inode, di_uid, di_gid, " \
    "di_user, di_group, di_nuid, di_ngid, di_nmode, di_nlink, di_dev, di_btime, di_nanos, di_bytes)"
#define POSIX_ROW_LINKS                                                                                     \
    "links (li_hash, li_parent, li_name, li_ctime, li_mtime, li_atime, li_inode, li_uid, li_gid, li_user, " \
    "li_group, li_intact, li_target, li_nuid, li_ngid, li_nlink, li_dev, li_btime, li_nanos, li_bytes)"

typedef struct PosixRowKey {
    const PathHash *hash, *parent; /* parent: NULL of a path without one */
    Str name;
} PosixRowKey;

/* Do the columns say all that the record of these facts, as posix_put_json() writes it, says? */
bool posix_row_is_whole(const PosixFacts *facts);

/* Is `json` the record of these facts, its members in whatever order? `scratch` is written over. */
bool posix_row_says(const PosixFacts *facts, Str json, Buf *scratch);

/* Append the row to the one of the three that is for facts->type. `whole`: it stands for the record. */
void posix_row_put(Buf *files, Buf *directories, Buf *links, const PosixRowKey *key, const PosixFacts *facts,
                   bool whole);

#endif
