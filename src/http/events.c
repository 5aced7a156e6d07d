/* SPDX-License-Identifier: Apache-2.0 */
#include "http/events.h"

#include <stdlib.h>

#include "base/lock.h"
#include "http/core.h"

/* One event as it goes over the wire. */
typedef struct Event {
    uint64_t id;
    Buf text;
} Event;

typedef struct Topic {
    Str name;
    Event *ring;         /* EVENTS_RING places */
    size_t first, count; /* ascending ids from `first` on */
    size_t bytes;
    uint64_t lost; /* the highest id that is no longer in the ring; 0: none */
    struct Topic *next;
} Topic;

/* A client's place. In the request's arena; in Events.cursors from its first reading to events_leave(). */
typedef struct EventCursor {
    Events *events;
    struct MHD_Connection *connection;
    Topic *topics[EVENTS_TOPICS_MAX];
    size_t topic_count;
    uint64_t last; /* id of the last event sent */
    bool resumed;  /* it came with Last-Event-ID */
    bool joined, suspended, over;
    Duration spoke; /* time_monotonic() of the last byte handed over */
    Buf text;       /* handed over from `at` on */
    size_t at;
    struct EventCursor *next, *prev;
} EventCursor;

struct Events {
    Arena arena;
    Duration heartbeat;
    pthread_mutex_t lock; /* of all; taken before libmicrohttpd's */
    uint64_t last;        /* id given last */
    Topic *topics;
    EventCursor *cursors;
    size_t cursor_count;
    bool closed;
};

Events *events_new(Duration heartbeat)
{
    Arena arena = {0};
    Events *events = arena_new(&arena, Events, 1);

    events->arena = arena;
    events->heartbeat = heartbeat;
    /* So that ids of an earlier process are never taken for this one's. */
    events->last = (uint64_t)time_now();
    (void)pthread_mutex_init(&events->lock, NULL);
    return events;
}

void events_free(Events *events)
{
    for (Topic *topic = events->topics; topic; topic = topic->next)
        for (size_t i = 0; i < EVENTS_RING; i++)
            buf_release(&topic->ring[i].text);
    (void)pthread_mutex_destroy(&events->lock);

    Arena arena = events->arena;
    arena_free(&arena);
}

/* With the lock held. */
static void wake(EventCursor *cursor)
{
    if (!cursor->suspended)
        return;
    cursor->suspended = false;
    MHD_resume_connection(cursor->connection);
}

void events_close(Events *events)
{
    LOCK_SCOPE(held, &events->lock);

    events->closed = true;
    for (EventCursor *cursor = events->cursors; cursor; cursor = cursor->next)
        wake(cursor);
}

size_t events_followers(Events *events)
{
    LOCK_SCOPE(held, &events->lock);

    return events->cursor_count;
}

/* With the lock held. */
static Topic *topic_of(Events *events, Str name)
{
    for (Topic *topic = events->topics; topic; topic = topic->next)
        if (str_eq(topic->name, name))
            return topic;
    Topic *topic = arena_new(&events->arena, Topic, 1);
    topic->name = str_copy(&events->arena, name);
    topic->ring = arena_new(&events->arena, Event, EVENTS_RING);
    /* What was published before the topic was first named cannot be known: it counts as lost. */
    topic->lost = events->last;
    topic->next = events->topics;
    return events->topics = topic;
}

static Event *event_at(const Topic *topic, size_t nth)
{
    return &topic->ring[(topic->first + nth) % EVENTS_RING];
}

static void forget_oldest(Topic *topic)
{
    Event *oldest = event_at(topic, 0);

    topic->lost = oldest->id;
    topic->bytes -= oldest->text.len;
    buf_release(&oldest->text);
    topic->first = (topic->first + 1) % EVENTS_RING;
    topic->count--;
}

/* "data: " before each line of it, whatever ends the lines. */
static void put_data(Buf *text, Str data)
{
    size_t from = 0;

    for (size_t i = 0; i <= data.len; i++) {
        if (i < data.len && data.ptr[i] != '\n' && data.ptr[i] != '\r')
            continue;
        buf_put_z(text, "data: ");
        buf_put(text, str_sub(data, from, i));
        buf_put_byte(text, '\n');
        if (i + 1 < data.len && data.ptr[i] == '\r' && data.ptr[i + 1] == '\n')
            i++;
        from = i + 1;
    }
}

static void put_event(Buf *text, uint64_t id, Str type, Str data)
{
    buf_printf(text, "id: %llu\n", (unsigned long long)id);
    if (type.len)
        buf_printf(text, "event: %.*s\n", STR_ARG(type));
    put_data(text, data);
    buf_put_byte(text, '\n');
}

static bool follows(const EventCursor *cursor, const Topic *topic)
{
    for (size_t i = 0; i < cursor->topic_count; i++)
        if (cursor->topics[i] == topic)
            return true;
    return false;
}

bool events_publish(Events *events, Str topic_name, Str type, Str data, Err *err)
{
    if (data.len > EVENT_DATA_MAX)
        return err_set(err, ERR_LIMIT, "an event of %zu bytes is longer than %d", data.len, EVENT_DATA_MAX);
    if (memchr(type.ptr ? type.ptr : "", '\n', type.len) || memchr(type.ptr ? type.ptr : "", '\r', type.len))
        return err_set(err, ERR_USAGE, "an event's type is one line");

    LOCK_SCOPE(held, &events->lock);
    Topic *topic = topic_of(events, topic_name);
    if (topic->count == EVENTS_RING)
        forget_oldest(topic);
    Event *event = event_at(topic, topic->count++);
    *event = (Event){.id = ++events->last};
    put_event(&event->text, event->id, type, data);
    topic->bytes += event->text.len;
    while (topic->bytes > EVENTS_RING_BYTES && topic->count > 1)
        forget_oldest(topic);
    for (EventCursor *cursor = events->cursors; cursor; cursor = cursor->next)
        if (cursor->suspended && follows(cursor, topic))
            wake(cursor);
    return true;
}

static bool read_last_id(const Request *request, EventCursor *cursor, Err *err)
{
    const Pair *pair = pairs_find(request->query, "last_event_id");
    Str sent = request_header(request, "Last-Event-ID");

    if (!sent.len && pair)
        sent = pair->value;
    cursor->resumed = sent.len > 0;
    return !sent.len || str_to_uint64(sent, &cursor->last) ||
           err_set(err, ERR_USAGE, "Last-Event-ID is not a whole number: '%.*s'",
                   STR_ARG(str_sub(sent, 0, 40)));
}

bool events_follow(Events *events, const Str *topics, size_t count, const Request *request, Reply *reply,
                   Err *err)
{
    EventCursor *cursor = arena_new(request->arena, EventCursor, 1);

    if (count > EVENTS_TOPICS_MAX)
        return err_set(err, ERR_USAGE, "%zu topics are more than %d", count, EVENTS_TOPICS_MAX);
    if (!read_last_id(request, cursor, err))
        return false;
    LOCK_SCOPE(held, &events->lock);
    cursor->events = events;
    cursor->connection = reply->exchange->connection;
    cursor->topic_count = count;
    for (size_t i = 0; i < count; i++)
        cursor->topics[i] = topic_of(events, topics[i]);
    if (!cursor->resumed)
        cursor->last = events->last;
    else if (cursor->last > events->last) /* of another process, whose clock was ahead */
        cursor->last = 0;
    reply->events = events;
    reply->cursor = cursor;
    return true;
}

static void join(EventCursor *cursor)
{
    Events *events = cursor->events;

    cursor->joined = true;
    cursor->next = events->cursors;
    if (cursor->next)
        cursor->next->prev = cursor;
    events->cursors = cursor;
    events->cursor_count++;
    cursor->spoke = time_monotonic();
    /* How long a browser waits before it comes back; and something to send, so that it sees the head now. */
    buf_put_z(&cursor->text, "retry: 2000\n\n");
}

void events_leave(Events *events, EventCursor *cursor)
{
    LOCK_SCOPE(held, &events->lock);

    buf_release(&cursor->text);
    if (!cursor->joined)
        return;
    cursor->joined = false;
    if (cursor->next)
        cursor->next->prev = cursor->prev;
    if (cursor->prev)
        cursor->prev->next = cursor->next;
    else
        events->cursors = cursor->next;
    events->cursor_count--;
}

/* The first event of a topic behind `id`, or NULL: ids ascend, so halve. */
static const Event *first_behind(const Topic *topic, uint64_t id)
{
    size_t low = 0, high = topic->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (event_at(topic, middle)->id > id)
            high = middle;
        else
            low = middle + 1;
    }
    return low < topic->count ? event_at(topic, low) : NULL;
}

static const Event *next_event(const EventCursor *cursor)
{
    const Event *best = NULL;

    for (size_t i = 0; i < cursor->topic_count; i++) {
        const Event *event = first_behind(cursor->topics[i], cursor->last);

        if (event && (!best || event->id < best->id))
            best = event;
    }
    return best;
}

/* Whether something behind the cursor's place has been forgotten. */
static uint64_t lost_behind(const EventCursor *cursor)
{
    uint64_t lost = 0;

    for (size_t i = 0; i < cursor->topic_count; i++)
        if (cursor->topics[i]->lost > lost)
            lost = cursor->topics[i]->lost;
    return lost > cursor->last ? lost : 0;
}

/* Puts what there is to say into cursor->text; it stays empty when there is nothing. */
static void refill(EventCursor *cursor)
{
    Events *events = cursor->events;
    uint64_t lost = lost_behind(cursor);
    Duration now = time_monotonic();

    buf_reset(&cursor->text);
    cursor->at = 0;
    if (!cursor->joined) {
        join(cursor);
    } else if (lost && !cursor->resumed) {
        cursor->over = true; /* too slow */
        return;
    }
    if (lost && cursor->resumed) {
        cursor->last = lost;
        buf_printf(&cursor->text, "id: %llu\nevent: lost\ndata:\n\n", (unsigned long long)lost);
    }
    cursor->resumed = false;
    for (const Event *event; cursor->text.len < REPLY_CHUNK && (event = next_event(cursor));) {
        buf_put(&cursor->text, buf_str(&event->text));
        cursor->last = event->id;
    }
    if (!cursor->text.len && now - cursor->spoke >= events->heartbeat)
        buf_put_z(&cursor->text, ":\n\n");
    if (cursor->text.len)
        cursor->spoke = now;
}

ssize_t events_read(void *arg, uint64_t at, char *data, size_t max)
{
    EventCursor *cursor = arg;
    LOCK_SCOPE(held, &cursor->events->lock);

    (void)at;
    if (cursor->at == cursor->text.len)
        refill(cursor);
    size_t rest = cursor->text.len - cursor->at, some = rest < max ? rest : max;
    if (cursor->over || cursor->events->closed)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (some) {
        memcpy(data, cursor->text.ptr + cursor->at, some);
        cursor->at += some;
        return (ssize_t)some;
    }
    cursor->suspended = true;
    MHD_suspend_connection(cursor->connection);
    return 0;
}

void events_tick(Events *events)
{
    Duration now = time_monotonic();
    LOCK_SCOPE(held, &events->lock);

    for (EventCursor *cursor = events->cursors; cursor; cursor = cursor->next)
        if (now - cursor->spoke >= events->heartbeat)
            wake(cursor);
}
