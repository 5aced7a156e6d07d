/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/extract.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "extract/gdal_env.h"
#include "extract/gdal_file.h"
#include "extract/scene.h"

/* Endings that promise data: such a file that nobody recognizes is damaged, any other one is just no data. */
static const char *const data_endings[] = {
    ".nc",    ".nc3",  ".nc4", ".cdf",  ".h5",  ".hdf5",          ".he5",  ".hdf",
    ".hdf4",  ".he4",  ".tif", ".tiff", ".jp2", ".grb",           ".grb2", ".grib",
    ".grib2", ".gpkg", ".shp", ".fits", ".img", "-metadata.yaml", ".vrt",
};

static bool ends_in(Str path, const char *ending)
{
    size_t len = strlen(ending);

    return path.len > len && strncasecmp(path.ptr + path.len - len, ending, len) == 0;
}

static bool promises_data(Str path)
{
    for (size_t i = 0; i < COUNT_OF(data_endings); i++)
        if (ends_in(path, data_endings[i]))
            return true;
    return false;
}

static void say(ExtractResult *out, ExtractKind kind, Str text)
{
    out->kind = kind;
    out->text = text;
}

static void nothing(const ExtractFile *file, ExtractResult *out, const char *why)
{
    bool damaged = promises_data(file->path);

    say(out, damaged ? EXTRACT_PROBLEM : EXTRACT_NOTHING,
        damaged
            ? str_printf(file->arena, "'%.*s' is named as data, but %s", STR_ARG(file->record->filename), why)
            : str_from_z(why));
}

static bool look_at(const ExtractFile *file, ExtractResult *out)
{
    struct stat *st = &file->record->st;

    if (str_starts(file->path, STR("/vsi")) || memchr(file->path.ptr, 0, file->path.len)) {
        say(out, EXTRACT_PROBLEM, STR("paths of virtual file systems are refused"));
        return false;
    }
    if (stat(file->path_z, st) < 0) {
        say(out, EXTRACT_PROBLEM,
            str_printf(file->arena, "cannot look at '%.*s': %s", STR_ARG(file->record->filename),
                       strerror(errno)));
        return false;
    }
    if (!S_ISREG(st->st_mode)) {
        say(out, EXTRACT_NOTHING, STR("not a regular file"));
        return false;
    }
    if (st->st_size == 0) {
        nothing(file, out, "it is empty");
        return false;
    }
    return true;
}

/* The reader's verdict with what the libraries said. */
static void conclude(ExtractFile *file, bool done, const Err *err, ExtractResult *out)
{
    Str noise = gdal_noise();

    if (done && file->record->first) {
        say(out, EXTRACT_RECORD, file->missing);
    } else if (file->missing.len > 0) {
        say(out, EXTRACT_PROBLEM, file->missing);
    } else if (done) {
        say(out, EXTRACT_NOTHING, STR("no dataset in it"));
    } else if (err->code == ERR_NOT_FOUND) {
        nothing(file, out, "no reader recognizes it");
    } else if ((err->code == ERR_CORRUPT || err->code == ERR_LIMIT) && !promises_data(file->path)) {
        say(out, EXTRACT_NOTHING,
            str_copy(file->arena, str_from_z(err->text))); /* any YAML file or text of any program */
    } else {
        say(out, EXTRACT_PROBLEM,
            str_printf(file->arena, "%s%s%.*s", err->text, noise.len > 0 ? ": " : "", STR_ARG(noise)));
    }
}

void extract_file(Arena *arena, const ExtractSetup *setup, Str path, ExtractResult *out)
{
    Err err = {0};
    ExtractFile file = {.arena = arena, .setup = setup, .path = path, .record = &out->record};
    bool done;

    *out = (ExtractResult){.kind = EXTRACT_PROBLEM};
    record_init(&out->record, arena, path);
    file.path_z = str_to_z(arena, path);
    gdal_noise_reset();
    if (!look_at(&file, out))
        return;
    rules_match(&setup->rules, path, &file.match);
    if (ends_in(path, ".yaml") || ends_in(path, ".yml"))
        done = scene_read(&file, &err);
    else
        done = gdal_file_read(&file, &err);
    conclude(&file, done, &err, out);
}
