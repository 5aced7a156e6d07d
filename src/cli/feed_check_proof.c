/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/feeds.h"
#include "feed/proof_file.h"

typedef struct Opts {
    Str key;
    bool block;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "key", 'k', offsetof(Opts, key), "KEY", "the feed has to be this one (64 hexadecimal digits)"},
    {OPT_FLAG, "block", 0, offsetof(Opts, block), NULL, "print just the bytes of the block"},
    {.type = OPT_END},
};

/* At most PROOF_FILE_MAX bytes, and one more where there are. ERR_IO. */
static bool read_all(int fd, Buf *out, Err *err)
{
    while (out->len <= PROOF_FILE_MAX) {
        enum { PIECE = 64 * 1024 };
        ssize_t got = os_read(fd, buf_reserve(out, PIECE), PIECE);

        if (got < 0)
            return err_sys(err, ERR_IO, "cannot read it");
        if (got == 0)
            return true;
        out->len += (size_t)got;
    }
    return err_set(err, ERR_LIMIT, "it is longer than %d bytes, which no proof is", PROOF_FILE_MAX);
}

static bool check_key(Str wanted, const ProofFile *proof, Err *err)
{
    unsigned char key[FEED_KEY_BYTES];

    if (!wanted.ptr)
        return true;
    if (!str_to_bytes(wanted, key, sizeof key))
        return err_set(err, ERR_USAGE, "--key takes the 64 digits of a key, not '%.*s'",
                       STR_ARG(str_sub(wanted, 0, 100)));
    return memcmp(key, proof->key, sizeof key) == 0 ||
           err_set(err, ERR_CONFLICT, "it is the proof of a block of another feed");
}

static void print(const Call *call, const ProofFile *proof)
{
    out_record(call->out);
    feeds_put_hex(call, "key", proof->key);
    feeds_put_number(call, "block", proof->block);
    feeds_put_number(call, "bytes", proof->bytes.len);
    feeds_put_number(call, "length", proof->length);
    feeds_put_number(call, "fork", proof->fork);
    feeds_put_hex(call, "root", proof->root);
    feeds_put_hex(call, "signer", proof->signer);
    out_end(call->out);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    const char *path = call->args[0].ptr;
    FD_SCOPE(opened);
    BUF_SCOPE(bytes);
    int fd = STDIN_FILENO;
    ProofFile proof;

    if (strcmp(path, "-") != 0)
        fd = opened = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path);
    if (!read_all(fd, &bytes, err) || !proof_file_check(buf_str(&bytes), call->arena, &proof, err) ||
        !check_key(o->key, &proof, err))
        return err_wrap(err, "'%s' proves nothing", path);
    if (o->block)
        out_raw(call->out, proof.bytes);
    else
        print(call, &proof);
    return true;
}

const Cmd cmd_feed_check_proof = {
    .name = "feed check-proof",
    .args = "FILE",
    .summary = "check a proof that a block is in a feed",
    .description =
        "FILE (- is standard input) is what strata feed proof wrote. No feed and no instance are needed. It is checked that the block's "
        "hash leads to the roots of the feed, and that the signer of the feed with that KEY has signed these. Whose key it is, and "
        "whether the signer meanwhile signed a newer fork, a proof cannot tell: --key says which feed it has to be.\n\n"
        "A file that is no proof, or was changed, ends this with status 8.",
    .opts = opts,
    CMD_OPTS(Opts, .block = false),
    .examples = "strata feed check-proof zero.proof\n"
                "strata feed check-proof --block zero.proof\n",
    .run = run,
};
