/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/progress.h"
#include "base/stop.h"
#include "catalog/follow.h"
#include "catalog/pathname.h"
#include "cli/catalog.h"
#include "db/patience.h"

typedef struct Opts {
    int initial_crawl, method;
    StrList include, exclude;
} Opts;

enum { YES, NO };
static const char *const yes_no[] = {"yes", "no", NULL};
static const char *const methods[] = {"any", "fanotify", "inotify", NULL}; /* as WatchMethod */

static const Opt opts[] = {
    {OPT_ENUM, "initial-crawl", 'c', offsetof(Opts, initial_crawl), "YES|NO",
     "crawl the tree first, so that what changed before is in as well", yes_no},
    {OPT_ENUM, "method", 'm', offsetof(Opts, method), "METHOD",
     "how to be told: fanotify (root), inotify, or the better one that works", methods},
    {OPT_LIST, "include", 'i', offsetof(Opts, include), "PATTERN",
     "only files that match (a glob; with a slash: the path below PATH)"},
    {OPT_LIST, "exclude", 'x', offsetof(Opts, exclude), "PATTERN",
     "leave out what matches, directories with all in them"},
    {.type = OPT_END},
};

typedef struct Watching {
    const Call *call;
    Str root;
    Progress *progress; /* of the first crawl */
    bool away;          /* the database; it was said */
} Watching;

static void note_progress(void *watching_v, int64_t count)
{
    const Watching *watching = watching_v;

    progress_add(watching->progress, count);
}

static void begin(Out *out, const char *event)
{
    out_record(out);
    out_field(out, "event", OUT_TEXT);
    out_z(out, event);
    out_field(out, "at", OUT_TIME);
    out_int(out, time_now());
}

static void note_trouble(void *watching_v, const Err *err)
{
    Watching *watching = watching_v;
    Err ignored;

    if (watching->away)
        return;
    watching->away = true;
    Out *out = watching->call->out;
    if (out_is_json(out)) {
        begin(out, "waiting");
        out_field(out, "reason", OUT_TEXT);
        out_z(out, err->text);
        out_end(out);
    } else {
        out_say(out, "waiting for the database: %s", err->text);
    }
    (void)!out_flush(out, &ignored);
}

static void put(Out *out, const char *name, int64_t value)
{
    out_field(out, name, OUT_INT);
    out_int(out, value);
}

static bool say_watching(const Call *call, Str root, const Watch *watch, Err *err)
{
    const char *method = methods[watch_method(watch)];
    Out *out = call->out;

    if (out_is_json(out)) {
        begin(out, "watching");
        out_field(out, "path", OUT_TEXT);
        out_text(out, root);
        out_field(out, "method", OUT_TEXT);
        out_z(out, method);
        out_end(out);
    } else {
        out_say(out, "watching %.*s by %s; Ctrl-C ends it", STR_ARG(root), method);
    }
    return out_flush(out, err);
}

/* "3 added, 1 removed", and nothing of what there is none of; false when that is all. */
static bool put_counts(Buf *text, const FollowTotals *totals)
{
    const struct {
        int64_t count;
        const char *what;
    } counts[] = {{totals->added, "added"},
                  {totals->changed, "changed"},
                  {totals->removed, "removed"},
                  {totals->renamed, "renamed"},
                  {totals->problems, totals->problems == 1 ? "problem" : "problems"}};
    size_t before = text->len;

    for (size_t i = 0; i < COUNT_OF(counts); i++)
        if (counts[i].count > 0)
            buf_printf(text, "%s%lld %s", text->len > before ? ", " : "", (long long)counts[i].count,
                       counts[i].what);
    return text->len > before;
}

/* As other lines for people, without the fraction. */
static void put_now(Buf *text)
{
    char at[TIME_TEXT_MAX];
    Instant now = time_now();

    buf_put(text, time_format(now - now % SECONDS(1), at));
}

static bool say_crawled(const Call *call, const CrawlTotals *totals, Err *err)
{
    Out *out = call->out;

    if (out_is_json(out)) {
        begin(out, "crawled");
        put(out, "added", totals->added);
        put(out, "changed", totals->changed);
        put(out, "removed", totals->removed);
        put(out, "problems", totals->problems);
        out_end(out);
    } else {
        BUF_SCOPE(text);
        bool any = put_counts(&text, &(FollowTotals){.added = totals->added,
                                                     .changed = totals->changed,
                                                     .removed = totals->removed,
                                                     .problems = totals->problems});

        out_say(out, "crawled: %.*s", STR_ARG(any ? buf_str(&text) : STR("nothing changed")));
    }
    return out_flush(out, err);
}

static bool is_whole(const WatchBatch *batch, Str root)
{
    return batch->count == 1 && batch->events[0].kind == WATCH_RESCAN && str_eq(batch->events[0].path, root);
}

static void say_batch_to_people(Out *out, const FollowTotals *totals, bool whole)
{
    BUF_SCOPE(text);

    put_now(&text);
    buf_put_z(&text, whole ? "  overflow, all crawled: " : "  ");
    bool any = put_counts(&text, totals);
    if (!any && !whole)
        return;
    out_say(out, "%.*s%s", STR_ARG(buf_str(&text)), any ? "" : "nothing changed");
}

static bool say_batch(const Watching *watching, const WatchBatch *batch, const FollowTotals *totals, Err *err)
{
    Out *out = watching->call->out;

    if (out_is_json(out)) {
        begin(out, "batch");
        put(out, "renamed", totals->renamed);
        put(out, "deleted", totals->deleted);
        put(out, "looked", totals->looked);
        put(out, "walked", totals->walked);
        put(out, "added", totals->added);
        put(out, "changed", totals->changed);
        put(out, "removed", totals->removed);
        put(out, "problems", totals->problems);
        out_field(out, "took", OUT_DURATION);
        out_int(out, totals->took);
        out_end(out);
    } else {
        say_batch_to_people(out, totals, is_whole(batch, watching->root));
    }
    return out_flush(out, err);
}

static bool crawl(Watching *watching, Follow *follow, Err *err)
{
    CrawlTotals totals;

    watching->progress = progress_begin(watching->call->arena,
                                        (ProgressTask){.what = "crawling",
                                                       .unit = "paths",
                                                       .fd = STDERR_FILENO,
                                                       .off = watching->call->quiet || watching->call->json});
    bool ok = follow_crawl(follow, &totals, err);
    progress_end(watching->progress);
    watching->progress = NULL;
    return ok && say_crawled(watching->call, &totals, err);
}

/* Until it fails: with ERR_INTERRUPTED when somebody wants it to end. */
static bool follow_all(Watching *watching, Watch *watch, Follow *follow, Err *err)
{
    WatchBatch batch;
    FollowTotals totals;

    while (watch_next(watch, SECONDS(1), &batch, err) && follow_batch(follow, &batch, &totals, err)) {
        watching->away = false;
        if (batch.count > 0 && !say_batch(watching, &batch, &totals, err))
            return false;
    }
    return false;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Watching watching = {.call = call};
    const char *dsn;
    Follow *follow;
    Watch *watch;
    Str text, top;

    if (!stop_init(err) || !catalog_shard_dsn(call, call->args[0], &dsn, &top, err) ||
        !catalog_path_in(call, call->args[1], top, &text, err))
        return false;
    Str root = str_copy(call->arena, pathname_unescape(call->arena, text));
    watching.root = root;
    const WatchOptions options = {.method = (WatchMethod)o->method,
                                  .exclude = o->exclude.items,
                                  .exclude_count = o->exclude.count,
                                  .stop = stop_flag()};
    /* The watch first: what happens during the crawl is told afterwards. */
    if (!follow_open(call->arena,
                     &(FollowOptions){.conninfo = dsn,
                                      .shard = call->args[0],
                                      .root = root,
                                      .include = o->include.items,
                                      .include_count = o->include.count,
                                      .exclude = o->exclude.items,
                                      .exclude_count = o->exclude.count,
                                      .stop = stop_flag(),
                                      .trouble = note_trouble,
                                      .progress = note_progress,
                                      .ctx = &watching},
                     &follow, err) ||
        !watch_open(call->arena, root, &options, &watch, err) || !say_watching(call, text, watch, err))
        return false;
    patience_set(NULL); /* the watch waits by itself, and keeps no connection meanwhile */
    if (o->initial_crawl == YES && !crawl(&watching, follow, err))
        return err_wrap(err, "cannot crawl '%.*s'", STR_ARG(text));
    (void)follow_all(&watching, watch, follow, err);
    if (err->code != ERR_INTERRUPTED)
        return err_wrap(err, "cannot go on watching '%.*s'", STR_ARG(text));
    *err = (Err){0};
    return true;
}

const Cmd cmd_catalog_watch = {
    .name = "catalog watch",
    .args = "SHARD PATH",
    .summary = "keep a shard as a directory tree is, as it changes",
    .description =
        "What changes below PATH is in the shard within a second, until Ctrl-C. The tree is crawled first, unless told "
        "otherwise. A database that goes away is waited for. Changes that come too fast for the system to tell of "
        "each (an overflow) lead to a crawl of all of it. Renamed directories keep what is known of all below them.\n\n"
        "Only what is on PATH's own file system is watched; access times are not. With inotify each directory needs a "
        "watch (sysctl fs.inotify.max_user_watches). With --json there is an object for each batch of changes.",
    .examples = "strata catalog watch usr /usr\n"
                "# without the crawl, for programs\n"
                "strata catalog watch usr /usr --json \\\n"
                "    --initial-crawl no\n",
    .opts = opts,
    CMD_OPTS(Opts, .initial_crawl = YES),
    .run = run,
};
