/* SPDX-License-Identifier: Apache-2.0 */
#include "db/settings.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include "base/os.h"

#define MEGABYTES (INT64_C(1) << 20)

/* ---- the machine ---- */

/* A control group of version 2 may allow less memory than the machine has. */
static int64_t memory_limit(void)
{
    BUF_SCOPE(text);
    Err ignored;
    int64_t limit;
    enum { NUMBER_BYTES = 100 };

    if (!os_read_file("/sys/fs/cgroup/memory.max", NUMBER_BYTES, &text, &ignored) ||
        !str_to_int64(str_trim(buf_str(&text)), &limit))
        return INT64_MAX;
    return limit;
}

static int64_t disk_bytes(const char *path, bool free_only)
{
    struct statvfs disk;

    if (statvfs(path, &disk) < 0)
        return 0;
    return (int64_t)(free_only ? disk.f_bavail : disk.f_blocks) * (int64_t)disk.f_frsize;
}

Machine settings_machine(const char *data)
{
    int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), limit = memory_limit();

    return (Machine){.memory = memory < limit ? memory : limit,
                     .disk = disk_bytes(data, true),
                     .shm = disk_bytes("/dev/shm", false),
                     .processors = (int)sysconf(_SC_NPROCESSORS_ONLN)};
}

/* ---- what depends on it ---- */

/*
 * In megabytes, by memory. A cluster shares the machine with the service, with other clusters and with the
 * kernel's cache of the files that are catalogued, so it takes an eighth where dedicated servers take a quarter.
 */
static const struct {
    int64_t memory, shared_buffers, cache, work, maintenance, wal;
    int connections;
} sizes[] = {
    {65536, 8192, 32768, 64, 2048, 16384, 200},
    {32768, 4096, 16384, 48, 1024, 8192, 200},
    {16384, 2048, 8192, 32, 1024, 8192, 150},
    {8192, 1024, 4096, 16, 512, 4096, 100},
    {4096, 512, 2048, 8, 256, 2048, 100},
    {2048, 256, 1024, 8, 128, 1024, 60},
    {0, 128, 256, 4, 64, 512, 40},
};

/* Memory sizes are a little below their names ("16 GB" has 15.6), so a row counts from 7/8 of its number. */
static size_t size_row(int64_t memory)
{
    size_t row = 0;

    while (sizes[row].memory * MEGABYTES / 8 * 7 > memory)
        row++;
    return row;
}

/* Write-ahead log may take at most an eighth of what is free, but needs room to turn over. */
static int64_t wal_megabytes(int64_t wanted, int64_t disk)
{
    enum { LEAST = 128 };
    int64_t most = disk / 8 / MEGABYTES;

    if (wanted > most)
        wanted = most;
    return wanted < LEAST ? LEAST : wanted;
}

static void put_sizes(Buf *out, const Machine *machine)
{
    size_t row = size_row(machine->memory);
    int64_t wal = wal_megabytes(sizes[row].wal, machine->disk);

    buf_printf(out, "shared_buffers = %lldMB\n", (long long)sizes[row].shared_buffers);
    buf_printf(out, "effective_cache_size = %lldMB\n", (long long)sizes[row].cache);
    buf_printf(out, "work_mem = %lldMB\n", (long long)sizes[row].work);
    buf_printf(out, "maintenance_work_mem = %lldMB\n", (long long)sizes[row].maintenance);
    buf_printf(out, "max_connections = %d\n", sizes[row].connections);
    buf_printf(out, "max_wal_size = %lldMB\n", (long long)wal);
    buf_printf(out, "min_wal_size = %lldMB\n", (long long)(wal / 4 < 80 ? 80 : wal / 4));
    buf_printf(out, "max_worker_processes = %d\n", machine->processors + 8);
    buf_printf(out, "max_parallel_workers = %d\n", machine->processors);
    buf_printf(out, "max_parallel_workers_per_gather = %d\n",
               machine->processors < 4 ? machine->processors / 2 : machine->processors / 4 + 1);
}

/* Containers often have 64 MB there, which one parallel hash join fills. */
static void put_shared_memory(Buf *out, const Machine *machine)
{
    enum { ENOUGH = 512 };

    buf_printf(out, "dynamic_shared_memory_type = %s\n",
               machine->shm < ENOUGH * MEGABYTES ? "sysv" : "posix");
}

/* ---- what does not ---- */

static const char fixed[] = "listen_addresses = ''\n"
                            "port = 5432\n"
                            "unix_socket_permissions = 0700\n"
                            "wal_level = replica\n"
                            "max_prepared_transactions = 64\n" /* changes to all servers of a dataset */
                            "wal_compression = lz4\n"
                            "default_toast_compression = lz4\n"
                            "checkpoint_timeout = 15min\n"
                            "jit = off\n" /* its start costs more than our short queries gain */
                            "random_page_cost = 1.1\n"
                            "autovacuum_naptime = 20s\n"
                            "autovacuum_vacuum_scale_factor = 0.05\n"
                            "autovacuum_analyze_scale_factor = 0.05\n"
                            "timezone = 'UTC'\n"
                            "log_timezone = 'UTC'\n"
                            "datestyle = 'iso, ymd'\n"
                            "intervalstyle = iso_8601\n"
                            "lc_messages = 'C.UTF-8'\n"
                            "lc_monetary = 'C.UTF-8'\n"
                            "lc_numeric = 'C.UTF-8'\n"
                            "lc_time = 'C.UTF-8'\n"
                            "default_text_search_config = 'pg_catalog.simple'\n"
                            "log_line_prefix = '%m [%p] %q%u@%d '\n"
                            "log_checkpoints = off\n"
                            "logging_collector = on\n"
                            "log_rotation_age = 1d\n"
                            "log_rotation_size = 0\n"
                            "log_truncate_on_rotation = on\n";

static const char unsafe[] = "fsync = off\n"
                             "synchronous_commit = off\n"
                             "full_page_writes = off\n"
                             "shared_buffers = 128MB\n"
                             "max_wal_size = 1GB\n"
                             "min_wal_size = 80MB\n";

/* A value of a setting in single quotes, as guc-file.l reads them. */
static void put_quoted(Buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s = '", name);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_put_byte(out, '\\');
        buf_put_byte(out, *value);
    }
    buf_put_z(out, "'\n");
}

void settings_put_conf(Buf *out, const Machine *machine, const SettingsPlace *place)
{
    ARENA_SCOPE(scratch);

    buf_put_z(out,
              "# Written by strata at every start. Your own settings go into ../local.conf, read last.\n");
    buf_put_z(out, fixed);
    put_sizes(out, machine);
    put_shared_memory(out, machine);
    put_quoted(out, "unix_socket_directories", place->socket_dir);
    put_quoted(out, "log_directory", place->log_dir);
    put_quoted(out, "log_filename", str_printf(&scratch, "%s-%%a.log", place->log_name).ptr);
    if (place->scratch)
        buf_put_z(out, unsafe);
    buf_put_z(out, "include_if_exists = '../local.conf'\n");
}

Str settings_hba(void)
{
    return STR("# Written by strata. Who may open the directory of the socket (mode 0700) may connect.\n"
               "local all all trust\n"
               "local replication all trust\n");
}
