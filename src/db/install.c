/* SPDX-License-Identifier: Apache-2.0 */
#include "db/install.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "db/account.h"

enum { VERSION_MAX = 99 };

static bool has_programs(Arena *arena, const char *bin)
{
    return access(str_printf(arena, "%s/initdb", bin).ptr, X_OK) == 0 &&
           access(str_printf(arena, "%s/postgres", bin).ptr, X_OK) == 0;
}

/* "postgres (PostgreSQL) 15.18 (Debian ...)" -> 15; 0 when it does not say so. */
static int version_in(Str said)
{
    Str head, number;
    int64_t version;

    for (Str rest = said; rest.len > 0;) {
        rest = str_cut(rest, ' ', &head);
        (void)str_cut(head, '.', &number);
        if (str_to_int64(number, &version))
            return (int)version;
    }
    return 0;
}

/* Asks the program itself, as the account that may be lifted from root: nothing here needs to be root. */
static bool ask_version(Arena *arena, const char *bin, int *out, Err *err)
{
    BUF_SCOPE(said);
    Account account;
    const char *program = str_printf(arena, "%s/postgres", bin).ptr;

    if (!account_find(NULL, &account, err) ||
        !account_run(&account, (const char *const[]){program, "--version", NULL}, &said, err))
        return false;
    *out = version_in(buf_str(&said));
    return true;
}

static bool has_postgis(Arena *arena, int version)
{
    return access(str_printf(arena, "/usr/share/postgresql/%d/extension/postgis.control", version).ptr,
                  R_OK) == 0;
}

/* Debian keeps every major version in a directory of its own. */
static bool find_in_debian(Arena *arena, int wanted, Install *out)
{
    Install best = {0};
    bool best_postgis = false;

    for (int version = VERSION_MAX; version >= INSTALL_VERSION_MIN; version--) {
        const char *bin = str_printf(arena, "/usr/lib/postgresql/%d/bin", version).ptr;

        if ((wanted && wanted != version) || !has_programs(arena, bin))
            continue;
        bool postgis = has_postgis(arena, version);
        if (!best.bin || (postgis && !best_postgis)) {
            best = (Install){bin, version};
            best_postgis = postgis;
        }
    }
    if (best.bin)
        *out = best;
    return best.bin != NULL;
}

static const char *ask_pg_config(Arena *arena)
{
    BUF_SCOPE(said);
    Account account;
    Err ignored;
    const char *const argv[] = {"/usr/bin/pg_config", "--bindir", NULL};

    if (access(argv[0], X_OK) < 0 || !account_find(NULL, &account, &ignored) ||
        !account_run(&account, argv, &said, &ignored))
        return NULL;
    return str_to_z(arena, str_trim(buf_str(&said)));
}

static bool not_installed(int wanted, Err *err)
{
    if (wanted) {
        (void)err_set(err, ERR_CONFIG, "the cluster is of PostgreSQL %d, which is not installed", wanted);
        return err_hint(err, "apt-get install postgresql-%d postgresql-%d-postgis-3", wanted, wanted);
    }
    (void)err_set(err, ERR_CONFIG, "PostgreSQL's programs (initdb, postgres) are not installed");
    return err_hint(err, "apt-get install postgresql-15 postgresql-15-postgis-3");
}

bool install_find(Arena *arena, const char *bin, int version, Install *out, Err *err)
{
    Install found = {.bin = bin};

    if (!bin && find_in_debian(arena, version, out))
        return true;
    if (!bin)
        found.bin = ask_pg_config(arena);
    if (!found.bin || !has_programs(arena, found.bin)) {
        if (bin)
            return err_set(err, ERR_CONFIG, "'%s' does not hold PostgreSQL's programs", bin);
        return not_installed(version, err);
    }
    if (!ask_version(arena, found.bin, &found.version, err))
        return false;
    if (version && found.version != version)
        return not_installed(version, err);
    if (found.version < INSTALL_VERSION_MIN)
        return err_set(err, ERR_CONFIG, "PostgreSQL %d in '%s' is older than %d", found.version, found.bin,
                       INSTALL_VERSION_MIN);
    *out = found;
    return true;
}
