/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the other side of a handshake, whose keys are those of the traces: message for message it is taken or
 * refused with a sentence.
 *
 * Input: a byte (odd: we are the responder), then the peer's messages, one after another.
 */
#include <assert.h>
#include <stdint.h>

#include "crypto/noise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SignPair pair_of(int byte)
{
    unsigned char seed[SIGN_SEED_BYTES];
    SignPair pair;

    memset(seed, byte, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    return pair;
}

/* False when it was refused, or there is nothing more. */
static bool step(Noise *noise, Str *rest, Buf *out)
{
    Err err = {0};
    size_t len = noise_next_bytes(noise), before = out->len;
    Str message = str_sub(*rest, 0, len);

    if (noise_writes_next(noise)) {
        bool written = noise_write(noise, out, &err);

        assert(written ? out->len == before + len : err.code == ERR_CORRUPT && err.text[0]);
        return written;
    }
    *rest = str_sub(*rest, message.len, rest->len);
    bool read = noise_read(noise, message, &err);
    assert(read ? message.len == len : err.code == ERR_CORRUPT && err.text[0]);
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NoiseRole role = size && data[0] & 1 ? NOISE_RESPONDER : NOISE_INITIATOR;
    SignPair own = pair_of(role == NOISE_INITIATOR ? 0xa1 : 0xa2),
             ephemeral = pair_of(role == NOISE_INITIATOR ? 0xe1 : 0xe2);
    Str rest = str_sub((Str){(const char *)data, size}, 1, size);
    NOISE_SCOPE(noise);
    BUF_SCOPE(out);

    noise_begin(&noise, role, &own, &ephemeral);
    while (!noise_is_done(&noise))
        if (!step(&noise, &rest, &out))
            return 0;
    NoiseKeys keys;
    noise_end(&noise, &keys);
    assert(noise.done == 0 && memcmp(keys.send, keys.receive, NOISE_KEY_BYTES) != 0);
    noise_keys_wipe(&keys);
    return 0;
}
