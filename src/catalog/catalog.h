/* SPDX-License-Identifier: Apache-2.0 */
/* catalog -- the part as a whole: bringing its database up to this program */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "db/db.h"

/* Apply the catalogue's migrations; as migrate_run(), which see for errors. Connected as the owner role. */
bool catalog_migrate(Db *db, Err *err) ATTR_MUST_USE;

#endif
