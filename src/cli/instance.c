/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static bool home_instance(Arena *arena, Str *out, Err *err)
{
    const struct passwd *user = getpwuid(geteuid());
    const char *home = getenv("HOME");

    if (geteuid() == 0) {
        *out = STR("/var/lib/strata");
        return true;
    }
    if (!home || home[0] != '/')
        home = user ? user->pw_dir : NULL;
    if (!home) {
        (void)err_set(err, ERR_USAGE, "there is no home directory to look for an instance in");
        return err_hint(err, "name the instance with -C DIR or STRATA_DIR");
    }
    *out = str_printf(arena, "%s/.local/share/strata", home);
    return true;
}

static Str without_last_slashes(Str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

bool instance_dir(Str given, Arena *arena, Str *out, Err *err)
{
    char here[PATH_MAX];

    if (given.len == 0)
        given = str_from_z(getenv("STRATA_DIR"));
    if (given.len == 0)
        return home_instance(arena, out, err);
    given = without_last_slashes(given);
    if (given.ptr[0] == '/') {
        *out = str_copy(arena, given);
        return true;
    }
    if (!getcwd(here, sizeof here))
        return err_sys(err, ERR_USAGE, "cannot name the current directory");
    *out = str_printf(arena, "%s/%.*s", here, STR_ARG(given));
    return true;
}
