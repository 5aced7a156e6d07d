/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traces -- test/fixture/hypercore/traces.json: what npm hypercore 10.38.2 and 11.37.1 said to each other over TCP
 *
 * Of each of 11 connections: all bytes of both sides, the handshake's hash, how many frames followed it, and the messages in
 * them ("open", or channel:type). All used the same static and ephemeral keys, made of seeds of one repeated byte.
 */
#ifndef TEST_NET_TRACES_H
#define TEST_NET_TRACES_H

#include "crypto/noise.h"
#include "test/unit/feed/vectors.h"

static inline void put_unhex(Buf *out, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2) {
        const char two[] = {hex[0], hex[1], 0};

        buf_put_byte(out, (char)strtoul(two, NULL, 16));
    }
}

static inline void vector_bytes(const char *path, Buf *out)
{
    put_unhex(out, json_object_get_string(vector_at(path)));
}

/* The pair of a seed of one repeated byte. */
static inline SignPair pair_of(int byte)
{
    unsigned char seed[SIGN_SEED_BYTES];
    SignPair pair;

    memset(seed, byte, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    return pair;
}

/* The static and ephemeral pairs of all traces. */
static inline SignPair trace_static(NoiseRole role)
{
    return pair_of(role == NOISE_INITIATOR ? 0xa1 : 0xa2);
}

static inline SignPair trace_ephemeral(NoiseRole role)
{
    return pair_of(role == NOISE_INITIATOR ? 0xe1 : 0xe2);
}

typedef struct TraceSide {
    Buf raw; /* all that it sent */
    int frames;
    const char *messages;
} TraceSide;

typedef struct Trace {
    const char *name;
    Buf hash, discovery_key;
    TraceSide side[2]; /* by NoiseRole */
} Trace;

static inline void trace_release(Trace *trace)
{
    buf_release(&trace->hash);
    buf_release(&trace->discovery_key);
    buf_release(&trace->side[0].raw);
    buf_release(&trace->side[1].raw);
}

static inline const char *trace_text(struct json_object *of, const char *name)
{
    return json_object_get_string(json_object_object_get(of, name));
}

/* Calls `check` with each. */
static inline void for_each_trace(void (*check)(const Trace *))
{
    ARENA_SCOPE(arena);
    const char *src = getenv("SRC");
    static const char *const sides[] = {"initiator", "responder"};
    struct json_object *all = json_object_from_file(
        str_printf(&arena, "%s/test/fixture/hypercore/traces.json", src ? src : ".").ptr);
    int count = 0;

    CHECK(all != NULL);
    json_object_object_foreach(all, name, value)
    {
        ATTR_CLEANUP(trace_release) Trace trace = {.name = name};
        int before = check_bad;

        put_unhex(&trace.hash, trace_text(value, "hash"));
        put_unhex(&trace.discovery_key, trace_text(value, "discovery_key"));
        for (int i = 0; i < 2; i++) {
            struct json_object *side = json_object_object_get(value, sides[i]);

            put_unhex(&trace.side[i].raw, trace_text(side, "raw"));
            trace.side[i].frames = json_object_get_int(json_object_object_get(side, "frames"));
            trace.side[i].messages = trace_text(side, "messages");
        }
        check(&trace);
        if (check_bad != before)
            printf("# in %s\n", name);
        count++;
    }
    CHECK(count == 11);
    (void)json_object_put(all);
}

#endif
