/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog.h"

#include <stdlib.h>
#include <unistd.h>

#include "catalog/pathname.h"
#include "serve/instance.h"

bool catalog_open(const Call *call, CatalogCall *out, Err *err)
{
    Instance *instance;

    return instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) &&
           instance_connect(instance, call->arena, INSTANCE_OWNER, &out->db, err) &&
           instance_database_dsn(instance, call->arena, INSTANCE_OWNER, &out->dsn, err);
}

bool catalog_path(const Call *call, Str given, Str *out, Err *err)
{
    Str path = given;

    if (given.len && given.ptr[0] != '/') {
        char *here = getcwd(NULL, 0);

        if (!here)
            return err_sys(err, ERR_USAGE, "cannot tell the current directory");
        path = str_printf(call->arena, "%s/%.*s", here, STR_ARG(given));
        free(here);
    }
    if (!pathname_normalise(call->arena, path, &path, err))
        return false;
    *out = pathname_escape(call->arena, path);
    return true;
}
