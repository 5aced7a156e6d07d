/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"
#include "feed/forks.h"

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"fork", OUT_INT},
                                        {"length", OUT_INT},
                                        {"here", OUT_INT},
                                        {"there", OUT_INT},
                                        {"root_here", OUT_TEXT, true, OUT_KEY_LEAST},
                                        {"root_there", OUT_TEXT, true, OUT_KEY_LEAST},
                                        {"proof", OUT_TEXT, true}};
    FeedInHand in;
    ForkProof *list;
    size_t count;

    if (!feeds_take(call, FEED_READ, &in, err) || !forks_list(in.feed, call->arena, &list, &count, err))
        return false;
    if (count == 0)
        out_say(call->out, "nobody has shown another history of this feed");
    if (count == 0 && !call->json)
        return true;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        BUF_SCOPE(here);
        BUF_SCOPE(there);

        buf_put_hex(&here, list[i].hash_here, TREE_HASH_BYTES);
        buf_put_hex(&there, list[i].hash_there, TREE_HASH_BYTES);
        out_int(call->out, (int64_t)list[i].fork);
        out_int(call->out, (int64_t)list[i].length);
        out_int(call->out, (int64_t)list[i].here);
        out_int(call->out, (int64_t)list[i].there);
        out_text(call->out, buf_str(&here));
        out_text(call->out, buf_str(&there));
        out_text(call->out, list[i].file);
    }
    out_end(call->out);
    return true;
}

const Cmd cmd_feed_forks = {
    .name = "feed forks",
    .args = "KEY",
    .summary = "show proofs that a feed has two histories",
    .description =
        "A feed has forked when its signer has signed two heads of which neither is the beginning of the other: most often by going on from "
        "an old copy. The proof has both signed heads, that of HERE blocks which was here and that of THERE blocks which a peer showed, and the "
        "roots of both at the length where they were compared. Anybody who has the feed's key can check it.\n\n"
        "Nothing is appended to such a feed. Its signer can truncate it, which begins a fork with a higher number that all peers follow.",
    .examples = "strata feed forks notes\n",
    .run = run,
};
