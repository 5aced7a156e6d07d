/* SPDX-License-Identifier: Apache-2.0 */
/* The space of a log: what of it is dead, and how it is given back. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/bytes.h"
#include "base/os.h"
#include "feed/log_inside.h"

enum {
    UNIT = 4096,           /* the file system gives back whole ones */
    GAP_MAX = 1024 * 1024, /* bytes looked through between two dead places */
};

/* ---- between two dead places ---- */

static size_t zeros(Str bytes)
{
    size_t at = 0;

    while (at < bytes.len && bytes.ptr[at] == 0)
        at++;
    return at;
}

/* Behind zeros: the record there, whose check may begin with some zeros itself. Returns how many of them are its own. */
static size_t own_zeros(Str bytes, size_t at, FeedPlace from)
{
    FeedRecord record;

    for (size_t own = 0; own < 8 && own <= at; own++)
        if (feed_log_see(str_sub(bytes, at - own, bytes.len), from + at - own, &record) > 0)
            return own;
    return 0;
}

static bool only_dead(Str bytes, FeedPlace from)
{
    size_t at = 0;

    while (at < bytes.len) {
        FeedRecord record;
        size_t none = zeros(str_sub(bytes, at, bytes.len));

        at += none;
        if (at == bytes.len)
            return true;
        if (none > 0)
            at -= own_zeros(bytes, at, from);
        size_t len = feed_log_see(str_sub(bytes, at, bytes.len), from + at, &record);
        if (len == 0 || record.type == FEED_BLOCK)
            return false;
        at += len;
    }
    return true;
}

bool feed_log_is_dead(FeedLog *log, FeedPlace from, FeedPlace to, bool *out, Err *err)
{
    BUF_SCOPE(bytes);
    size_t got = 0;

    *out = from == to;
    if (*out || segment_of(from) != segment_of(to) || to - from > GAP_MAX)
        return true;
    if (!feed_log_use(log, segment_of(from), O_RDWR, err) ||
        !os_pread_all(log->fd, buf_reserve(&bytes, (size_t)(to - from)), (size_t)(to - from), offset_of(from),
                      &got, err))
        return false;
    bytes.len = got;
    *out = got == to - from && only_dead(buf_str(&bytes), from);
    return true;
}

/* ---- giving back ---- */

/* Whether there are zeros only between two offsets of the segment in hand. */
static bool is_empty(FeedLog *log, off_t from, off_t to, bool *out, Err *err)
{
    char bytes[UNIT];
    size_t got = 0, len = (size_t)(to - from);

    if (!os_pread_all(log->fd, bytes, len, from, &got, err))
        return false;
    *out = got == len && zeros((Str){bytes, got}) == got;
    return true;
}

bool feed_log_punch(FeedLog *log, FeedPlace from, FeedPlace to, Err *err)
{
    off_t first = offset_of(from), last = offset_of(to);
    off_t unit = first / UNIT * UNIT, next = (last + UNIT - 1) / UNIT * UNIT;
    bool empty;

    buf_reset(&log->ahead);
    if (!feed_log_use(log, segment_of(from), O_RDWR, err) || !is_empty(log, unit, first, &empty, err))
        return false;
    if (empty)
        first = unit;
    if (segment_of(log->end) > segment_of(to) || (off_t)offset_of(log->end) >= next) {
        if (!is_empty(log, last, next, &empty, err))
            return false;
        if (empty)
            last = next;
    }
    return os_punch_hole(log->fd, first, last - first) == 0 || errno == EOPNOTSUPP ||
           err_sys(err, ERR_IO, "cannot give back space of the log in '%s'", log->path);
}

/* The 512s that the segments take, and how many have a file. */
static bool add_up(const FeedLog *log, uint64_t *blocks, uint64_t *segments, Err *err)
{
    char name[FEED_LOG_NAME_MAX];
    struct statx st;

    *blocks = *segments = 0;
    for (uint64_t segment = 0; segment <= segment_of(log->end); segment++) {
        if (os_statx(AT_FDCWD, feed_log_name(log, (uint32_t)segment, name), 0, STATX_BLOCKS, &st) < 0) {
            if (errno == ENOENT)
                continue;
            return err_sys(err, ERR_IO, "cannot look at '%s'", name);
        }
        *blocks += st.stx_blocks;
        ++*segments;
    }
    return true;
}

bool feed_log_disk(const FeedLog *log, uint64_t *out, Err *err)
{
    enum { BLOCK = 512 }; /* of stx_blocks, whatever the file system's are */
    uint64_t blocks, segments;

    if (!add_up(log, &blocks, &segments, err))
        return false;
    *out = blocks * BLOCK;
    return true;
}

bool feed_log_segments(const FeedLog *log, uint64_t *out, Err *err)
{
    uint64_t blocks;

    return add_up(log, &blocks, out, err);
}
