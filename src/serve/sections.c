/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/sections.h"

#include "base/log.h"
#include "feed/peers.h"

static const ConfKey server_keys[] = {
#define X(...) CONF_ROW(ServerSection, __VA_ARGS__)
#include "serve/server.def"
#undef X
};
static const ConfKey database_keys[] = {
#define X(...) CONF_ROW(DatabaseSection, __VA_ARGS__)
#include "serve/database.def"
#undef X
};
static const ConfKey postgresql_keys[] = {
#define X(...) CONF_ROW(PostgresqlSection, __VA_ARGS__)
#include "serve/postgresql.def"
#undef X
};
static const ConfKey catalog_keys[] = {
#define X(...) CONF_ROW(CatalogSection, __VA_ARGS__)
#include "catalog/catalog.def"
#undef X
};
static const ConfKey dataset_keys[] = {
#define X(...) CONF_ROW(DatasetSection, __VA_ARGS__)
#include "serve/dataset.def"
#undef X
};
static const ConfKey http_keys[] = {
#define X(...) CONF_ROW(HttpSection, __VA_ARGS__)
#include "serve/http.def"
#undef X
};
static const ConfKey keys_keys[] = {
#define X(...) CONF_ROW(KeysSection, __VA_ARGS__)
#include "serve/keys.def"
#undef X
};

const ConfSection server_section =
    CONF_SECTION("server", "NAME", "a PostgreSQL server", ServerSection, server_keys);
const ConfSection database_section =
    CONF_SECTION("database", NULL, "the service database", DatabaseSection, database_keys);
const ConfSection postgresql_section =
    CONF_SECTION("postgresql", NULL, "how embedded servers are run", PostgresqlSection, postgresql_keys);
const ConfSection catalog_section =
    CONF_SECTION("catalog", NULL, "the catalogue", CatalogSection, catalog_keys);
const ConfSection dataset_section =
    CONF_SECTION("dataset", "NAME", "tables spread over several servers", DatasetSection, dataset_keys);
const ConfSection http_section = CONF_SECTION("http", NULL, "the HTTP service", HttpSection, http_keys);
const ConfSection keys_section = CONF_SECTION("keys", NULL, "the key store", KeysSection, keys_keys);

static const ConfSection *const all[] = {
    &server_section, &database_section, &postgresql_section, &catalog_section, &dataset_section,
    &http_section,   &keys_section,     &peers_conf,         &log_conf,
};

const ConfSet config_set = {all, COUNT_OF(all)};
