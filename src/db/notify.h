/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify -- hear what NOTIFY sends, in a thread with a connection of its own
 *
 * A connection that is lost is made again, sooner at first and then every few seconds. What was sent meanwhile is
 * lost, as it is for everybody who was not connected; so after each connect, the first included, the function is
 * called with no channel: "look for yourself what changed".
 */
#ifndef DB_NOTIFY_H
#define DB_NOTIFY_H

#include "db/db.h"

typedef struct Notify Notify;

/* Called from the listener's thread, one at a time. `channel.ptr` is NULL after a connect. */
typedef void NotifyFn(void *ctx, Str channel, Str payload);

/*
 * Start to listen. Returns at once; the server may come later.
 *
 * channels  names, count of them; copied
 *
 * ERR_IO  no thread or descriptor to be had
 */
bool notify_open(const char *dsn, const char *const *channels, size_t count, NotifyFn *heard, void *ctx,
                 Notify **out, Err *err) ATTR_MUST_USE;

/* Is it connected and listening now? */
bool notify_connected(Notify *notify);

/* Stop; the function is not called any more when this returns. */
void notify_close(Notify *notify);

#endif
