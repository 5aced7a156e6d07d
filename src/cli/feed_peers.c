/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feed_peers.h"

#include <string.h>

const char *feed_peers_short(Arena *arena, const unsigned char key[32])
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, key, 8);
    return str_to_z(arena, buf_str(&hex));
}

void feed_peers_say_end(const Call *call, const char *address, const Err *why)
{
    if (!why || !why->code)
        return;
    if (strstr(why->text, address))
        out_say(call->out, "%s", why->text);
    else
        out_say(call->out, "%s: %s", address, why->text);
}

void feed_peers_warn_damage(const Call *call, const StoreFeed *about, uint64_t block, const Err *why,
                            uint64_t *told)
{
    enum { NAMED_MAX = 20 };
    ARENA_SCOPE(scratch);
    const char *key = feed_peers_short(&scratch, about->about.key);

    if (++*told <= NAMED_MAX)
        out_warn(call->out, "block %llu of feed %s cannot be given to peers: %s", (unsigned long long)block,
                 key, why->text);
    if (*told == NAMED_MAX)
        out_warn(call->out, "further ones of feed %s are not named here: strata feed verify reads them all",
                 key);
}

void feed_peers_warn_not_given(const Call *call, const StoreFeed *about, Peering *peering, Progress *progress,
                               uint64_t *said)
{
    ARENA_SCOPE(scratch);
    const char *key = feed_peers_short(&scratch, about->about.key);
    PeeringState state;
    uint64_t count;
    Err why = {0};

    peering_state(peering, &state);
    if (state.asked > 0 || peering_given(peering, &count, &why) || why.code != ERR_PARTIAL || count == *said)
        return;
    *said = count;
    if (progress)
        progress_note(progress, "feed %s: %s", key, why.text);
    else
        out_warn(call->out, "feed %s: %s", key, why.text);
}
