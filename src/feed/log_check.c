/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole log, read to see whether it is as it was written. Opening a feed takes the head's word for all that is before it; this
 * takes nobody's.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "feed/log_inside.h"

typedef struct Checking {
    FeedLogReader in;
    FeedPlace floor, end;
    FeedLogTake *take;
    void *ctx;
    FeedPlace *bad;
    uint64_t chain; /* of the last commit */
    XXH3_state_t checks;
    bool known;      /* all is there since that commit, or since the beginning */
    FeedPlace doubt; /* where a segment ends with what is no record, since that commit; or 0 */
} Checking;

const char *feed_log_file(FeedPlace place, char out[16])
{
    (void)snprintf(out, 16, "%08x.log", segment_of(place));
    return out;
}

static bool is_bad(Checking *checking, FeedPlace place, Err *err)
{
    *checking->bad = place;
    return feed_log_damaged(checking->in.log, place, err);
}

/* ---- records ---- */

/*
 * What a failed write left at the end of a segment, and could not be cut off, is no record, and none is missing: the commit behind it
 * shows that.
 */
static bool check_commit(Checking *checking, FeedRecord *record, Err *err)
{
    uint64_t chain = record->body.len < 8 ? 0 : bytes_get(record->body.ptr, 8);

    if (record->body.len < 8 || (checking->known && XXH3_64bits_digest(&checking->checks) != chain))
        return is_bad(checking, checking->doubt ? checking->doubt : record->place, err);
    record->body = str_sub(record->body, 8, record->body.len);
    checking->chain = chain;
    (void)XXH3_64bits_reset_withSeed(&checking->checks, chain);
    checking->known = true;
    checking->doubt = 0;
    return true;
}

static bool take_record(Checking *checking, FeedRecord *record, size_t len, Err *err)
{
    if (record->type == FEED_COMMIT) {
        if (!check_commit(checking, record, err))
            return false;
    } else
        (void)XXH3_64bits_update(&checking->checks, checking->in.in.ptr + checking->in.used, 8);
    if (!checking->take(checking->ctx, record, err))
        return false;
    feed_log_skip(&checking->in, len);
    return true;
}

/* ---- what was given back ---- */

/* Over zeros; *none where there are none. A check may begin with some: so the last ones are tried one by one. */
static bool skip_zeros(Checking *checking, bool *none, Err *err)
{
    enum { CHECK_BYTES = 8 };
    FeedLogReader *in = &checking->in;
    size_t zeros = 0;

    *none = true;
    if (!feed_log_fill(in, CHECK_BYTES, err))
        return false;
    while (in->used + zeros < in->in.len && in->in.ptr[in->used + zeros] == 0)
        zeros++;
    if (zeros == 0)
        return true;
    *none = false;
    checking->known = false;
    feed_log_skip(in, zeros >= CHECK_BYTES ? zeros - CHECK_BYTES + 1 : 1);
    return true;
}

/* ---- segments ---- */

/* Up to the end of all, or of this segment. */
static bool check_records(Checking *checking, Err *err)
{
    FeedLogReader *in = &checking->in;

    while (in->at < checking->end) {
        FeedRecord record;
        size_t len;
        bool none = true;

        if (!feed_log_next(in, &record, &len, err))
            return false;
        if (len > 0) {
            if (!take_record(checking, &record, len, err))
                return false;
            continue;
        }
        if (in->at < checking->floor && !skip_zeros(checking, &none, err))
            return false;
        if (!none)
            continue;
        if (segment_of(in->at) == segment_of(checking->end) ||
            (in->at < checking->floor && in->used < in->in.len))
            return is_bad(checking, in->at, err);
        if (!checking->doubt && in->used < in->in.len)
            checking->doubt = in->at;
        return true;
    }
    return true;
}

/* A segment of which all was given back may have no file. */
static bool check_segment(Checking *checking, uint32_t segment, Err *err)
{
    FeedPlace first = first_of(segment);
    bool there = false;
    Err why = {0};

    if (!feed_log_go(&checking->in, segment, &there, &why)) {
        if (why.code == ERR_NOT_FOUND && segment < segment_of(checking->floor)) {
            checking->known = false;
            return true;
        }
        if (why.code == ERR_NOT_FOUND)
            return is_bad(checking, first - FEED_SEGMENT_HEAD, err);
        *err = why;
        return false;
    }
    return there ? check_records(checking, err) : is_bad(checking, first - FEED_SEGMENT_HEAD, err);
}

static bool check_all(Checking *checking, Err *err)
{
    for (uint64_t segment = 0; segment <= segment_of(checking->end); segment++)
        if (!check_segment(checking, (uint32_t)segment, err))
            return false;
    return (checking->in.at == checking->end && checking->chain == feed_log_chain(checking->in.log)) ||
           is_bad(checking, checking->end, err);
}

bool feed_log_check(FeedLog *log, FeedPlace floor, FeedLogTake *take, void *ctx, FeedPlace *bad, Err *err)
{
    Checking checking = {.in = {.log = log},
                         .floor = floor,
                         .end = log->end,
                         .take = take,
                         .ctx = ctx,
                         .bad = bad,
                         .known = true};

    *bad = 0;
    (void)XXH3_64bits_reset_withSeed(&checking.checks, 0);
    bool ok = check_all(&checking, err);
    buf_release(&checking.in.in);
    return ok;
}
