/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

#include "catalog_schema.h"
#include "db/migrate.h"

bool catalog_migrate(Db *db, Err *err)
{
    return migrate_run(db, "catalog", scripts_catalog, COUNT_OF(scripts_catalog), NULL, err);
}
