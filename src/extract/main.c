/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strata-extract -- what is in geospatial files
 *
 * A program of its own, because the libraries that read foreign files may crash, hang or eat memory: the
 * catalogue runs several of it and outlives them (src/catalog/extract.c). By hand it prints records.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/os.h"
#include "extract/extract.h"
#include "extract/frame.h"
#include "extract/gdal_env.h"
#include "extract/sandbox.h"
#include "extract/worker.h"

static const char usage[] = "usage: strata-extract [--tsv] [--stats] [--rules FILE] FILE...\n"
                            "       strata-extract --worker [--stats] [--rules FILE] [--memory BYTES]\n"
                            "\n"
                            "Prints for every file what GDAL and netCDF find in it: a JSON object a line.\n"
                            "\n"
                            "  --tsv           lines of a crawl file: path, gdal, JSON, separated by tabs\n"
                            "  --stats         smallest, largest and mean value of every band\n"
                            "  --rules FILE    rule sets (JSON) instead of the built-in ones\n"
                            "  --worker        read paths from standard input and answer in frames\n"
                            "  --memory BYTES  address space of a worker\n"
                            "  --version, --help\n"
                            "\n"
                            "Problems go to standard error; the exit status is 11 when a file had one.\n";

typedef struct Options {
    bool tsv, stats, worker;
    const char *rules;
    uint64_t memory;
} Options;

static int fail(const Err *err)
{
    (void)fprintf(stderr, "strata-extract: %s\n", err->text);
    return err_exit_status(err->code);
}

static bool load(Arena *arena, const Options *options, ExtractSetup *setup, Err *err)
{
    setup->stats = options->stats;
    return options->rules ? rules_load(arena, options->rules, &setup->rules, err)
                          : rules_built_in(arena, &setup->rules, err);
}

static int run_worker(Arena *arena, const Options *options)
{
    Err err = {0};
    ExtractSetup setup = {0};
    int out = worker_take_output(&err);

    if (out < 0)
        return fail(&err);
    if (!load(arena, options, &setup, &err) || !worker_confine(options->memory, &err)) {
        int status = err_exit_status(err.code);
        Str text = str_copy(arena, str_from_z(err.text));

        return frame_write(out, 'E', text, &err) ? status : fail(&err);
    }
    gdal_env_open();
    if (!sandbox_enter(&err))
        return fail(&err);
    return worker_serve(&setup, out, &err) ? 0 : fail(&err);
}

static void print_record(const Options *options, const ExtractResult *result)
{
    BUF_SCOPE(line);

    if (options->tsv) {
        buf_put(&line, result->record.filename);
        buf_put(&line, STR("\tgdal\t"));
    }
    record_put_json(&result->record, &line);
    buf_put_byte(&line, '\n');
    (void)fwrite(line.ptr, 1, line.len, stdout);
}

/* True when the file had no problem. */
static bool print_file(const Options *options, const ExtractSetup *setup, const char *path)
{
    ARENA_SCOPE(arena);
    ExtractResult result;

    extract_file(&arena, setup, str_from_z(path), &result);
    if (result.kind == EXTRACT_RECORD)
        print_record(options, &result);
    if (result.text.len > 0)
        (void)fprintf(stderr, "strata-extract: %s%s%.*s\n", result.kind == EXTRACT_NOTHING ? path : "",
                      result.kind == EXTRACT_NOTHING ? ": " : "", STR_ARG(result.text));
    return result.text.len == 0 || result.kind == EXTRACT_NOTHING;
}

static int run_by_hand(Arena *arena, const Options *options, char *const *paths)
{
    Err err = {0};
    ExtractSetup setup = {0};
    bool good = true;

    if (!load(arena, options, &setup, &err))
        return fail(&err);
    gdal_env_open();
    if (!sandbox_enter(&err))
        return fail(&err);
    for (; *paths; paths++)
        good = print_file(options, &setup, *paths) && good;
    if (fflush(stdout) != 0)
        return err_exit_status(ERR_IO);
    return good ? 0 : err_exit_status(ERR_PARTIAL);
}

static bool read_options(int argc, char **argv, Options *out)
{
    static const struct option known[] = {
        {"tsv", no_argument, NULL, 't'},          {"stats", no_argument, NULL, 's'},
        {"worker", no_argument, NULL, 'w'},       {"rules", required_argument, NULL, 'r'},
        {"memory", required_argument, NULL, 'm'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {0},
    };

    for (int c; (c = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (c == 'v' || c == 'h') {
            (void)fputs(c == 'v' ? "strata-extract " STRATA_VERSION "\n" : usage, stdout);
            exit(0);
        }
        if (c == '?' || (c == 'm' && !str_to_uint64(str_from_z(optarg), &out->memory)))
            return false;
        out->tsv |= c == 't';
        out->stats |= c == 's';
        out->worker |= c == 'w';
        if (c == 'r')
            out->rules = optarg;
    }
    return out->worker ? optind == argc : optind < argc;
}

int main(int argc, char **argv)
{
    ARENA_SCOPE(arena);
    Options options = {0};
    Err err = {0};

    if (!read_options(argc, argv, &options)) {
        (void)fputs(usage, stderr);
        return err_exit_status(ERR_USAGE);
    }
    if (!fault_init(&err))
        return fail(&err);
    return options.worker ? run_worker(&arena, &options) : run_by_hand(&arena, &options, argv + optind);
}
