/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/os.h"
#include "feed/log_inside.h"

enum {
    VERSION = 1,
    OUT_MAX = 4 * 1024 * 1024, /* of a batch in memory, bytes */
    IN_PIECE = 256 * 1024,     /* read at once */
    BODY_MAX = FEED_BLOCK_MAX + 8,
    READ_FIRST = 4096, /* of a record whose length is not known yet */
};
static const char magic[8] = {'S', 'T', 'R', 'F', 'E', 'E', 'D', 'L'};

/* ---- segments ---- */

const char *feed_log_name(const FeedLog *log, uint32_t segment, char out[FEED_LOG_NAME_MAX])
{
    (void)snprintf(out, FEED_LOG_NAME_MAX, "%.4096s/%08x.log", log->path, segment);
    return out;
}

FeedLog *feed_log_new(Arena *arena, const char *path, uint32_t segment_bytes, FeedPlace end, uint64_t chain)
{
    FeedLog *log = arena_new(arena, FeedLog, 1);

    *log = (FeedLog){.path = path,
                     .segment_bytes = segment_bytes ? segment_bytes : FEED_SEGMENT_BYTES,
                     .end = end,
                     .chain = chain,
                     .next = end,
                     .out_at = end,
                     .fresh = true,
                     .fd = -1};
    return log;
}

void feed_log_close(FeedLog *log)
{
    os_close(&log->fd);
    buf_release(&log->out);
    buf_release(&log->ahead);
}

FeedPlace feed_log_end(const FeedLog *log)
{
    return log->end;
}

uint64_t feed_log_chain(const FeedLog *log)
{
    return log->chain;
}

bool feed_log_use(FeedLog *log, uint32_t segment, int flags, Err *err)
{
    char name[FEED_LOG_NAME_MAX];

    if (log->fd >= 0 && log->open == segment && (log->flags == O_RDWR || flags == O_RDONLY))
        return true;
    os_close(&log->fd);
    log->fd = os_open(feed_log_name(log, segment, name), flags, 0600);
    log->open = segment;
    log->flags = flags & O_ACCMODE;
    return log->fd >= 0 || err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", name);
}

void feed_log_move(FeedLog *log, FeedPlace end, uint64_t chain)
{
    os_close(&log->fd);
    buf_reset(&log->ahead);
    log->end = log->next = log->out_at = end;
    log->chain = chain;
}

static void put_segment_head(Buf *buf, uint32_t segment)
{
    buf_put(buf, (Str){magic, sizeof magic});
    bytes_put(buf, VERSION, 4);
    bytes_put(buf, segment, 4);
}

/* ---- writing ---- */

static bool flush(FeedLog *log, Err *err)
{
    if (log->out.len == 0)
        return true;
    if (!feed_log_use(log, segment_of(log->out_at), O_RDWR | O_CREAT, err) ||
        !os_pwrite_all(log->fd, buf_str(&log->out), offset_of(log->out_at), err))
        return err_wrap(err, "cannot write to the log in '%s'", log->path);
    log->out_at += log->out.len;
    buf_reset(&log->out);
    return true;
}

/* A failed sync is not tried again: the kernel may have dropped what it could not write, and say yes the next time. */
static bool sync_segment(FeedLog *log, Err *err)
{
    if (log->fd < 0 || os_fdatasync(log->fd) == 0)
        return true;
    log->broken = true;
    return err_sys(err, ERR_IO, "cannot sync the log in '%s'", log->path);
}

/* What is left behind is synced, so that a commit can be made durable by a sync of its own segment. */
static bool begin_segment(FeedLog *log, uint32_t segment, Err *err)
{
    if (segment > 0 &&
        (!flush(log, err) || !feed_log_use(log, segment - 1, O_RDWR, err) || !sync_segment(log, err)))
        return false;
    put_segment_head(&log->out, segment);
    log->out_at = first_of(segment) - FEED_SEGMENT_HEAD;
    log->next = first_of(segment);
    log->rotated = true;
    return feed_log_use(log, segment, O_RDWR | O_CREAT, err) && os_sync_dir(log->path, err) &&
           fault_pass(FAULT_feed_segment_begun, err);
}

static void begin_batch(FeedLog *log)
{
    if (!log->fresh)
        return;
    log->fresh = false;
    (void)XXH3_64bits_reset_withSeed(&log->checks, log->chain);
}

/* The record at log->next, which is in the segment in hand. */
static void put_record(FeedLog *log, FeedRecordType type, const uint64_t *number, Str bytes)
{
    size_t at = log->out.len;
    char check[8];

    bytes_put(&log->out, 0, 8);
    bytes_put(&log->out, (uint32_t)(bytes.len + (number ? 8 : 0)), 4);
    bytes_put(&log->out, type, 4);
    if (number)
        bytes_put(&log->out, *number, 8);
    buf_put(&log->out, bytes);
    uint64_t hash = XXH3_64bits_withSeed(log->out.ptr + at + 8, log->out.len - at - 8, log->next);
    for (int i = 0; i < 8; i++)
        check[i] = log->out.ptr[at + (size_t)i] = (char)(hash >> (8 * i));
    if (type != FEED_COMMIT)
        (void)XXH3_64bits_update(&log->checks, check, sizeof check);
    log->next += log->out.len - at;
}

/* The segment in hand has room for a record of that size, or is a new one. */
static bool make_room(FeedLog *log, uint64_t size, Err *err)
{
    uint32_t offset = offset_of(log->next), segment = segment_of(log->next);

    if (log->next == FEED_PLACE_FIRST)
        return begin_segment(log, 0, err);
    if (offset + size <= log->segment_bytes || offset == FEED_SEGMENT_HEAD)
        return true;
    if (segment == UINT32_MAX)
        return err_set(err, ERR_LIMIT, "the log in '%s' is full", log->path);
    return begin_segment(log, segment + 1, err);
}

static bool add(FeedLog *log, FeedRecordType type, const uint64_t *number, Str bytes, FeedPlace *place,
                Err *err)
{
    uint64_t size = FEED_RECORD_HEAD + bytes.len + (number ? 8 : 0);

    if (log->broken)
        return err_set(err, ERR_IO,
                       "the log in '%s' could not be synced, so it takes no more until it is opened again",
                       log->path);
    if (bytes.len > FEED_BLOCK_MAX)
        return err_set(err, ERR_LIMIT, "a block of %zu bytes is too long: at most %d", bytes.len,
                       FEED_BLOCK_MAX);
    begin_batch(log);
    if (!make_room(log, size, err))
        return false;
    *place = log->next;
    put_record(log, type, number, bytes);
    return log->out.len < OUT_MAX || flush(log, err);
}

bool feed_log_put(FeedLog *log, FeedRecordType type, uint64_t number, Str bytes, FeedPlace *place, Err *err)
{
    if (add(log, type, type == FEED_BLOCK ? &number : NULL, bytes, place, err))
        return true;
    feed_log_undo(log);
    return false;
}

bool feed_log_commit(FeedLog *log, Str body, bool durable, bool *rotated, Err *err)
{
    FeedPlace place;

    begin_batch(log);
    uint64_t chain = XXH3_64bits_digest(&log->checks);
    if (!add(log, FEED_COMMIT, &chain, body, &place, err) || !flush(log, err) ||
        !fault_pass(FAULT_feed_batch_written, err) || (durable && !sync_segment(log, err)) ||
        !fault_pass(FAULT_feed_batch_synced, err)) {
        feed_log_undo(log);
        return false;
    }
    *rotated = log->rotated;
    log->end = log->next;
    log->chain = chain;
    log->fresh = true;
    log->rotated = false;
    return true;
}

bool feed_log_sync(FeedLog *log, Err *err)
{
    return log->end == FEED_PLACE_FIRST ||
           (feed_log_use(log, segment_of(log->end), O_RDWR, err) && sync_segment(log, err));
}

void feed_log_undo(FeedLog *log)
{
    Err ignored = {0};

    buf_reset(&log->out);
    if (!log->fresh && (log->out_at != log->end || log->rotated))
        (void)!feed_log_cut(log, &ignored); /* what stays cannot be taken for a part of a later batch */
    log->next = log->out_at = log->end;
    log->fresh = true;
    log->rotated = false;
}

static bool remove_from(FeedLog *log, uint32_t segment, Err *err)
{
    char name[FEED_LOG_NAME_MAX];

    for (;; segment++)
        if (os_unlink(feed_log_name(log, segment, name)) < 0)
            return errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", name);
}

bool feed_log_cut(FeedLog *log, Err *err)
{
    struct stat st;

    buf_reset(&log->ahead);
    if (log->end == FEED_PLACE_FIRST)
        return remove_from(log, 0, err);
    if (!feed_log_use(log, segment_of(log->end), O_RDWR, err))
        return false;
    if (fstat(log->fd, &st) == 0 && st.st_size > (off_t)offset_of(log->end) &&
        os_ftruncate(log->fd, offset_of(log->end)) < 0)
        return err_sys(err, ERR_IO, "cannot cut the log in '%s'", log->path);
    return remove_from(log, segment_of(log->end) + 1, err);
}

/* ---- reading ---- */

size_t feed_log_see(Str bytes, FeedPlace place, FeedRecord *out)
{
    if (bytes.len < FEED_RECORD_HEAD)
        return 0;
    size_t len = FEED_RECORD_HEAD + (size_t)bytes_get(bytes.ptr + 8, 4);
    uint64_t type = bytes_get(bytes.ptr + 12, 4);
    if (len > bytes.len || type < FEED_BLOCK || type > FEED_ROOTS ||
        XXH3_64bits_withSeed(bytes.ptr + 8, len - 8, place) != bytes_get(bytes.ptr, 8))
        return 0;
    *out = (FeedRecord){(FeedRecordType)type, place, str_sub(bytes, FEED_RECORD_HEAD, len)};
    return len;
}

bool feed_log_fill(FeedLogReader *reader, size_t want, Err *err)
{
    FeedLog *log = reader->log;
    size_t got = 0;

    if (reader->in.len - reader->used >= want)
        return true;
    buf_consume(&reader->in, reader->used);
    reader->used = 0;
    want = want < IN_PIECE ? IN_PIECE : want;
    char *to = buf_reserve(&reader->in, want);
    if (!os_pread_all(log->fd, to, want, (off_t)(offset_of(reader->at) + reader->in.len), &got, err))
        return err_wrap(err, "cannot read the log in '%s'", log->path);
    reader->in.len += got;
    return true;
}

bool feed_log_next(FeedLogReader *reader, FeedRecord *record, size_t *len, Err *err)
{
    if (!feed_log_fill(reader, FEED_RECORD_HEAD, err))
        return false;
    *len = 0;
    if (reader->in.len - reader->used < FEED_RECORD_HEAD)
        return true;
    uint64_t body = bytes_get(reader->in.ptr + reader->used + 8, 4);
    if (body > BODY_MAX)
        return true;
    if (!feed_log_fill(reader, FEED_RECORD_HEAD + (size_t)body, err))
        return false;
    *len = feed_log_see(str_sub(buf_str(&reader->in), reader->used, reader->in.len), reader->at, record);
    return true;
}

void feed_log_skip(FeedLogReader *reader, size_t len)
{
    reader->used += len;
    reader->at += len;
}

bool feed_log_go(FeedLogReader *reader, uint32_t segment, bool *there, Err *err)
{
    BUF_SCOPE(wanted);
    char head[FEED_SEGMENT_HEAD];
    size_t got = 0;

    buf_reset(&reader->in);
    reader->used = 0;
    if (!feed_log_use(reader->log, segment, O_RDONLY, err) ||
        !os_pread_all(reader->log->fd, head, sizeof head, 0, &got, err))
        return false;
    put_segment_head(&wanted, segment);
    reader->at = first_of(segment);
    *there = got == sizeof head && str_eq(buf_str(&wanted), (Str){head, got});
    return true;
}

typedef struct Scan {
    FeedLogReader in;
    FeedLogTake *take;
    void *ctx;
} Scan;

/* The next segment, if there is one. */
static bool go_to(Scan *scan, uint32_t segment, bool *there, Err *err)
{
    Err why = {0};

    *there = false;
    if (feed_log_go(&scan->in, segment, there, &why) || why.code == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

/* False at the end of what counts, and on failure. */
static bool take_record(Scan *scan, FeedRecord *record, size_t len, bool *goes_on, Err *err)
{
    FeedLog *log = scan->in.log;

    if (record->type == FEED_COMMIT) {
        if (record->body.len < 8 || XXH3_64bits_digest(&log->checks) != bytes_get(record->body.ptr, 8)) {
            *goes_on = false;
            return true;
        }
        log->chain = bytes_get(record->body.ptr, 8);
        log->end = log->next = log->out_at = record->place + len;
        record->body = str_sub(record->body, 8, record->body.len);
        (void)XXH3_64bits_reset_withSeed(&log->checks, log->chain);
    } else
        (void)XXH3_64bits_update(&log->checks, scan->in.in.ptr + scan->in.used, 8);
    return scan->take(scan->ctx, record, err);
}

/*
 * At the end of what was read of a segment. A writer may have gone on in it before it began the next one: where there is a next one, the
 * rest is looked at once more, because from then on nothing is added.
 */
static bool leave(Scan *scan, bool *looked, bool *there, Err *err)
{
    char name[FEED_LOG_NAME_MAX];
    struct statx st;
    uint32_t next = segment_of(scan->in.at) + 1;

    if (*looked) {
        *looked = false;
        return go_to(scan, next, there, err);
    }
    buf_reset(&scan->in.in);
    scan->in.used = 0;
    if (os_statx(AT_FDCWD, feed_log_name(scan->in.log, next, name), 0, STATX_TYPE, &st) == 0) {
        *looked = true;
        return true;
    }
    *there = false;
    return errno == ENOENT || err_sys(err, ERR_IO, "cannot look at '%s'", name);
}

static bool scan_all(Scan *scan, Err *err)
{
    FeedLogReader *in = &scan->in;
    bool there = true, goes_on = true, looked = false;

    if (in->at == FEED_PLACE_FIRST ? !go_to(scan, 0, &there, err)
                                   : !feed_log_use(in->log, segment_of(in->at), O_RDONLY, err)) {
        if (err->code == ERR_NOT_FOUND)
            (void)err_set(err, ERR_CORRUPT, "a segment of the log in '%s' is missing", in->log->path);
        return false;
    }
    while (there && goes_on) {
        FeedRecord record;
        size_t len;

        if (!feed_log_next(in, &record, &len, err))
            return false;
        if (len == 0) { /* the end of this segment, or of all */
            goes_on = offset_of(in->at) > FEED_SEGMENT_HEAD;
            if (goes_on && !leave(scan, &looked, &there, err))
                return false;
            continue;
        }
        looked = false;
        if (!take_record(scan, &record, len, &goes_on, err))
            return false;
        feed_log_skip(in, len);
    }
    return true;
}

bool feed_log_scan(FeedLog *log, FeedLogTake *take, void *ctx, Err *err)
{
    Scan scan = {.in = {.log = log, .at = log->end}, .take = take, .ctx = ctx};

    (void)XXH3_64bits_reset_withSeed(&log->checks, log->chain);
    bool ok = scan_all(&scan, err);
    buf_release(&scan.in.in);
    return ok;
}

bool feed_log_damaged(const FeedLog *log, FeedPlace place, Err *err)
{
    char name[FEED_LOG_NAME_MAX];

    return err_set(err, ERR_CORRUPT, "'%s' is damaged at byte %u",
                   feed_log_name(log, segment_of(place), name), offset_of(place));
}

/* The bytes from `place` on, at least `want` of them where the segment has them; more, where it is read on from record to record. */
static bool look(FeedLog *log, FeedPlace place, size_t want, Str *out, Err *err)
{
    bool goes_on = place >= log->ahead_end && place - log->ahead_end < READ_FIRST;
    size_t got = 0, least = goes_on ? IN_PIECE : READ_FIRST, len = want < least ? least : want;

    if (place >= log->ahead_at && place + want <= log->ahead_at + log->ahead.len) {
        *out = str_sub(buf_str(&log->ahead), (size_t)(place - log->ahead_at), log->ahead.len);
        return true;
    }
    if (!feed_log_use(log, segment_of(place), O_RDONLY, err))
        return err->code == ERR_NOT_FOUND ? feed_log_damaged(log, place, err) : false;
    buf_reset(&log->ahead);
    if (!os_pread_all(log->fd, buf_reserve(&log->ahead, len), len, offset_of(place), &got, err))
        return false;
    log->ahead.len = got;
    log->ahead_at = place;
    *out = buf_str(&log->ahead);
    return true;
}

/* *len: 0 when it is not there. */
static bool read_record(FeedLog *log, FeedPlace place, FeedRecord *out, size_t *len, Err *err)
{
    Str bytes = {0};

    if (!look(log, place, FEED_RECORD_HEAD, &bytes, err))
        return false;
    uint64_t whole = bytes.len < FEED_RECORD_HEAD ? 0 : FEED_RECORD_HEAD + bytes_get(bytes.ptr + 8, 4);
    if (whole > bytes.len && whole <= FEED_RECORD_HEAD + BODY_MAX &&
        !look(log, place, (size_t)whole, &bytes, err))
        return false;
    *len = feed_log_see(bytes, place, out);
    return true;
}

/* What another process wrote since may not be in what was read last: so what is wrong there is looked at once more. */
bool feed_log_read(FeedLog *log, FeedPlace place, FeedRecordType type, Str *out, Err *err)
{
    FeedRecord record;
    size_t len;

    if (!read_record(log, place, &record, &len, err))
        return false;
    if (len == 0) {
        buf_reset(&log->ahead);
        if (!read_record(log, place, &record, &len, err))
            return false;
    }
    if (len == 0 || record.type != type)
        return feed_log_damaged(log, place, err);
    log->ahead_end = place + len;
    *out = record.body;
    return true;
}
