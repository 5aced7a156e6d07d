/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/feeds.h"
#include "feed/proof_file.h"

typedef struct Opts {
    Str output;
    bool force;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "output", 'o', offsetof(Opts, output), "FILE", "write it to this file (standard output)"},
    {OPT_FLAG, "force", 0, offsetof(Opts, force), NULL, "replace a file that is there already"},
    {.type = OPT_END},
};

static bool write_file(const Call *call, Str proof, Err *err)
{
    const Opts *o = call->opts;

    if (!o->force && access(o->output.ptr, F_OK) == 0) {
        (void)err_set(err, ERR_CONFLICT, "there is a '%s' already", o->output.ptr);
        return err_hint(err, "--force replaces it");
    }
    return os_write_file(o->output.ptr, proof, 0600, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    BUF_SCOPE(proof);
    uint64_t block;
    FeedInHand in;

    if (!feeds_number(call->args[1], "N", &block, err) || !feeds_take(call, FEED_READ, &in, err) ||
        !proof_file_make(in.feed, block, &proof, err))
        return false;
    if (o->output.ptr && !str_eq(o->output, STR("-")))
        return write_file(call, buf_str(&proof), err);
    out_raw(call->out, buf_str(&proof));
    return true;
}

const Cmd cmd_feed_proof = {
    .name = "feed proof",
    .args = "KEY N",
    .summary = "write a proof that a block is in a feed",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name; the first block has number 0. The proof is one file with the "
        "block, the hashes that lead from it to the roots of the feed, and the signature over these. Whoever has it can check it with strata "
        "feed check-proof, without the feed, and needs to know nothing but the feed's key. docs/format/feed-proof.md has the format.\n\n"
        "A block of an encrypted feed is in the proof as it is kept, encrypted.",
    .opts = opts,
    CMD_OPTS(Opts, .force = false),
    .examples = "strata feed proof notes 0 -o zero.proof\n"
                "strata feed proof notes 0 |\n"
                "    strata feed check-proof -\n",
    .run = run,
};
