/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "db/account.h"
#include "serve/instance.h"

static const char configuration[] =
    "# The configuration of this instance. `strata config show --sample` prints every key with its meaning and\n"
    "# default; `strata config check` looks for mistakes.\n"
    "\n"
    "[server local]\n"
    "dsn = embedded\n";

/* Group and others may walk through when PostgreSQL has an account of its own. */
static const struct {
    const char *name;
    mode_t mode;
} directories[] = {{"run", 0711}, {"log", 0711}, {"pg", 0711}, {"keys", 0700}};

static bool is_ours(const char *name)
{
    static const char *const others[] = {".", "..", "lost+found"};

    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT_OF(directories); i++)
        if (strcmp(name, directories[i].name) == 0)
            return true;
    return false;
}

static void close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

/* Nothing but what an interrupted instance_make() leaves. */
static bool check_empty(const char *dir, Err *err)
{
    ATTR_CLEANUP(close_dir) DIR *entries = opendir(dir);

    if (!entries)
        return err_sys(err, errno == EACCES ? ERR_DENIED : ERR_IO, "cannot open '%s'", dir);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (strcmp(entry->d_name, "strata.ini") == 0)
            return err_set(err, ERR_CONFLICT, "there is an instance at '%s' already", dir);
        if (is_ours(entry->d_name))
            continue;
        (void)err_set(err, ERR_CONFLICT, "'%s' is not empty: it holds '%s'", dir, entry->d_name);
        return err_hint(err, "name a directory that is empty or does not exist");
    }
    return true;
}

static bool make_directory(const char *path, mode_t mode, Err *err)
{
    if (os_mkdir(path, mode) == 0)
        return chmod(path, mode) == 0 || err_sys(err, ERR_IO, "cannot set the mode of '%s'", path);
    return errno == EEXIST || err_sys(err, ERR_IO, "cannot make directory '%s'", path);
}

/* A directory that PostgreSQL's account cannot get to would fail every start; better now. */
static bool check_account(const char *dir, Err *err)
{
    Account account;

    return account_find(NULL, &account, err) && account_can_enter(&account, dir, err);
}

static bool fill(const char *dir, Err *err)
{
    ARENA_SCOPE(scratch);

    for (size_t i = 0; i < COUNT_OF(directories); i++)
        if (!make_directory(str_printf(&scratch, "%s/%s", dir, directories[i].name).ptr, directories[i].mode,
                            err))
            return false;
    return os_write_file(str_printf(&scratch, "%s/strata.ini", dir).ptr, STR(configuration), 0600, err);
}

static bool make_clusters(const char *dir, const ConfSet *set, Err *err)
{
    ARENA_SCOPE(arena);
    Instance *instance;
    InstanceServer *server;

    return instance_open(&arena, dir, set, &instance, err) &&
           instance_find_server(instance, STR("local"), &server, err) && cluster_make(server->cluster, err);
}

/* Takes back what was made, so that a second try starts as the first did. */
static void undo(const char *dir, bool made)
{
    ARENA_SCOPE(scratch);

    (void)unlink(str_printf(&scratch, "%s/strata.ini", dir).ptr);
    for (size_t i = 0; made && i < COUNT_OF(directories); i++) {
        Err ignored;

        (void)!os_remove_tree(str_printf(&scratch, "%s/%s", dir, directories[i].name).ptr, &ignored);
    }
    if (made)
        (void)rmdir(dir);
}

bool instance_make(const char *dir, const ConfSet *set, Err *err)
{
    ARENA_SCOPE(scratch);
    mode_t mode = geteuid() == 0 ? 0711 : 0700;
    char *above = str_to_z(&scratch, str_dir_name(str_from_z(dir)));
    bool made;

    if (!os_make_dirs(above, 0755, err))
        return false;
    made = os_mkdir(dir, mode) == 0;
    if (!made && errno != EEXIST)
        return err_sys(err, errno == EACCES ? ERR_DENIED : ERR_IO, "cannot make directory '%s'", dir);
    if (!made && !check_empty(dir, err))
        return false;
    if (chmod(dir, mode) < 0) {
        (void)err_sys(err, ERR_DENIED, "cannot set the mode of '%s'", dir);
        return false;
    }
    if (check_account(dir, err) && fill(dir, err) && fault_pass(FAULT_instance_written, err) &&
        make_clusters(dir, set, err))
        return true;
    undo(dir, made);
    return err_wrap(err, "cannot make an instance at '%s'", dir);
}
