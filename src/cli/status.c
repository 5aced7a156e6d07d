/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"
#include "cli/config.h"
#include "serve/instance.h"
#include "serve/presence.h"

static void put_field(Out *out, const char *name, Str value)
{
    out_field(out, name, OUT_TEXT);
    if (value.len)
        out_text(out, value);
    else
        out_null(out);
}

/* What the service says about its parts: lines of name, state and detail. */
static void put_parts(const Call *call, Str lines)
{
    static const OutColumn columns[] = {
        {"part", OUT_TEXT}, {"state", OUT_TEXT}, {"detail", OUT_TEXT, .cut = true}};
    Str line, column;

    out_field_list(call->out, "parts", columns, COUNT_OF(columns));
    while (lines.len > 0) {
        lines = str_cut(lines, '\n', &line);
        for (size_t i = 0; i < COUNT_OF(columns); i++) {
            line = str_cut(line, '\t', &column);
            out_text(call->out, column);
        }
    }
    out_end(call->out);
}

static const char *state_of(const InstanceServer *server, const ClusterState *state, bool stopping)
{
    if (server->dsn)
        return "external";
    if (!server->cluster)
        return "cannot run";
    if (state->pid)
        return state->ready ? "up" : stopping ? "stopping" : "starting";
    return state->made ? "down" : "not made";
}

static void put_servers(const Call *call, const Instance *instance, bool stopping)
{
    static const OutColumn columns[] = {
        {"server", OUT_TEXT}, {"state", OUT_TEXT}, {"pid", OUT_INT}, {"postgresql", OUT_INT}};
    InstanceServer *servers;
    size_t count = instance_servers(instance, &servers);

    out_field_list(call->out, "servers", columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        ClusterState state = servers[i].cluster ? cluster_state(servers[i].cluster) : (ClusterState){0};

        out_z(call->out, servers[i].name);
        out_z(call->out, state_of(&servers[i], &state, stopping));
        state.pid ? out_int(call->out, state.pid) : out_null(call->out);
        state.version ? out_int(call->out, state.version) : out_null(call->out);
    }
    out_end(call->out);
}

/* A number that may not be known. */
static void put_count(Out *out, int64_t count)
{
    count < 0 ? out_null(out) : out_int(out, count);
}

static void put_shard(Out *out, Db *db, const ShardInfo *shard)
{
    ShardBrief brief = {.files = -1, .bytes = -1, .problems = -1};
    Err busy = {0};
    bool seen = shard_brief(db, shard, &brief, &busy);

    out_text(out, shard->name);
    out_text(out, shard->path);
    out_z(out, shard->loading ? "loading" : seen ? "ready" : "busy");
    put_count(out, brief.files);
    put_count(out, brief.bytes);
    put_count(out, brief.problems);
    brief.crawled ? out_int(out, brief.crawled) : out_null(out);
}

/* The shards of an instance that is up; none where its database does not answer, which its part says. */
static void put_shards(const Call *call, const Instance *instance, bool up)
{
    static const OutColumn columns[] = {
        {"shard", OUT_TEXT},  {"path", OUT_TEXT, .cut = true}, {"state", OUT_TEXT},  {"files", OUT_INT},
        {"bytes", OUT_BYTES}, {"problems", OUT_INT},           {"crawled", OUT_TIME}};
    ShardInfo *shards = NULL;
    size_t count = 0;
    Err silent = {0};
    Db *db = NULL;

    if (!up || !instance_connect(instance, call->arena, INSTANCE_OWNER, &db, &silent) ||
        !shard_list(db, call->arena, &shards, &count, &silent))
        count = 0;
    out_field_list(call->out, "shards", columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++)
        put_shard(call->out, db, &shards[i]);
    out_end(call->out);
}

static bool run(const Call *call, Err *err)
{
    Instance *instance;
    Err ignored;
    Str url = {0}, parts = {0};

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    const char *dir = instance_path(instance);
    pid_t pid = presence_pid(dir);
    if (pid) {
        (void)!presence_get(dir, "http.url", call->arena, &url, &ignored);
        (void)!presence_get(dir, "parts", call->arena, &parts, &ignored);
    }
    bool stopping = parts.len > 0 && url.len == 0;
    out_record(call->out);
    put_field(call->out, "dir", str_from_z(dir));
    put_field(call->out, "version", STR(STRATA_VERSION));
    put_field(call->out, "state",
              !pid       ? STR("down")
              : url.len  ? STR("up")
              : stopping ? STR("stopping")
                         : STR("starting"));
    out_field(call->out, "pid", OUT_INT);
    pid ? out_int(call->out, pid) : out_null(call->out);
    put_field(call->out, "url", str_trim(url));
    put_servers(call, instance, stopping);
    put_parts(call, parts);
    put_shards(call, instance, pid && url.len);
    out_end(call->out);
    return true;
}

const Cmd cmd_status = {
    .name = "status",
    .summary = "tell how every part of the instance is",
    .description =
        "The state is up, starting, stopping or down. A part that is 'failing' says why. Of each shard of an instance that is "
        "up: the files below its root and their bytes, problems (10000: or more), and when the last crawl ended. A "
        "shard is 'loading' while its first load is under way or was cut off, 'busy' while somebody changes it whole.",
    .examples = "strata status\n"
                "strata status --json\n",
    .run = run,
};
