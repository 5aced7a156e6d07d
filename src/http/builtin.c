/* SPDX-License-Identifier: Apache-2.0 */
/* The routes and metrics that every server has. */
#include <dirent.h>
#include <sys/resource.h>

#include "base/os.h"
#include "http/core.h"

static bool show_health(Request *request, Reply *reply, Err *err)
{
    (void)request, (void)err;
    reply->cache = "no-store";
    JsonOut out = reply_json(reply);
    json_begin(&out, '{');
    json_key(&out, "status");
    json_z(&out, "ok");
    json_end(&out, '}');
    return true;
}

/* {"status":"ready"|"not ready","checks":[{"name","ready","message"}]} */
static bool show_ready(Request *request, Reply *reply, Err *err)
{
    const Server *server = request->context;
    bool ready = !atomic_load(&server->stopping);

    reply->cache = "no-store";
    JsonOut out = reply_json(reply);
    json_begin(&out, '{');
    json_key(&out, "checks");
    json_begin(&out, '[');
    for (const ReadyCheck *entry = server->checks; entry; entry = entry->next) {
        bool ok = entry->check(entry->context, err);

        ready = ready && ok;
        json_begin(&out, '{');
        json_key(&out, "name");
        json_z(&out, entry->name);
        json_key(&out, "ready");
        json_bool(&out, ok);
        json_key(&out, "message");
        json_z(&out, ok ? "" : err->text);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_key(&out, "status");
    json_z(&out, ready ? "ready" : "not ready");
    json_end(&out, '}');
    if (!ready) {
        reply->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        reply_header(reply, MHD_HTTP_HEADER_RETRY_AFTER, STR("1"));
    }
    return true;
}

static bool show_metrics(Request *request, Reply *reply, Err *err)
{
    Server *server = request->context;

    (void)err;
    reply->cache = "no-store";
    reply->type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_print(server->metrics, &reply->body);
    return true;
}

void reply_openapi(Reply *reply, const Request *request)
{
    reply->type = OPENAPI_TYPE;
    openapi_print(request->exchange->server, &reply->body);
}

static bool show_openapi(Request *request, Reply *reply, Err *err)
{
    (void)err;
    reply->type = "application/json";
    openapi_print(request->context, &reply->body);
    return true;
}

const Route builtin_routes[] = {
    {"GET", "/healthz", "Whether the process lives", .handler = show_health, .inline_ok = true,
     .reply = "Health"},
    {"GET", "/readyz", "Whether everything the service needs is there: 503 when not", .handler = show_ready,
     .reply = "Readiness"},
    {"GET", "/metrics", "Counters of the service, for Prometheus", .handler = show_metrics, .needs = READER,
     .reply_type = "text/plain"},
    {"GET", "/openapi.json", "This description", .handler = show_openapi},
};
const size_t builtin_route_count = COUNT_OF(builtin_routes);

static double count_connections(void *context)
{
    return atomic_load(&((Server *)context)->connected);
}

static double count_running(void *context)
{
    return atomic_load(&((Server *)context)->running);
}

static double count_queued(void *context)
{
    Server *server = context;

    return server->workers ? workers_waiting(server->workers) : 0;
}

static double count_followers(void *context)
{
    return (double)events_followers(((Server *)context)->events);
}

static double cpu_seconds(void *context)
{
    struct rusage usage;

    (void)context;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The nth number of a file of /proc, or 0. */
static double proc_number(const char *path, int nth)
{
    BUF_SCOPE(text);
    Err err;
    Str rest, word = {0};
    uint64_t number = 0;

    if (!os_read_file(path, 4096, &text, &err))
        return 0;
    rest = buf_str(&text);
    for (int i = 0; i <= nth; i++)
        rest = str_cut(rest, ' ', &word);
    return str_to_uint64(word, &number) ? (double)number : 0;
}

static double resident_bytes(void *context)
{
    (void)context;
    return proc_number("/proc/self/statm", 1) * 4096;
}

static double open_descriptors(void *context)
{
    DIR *dir = opendir("/proc/self/fd");
    double count = -1; /* this one */

    (void)context;
    if (!dir)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

bool builtin_metrics(Server *server, Err *err)
{
    const MetricDef defs[OWN_COUNT] = {
        [OWN_REQUESTS] = {"strata_http_requests_total", METRIC_COUNTER, "Requests answered.",
                          "method,route,status"},
        [OWN_SECONDS] = {"strata_http_request_seconds", METRIC_HISTOGRAM,
                         "Time from the request line to the end of the answer.", "method,route",
                         BUCKETS(.0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60)},
        [OWN_BYTES] = {"strata_http_reply_bytes_total", METRIC_COUNTER, "Bytes of answers' bodies, as sent."},
        [OWN_REJECTED] = {"strata_http_rejected_total", METRIC_COUNTER, "Requests refused for lack of room.",
                          "reason"},
        [OWN_CONNECTIONS] = {"strata_http_connections", METRIC_GAUGE, "Open connections.",
                             .read = count_connections, .context = server},
        [OWN_RUNNING] = {"strata_http_running", METRIC_GAUGE, "Requests being answered.",
                         .read = count_running, .context = server},
        [OWN_QUEUED] = {"strata_http_queued", METRIC_GAUGE, "Requests waiting for a worker.",
                        .read = count_queued, .context = server},
        [OWN_SUBSCRIBERS] = {"strata_http_followers", METRIC_GAUGE, "Clients that follow an event stream.",
                             .read = count_followers, .context = server},
        [OWN_START] = {"process_start_time_seconds", METRIC_GAUGE,
                       "When the service started, seconds since 1970."},
        [OWN_CPU] = {"process_cpu_seconds_total", METRIC_COUNTER, "CPU time used.", .read = cpu_seconds},
        [OWN_MEMORY] = {"process_resident_memory_bytes", METRIC_GAUGE, "Memory in use.",
                        .read = resident_bytes},
        [OWN_FDS] = {"process_open_fds", METRIC_GAUGE, "Open descriptors.", .read = open_descriptors},
        [OWN_BUILD] = {"strata_build_info", METRIC_GAUGE, "Always 1, with the version.", "version"},
    };
    MetricDef *kept = arena_new(&server->arena, MetricDef, OWN_COUNT);

    memcpy(kept, defs, sizeof defs);
    /* The bounds above are this function's; copied so that they live as long as the server. */
    double *bounds = arena_new(&server->arena, double, defs[OWN_SECONDS].bucket_count);
    memcpy(bounds, defs[OWN_SECONDS].buckets, defs[OWN_SECONDS].bucket_count * sizeof *bounds);
    kept[OWN_SECONDS].buckets = bounds;
    if (!metrics_register(server->metrics, kept, OWN_COUNT, server->own, err))
        return false;
    server->bytes = metric_cell(server->own[OWN_BYTES], NULL);
    metric_set(metric_cell(server->own[OWN_START], NULL), (double)time_now() / 1e6);
    metric_set(metric_cell(server->own[OWN_BUILD], (const char *[]){STRATA_VERSION}), 1);
    return true;
}
