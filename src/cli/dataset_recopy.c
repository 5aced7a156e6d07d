/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "place/recopy.h"

typedef struct Opts {
    Str server, from;
    Duration every;
    bool all;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "server", 's', offsetof(Opts, server), "SERVER", "only the copies that are there"},
    {OPT_TEXT, "from", 0, offsetof(Opts, from), "SERVER",
     "what this server has is right: its copies are the primary ones from now on"},
    {OPT_FLAG, "all", 'a', offsetof(Opts, all), NULL, "also copies that are as the primary one"},
    {OPT_DURATION, "every", 0, offsetof(Opts, every), "TIME",
     "let the service do it for all tables so often, and nothing now; 0s: not any more"},
    {.type = OPT_END},
};

enum { NO_PLAN = -1 };

static bool plan(const Call *call, DatasetWork *work, Duration every, Err *err)
{
    if (!recopy_plan(&work->upkeep, every, err))
        return false;
    out_record(call->out);
    out_field(call->out, "every", OUT_DURATION);
    out_int(call->out, every);
    out_end(call->out);
    return true;
}

static bool put_copies(const Call *call, const Recopied *copies, size_t count, Err *err)
{
    static const OutColumn columns[] = {{"table", OUT_TEXT}, {"server", OUT_TEXT}, {"outcome", OUT_TEXT}};
    const Recopied *bad = NULL;
    size_t failed = 0;

    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        bool ok = copies[i].why.code == 0;

        out_text(call->out, copies[i].table);
        out_text(call->out, copies[i].server);
        out_z(call->out, ok ? dataset_outcome(copies[i].outcome) : copies[i].why.text);
        failed += !ok;
        bad = bad || ok ? bad : &copies[i];
    }
    out_end(call->out);
    return !bad || err_set(err, ERR_PARTIAL, "%zu of %zu copies could not be made anew: %s", failed, count,
                           bad->why.text);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    RecopyWish wish = {.tables = call->args + 1,
                       .count = call->args_count - 1,
                       .server = o->server,
                       .primary = o->from,
                       .always = o->all};
    DatasetWork work;
    Recopied *copies = NULL;
    size_t count = 0;

    if (o->every != NO_PLAN && (wish.count || o->server.ptr || o->from.ptr || o->all))
        return err_set(err, ERR_USAGE, "--every is for all copies, and goes with nothing else");
    if (!dataset_work(call, &work, err))
        return false;
    bool ok = o->every != NO_PLAN ? plan(call, &work, o->every, err)
                                  : recopy_run(&work.upkeep, &wish, call->arena, &copies, &count, err);
    progress_end(work.upkeep.progress);
    return ok && (o->every != NO_PLAN || put_copies(call, copies, count, err));
}

const Cmd cmd_dataset_recopy = {
    .name = "dataset recopy",
    .args = "NAME [TABLE...]",
    .summary = "make copies anew that are not as the primary ones",
    .description =
        "Every copy, of all tables or those named, is compared with its table's primary one. One that differs is not read any "
        "more, is made anew beside what is there, compared by its hash, takes its place, and is read again. Cut off at any moment, "
        "the same command goes on.",
    .opts = opts,
    CMD_OPTS(Opts, .every = NO_PLAN),
    .examples = "strata dataset recopy mini\n"
                "strata dataset recopy mini mini_4 --from n2\n"
                "strata dataset recopy mini --every 7d\n",
    .run = run,
};
