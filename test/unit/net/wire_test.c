/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include "test/unit/net/traces.h"

static NoiseRole other(NoiseRole role)
{
    return role == NOISE_INITIATOR ? NOISE_RESPONDER : NOISE_INITIATOR;
}

static void begin_traced(Wire *wire, NoiseRole role)
{
    SignPair own = trace_static(role), ephemeral = trace_ephemeral(role);

    wire_begin_known(wire, role, &own, 0, &ephemeral);
}

/* What the side of a trace sent, in pieces of `step` bytes. */
static void replay(const Trace *trace, NoiseRole sender, size_t step)
{
    Wire wire;
    Err err = {0};
    int frames = 0, opened = 0;
    Str raw = buf_str(&trace->side[sender].raw), frame, own = buf_str(&trace->side[other(sender)].raw);
    WireEvent event = WIRE_MORE;

    begin_traced(&wire, other(sender));
    for (size_t at = 0; at < raw.len; at += step) {
        bool good;

        wire_give(&wire, str_sub(raw, at, at + step));
        while ((good = wire_next(&wire, &event, &frame, &err)) && event != WIRE_MORE) {
            opened += event == WIRE_OPENED;
            frames += event == WIRE_FRAME;
        }
        CHECK(good);
    }
    CHECK(opened == 1 && frames == trace->side[sender].frames);
    CHECK(str_eq((Str){(char *)wire.hash, sizeof wire.hash}, buf_str(&trace->hash)));
    CHECK(memcmp(wire.remote, trace_static(sender).public_key, SIGN_PUBLIC_BYTES) == 0);
    /* All of ours before the random half of the header is what npm sent. */
    CHECK(wire.out.len > 24 && str_starts(own, str_sub(buf_str(&wire.out), 0, wire.out.len - 24)));
    wire_end(&wire);
}

static void replay_all_ways(const Trace *trace)
{
    static const size_t steps[] = {1, 7, 64, 1 << 20};

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        replay(trace, NOISE_INITIATOR, steps[i]);
        replay(trace, NOISE_RESPONDER, steps[i]);
    }
}

static void what_npm_said_is_understood_however_it_is_cut(void)
{
    for_each_trace(replay_all_ways);
}

/* ---- two wires ---- */

typedef struct Line {
    Wire end[2]; /* by NoiseRole */
} Line;

static void line_begin(Line *line, size_t frame_max)
{
    for (int i = 0; i < 2; i++) {
        SignPair own = pair_of(i + 1);

        wire_begin(&line->end[i], (NoiseRole)i, &own, frame_max);
    }
}

static void line_end(Line *line)
{
    wire_end(&line->end[0]);
    wire_end(&line->end[1]);
}

static void carry(Wire *from, Wire *to)
{
    wire_give(to, buf_str(&from->out));
    buf_reset(&from->out);
}

/* Carries bytes until both ends are open, or one of them fails. */
static bool line_open(Line *line, Err *err)
{
    Str frame;
    WireEvent event;

    for (int turn = 0; turn < 6; turn++) {
        carry(&line->end[turn % 2], &line->end[1 - turn % 2]);
        if (!wire_next(&line->end[1 - turn % 2], &event, &frame, err))
            return false;
    }
    return true;
}

static void two_ends_get_each_others_frames(void)
{
    Line line;
    Err err = {0};
    Str frame;
    WireEvent event;

    line_begin(&line, 0);
    CHECK(line_open(&line, &err) && line.end[0].stage == WIRE_OPEN && line.end[1].stage == WIRE_OPEN);
    CHECK(memcmp(line.end[0].hash, line.end[1].hash, NOISE_HASH_BYTES) == 0);
    for (int i = 0; i < 1000; i++) {
        BUF_SCOPE(sent);

        for (int k = 0; k < i; k++)
            buf_put_int(&sent, i);
        buf_put(&sent, STR("."));
        CHECK(wire_send(&line.end[i % 2], buf_str(&sent), &err));
        carry(&line.end[i % 2], &line.end[1 - i % 2]);
        CHECK(wire_next(&line.end[1 - i % 2], &event, &frame, &err) && event == WIRE_FRAME);
        CHECK(str_eq(frame, buf_str(&sent)));
        CHECK(wire_next(&line.end[1 - i % 2], &event, &frame, &err) && event == WIRE_MORE);
    }
    line_end(&line);
}

static void an_empty_frame_is_not_shown(void)
{
    Line line;
    Err err = {0};
    Str frame;
    WireEvent event;

    line_begin(&line, 0);
    CHECK(line_open(&line, &err));
    CHECK(wire_send(&line.end[0], STR(""), &err) && wire_send(&line.end[0], STR("x"), &err) &&
          wire_send(&line.end[0], STR(""), &err));
    CHECK(line.end[0].out.len == 3 * (WIRE_HEAD + SECRETSTREAM_OVERHEAD) + 1);
    carry(&line.end[0], &line.end[1]);
    CHECK(wire_next(&line.end[1], &event, &frame, &err) && event == WIRE_FRAME && str_eq_z(frame, "x"));
    CHECK(wire_next(&line.end[1], &event, &frame, &err) && event == WIRE_MORE);
    line_end(&line);
}

static void the_longest_frame_arrives(void)
{
    Line line;
    Err err = {0};
    Str frame;
    WireEvent event;
    BUF_SCOPE(sent);

    memset(buf_reserve(&sent, WIRE_FRAME_MAX + 1), 'x', WIRE_FRAME_MAX + 1);
    sent.len = WIRE_FRAME_MAX + 1;
    line_begin(&line, 0);
    CHECK(line_open(&line, &err));
    CHECK(!wire_send(&line.end[0], buf_str(&sent), &err) && err.code == ERR_LIMIT &&
          line.end[0].out.len == 0);
    sent.len = WIRE_FRAME_MAX;
    CHECK(wire_send(&line.end[0], buf_str(&sent), &err));
    carry(&line.end[0], &line.end[1]);
    CHECK(wire_next(&line.end[1], &event, &frame, &err) && event == WIRE_FRAME &&
          str_eq(frame, buf_str(&sent)));
    CHECK(wire_next(&line.end[1], &event, &frame, &err) && event == WIRE_MORE);
    CHECK(line.end[1].in.size == 0 && line.end[1].plain.size == 0); /* what it took is given back */
    line_end(&line);
}

static void a_frame_that_is_too_long_is_refused_when_it_is_announced(void)
{
    Line line;
    Err err = {0};
    Str frame;
    WireEvent event;

    line_begin(&line, 100);
    CHECK(line_open(&line, &err));
    for (int i = 100; i <= 101; i++) {
        char text[101] = {0};

        CHECK(wire_send(&line.end[0], (Str){text, (size_t)i}, &err));
    }
    wire_give(&line.end[1], str_sub(buf_str(&line.end[0].out), 0, 120 + WIRE_HEAD));
    CHECK(wire_next(&line.end[1], &event, &frame, &err) && event == WIRE_FRAME && frame.len == 100);
    CHECK(!wire_next(&line.end[1], &event, &frame, &err) && err.code == ERR_LIMIT &&
          line.end[1].in.size < 4096);
    line_end(&line);
}

/* Bytes of one side with one byte changed, at every place: either side's refusal comes at once. */
static void a_changed_byte_is_refused_at_every_stage(void)
{
    size_t whole = WIRE_HEAD + 32 + WIRE_HEAD + 64 + WIRE_HEAD + SECRETSTREAM_HEADER_BYTES + WIRE_HEAD + 20;

    for (size_t at = WIRE_HEAD + 32; at < whole; at++) { /* a changed first message shows at the second */
        Line line;
        Err err = {0};
        Str frame;
        WireEvent event = WIRE_MORE;
        size_t given = 0;
        bool good = true;

        line_begin(&line, 0);
        for (int turn = 0; turn < 6 && good; turn++) {
            Wire *from = &line.end[turn % 2], *to = &line.end[1 - turn % 2];

            if (turn == 4)
                CHECK(wire_send(from, STR("abc"), &err));
            if (turn % 2 == 0 && at >= given && at < given + from->out.len)
                from->out.ptr[at - given] ^= 0x20;
            given += turn % 2 == 0 ? from->out.len : 0;
            carry(from, to);
            while ((good = wire_next(to, &event, &frame, &err)) && event != WIRE_MORE)
                continue;
        }
        /* A longer length of the last frame waits for more; the rest of a header's nonce shows at the first frame. */
        CHECK(!good ? err.code == ERR_CORRUPT && err.text[0] : line.end[1].in_at < line.end[1].in.len);
        line_end(&line);
    }
}

static void garbage_is_refused_with_the_first_three_bytes(void)
{
    const Str garbage[] = {STR("GET / HTTP/1.1\r\n\r\n"), STR("\x16\x03\x01\x02\x00\x01"), STR("\0\0\0"),
                           STR("\xff\xff\xff"), STR("SSH-2.0-OpenSSH_9.2\r\n")};

    for (size_t i = 0; i < COUNT_OF(garbage); i++)
        for (int role = 0; role < 2; role++) {
            SignPair own = pair_of(3);
            Wire wire;
            Err err = {0};
            Str frame;
            WireEvent event;

            wire_begin(&wire, (NoiseRole)role, &own, 0);
            wire_give(&wire, str_sub(garbage[i], 0, 3));
            CHECK(!wire_next(&wire, &event, &frame, &err) && err.code == ERR_CORRUPT);
            wire_end(&wire);
        }
}

int main(void)
{
    RUN(what_npm_said_is_understood_however_it_is_cut);
    RUN(two_ends_get_each_others_frames);
    RUN(an_empty_frame_is_not_shown);
    RUN(the_longest_frame_arrives);
    RUN(a_frame_that_is_too_long_is_refused_when_it_is_announced);
    RUN(a_changed_byte_is_refused_at_every_stage);
    RUN(garbage_is_refused_with_the_first_three_bytes);
    DONE();
}
