/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a dataset: at once for who waits for them, or by a job. */
#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#include "base/os.h"
#include "serve/dataset_routes.h"
#include "serve/datasets.h"

enum { PIECE = 256 * 1024 };

static const char *type_of(RowFormatName format)
{
    static const char *const types[] = {
        [ROWS_CSV] = "text/csv; charset=utf-8",     [ROWS_JSONL] = "application/x-ndjson",
        [ROWS_BINARY] = "application/octet-stream", [ROWS_FITS] = "application/fits",
        [ROWS_HDF5] = "application/x-hdf5",         [ROWS_VOTABLE] = "application/x-votable+xml",
    };

    return types[format];
}

/* All of a file, in pieces, as fast as the client takes them. */
static bool send_file(Reply *reply, int fd, RowFormatName format, Err *err)
{
    size_t got = 1;

    reply->type = type_of(format);
    reply->cache = "no-store";
    reply->etag = STR("rows");
    for (off_t at = 0; got > 0; at += (off_t)got) {
        if (!os_pread_all(fd, buf_reserve(&reply->body, PIECE), PIECE, at, &got, err))
            return false;
        reply->body.len += got;
        if (!reply_flush(reply, err))
            return false;
    }
    return true;
}

/* ---- rows at once ---- */

static bool is_wanted(void *request, Err *err)
{
    return request_wanted(request, err);
}

static Mapping choose(const Request *request, const Mapping *all)
{
    Mapping out = {.tables = arena_new(request->arena, MappingTable, all->count + 1)};
    const char *pattern =
        arg_given(request, "tables") ? str_to_z(request->arena, arg_text(request, "tables")) : "*";

    for (size_t i = 0; i < all->count; i++)
        if (fnmatch(pattern, str_to_z(request->arena, all->tables[i].name), 0) == 0)
            out.tables[out.count++] = all->tables[i];
    return out;
}

/*
 * Rows are sent when all are there, so that what goes wrong is told as an error and not by an answer that ends early: they wait in a file
 * without a name.
 */
static bool query(Request *request, Reply *reply, Err *err)
{
    const DatasetService *service = request->context;
    const char *dir = instance_below(service->instance, request->arena, STR("jobs"));
    const char *path = str_printf(request->arena, "%s/query-%p", dir, (void *)request).ptr;
    FD_SCOPE(fd);
    Dataset dataset;
    Extracted done;
    Place *place;

    if (!datasets_find(service->instance, request->arena, arg_text(request, "dataset"), &dataset, err) ||
        !place_open(request->arena, &dataset.spec, &place, err))
        return false;
    Mapping mapping = choose(request, place_mapping(place));
    fd = os_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make a file in '%s'", dir);
    Extract extract = {
        .gather = {.spec = &dataset.spec, .spool = dir, .wanted = is_wanted, .wanted_ctx = request},
        .mapping = &mapping,
        .sql = arg_text(request, "sql"),
        .format = (RowFormatName)arg_number(request, "format"),
        .ordered = arg_number(request, "order") != 0,
        .fd = fd};
    bool ok = extract_run(&extract, request->arena, &done, err);
    (void)os_unlink(path);
    return ok && send_file(reply, fd, extract.format, err);
}

/* ---- jobs ---- */

static void put_job(JsonOut *out, const JobView *job)
{
    json_begin(out, '{');
    job_put_fields(out, job);
    json_end(out, '}');
}

static bool show(const Request *request, Reply *reply, int64_t id, Err *err)
{
    const DatasetService *service = request->context;
    JobView job;

    if (!jobs_get(service->jobs, request->arena, arg_text(request, "dataset"), id, &job, err))
        return false;
    JsonOut out = reply_json(reply);
    put_job(&out, &job);
    return true;
}

static bool add_job(Request *request, Reply *reply, Err *err)
{
    const DatasetService *service = request->context;
    JobOrder order = {.dataset = arg_text(request, "dataset"),
                      .user = request->user.name,
                      .sql = arg_text(request, "sql"),
                      .tables = arg_given(request, "tables") ? arg_text(request, "tables") : (Str){0},
                      .key = arg_given(request, "key") ? arg_text(request, "key") : (Str){0},
                      .range_rows = arg_number(request, "range_rows"),
                      .format = (RowFormatName)arg_number(request, "format")};
    int64_t id;

    return jobs_add(service->jobs, &order, &id, err) && show(request, reply, id, err);
}

static bool show_job(Request *request, Reply *reply, Err *err)
{
    return show(request, reply, arg_number(request, "job"), err);
}

static bool cancel_job(Request *request, Reply *reply, Err *err)
{
    const DatasetService *service = request->context;
    Str dataset = arg_text(request, "dataset");
    int64_t id = arg_number(request, "job");
    JobView job;

    if (!jobs_get(service->jobs, request->arena, dataset, id, &job, err))
        return false;
    if (request->user.role < ADMIN && !str_eq(job.order.user, request->user.name))
        return err_set(err, ERR_DENIED, "job %lld is somebody else's", (long long)id);
    JsonOut out = reply_json(reply);
    put_job(&out, &job);
    return jobs_cancel(service->jobs, dataset, id, err);
}

static bool list_jobs(Request *request, Reply *reply, Err *err)
{
    const DatasetService *service = request->context;
    size_t limit = (size_t)arg_number(request, "limit"), count;
    int64_t after = 0;

    if (arg_given(request, "after") && !str_to_int64(arg_text(request, "after"), &after))
        return err_set(err, ERR_USAGE, "'after' is the number of a job");
    JobView *jobs =
        jobs_list(service->jobs, request->arena, arg_text(request, "dataset"), after, limit + 1, &count);
    size_t shown = count > limit ? limit : count;
    JsonOut out = reply_json(reply);
    json_begin(&out, '{');
    json_key(&out, "items");
    json_begin(&out, '[');
    for (size_t i = 0; i < shown; i++)
        put_job(&out, &jobs[i]);
    json_end(&out, ']');
    json_key(&out, "next");
    if (count > shown)
        json_str(&out, str_printf(request->arena, "%lld", (long long)jobs[shown - 1].id));
    else
        json_null(&out);
    json_end(&out, '}');
    return true;
}

static bool job_rows(Request *request, Reply *reply, Err *err)
{
    const DatasetService *service = request->context;
    FD_SCOPE(fd);
    JobView job;

    if (!jobs_get(service->jobs, request->arena, arg_text(request, "dataset"), arg_number(request, "job"),
                  &job, err))
        return false;
    if (job.state != JOB_DONE)
        return err_set(err, ERR_CONFLICT, "job %lld is %s", (long long)job.id, job_state_name(job.state));
    fd = os_open(job.path, O_RDONLY, 0);
    return fd >= 0 ? send_file(reply, fd, job.order.format, err)
                   : err_sys(err, ERR_IO, "cannot open the rows of job %lld", (long long)job.id);
}

#define JOB_PARAM                                                                \
    {                                                                            \
        "job", PARAM_UINT, IN_PATH, .help = "Number of the job.", .example = "1" \
    }
#define SQL_HELP "It is run for every table; {table} stands for its name."

static const Route routes[] = {
    {"GET", "/api/v1/datasets/{dataset}/rows",
     "Rows that a SQL gives of all tables, or of some; all of them or an error.",
     PARAMS(DATASET_PARAM,
            {"sql", PARAM_TEXT, .required = true, .max = "16384", .help = SQL_HELP,
             .example = "select * from {table} where x < 5"},
            {"tables", PARAM_TEXT, .help = "Only tables whose names match.", .example = "tree_1*"},
            {"format", PARAM_ENUM, .choices = DATASET_FORMATS, .default_text = "csv",
             .help = "What rows look like."},
            {"order", PARAM_BOOL, .default_text = "no", .help = "In the order of the tables' names."}),
     .handler = query, .needs = READER, .reply_type = "text/csv"},
    {"GET", "/api/v1/datasets/{dataset}/jobs", "Jobs that wait, run, or have ended lately.",
     PARAMS(DATASET_PARAM, PARAM_LIMIT("1000", "100"), PARAM_AFTER), .handler = list_jobs, .needs = READER,
     .reply = "DatasetJobList"},
    {"POST", "/api/v1/datasets/{dataset}/jobs", "Have rows written to a file of the service.",
     PARAMS(DATASET_PARAM, {"sql", PARAM_TEXT, IN_FORM, .required = true, .max = "16384", .help = SQL_HELP},
            {"tables", PARAM_TEXT, IN_FORM, .help = "Only tables whose names match."},
            {"key", PARAM_TEXT, IN_FORM, .max = "63", .help = "The column that {range} is about."},
            {"range_rows", PARAM_UINT, IN_FORM, .default_text = "0", .help = "Rows of a range; 0: 100000."},
            {"format", PARAM_ENUM, IN_FORM, .choices = DATASET_FORMATS, .default_text = "csv",
             .help = "What rows look like."}),
     .handler = add_job, .needs = WRITER, .body = BODY_FORM, .reply = "DatasetJob"},
    {"GET", "/api/v1/datasets/{dataset}/jobs/{job}", "How far a job is.", PARAMS(DATASET_PARAM, JOB_PARAM),
     .handler = show_job, .needs = READER, .reply = "DatasetJob"},
    {"DELETE", "/api/v1/datasets/{dataset}/jobs/{job}",
     "End a job; or when it has ended, take it and its rows away.", PARAMS(DATASET_PARAM, JOB_PARAM),
     .handler = cancel_job, .needs = WRITER, .reply = "DatasetJob"},
    {"GET", "/api/v1/datasets/{dataset}/jobs/{job}/rows", "The rows of a job that is done.",
     PARAMS(DATASET_PARAM, JOB_PARAM), .handler = job_rows, .needs = READER,
     .reply_type = "application/octet-stream"},
};

bool dataset_routes_mount_jobs(Server *server, DatasetService *service, Err *err)
{
    return server_mount(server, routes, COUNT_OF(routes), service, err);
}
