/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "dataset/make.h"
#include "serve/datasets.h"

typedef struct Opts {
    Str servers;
    int64_t replicas;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "servers", 's', offsetof(Opts, servers), "NAME,NAME...", "the servers that get its tables"},
    {OPT_COUNT, "replicas", 'r', offsetof(Opts, replicas), "N",
     "copies of each table, on different servers (default 1)", .min = 1, .max = DATASET_SERVERS_MAX},
    {.type = OPT_END},
};

static bool make(const Call *call, const Instance *instance, const Dataset *dataset, Err *err)
{
    const Opts *o = call->opts;
    const char **maintenance = arena_new(call->arena, const char *, dataset->spec.count);

    for (size_t i = 0; i < dataset->spec.count; i++)
        if (!datasets_maintenance_dsn(instance, call->arena, dataset->spec.servers[i].name, &maintenance[i],
                                      err))
            return false;
    return dataset_make(&(DatasetNew){.spec = &dataset->spec,
                                      .database = dataset->database,
                                      .maintenance = maintenance,
                                      .replicas = o->replicas},
                        err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Instance *instance;
    Dataset dataset;

    if (!o->servers.ptr) {
        (void)err_set(err, ERR_USAGE, "a dataset needs servers");
        return err_hint(err, "--servers a,b,c; strata server list shows those there are");
    }
    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) ||
        !datasets_plan(instance, call->arena, call->args[0], o->servers, &dataset, err) ||
        (!make(call, instance, &dataset, err) &&
         !err_wrap(err, "cannot make the dataset '%s'", dataset.name)) ||
        !datasets_write(instance, &config_set, &dataset, err))
        return false;
    out_record(call->out);
    out_field(call->out, "name", OUT_TEXT);
    out_z(call->out, dataset.name);
    out_field(call->out, "database", OUT_TEXT);
    out_z(call->out, dataset.database);
    out_field(call->out, "servers", OUT_INT);
    out_int(call->out, (int64_t)dataset.spec.count);
    out_field(call->out, "replicas", OUT_INT);
    out_int(call->out, o->replicas);
    out_end(call->out);
    return true;
}

const Cmd cmd_dataset_create = {
    .name = "dataset create",
    .args = "NAME",
    .summary = "make a dataset on some servers",
    .description =
        "Makes a database called NAME on every server, with the dataset's system tables in it, and writes "
        "[dataset NAME] into strata.ini. A server has to allow prepared transactions, as embedded ones do.",
    .opts = opts,
    CMD_OPTS(Opts, .replicas = 1),
    .examples = "strata dataset create mini --servers n1,n2,n3 \\\n"
                "    --replicas 2\n",
    .run = run,
};
