/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/progress.h"
#include "base/stop.h"
#include "cli/feeds.h"

typedef struct Verifying {
    Progress *progress;
    uint64_t seen;
} Verifying;

static bool go_on(void *verifying_v, uint64_t block)
{
    Verifying *v = verifying_v;

    if (block >= v->seen) {
        progress_add(v->progress, (int64_t)(block + 1 - v->seen));
        v->seen = block + 1;
    }
    return !stop_asked();
}

static bool verify(const Call *call, Feed *feed, uint64_t *first_bad, Err *err)
{
    Verifying v = {.progress = progress_begin(call->arena,
                                              (ProgressTask){.what = "verifying",
                                                             .unit = "blocks",
                                                             .total = (int64_t)feed_state(feed)->roots.length,
                                                             .fd = STDERR_FILENO,
                                                             .off = call->quiet || call->json})};
    bool ok = feed_verify(feed, &(FeedVerify){.progress = go_on, .progress_ctx = &v}, first_bad, err);

    progress_end(v.progress);
    return ok;
}

static void print_bad(const Call *call, uint64_t first_bad)
{
    out_record(call->out);
    feeds_put_number(call, "first_bad", first_bad);
    out_end(call->out);
}

static void print_good(const Call *call, const FeedState *state)
{
    out_record(call->out);
    feeds_put_hex(call, "key", state->identity.key);
    feeds_put_number(call, "length", state->roots.length);
    feeds_put_number(call, "held", state->held);
    feeds_put_number(call, "fork", state->fork);
    feeds_put_root(call, "root", &state->roots);
    out_field(call->out, "first_bad", OUT_INT);
    out_null(call->out);
    out_end(call->out);
}

static bool run(const Call *call, Err *err)
{
    uint64_t first_bad = 0;
    FeedInHand in;

    if (!stop_init(err))
        return false;
    bool open = feeds_take(call, FEED_READ, &in, err);

    if (open && verify(call, in.feed, &first_bad, err)) {
        print_good(call, feed_state(in.feed));
        return true;
    }
    if (open && err->code == ERR_CORRUPT && first_bad < feed_state(in.feed)->roots.length)
        (void)err_hint(
            err,
            "a peer that has the block sends it again: strata feed clear %s %llu, then strata feed replicate",
            call->args[0].ptr, (unsigned long long)first_bad);
    if (err->code == ERR_CORRUPT) /* one that cannot be opened is bad from its first block on */
        print_bad(call, first_bad);
    return false;
}

const Cmd cmd_feed_verify = {
    .name = "feed verify",
    .args = "KEY",
    .summary = "read all of a feed that is held, and check it against its signature",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. A damaged feed ends it with status 8 and 'first_bad', the "
        "first block that is not as it was signed. Blocks that are not held are not missed.",
    .examples = "strata feed verify notes\n",
    .run = run,
};
