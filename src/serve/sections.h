/* SPDX-License-Identifier: Apache-2.0 */
/* sections -- what strata.ini says about servers, the database, the service and the keys */
#ifndef SERVE_SECTIONS_H
#define SERVE_SECTIONS_H

#include "base/conf.h"

#define X CONF_FIELD
typedef struct ServerSection {
#include "serve/server.def"
} ServerSection;
typedef struct DatabaseSection {
#include "serve/database.def"
} DatabaseSection;
typedef struct PostgresqlSection {
#include "serve/postgresql.def"
} PostgresqlSection;
typedef struct CatalogSection {
#include "catalog/catalog.def"
} CatalogSection;
typedef struct DatasetSection {
#include "serve/dataset.def"
} DatasetSection;
typedef struct HttpSection {
#include "serve/http.def"
} HttpSection;
typedef struct KeysSection {
#include "serve/keys.def"
} KeysSection;
#undef X

extern const ConfSection server_section, database_section, postgresql_section, catalog_section,
    dataset_section, http_section, keys_section;

/* Every section of strata.ini there is; a part's goes into the list in sections.c. */
extern const ConfSet config_set;

#endif
