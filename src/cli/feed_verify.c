/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/stop.h"
#include "cli/feeds.h"

typedef struct Verifying {
    Progress *progress;
    uint64_t seen;
} Verifying;

static bool go_on(void *verifying_v, uint64_t done)
{
    Verifying *v = verifying_v;

    if (done > v->seen) { /* less, when it is read once more */
        progress_add(v->progress, (int64_t)(done - v->seen));
        v->seen = done;
    }
    return !stop_asked();
}

static bool verify(const Call *call, Feed *feed, FeedDamage *damage, Err *err)
{
    uint64_t first_bad;

    Verifying v = {.progress =
                       progress_begin(call->arena, (ProgressTask){.what = "verifying",
                                                                  .unit = "blocks",
                                                                  .total = (int64_t)feed_state(feed)->held,
                                                                  .fd = STDERR_FILENO,
                                                                  .off = call->quiet || call->json})};
    bool ok = feed_verify(feed, &(FeedVerify){.progress = go_on, .progress_ctx = &v, .damage = damage},
                          &first_bad, err);

    progress_end(v.progress);
    return ok;
}

static void print_bad(const Call *call, const FeedDamage *damage)
{
    Out *out = call->out;

    out_record(out);
    out_field(out, "first_bad", OUT_INT);
    damage->block != FEED_NO_BLOCK ? out_int(out, (int64_t)damage->block) : out_null(out);
    out_field(out, "file", OUT_TEXT);
    out_z(out, damage->file[0] ? damage->file : NULL);
    out_field(out, "offset", OUT_INT);
    damage->file[0] ? out_int(out, (int64_t)damage->offset) : out_null(out);
    out_end(out);
}

/* Blocks come from peers; all else can be made of what is right. */
static void hint(const Call *call, const Feed *feed, const FeedDamage *damage, Err *err)
{
    const char *key = call->args[0].ptr;

    if (strstr(damage->file, ".log") && damage->block != FEED_NO_BLOCK)
        (void)err_hint(
            err,
            "a peer that has the block sends it again: strata feed clear %s %llu, then strata feed replicate",
            key, (unsigned long long)damage->block);
    else if (strstr(damage->file, ".log"))
        (void)err_hint(
            err,
            "all blocks are right: strata feed backup takes them, and when strata feed remove was here, strata "
            "feed restore makes the log anew");
    else if (feed_is_cleared(feed))
        (void)err_hint(err, "strata feed remove %s, then copy it from a peer or restore a backup", key);
    else
        (void)err_hint(err,
                       "the log is right: 'tree' and 'head' are made of it anew when both files are removed "
                       "while nobody uses the feed");
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

/* No block is known to be bad of a feed that cannot be opened. Where its head is gone, that is why: a head is made anew if it can be. */
static void find_lost(const Call *call, const FeedInHand *in, FeedDamage *damage)
{
    if (in->about.path && access(str_printf(call->arena, "%s/head", in->about.path).ptr, F_OK) != 0)
        memcpy(damage->file, "head", sizeof "head");
}

static bool run(const Call *call, Err *err)
{
    FeedDamage damage = {.block = FEED_NO_BLOCK};
    FeedInHand in = {0};

    if (!stop_init(err))
        return false;
    bool open = feeds_take(call, FEED_READ, &in, err);

    if (open && verify(call, in.feed, &damage, err)) {
        print_good(call, feed_state(in.feed));
        return true;
    }
    if (open && err->code == ERR_CORRUPT)
        hint(call, in.feed, &damage, err);
    if (!open && err->code == ERR_CORRUPT)
        find_lost(call, &in, &damage);
    if (err->code == ERR_CORRUPT)
        print_bad(call, &damage);
    return false;
}

const Cmd cmd_feed_verify = {
    .name = "feed verify",
    .args = "KEY",
    .summary = "read all of a feed that is held, and check it against its signature",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. A damaged feed ends it with status 8 and 'first_bad', the "
        "first block that is not as it was signed, and with the file and the byte in it that is damaged; 'first_bad' is null where all "
        "blocks are right, and what is damaged is beside them: another record of the log, a node of the tree that nothing held stands on, "
        "the head; and of a feed that cannot be opened at all. Blocks that are not held are not missed.",
    .examples = "strata feed verify notes\n",
    .run = run,
};
