/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes, because what decodes files (HDF5 above all) does one thing at a time in one. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "dataset/import_inside.h"
#include "place/filling.h"

#define LOOK_EVERY MILLISECONDS(100)
enum { SEND_BYTES = 256 * 1024 };

/* What all processes see. */
typedef struct Shared {
    atomic_llong rows; /* sent */
    atomic_bool stop;
    struct {
        bool failed;
        Err why;
    } workers[IMPORT_WORKERS_MAX];
    atomic_bool taken[]; /* of the missing tables: somebody has begun it */
} Shared;

typedef struct Worker {
    Importing *importing;
    Shared *shared;
    size_t number, count; /* of this process, among so many */
    Place *place;         /* its own */
    FillingPlan plan;
} Worker;

/* One table on its way. */
typedef struct Loading {
    Worker *worker;
    const PlanTable *table;
    const TableFound *found;
    Filling *fillings; /* one for each copy; those that are whole already are not begun */
    size_t begun;
} Loading;

static bool server_of(const Loading *loading, Str name, size_t *out, Err *err)
{
    const PlaceSpec *spec = place_spec(loading->worker->place);

    return place_find(spec, name, out) ||
           err_set(err, ERR_CONFIG, "it has a copy on '%.*s', which [dataset %s] does not list",
                   STR_ARG(name), spec->dataset);
}

static bool begin_copy(Loading *loading, size_t copy, Err *err)
{
    size_t server;
    int64_t rows;
    Db *db;

    if (!server_of(loading, loading->found->servers[copy], &server, err) ||
        !place_server(loading->worker->place, server, &db, err) ||
        !filling_rows(db, loading->table->name, &rows, err))
        return false;
    if (rows >= 0)
        return true;
    if (!filling_begin(&loading->fillings[copy], db, &loading->worker->plan, err))
        return err_wrap(err, "server '%.*s'", STR_ARG(loading->found->servers[copy]));
    loading->begun++;
    return true;
}

static bool begin_copies(Loading *loading, Err *err)
{
    loading->worker->plan.table = loading->table->name;
    for (size_t i = 0; i < loading->found->servers_count; i++)
        if (!begin_copy(loading, i, err))
            return false;
    return true;
}

static bool stopped(const Worker *worker, Err *err)
{
    const atomic_bool *stop = worker->importing->import->stop;

    return ((stop && atomic_load(stop)) || atomic_load(&worker->shared->stop)) &&
           !err_set(err, ERR_INTERRUPTED, "interrupted; the next import of these files goes on");
}

/* The same bytes to all copies that miss them. */
static bool send_block(Loading *loading, Str rows, Err *err)
{
    for (size_t i = 0; i < loading->found->servers_count; i++)
        if (loading->fillings[i].db && !filling_put(&loading->fillings[i], rows, err))
            return err_wrap(err, "server '%.*s'", STR_ARG(loading->found->servers[i]));
    return true;
}

static bool send_run(Loading *loading, const PlanRun *run, Buf *block, Err *err)
{
    Worker *worker = loading->worker;
    int64_t left = run->count, first = run->first, count;

    for (; left > 0; left -= count, first += count) {
        count = left < SOURCE_BLOCK ? left : SOURCE_BLOCK;
        if (stopped(worker, err) ||
            !source_put(worker->importing->import->sources[run->source], first, count, block, err))
            return false;
        if (block->len >= SEND_BYTES) {
            if (!send_block(loading, buf_str(block), err))
                return false;
            buf_reset(block);
        }
        atomic_fetch_add(&worker->shared->rows, count);
    }
    return true;
}

static bool send_rows(Loading *loading, Err *err)
{
    BUF_SCOPE(block);

    if (loading->begun == 0)
        return true;
    for (size_t i = 0; i < loading->table->runs_count; i++)
        if (!send_run(loading, &loading->table->runs[i], &block, err))
            return false;
    return block.len == 0 || send_block(loading, buf_str(&block), err);
}

static bool end_copies(Loading *loading, Err *err)
{
    for (size_t i = 0; i < loading->found->servers_count; i++)
        if (loading->fillings[i].db &&
            (!filling_end(&loading->fillings[i], loading->table->extent.rows, err) ||
             !fault_pass(FAULT_dataset_copy_filled, err)))
            return err_wrap(err, "server '%.*s'", STR_ARG(loading->found->servers[i]));
    return true;
}

/* Where the rows of a table stand, for somebody who looks for the wrong one. */
static bool at_table(const Loading *loading, Err *err)
{
    const PlanTable *table = loading->table;
    const PlanRun *run = &table->runs[0];
    const char *path = loading->worker->importing->import->sources[run->source]->path;

    if (table->runs_count > 1)
        return err_wrap(err, "cannot import table '%.*s', of '%s'%s", STR_ARG(table->name), path,
                        table->runs[table->runs_count - 1].source != run->source ? " and others" : "");
    return err_wrap(err, "cannot import rows %lld to %lld of '%s' into '%.*s'", (long long)run->first + 1,
                    (long long)run->first + run->count, path, STR_ARG(table->name));
}

static bool load_table(Worker *worker, size_t number, Err *err)
{
    ARENA_SCOPE(scratch);
    Loading loading = {.worker = worker,
                       .table = &worker->importing->plan.tables[number],
                       .found = &worker->importing->found[number]};

    loading.fillings = arena_new(&scratch, Filling, loading.found->servers_count + 1);
    bool ok = begin_copies(&loading, err) && send_rows(&loading, err) && end_copies(&loading, err);
    for (size_t i = 0; i < loading.found->servers_count; i++)
        filling_undo(&loading.fillings[i]);
    return ok || (err->code == ERR_INTERRUPTED ? false : at_table(&loading, err));
}

/* ---- a process ---- */

static void make_plan(Worker *worker, Arena *arena)
{
    const Import *import = worker->importing->import;
    const Columns *from = &import->sources[0]->columns;
    TableColumn *columns = arena_new(arena, TableColumn, from->count);

    for (size_t i = 0; i < from->count; i++)
        columns[i] = (TableColumn){from->items[i].name, from->items[i].type};
    worker->plan = (FillingPlan){.columns = columns,
                                 .columns_count = from->count,
                                 .binary = import->sources[0]->kind->binary,
                                 .primary = import->primary,
                                 .indexes = import->indexes,
                                 .indexes_count = import->indexes_count};
}

/*
 * Tables go round the servers, so every `count`th one is often on the same server, and a process that takes these has few connections
 * to make. When there are none left it takes what others have not begun.
 */
static bool take_table(Worker *worker, size_t *out)
{
    size_t tables = worker->importing->missing_count;

    for (int own = 1; own >= 0; own--)
        for (size_t i = own ? worker->number : 0; i < tables; i += own ? worker->count : 1)
            if (!atomic_exchange(&worker->shared->taken[i], true)) {
                *out = worker->importing->missing[i];
                return true;
            }
    return false;
}

static bool work(Worker *worker, Err *err)
{
    ARENA_SCOPE(arena);
    size_t table;

    if (!worker->place)
        worker->place = place_new(&arena, place_spec(worker->importing->import->place));
    make_plan(worker, &arena);
    while (take_table(worker, &table))
        if (stopped(worker, err) || !load_table(worker, table, err))
            return false;
    return true;
}

/* Ends with _exit: what the parent opened is the parent's to close. */
static _Noreturn void be_worker(Importing *importing, Shared *shared, size_t number, size_t count,
                                pid_t parent)
{
    Worker worker = {.importing = importing, .shared = shared, .number = number, .count = count};
    Err err = {0};
    bool ok = true;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    for (size_t i = 0; ok && i < importing->import->sources_count; i++)
        ok = source_reopen(importing->import->sources[i], &err);
    if (!ok || !work(&worker, &err)) {
        shared->workers[number].why = err;
        shared->workers[number].failed = true;
        atomic_store(&shared->stop, true);
        _exit(1);
    }
    _exit(0);
}

/* ---- the processes ---- */

static void show_progress(Importing *importing, const Shared *shared, int64_t *shown)
{
    int64_t rows = atomic_load(&shared->rows);

    progress_add(importing->import->progress, rows - *shown);
    *shown = rows;
}

/* The pipe has its other end in every process: it is closed when all are gone. */
static void wait_for_all(Importing *importing, const Shared *shared, int end)
{
    struct pollfd gone = {.fd = end, .events = POLLIN};
    int64_t shown = 0;

    while (poll(&gone, 1, (int)(LOOK_EVERY / MILLISECONDS(1))) <= 0)
        show_progress(importing, shared, &shown);
    show_progress(importing, shared, &shown);
}

static bool start(Importing *importing, Shared *shared, size_t number, size_t count, pid_t *out, Err *err)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0)
        be_worker(importing, shared, number, count, parent);
    if (pid < 0) {
        atomic_store(&shared->stop, true);
        return err_sys(err, ERR_IO, "cannot make a process");
    }
    *out = pid;
    return true;
}

/* The first that failed of itself, and not because others did. */
static bool judge(const Shared *shared, size_t workers, const int *states, Err *err)
{
    const Err *interrupted = NULL;

    for (size_t i = 0; i < workers; i++) {
        if (shared->workers[i].failed && shared->workers[i].why.code != ERR_INTERRUPTED) {
            *err = shared->workers[i].why;
            return false;
        }
        if (shared->workers[i].failed)
            interrupted = &shared->workers[i].why;
        else if (states[i] != 0)
            return err_set(err, ERR_IO,
                           "a process of the import was ended by signal %d; the next import goes on",
                           WIFSIGNALED(states[i]) ? WTERMSIG(states[i]) : 0);
    }
    if (interrupted)
        *err = *interrupted;
    return !interrupted;
}

static bool run_processes(Importing *importing, Shared *shared, size_t workers, Err *err)
{
    int ends[2], states[IMPORT_WORKERS_MAX] = {0};
    pid_t pids[IMPORT_WORKERS_MAX];
    size_t started = 0;
    bool ok = true;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(err, ERR_IO, "cannot make a pipe");
    while (ok && started < workers) {
        ok = start(importing, shared, started, workers, &pids[started], err);
        started += ok;
    }
    os_close(&ends[1]);
    wait_for_all(importing, shared, ends[0]);
    os_close(&ends[0]);
    for (size_t i = 0; i < started; i++)
        while (waitpid(pids[i], &states[i], 0) < 0 && errno == EINTR)
            continue;
    return ok && judge(shared, started, states, err);
}

bool import_fill(Importing *importing, Err *err)
{
    size_t workers = importing->import->workers;
    size_t bytes = sizeof(Shared) + importing->missing_count * sizeof(atomic_bool);
    Shared *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ok;

    if (shared == MAP_FAILED)
        return err_sys(err, ERR_IO, "cannot make memory for processes");
    workers = workers > importing->missing_count ? importing->missing_count : workers;
    if (workers > 1)
        ok = run_processes(importing, shared, workers, err);
    else {
        Worker worker = {
            .importing = importing, .shared = shared, .count = 1, .place = importing->import->place};
        int64_t shown = 0;

        ok = work(&worker, err);
        show_progress(importing, shared, &shown);
    }
    (void)munmap(shared, bytes);
    return ok;
}
