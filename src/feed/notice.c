/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void notice_say(const Notice *notice, const char *fmt, ...)
{
    va_list args;
    char *text = NULL;

    if (!notice->say)
        return;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        abort(); /* as arenas do */
    notice->say(notice->ctx, text);
    free(text);
}

const char *notice_short(Arena *arena, const unsigned char key[32])
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, key, 8);
    return str_to_z(arena, buf_str(&hex));
}

void notice_longer(const Notice *notice, const char *peer, const unsigned char feed[32], uint64_t fork,
                   uint64_t length)
{
    ARENA_SCOPE(scratch);

    notice_say(notice,
               "peer %s has more of feed %s, %llu blocks in fork %llu: what is here is an old copy; strata "
               "feed replicate gets the rest",
               peer, notice_short(&scratch, feed), (unsigned long long)length, (unsigned long long)fork);
}

void notice_fork(const Notice *notice, const char *peer, const unsigned char feed[32])
{
    ARENA_SCOPE(scratch);

    notice_say(notice, "peer %s has another history of feed %s: strata feed forks shows the proof", peer,
               notice_short(&scratch, feed));
}

void notice_damage(const Notice *notice, const unsigned char feed[32], uint64_t block, const Err *why,
                   uint64_t *told)
{
    enum { NAMED_MAX = 20 };
    ARENA_SCOPE(scratch);
    const char *key = notice_short(&scratch, feed);

    if (block == RANGES_NONE) {
        notice_say(notice, "the head of feed %s cannot be proven to peers: %s", key, why->text);
        return;
    }
    if (++*told <= NAMED_MAX)
        notice_say(notice, "block %llu of feed %s cannot be given to peers: %s", (unsigned long long)block,
                   key, why->text);
    if (*told == NAMED_MAX)
        notice_say(notice, "further ones of feed %s are not named here: strata feed verify reads them all",
                   key);
}

void notice_not_given(const Notice *notice, const unsigned char feed[32], Peering *peering, uint64_t *said)
{
    ARENA_SCOPE(scratch);
    PeeringState state;
    uint64_t count;
    Err why = {0};

    peering_state(peering, &state);
    if (state.asked > 0 || peering_given(peering, &count, &why) || why.code != ERR_PARTIAL || count == *said)
        return;
    *said = count;
    notice_say(notice, "feed %s: %s", notice_short(&scratch, feed), why.text);
}

void notice_end(const Notice *notice, const char *address, const Err *why)
{
    if (!why || !why->code)
        return;
    if (strstr(why->text, address))
        notice_say(notice, "%s", why->text);
    else
        notice_say(notice, "%s: %s", address, why->text);
}
