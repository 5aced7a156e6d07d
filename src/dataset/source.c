/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/os.h"

/* CSV is what any text may be, so it comes last. */
static const SourceKind *const kinds[] = {&source_fits, &source_hdf5, &source_sage, &source_csv};

enum { START = 4096, SUM_BLOCK = 1024 * 1024 };

const char *source_kinds(Arena *arena)
{
    BUF_SCOPE(names);

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", kinds[i]->name);
    return str_to_z(arena, buf_str(&names));
}

static bool find_kind(int fd, const char *path, const char *name, const SourceKind **out, Err *err)
{
    ARENA_SCOPE(scratch);
    char *start = arena_new(&scratch, char, START);
    size_t got;

    if (!os_pread_all(fd, start, START, 0, &got, err))
        return err_wrap(err, "cannot read '%s'", path);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (name ? strcmp(kinds[i]->name, name) == 0 : kinds[i]->is((Str){start, got}, path)) {
            *out = kinds[i];
            return true;
        }
    if (name)
        return err_set(err, ERR_USAGE, "there is no kind of files '%s'; there are %s", name,
                       source_kinds(&scratch));
    (void)err_set(err, ERR_USAGE, "'%s' is of no kind that can be imported", path);
    return err_hint(err, "--from says which it is: %s", source_kinds(&scratch));
}

/* Of all bytes: an import that goes on must find what it began with. */
static bool sum_up(int fd, const char *path, unsigned char out[16], Err *err)
{
    ARENA_SCOPE(scratch);
    unsigned char *block = arena_new(&scratch, unsigned char, SUM_BLOCK);
    XXH3_state_t *state = XXH3_createState();
    XXH128_canonical_t canonical;
    off_t at = 0;
    size_t got = SUM_BLOCK;
    bool ok = true;

    if (!state)
        abort();
    XXH3_128bits_reset(state);
    while (ok && got == SUM_BLOCK) {
        ok = os_pread_all(fd, block, SUM_BLOCK, at, &got, err) || err_wrap(err, "cannot read '%s'", path);
        if (ok)
            XXH3_128bits_update(state, block, got);
        at += SUM_BLOCK;
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(out, canonical.digest, 16);
    XXH3_freeState(state);
    return ok;
}

/* model_z0.509_3: a redshift, and the number of a file. */
static void read_name(Source *source)
{
    const char *name = strrchr(source->path, '/'), *z, *last;
    char *end;

    name = name ? name + 1 : source->path;
    source->redshift = NAN;
    source->number = -1;
    z = strstr(name, "_z");
    if (z) {
        double value = strtod(z + 2, &end);

        if (end > z + 2 && value >= 0 && (*end == '_' || *end == '\0'))
            source->redshift = value;
    }
    last = strrchr(name, '_');
    if (last && last[1] >= '0' && last[1] <= '9') {
        long number = strtol(last + 1, &end, 10);

        if (*end == '\0' && number <= INT_MAX)
            source->number = (int)number;
    }
}

bool source_open(Arena *arena, const char *path, const SourceOptions *options, Source **out, Err *err)
{
    Source *source = arena_new(arena, Source, 1);
    FD_SCOPE(fd);

    *source = (Source){.arena = arena, .sites = {-1, {-1, -1, -1}, -1}};
    fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path);
    source->path = str_copy(arena, str_from_z(path)).ptr;
    read_name(source);
    if (!find_kind(fd, path, options->kind, &source->kind, err) || !sum_up(fd, path, source->sum, err) ||
        !source->kind->open(source, options, err) || !columns_check(&source->columns, path, err))
        return false;
    *out = source;
    return true;
}

bool source_reopen(Source *source, Err *err)
{
    return !source->kind->reopen || source->kind->reopen(source, err);
}

bool source_put(Source *source, int64_t first, int64_t count, Buf *out, Err *err)
{
    return source->kind->put(source, first, count, out, err) || err_wrap(err, "'%s'", source->path);
}

bool source_sites(Source *source, int64_t first, int64_t count, Site *out, Err *err)
{
    return source->kind->sites(source, first, count, out, err) || err_wrap(err, "'%s'", source->path);
}
