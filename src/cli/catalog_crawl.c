/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/progress.h"
#include "base/stop.h"
#include "catalog/content.h"
#include "catalog/crawl.h"
#include "catalog/crawl_file.h"
#include "catalog/crawlfile.h"
#include "catalog/pathname.h"
#include "cli/catalog.h"

enum { KIND_POSIX, KIND_CONTENT }; /* the bit of posix, and that of the first kind of content */

static const char *const kinds[] = {"posix", "magic", "checksum", "gdal", NULL};

typedef struct Opts {
    unsigned kinds;
    Str output, rules;
    StrList include, exclude;
    int64_t depth, threads, rate, read_rate;
    bool cross, follow, xattrs, incremental, strict, stats;
} Opts;

static const Opt opts[] = {
    {OPT_SET, "kind", 'k', offsetof(Opts, kinds), "KINDS", "what to find out", kinds},
    {OPT_TEXT, "output", 'o', offsetof(Opts, output), "FILE",
     "write a crawl file (packed: .gz, .zst), or - to standard output; SHARD may be - then"},
    {OPT_LIST, "include", 'i', offsetof(Opts, include), "PATTERN",
     "only files that match (a glob; with a slash: the path below PATH)"},
    {OPT_LIST, "exclude", 'x', offsetof(Opts, exclude), "PATTERN",
     "leave out what matches, directories with all in them"},
    {OPT_COUNT, "depth", 'd', offsetof(Opts, depth), "N", "go down N levels at the most; 0 is no limit",
     .max = 1000000},
    {OPT_FLAG, "cross-file-systems", 0, offsetof(Opts, cross), NULL, "also go into what is mounted below"},
    {OPT_FLAG, "follow-links", 'L', offsetof(Opts, follow), NULL, "take links for what they lead to"},
    {OPT_FLAG, "xattrs", 0, offsetof(Opts, xattrs), NULL, "keep extended attributes"},
    {OPT_FLAG, "incremental", 'n', offsetof(Opts, incremental), NULL,
     "do not read directories whose times did not change; misses files changed in place"},
    {OPT_COUNT, "threads", 't', offsetof(Opts, threads), "N", "threads that read (0: by the number of cores)",
     .max = WALK_THREADS_MAX},
    {OPT_COUNT, "rate", 0, offsetof(Opts, rate), "N", "look at N entries a second at the most"},
    {OPT_BYTES, "read-rate", 0, offsetof(Opts, read_rate), "BYTES",
     "checksum: read so much a second at the most"},
    {OPT_TEXT, "rules", 0, offsetof(Opts, rules), "FILE",
     "gdal: rule sets for names, instead of the built-in ones"},
    {OPT_FLAG, "stats", 0, offsetof(Opts, stats), NULL, "gdal: minimum, maximum and mean of every band"},
    {OPT_FLAG, "strict", 0, offsetof(Opts, strict), NULL, "exit with 11 when something could not be read"},
    {.type = OPT_END},
};

typedef struct Crawling {
    const Call *call;
    const Opts *o;
    const char *dsn;
    Progress *progress;
    CrawlTotals totals;
    int64_t records; /* of the contents' crawlers */
} Crawling;

static void note_progress(void *crawling_v, int64_t count)
{
    const Crawling *crawling = crawling_v;

    progress_add(crawling->progress, count);
}

static void begin_progress(Crawling *crawling, const char *what, const char *kind, const char *unit)
{
    Str label = str_printf(crawling->call->arena, "%s %s", kind, what);

    crawling->progress = progress_begin(crawling->call->arena,
                                        (ProgressTask){.what = label.ptr,
                                                       .unit = unit,
                                                       .fd = STDERR_FILENO,
                                                       .off = crawling->call->quiet || crawling->call->json});
}

static WalkOptions walk_options(const Opts *o)
{
    return (WalkOptions){.include = o->include.items,
                         .include_count = o->include.count,
                         .exclude = o->exclude.items,
                         .exclude_count = o->exclude.count,
                         .threads = (int)o->threads,
                         .max_depth = (int)o->depth,
                         .cross_file_systems = o->cross,
                         .follow_links = o->follow,
                         .xattrs = o->xattrs,
                         .entries_per_second = (uint64_t)o->rate,
                         .stop = stop_flag()};
}

static void add_totals(CrawlTotals *sum, const CrawlTotals *one)
{
    sum->files += one->files;
    sum->directories += one->directories;
    sum->links += one->links;
    sum->others += one->others;
    sum->added += one->added;
    sum->changed += one->changed;
    sum->removed += one->removed;
    sum->problems += one->problems;
    sum->unchanged += one->unchanged;
}

static bool crawl_tree(Crawling *crawling, Str root, Err *err)
{
    const CrawlOptions options = {.conninfo = crawling->dsn,
                                  .shard = crawling->call->args[0],
                                  .walk = walk_options(crawling->o),
                                  .incremental = crawling->o->incremental,
                                  .progress = note_progress,
                                  .progress_ctx = crawling};
    CrawlTotals totals;

    begin_progress(crawling, root.ptr, "crawling", "paths");
    bool ok = crawl_posix(&options, root, &totals, err);
    progress_end(crawling->progress);
    add_totals(&crawling->totals, &totals);
    return ok;
}

static bool crawl_contents(Crawling *crawling, ContentKind kind, Str root, Err *err)
{
    const Opts *o = crawling->o;
    const ContentOptions options = {.conninfo = crawling->dsn,
                                    .shard = crawling->call->args[0],
                                    .threads = (int)o->threads,
                                    .bytes_per_second = (uint64_t)o->read_rate,
                                    .rules = o->rules.ptr,
                                    .stats = o->stats,
                                    .include = o->include.items,
                                    .include_count = o->include.count,
                                    .exclude = o->exclude.items,
                                    .exclude_count = o->exclude.count,
                                    .stop = stop_flag(),
                                    .progress = note_progress,
                                    .progress_ctx = crawling};
    ContentTotals totals;

    begin_progress(crawling, root.ptr, content_kind_name(kind), "files");
    bool ok = content_crawl(&options, kind, root, &totals, err);
    progress_end(crawling->progress);
    crawling->totals.problems += totals.problems;
    crawling->records += totals.records;
    return ok;
}

static bool crawl_root(Crawling *crawling, Str root, Err *err)
{
    if ((crawling->o->kinds & 1U << KIND_POSIX) && !crawl_tree(crawling, root, err))
        return false;
    for (int kind = 0; kind < CONTENT_KIND_COUNT; kind++)
        if ((crawling->o->kinds & 1U << (KIND_CONTENT + kind)) &&
            !crawl_contents(crawling, (ContentKind)kind, root, err))
            return false;
    return true;
}

static void put(Out *out, const char *name, int64_t value)
{
    out_field(out, name, OUT_INT);
    out_int(out, value);
}

static void print(const Crawling *crawling)
{
    Out *out = crawling->call->out;
    const CrawlTotals *totals = &crawling->totals;

    out_record(out);
    put(out, "files", totals->files);
    put(out, "directories", totals->directories);
    put(out, "links", totals->links);
    put(out, "others", totals->others);
    put(out, "added", totals->added);
    put(out, "changed", totals->changed);
    put(out, "removed", totals->removed);
    put(out, "records", crawling->records);
    put(out, "problems", totals->problems);
    out_end(out);
}

static bool to_file(Crawling *crawling, const Str *roots, size_t count, Err *err)
{
    const CrawlFileOptions options = {.walk = walk_options(crawling->o),
                                      .kinds = crawling->o->kinds,
                                      .rules = crawling->o->rules.ptr,
                                      .stats = crawling->o->stats,
                                      .progress = note_progress,
                                      .progress_ctx = crawling};

    begin_progress(crawling, crawling->o->output.ptr, "writing", "paths");
    bool ok = crawl_to_file(&options, roots, count, crawling->o->output.ptr, &crawling->totals, err);
    progress_end(crawling->progress);
    crawling->records = crawling->totals.records;
    return ok;
}

/* What makes no sense together, or would quietly do nothing or too much: an empty pattern is that of an unset variable. */
static bool check_options(const Call *call, const Opts *o, Err *err)
{
    bool gdal = o->kinds & 1U << (KIND_CONTENT + CONTENT_GDAL);

    if (o->kinds == 0)
        return err_set(err, ERR_USAGE, "--kind names nothing to find out");
    for (size_t i = 0; i < o->include.count; i++)
        if (o->include.items[i].len == 0)
            return err_set(err, ERR_USAGE, "--include: an empty pattern matches nothing");
    for (size_t i = 0; i < o->exclude.count; i++)
        if (o->exclude.items[i].len == 0)
            return err_set(err, ERR_USAGE, "--exclude: an empty pattern matches nothing");
    if (!gdal && (o->rules.len || o->stats))
        return err_set(err, ERR_USAGE, "%s is for --kind gdal", o->stats ? "--stats" : "--rules") ||
               err_hint(err, "for example --kind posix,gdal");
    if (o->output.ptr && o->output.len == 0)
        return err_set(err, ERR_USAGE, "--output needs the name of a file");
    if (!o->output.ptr && str_eq_z(call->args[0], "-"))
        return err_set(err, ERR_USAGE, "'-' is no shard: it stands for none, with --output FILE");
    return true;
}

/* Absolute roots, as the kernel's bytes; one that lies in another is crawled with it. `top`: of the shard. */
static bool find_roots(const Call *call, Str top, Str *roots, size_t *count, Err *err)
{
    *count = 0;
    for (size_t i = 1; i < call->args_count; i++) {
        Str text;
        bool within = false;

        if (!catalog_path_in(call, call->args[i], top, &text, err))
            return false;
        Str raw = str_copy(call->arena, pathname_unescape(call->arena, text));
        for (size_t k = 0; k < *count; k++)
            within |= pathname_is_within(raw, roots[k]);
        if (!within)
            roots[(*count)++] = raw;
    }
    return true;
}

static bool tell_problems(const Crawling *crawling, Err *err)
{
    (void)err_set(err, ERR_PARTIAL, "%lld paths could not be read", (long long)crawling->totals.problems);
    if (crawling->o->output.ptr)
        return err_hint(err, "a crawl into a shard notes which, and why: strata catalog problems SHARD");
    return err_hint(err, "strata catalog problems %.*s lists them", STR_ARG(crawling->call->args[0]));
}

static bool run(const Call *call, Err *err)
{
    Crawling crawling = {.call = call, .o = call->opts};
    Str *roots = arena_new(call->arena, Str, call->args_count);
    Str top = {0};
    size_t count;

    if (!check_options(call, call->opts, err) || !stop_init(err))
        return false;
    if (!crawling.o->output.ptr && !catalog_shard_dsn(call, call->args[0], &crawling.dsn, &top, err))
        return false;
    if (!find_roots(call, top, roots, &count, err))
        return false;
    if (crawling.o->output.ptr) {
        if (!to_file(&crawling, roots, count, err))
            return false;
    } else {
        for (size_t i = 0; i < count; i++)
            if (!crawl_root(&crawling, roots[i], err))
                return err_wrap(err, "cannot crawl '%s'", roots[i].ptr);
    }
    if (!crawling.o->output.ptr || !crawlfile_is_standard_output(crawling.o->output.ptr))
        print(&crawling);
    return !crawling.o->strict || crawling.totals.problems == 0 || tell_problems(&crawling, err);
}

const Cmd cmd_catalog_crawl = {
    .name = "catalog crawl",
    .args = "SHARD PATH...",
    .summary = "read directory trees into a shard",
    .description =
        "What is new or changed is taken in, what is gone is removed. A crawl stays on one file system unless told "
        "otherwise, and goes into no link but PATH itself, whose names are kept. Interrupted, it keeps what it has, and the next one goes on from there. What cannot be read is noted "
        "(strata catalog problems) and does not stop it.\n\n"
        "Kinds: posix is what the file system says (the default); magic looks at the first bytes to tell the kind of "
        "data; checksum computes MD5 and SHA-256; gdal reads variables, times and areas of rasters, netCDF and HDF. The "
        "latter three go by what posix found, and open only files they have not seen in their present state.",
    .examples = "strata catalog crawl usr /usr\n"
                "# kinds and checksums too, but for two places\n"
                "strata catalog crawl usr /usr -x lib \\\n"
                "    -x share/doc --kind posix,magic,checksum\n"
                "# without a database\n"
                "strata catalog crawl - /usr --output usr.tsv.zst\n",
    .opts = opts,
    CMD_OPTS(Opts, .kinds = 1U << KIND_POSIX),
    .run = run,
};
