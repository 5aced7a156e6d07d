/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dataset_rows.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/os.h"
#include "base/stop.h"
#include "cli/row_file.h"

/* ---- the report ---- */

static void put_columns(const Extracted *done, JsonOut *out)
{
    json_begin(out, '[');
    for (size_t i = 0; i < done->columns_count; i++) {
        const RowColumn *column = &done->columns[i];

        json_begin(out, '{');
        json_key(out, "name");
        json_z(out, column->name);
        json_key(out, "type");
        json_z(out, row_type_name(column->type));
        json_key(out, "oid");
        json_uint(out, column->type);
        json_end(out, '}');
    }
    json_end(out, ']');
}

static void put_retries(const Extracted *done, JsonOut *out)
{
    json_begin(out, '[');
    for (size_t i = 0; i < done->retries_count; i++) {
        const GatherRetry *retry = &done->retries[i];

        json_begin(out, '{');
        json_key(out, "table");
        json_str(out, retry->table);
        if (retry->part) {
            json_key(out, "range");
            json_z(out, retry->part);
        }
        json_key(out, "from");
        json_z(out, retry->from);
        json_key(out, "to");
        json_z(out, retry->to);
        json_key(out, "reason");
        json_z(out, retry->reason);
        json_end(out, '}');
    }
    json_end(out, ']');
}

static void put_report(const Extracted *done, Buf *text)
{
    JsonOut out = json_out(text);

    json_begin(&out, '{');
    json_key(&out, "rows");
    json_int(&out, done->rows);
    json_key(&out, "tables");
    json_int(&out, done->tables);
    json_key(&out, "parts");
    json_int(&out, done->parts);
    json_key(&out, "columns");
    put_columns(done, &out);
    json_key(&out, "retries");
    put_retries(done, &out);
    json_end(&out, '}');
    json_line(&out);
}

static bool report(const RowsOpts *o, const Extracted *done, Err *err)
{
    BUF_SCOPE(text);

    if (!o->report.ptr)
        return true;
    put_report(done, &text);
    return os_write_file(o->report.ptr, buf_str(&text), 0644, err);
}

static void print(const Call *call, const Extracted *done)
{
    out_record(call->out);
    out_field(call->out, "rows", OUT_INT);
    out_int(call->out, done->rows);
    out_field(call->out, "tables", OUT_INT);
    out_int(call->out, done->tables);
    out_field(call->out, "retries", OUT_INT);
    out_int(call->out, (int64_t)done->retries_count);
    out_end(call->out);
}

/* ---- the rows ---- */

static const char *spool_dir(const Call *call, const RowsOpts *o)
{
    if (o->spool.ptr)
        return o->spool.ptr;
    if (o->output.len > 0 && !str_eq(o->output, STR("-")))
        return str_to_z(call->arena, str_dir_name(o->output));
    return getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
}

static bool run_with_bar(const Call *call, Extract *extract, Extracted *done, Err *err)
{
    Progress *progress = progress_begin(call->arena, (ProgressTask){.what = "extracting",
                                                                    .unit = "parts",
                                                                    .fd = STDERR_FILENO,
                                                                    .off = call->quiet || call->json});
    extract->progress = progress;
    bool ok = extract_run(extract, call->arena, done, err);

    progress_end(progress);
    return ok;
}

bool dataset_rows(const Call *call, const RowsOpts *opts, const Dataset *dataset, const Extract *extract,
                  Err *err)
{
    ROW_FILE_SCOPE(file);
    Extract all = *extract;
    Extracted done = {0};
    Err why = {0};

    all.gather = (GatherOpts){.spec = &dataset->spec,
                              .connections = (size_t)opts->connections,
                              .memory = (size_t)opts->memory,
                              .spool = spool_dir(call, opts),
                              .deadline = opts->deadline,
                              .stop = stop_flag()};
    if (!row_file_open(call->arena, opts->output, row_formats[all.format]->seeks, all.gather.spool, &file,
                       err))
        return false;
    all.fd = file.fd;
    bool ok = run_with_bar(call, &all, &done, err) && row_file_keep(&file, err);
    if (!report(opts, &done, ok ? err : &why))
        return false;
    if (ok && file.path)
        print(call, &done);
    return ok;
}
