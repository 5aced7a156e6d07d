/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster has on disk: its directories, locks and settings, and how initdb fills it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "db/cluster_inside.h"
#include "db/settings.h"

int cluster_disk_version(const char *data)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(text);
    Err ignored;
    int64_t version = 0;
    enum { NUMBER_BYTES = 20 };

    if (!os_read_file(str_printf(&scratch, "%s/PG_VERSION", data).ptr, NUMBER_BYTES, &text, &ignored) ||
        !str_to_int64(str_trim(buf_str(&text)), &version))
        return 0;
    return (int)version;
}

bool cluster_disk_lock(const char *path, int flags, int *out, Err *err)
{
    FD_SCOPE(fd);

    fd = os_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(err, errno == EACCES ? ERR_DENIED : ERR_IO, "cannot open '%s'", path);
    while (flock(fd, LOCK_EX | flags) < 0)
        if (errno != EINTR)
            return err_sys(err, ERR_BUSY, "cannot lock '%s'", path);
    *out = fd;
    fd = -1;
    return true;
}

/* ---- directories ---- */

/* Makes a directory that is the account's alone. One that is there and somebody else's is refused: in /tmp
 * anybody could have put it there to listen in our place. */
static bool own_dir(const Cluster *cluster, const char *path, Err *err)
{
    struct stat st;
    bool made = os_mkdir(path, 0700) == 0;

    if (!made && errno != EEXIST)
        return err_sys(err, ERR_IO, "cannot make directory '%s'", path);
    if (made && cluster->account.change && lchown(path, cluster->account.uid, cluster->account.gid) < 0)
        return err_sys(err, ERR_IO, "cannot give '%s' to '%s'", path, cluster->account.name);
    if (lstat(path, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != cluster->account.uid || (st.st_mode & 077) != 0) {
        (void)err_set(err, ERR_DENIED, "'%s' is not a directory that belongs to '%s' alone", path,
                      cluster->account.name);
        return err_hint(err,
                        "was this instance made by another user? use that one, or make another instance");
    }
    return true;
}

/* Makes what is above a directory so that the account can get there. */
static bool make_above(const char *path, Err *err)
{
    ARENA_SCOPE(scratch);
    char *above = str_to_z(&scratch, str_dir_name(str_from_z(path)));

    return os_make_dirs(above, geteuid() == 0 ? 0711 : 0700, err);
}

static bool make_dirs(const Cluster *cluster, Err *err)
{
    const char *dirs[] = {cluster->dir, cluster->log_dir, cluster->socket_dir};

    for (size_t i = 0; i < COUNT_OF(dirs); i++)
        if (!make_above(dirs[i], err) || !own_dir(cluster, dirs[i], err) ||
            !account_can_enter(&cluster->account, dirs[i], err))
            return false;
    return true;
}

/* ---- making ---- */

bool cluster_disk_configure(const Cluster *cluster, const char *data, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(conf);
    Machine machine = settings_machine(cluster->dir);
    SettingsPlace place = {cluster->socket_dir, cluster->log_dir, cluster->name, cluster->scratch};

    settings_put_conf(&conf, &machine, &place);
    return os_write_file(str_printf(&scratch, "%s/postgresql.conf", data).ptr, buf_str(&conf), 0644, err) &&
           os_write_file(str_printf(&scratch, "%s/pg_hba.conf", data).ptr, settings_hba(), 0644, err);
}

static bool run_initdb(const Cluster *cluster, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(said);
    const char *program = str_printf(&scratch, "%s/initdb", cluster->install.bin).ptr;
    const char *data = cluster->data_new;
    const char *const make[] = {program,
                                "-D",
                                data,
                                "--username=postgres",
                                "--locale=C.UTF-8",
                                "--lc-collate=C", /* the same order, compared as bytes */
                                "--auth=trust",
                                "--no-sync",
                                "--encoding=UTF8",
                                "--no-instructions",
                                "--data-checksums",
                                NULL};
    const char *const sync[] = {program, "-D", data, "--sync-only", NULL};

    return account_run(&cluster->account, make, &said, err) && fault_pass(FAULT_cluster_made, err) &&
           cluster_disk_configure(cluster, data, err) &&
           (cluster->scratch || account_run(&cluster->account, sync, &said, err));
}

/* With the lock held. */
static bool make(const Cluster *cluster, Err *err)
{
    if (cluster_disk_version(cluster->data) != 0)
        return true;
    if (!os_remove_tree(cluster->data_new, err))
        return false;
    if (!run_initdb(cluster, err))
        return err_wrap(err, "cannot make the cluster '%s'", cluster->name);
    if (os_rename(cluster->data_new, cluster->data) < 0)
        return err_sys(err, ERR_IO, "cannot rename '%s' to '%s'", cluster->data_new, cluster->data);
    return os_sync_dir(cluster->dir, err);
}

bool cluster_disk_make(const Cluster *cluster, int *lock, Err *err)
{
    return make_above(cluster->dir, err) && cluster_disk_lock(cluster->lock, 0, lock, err) &&
           make_dirs(cluster, err) && make(cluster, err);
}
