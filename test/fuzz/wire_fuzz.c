/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as all that a peer sends, cut into pieces; the keys are those of the traces. Frames come out or a sentence, and
 * memory is bounded by what came.
 *
 * Input: a byte (odd: we are the responder; the rest is the length of the pieces), then the bytes.
 */
#include <assert.h>
#include <stdint.h>

#include "net/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_MAX = 8192 };

static SignPair pair_of(int byte)
{
    unsigned char seed[SIGN_SEED_BYTES];
    SignPair pair;

    memset(seed, byte, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    return pair;
}

/* False when it was refused. */
static bool take(Wire *wire)
{
    WireEvent event = WIRE_FRAME;
    WireStage before = wire->stage;
    Str frame;
    Err err = {0};

    while (event != WIRE_MORE) {
        if (!wire_next(wire, &event, &frame, &err)) {
            assert((err.code == ERR_CORRUPT || err.code == ERR_LIMIT) && err.text[0]);
            return false;
        }
        assert(event != WIRE_OPENED || before != WIRE_OPEN);
        assert((event == WIRE_FRAME) == (frame.len > 0) && frame.len <= FRAME_MAX);
        if (event == WIRE_OPENED)
            before = WIRE_OPEN;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NoiseRole role = size && data[0] & 1 ? NOISE_RESPONDER : NOISE_INITIATOR;
    size_t step = size && data[0] / 2 ? data[0] / 2 : size;
    SignPair own = pair_of(role == NOISE_INITIATOR ? 0xa1 : 0xa2),
             ephemeral = pair_of(role == NOISE_INITIATOR ? 0xe1 : 0xe2);
    Str rest = str_sub((Str){(const char *)data, size}, 1, size);
    Wire wire;

    wire_begin_known(&wire, role, &own, FRAME_MAX, &ephemeral);
    while (rest.len) {
        wire_give(&wire, str_sub(rest, 0, step));
        rest = str_sub(rest, step, rest.len);
        if (!take(&wire))
            break;
        assert(wire.in.len - wire.in_at < WIRE_HEAD + FRAME_MAX + SECRETSTREAM_OVERHEAD);
    }
    assert(wire.out.len < 1024);
    wire_end(&wire);
    return 0;
}
