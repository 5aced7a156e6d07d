/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/posix_row.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/jsonread.h"
#include "db/copy.h"

/* Times that a timestamptz holds, with room to spare: 4713 BC to 294276. */
static bool fits_time(PosixTime at)
{
    return at.sec > -200000000000 && at.sec < 9000000000000;
}

bool posix_row_is_whole(const PosixFacts *facts)
{
    const uint32_t link_only = POSIX_HAS_TARGET | POSIX_HAS_INTACT;

    if (facts->type > POSIX_LINK || !(facts->has & POSIX_HAS_TYPE) || facts->has & POSIX_HAS_XATTRS ||
        facts->size > INT64_MAX || facts->dev > INT64_MAX || !fits_time(facts->atime) ||
        !fits_time(facts->mtime) || !fits_time(facts->ctime) || !fits_time(facts->btime))
        return false;
    /* The seed keeps no mode of a link: it is always the same. */
    return facts->type == POSIX_LINK ? facts->has & POSIX_HAS_MODE && facts->mode == 0777
                                     : !(facts->has & link_only);
}

/* A sum over the members of an object, so that their order and blanks do not matter; 0 when it is none. */
static uint64_t sum_members(Str json)
{
    JsonIn in = json_in(json);
    JsonValue value;
    uint64_t sum = 0;
    Str key;

    for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key);) {
        if (!json_value(&in, &value))
            return 0;
        sum += XXH3_64bits_withSeed(key.ptr, key.len,
                                    XXH3_64bits_withSeed(value.raw.ptr, value.raw.len, value.kind));
    }
    return json_done(&in) ? sum : 0;
}

bool posix_row_says(const PosixFacts *facts, Str json, Buf *scratch)
{
    buf_reset(scratch);
    posix_put_json(scratch, facts);
    return str_eq(json, buf_str(scratch)) || sum_members(json) == sum_members(buf_str(scratch));
}

static void put_time(Buf *rows, const PosixFacts *facts, uint32_t has, PosixTime at)
{
    if (facts->has & has && fits_time(at))
        copy_timestamptz(rows, at.sec * 1000000 + at.nsec / 1000);
    else
        copy_null(rows);
}

/* Numbers that the seed keeps as text. */
static void put_number_text(Buf *rows, bool known, uint64_t value)
{
    char digits[24];
    size_t at = sizeof digits;

    if (!known) {
        copy_null(rows);
        return;
    }
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    copy_text(rows, (Str){digits + at, sizeof digits - at});
}

static void put_text_if(Buf *rows, bool known, Str value)
{
    if (known)
        copy_text(rows, value);
    else
        copy_null(rows);
}

static void put_int8_if(Buf *rows, bool known, int64_t value)
{
    if (known)
        copy_int8(rows, value);
    else
        copy_null(rows);
}

static void put_size(Buf *rows, const PosixFacts *facts)
{
    put_int8_if(rows, facts->has & POSIX_HAS_SIZE, (int64_t)facts->size);
}

static void put_mode_text(Buf *rows, const PosixFacts *facts)
{
    char mode[POSIX_MODE_TEXT];

    posix_mode_text(facts->type, facts->mode, mode);
    put_text_if(rows, facts->has & POSIX_HAS_MODE, (Str){mode, sizeof mode});
}

static void put_key(Buf *rows, const PosixRowKey *key)
{
    copy_uuid(rows, key->hash->bytes);
    if (key->parent)
        copy_uuid(rows, key->parent->bytes);
    else
        copy_null(rows);
    copy_text(rows, key->name);
}

static void put_times(Buf *rows, const PosixFacts *facts)
{
    put_time(rows, facts, POSIX_HAS_CTIME, facts->ctime);
    put_time(rows, facts, POSIX_HAS_MTIME, facts->mtime);
    put_time(rows, facts, POSIX_HAS_ATIME, facts->atime);
}

static void put_owner_texts(Buf *rows, const PosixFacts *facts)
{
    put_number_text(rows, facts->has & POSIX_HAS_INODE, facts->inode);
    put_number_text(rows, facts->has & POSIX_HAS_UID, facts->uid);
    put_number_text(rows, facts->has & POSIX_HAS_GID, facts->gid);
    put_text_if(rows, facts->has & POSIX_HAS_USER, facts->user);
    put_text_if(rows, facts->has & POSIX_HAS_GROUP, facts->group);
}

static void put_owner_numbers(Buf *rows, const PosixFacts *facts)
{
    put_int8_if(rows, facts->has & POSIX_HAS_UID, facts->uid);
    put_int8_if(rows, facts->has & POSIX_HAS_GID, facts->gid);
}

static void put_mode_number(Buf *rows, const PosixFacts *facts)
{
    if (facts->has & POSIX_HAS_MODE)
        copy_int4(rows, facts->mode);
    else
        copy_null(rows);
}

/* What microseconds leave of the four times: see fi_nanos in sql/shard.sql. */
static int64_t nanos_of(const PosixFacts *facts)
{
    return facts->atime.nsec % 1000 | (int64_t)(facts->mtime.nsec % 1000) << 10 |
           (int64_t)(facts->ctime.nsec % 1000) << 20 | (int64_t)(facts->btime.nsec % 1000) << 30;
}

/* What the columns of the seed do not say; `whole` marks the columns as all of the record. */
static void put_rest(Buf *rows, const PosixFacts *facts, bool whole)
{
    put_int8_if(rows, facts->has & POSIX_HAS_NLINK, facts->nlink);
    put_int8_if(rows, facts->has & POSIX_HAS_DEV, (int64_t)facts->dev);
    put_time(rows, facts, POSIX_HAS_BTIME, facts->btime);
    put_int8_if(rows, whole, nanos_of(facts));
}

/* Of a file or a directory, whose own size stands behind the seed's columns: di_size is that of all files below. */
static void put_moded(Buf *rows, const PosixRowKey *key, const PosixFacts *facts, bool whole)
{
    bool file = facts->type == POSIX_FILE;

    copy_row(rows, 20);
    put_key(rows, key);
    if (file)
        put_size(rows, facts);
    put_times(rows, facts);
    put_mode_text(rows, facts);
    put_owner_texts(rows, facts);
    put_owner_numbers(rows, facts);
    put_mode_number(rows, facts);
    put_rest(rows, facts, whole);
    if (!file)
        put_size(rows, facts);
}

static void put_link(Buf *rows, const PosixRowKey *key, const PosixFacts *facts, bool whole)
{
    copy_row(rows, 20);
    put_key(rows, key);
    put_times(rows, facts);
    put_owner_texts(rows, facts);
    if (facts->has & POSIX_HAS_INTACT)
        copy_bool(rows, facts->intact);
    else
        copy_null(rows);
    put_text_if(rows, facts->has & POSIX_HAS_TARGET, facts->target);
    put_owner_numbers(rows, facts);
    put_rest(rows, facts, whole);
    put_size(rows, facts);
}

void posix_row_put(Buf *files, Buf *directories, Buf *links, const PosixRowKey *key, const PosixFacts *facts,
                   bool whole)
{
    switch (facts->type) {
    case POSIX_FILE:
        put_moded(files, key, facts, whole);
        break;
    case POSIX_DIRECTORY:
        put_moded(directories, key, facts, whole);
        break;
    case POSIX_LINK:
        put_link(links, key, facts, whole);
        break;
    default: /* pipes, sockets, devices have no table */
        break;
    }
}
