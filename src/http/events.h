/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/events -- server-sent events: publish to a topic from any thread, clients follow topics
 *
 *     events_publish(server_events(server), STR("crawl"), STR("progress"), json);
 *
 *     bool follow(Request *request, Reply *reply, Err *err)       a handler; its route is .endless
 *     {
 *         return events_follow(server_events(request->context), (Str[]){STR("crawl")}, 1, request, reply, err);
 *     }
 *
 * Every event has a number that grows over all topics, sent as its `id`. A client that comes back with Last-Event-ID
 * (or `?last_event_id=`) gets what it missed, as long as the topic's ring still holds it; otherwise it first gets an
 * event `lost`, and should read the state anew. Without, it gets what is published from now on.
 *
 * There are no queues per client: each has a place in the rings. A client that is so slow that its place is overwritten
 * is dropped: the stream ends, it comes back, and is told `lost`.
 *
 * Limits: EVENTS_RING events or EVENTS_RING_BYTES in a topic's ring, whatever is reached first; EVENTS_TOPICS_MAX topics
 * a client; EVENT_DATA_MAX bytes an event; a topic lives as long as the hub.
 *
 * Source: WHATWG HTML standard, section 9.2.
 */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include "http/reply.h"

enum {
    EVENTS_RING = 1024,
    EVENTS_RING_BYTES = 1 << 20,
    EVENTS_TOPICS_MAX = 16,
    EVENT_DATA_MAX = 64 * 1024,
};

typedef struct Events Events;

Events *events_new(Duration heartbeat);
/* Ends all streams; further ones end at once. */
void events_close(Events *events);
/* After all clients have left. */
void events_free(Events *events);

/*
 * Publish one event. `type` is its name ("progress"), `data` any text; line breaks in it are kept.
 *
 * ERR_LIMIT  data is longer than EVENT_DATA_MAX
 */
bool events_publish(Events *events, Str topic, Str type, Str data, Err *err) ATTR_MUST_USE;

/*
 * Make the reply a stream of these topics.
 *
 * ERR_USAGE  Last-Event-ID is not a number, or too many topics
 */
bool events_follow(Events *events, const Str *topics, size_t count, const Request *request, Reply *reply,
                   Err *err) ATTR_MUST_USE;

/* How many clients follow. */
size_t events_followers(Events *events);

#endif
