/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/known.h"

#include <stdlib.h>
#include <string.h>

#include "db/copy.h"

enum { COLUMNS = 8, START = 1 << 12 };

static const PathHash nobody; /* all zero: a free slot; no path has that MD5 but by chance of 2^-128 */

static KnownDir *find(KnownDir *slots, size_t size, const PathHash *dir)
{
    uint64_t at;

    memcpy(&at, dir->bytes, sizeof at);
    for (at &= size - 1;; at = (at + 1) & (size - 1))
        if (memcmp(&slots[at].scan.dir, dir, sizeof *dir) == 0 ||
            memcmp(&slots[at].scan.dir, &nobody, sizeof nobody) == 0)
            return &slots[at];
}

static void grow(Known *known)
{
    size_t size = known->size ? known->size * 2 : START;
    KnownDir *slots = calloc(size, sizeof *slots);

    if (!slots)
        abort();
    for (size_t i = 0; i < known->size; i++)
        if (memcmp(&known->slots[i].scan.dir, &nobody, sizeof nobody) != 0)
            *find(slots, size, &known->slots[i].scan.dir) = known->slots[i];
    free(known->slots);
    known->slots = slots;
    known->size = size;
}

static bool take(void *known_v, const Str *fields, int count, Err *err)
{
    Known *known = known_v;
    PathHash dir;

    if (count != COLUMNS || fields[0].len != sizeof dir.bytes)
        return err_set(err, ERR_CORRUPT, "the table 'scans' has other columns than this program knows");
    if (known->count >= KNOWN_MAX)
        return true;
    if (known->count * 4 >= known->size * 3)
        grow(known);
    memcpy(dir.bytes, fields[0].ptr, sizeof dir.bytes);
    KnownDir *slot = find(known->slots, known->size, &dir);
    slot->scan = (BatchScan){.dir = dir,
                             .print = copy_get_int8(fields[1]),
                             .mtime_ns = copy_get_int8(fields[2]),
                             .ctime_ns = copy_get_int8(fields[3]),
                             .options = copy_get_int8(fields[4]),
                             .files = copy_get_int4(fields[5]),
                             .directories = copy_get_int4(fields[6]),
                             .links = copy_get_int4(fields[7])};
    known->count++;
    return true;
}

bool known_load(Known *known, Db *db, Err *err)
{
    return copy_receive(db, "copy scans to stdout (format binary)", take, known, err);
}

/* Rows come ordered by directory. */
static bool take_subdir(void *known_v, const Str *fields, int count, Err *err)
{
    Known *known = known_v;
    PathHash dir;

    if (count != 2 || fields[0].len != sizeof dir.bytes)
        return err_set(err, ERR_CORRUPT, "the table 'directories' has other columns than this program knows");
    memcpy(dir.bytes, fields[0].ptr, sizeof dir.bytes);
    if (known->size == 0 || !known_find(known, &dir))
        return true;
    KnownDir *slot = find(known->slots, known->size, &dir);
    if (slot->name_count++ == 0)
        slot->names = known->names.len;
    buf_put(&known->names, fields[1]);
    buf_put_byte(&known->names, '\0');
    return true;
}

bool known_load_subdirs(Known *known, Db *db, Err *err)
{
    return copy_receive(
        db,
        "copy (select di_parent, di_name from directories where di_parent is not null order by di_parent) "
        "to stdout (format binary)",
        take_subdir, known, err);
}

size_t known_subdirs(const Known *known, const PathHash *dir, Arena *arena, Str **out)
{
    const KnownDir *slot = find(known->slots, known->size, dir);
    const char *name = known->names.ptr + slot->names;

    *out = arena_new(arena, Str, slot->name_count + 1);
    for (uint32_t i = 0; i < slot->name_count; i++) {
        (*out)[i] = str_from_z(name);
        name += (*out)[i].len + 1;
    }
    return slot->name_count;
}

const BatchScan *known_find(const Known *known, const PathHash *dir)
{
    if (known->size == 0)
        return NULL;
    const KnownDir *slot = find(known->slots, known->size, dir);
    return memcmp(&slot->scan.dir, &nobody, sizeof nobody) == 0 ? NULL : &slot->scan;
}

void known_release(Known *known)
{
    free(known->slots);
    buf_release(&known->names);
    *known = (Known){0};
}
