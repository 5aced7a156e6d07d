/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feed_peers.h"

#include "cli/config.h"

static void warn(void *out, const char *text)
{
    out_warn(out, "%s", text);
}

Notice feed_peers_notice(const Call *call)
{
    return (Notice){warn, call->out};
}

/* ---- the peers of the configuration ---- */

bool feed_peers_configured(const Call *call, Peers *out, Err *err)
{
    Conf *conf;

    return config_load(call, &conf, err) &&
           peers_parse(conf_get(conf, &peers_conf, (Str){0}), call->arena, out, err);
}

static void warn_unasked(void *out, const Err *why)
{
    out_warn(out, "%s", why->text);
}

/* *longer: one has more, which is noted. Of a fork the proof is kept: who appends is told by feed_append(). */
static bool ask(const Call *call, FeedInHand *in, bool *longer, Err *err)
{
    PeersAsk options = {.unasked = warn_unasked, .ctx = call->out};
    PeersFound found;
    Peers peers;
    SIGN_SCOPE(own);

    *longer = false;
    if (!feed_peers_configured(call, &peers, err))
        return false;
    if (peers.count == 0)
        return true;
    if (!keystore_node(in->keys, &own, err) ||
        !peers_ask(&peers, in->feed, &own, &options, call->arena, &found, err))
        return false;
    *longer = found.longer;
    Notice notice = feed_peers_notice(call);
    if (found.forked)
        notice_fork(&notice, found.from, in->about.about.key);
    if (!found.longer)
        return true;
    notice_longer(&notice, found.from, in->about.about.key, found.fork, found.length);
    return store_doubt(in->store, in->about.about.key, err);
}

bool feed_peers_check_trust(const Call *call, FeedInHand *in, bool trust, Err *err)
{
    bool longer = false;

    if ((!in->unconfirmed || trust) && !ask(call, in, &longer, err))
        return false;
    in->unconfirmed |= longer;
    return feeds_check_trust(in, trust && !longer, err);
}
