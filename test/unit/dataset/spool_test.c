/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/spool.h"

#include <errno.h>

#include "base/fault.h"
#include "test/check.h"

static bool collect(void *back_v, Str bytes, Err *err)
{
    (void)err;
    buf_put(back_v, bytes);
    return true;
}

static bool refuse(void *ctx, Str bytes, Err *err)
{
    (void)ctx;
    (void)bytes;
    return err_set(err, ERR_IO, "no");
}

/* What is put in pieces comes out the same, from memory and from a file, and without what is to be left out. */
static void gives_what_was_put(void)
{
    static const size_t bounds[] = {1, 300000, 64000000};
    static const struct {
        size_t front, back;
    } skips[] = {{0, 0}, {19, 2}, {SPOOL_CHUNK, SPOOL_CHUNK + 1}, {2 * SPOOL_CHUNK + 5, 0}};
    BUF_SCOPE(all);

    for (int i = 0; i < 100000; i++)
        buf_printf(&all, "row %d\n", i);
    for (size_t b = 0; b < COUNT_OF(bounds); b++) {
        SpoolPool pool = spool_pool_new("/tmp", bounds[b]);
        Spool spool = spool_new(&pool);
        BUF_SCOPE(back);
        Err err = {0};

        for (size_t s = 0; s < COUNT_OF(skips); s++) { /* it is empty again afterwards */
            for (size_t at = 0, piece = 1; at < all.len; at += piece, piece = piece * 2 % 400003) {
                piece = piece ? piece : 7;
                CHECK(spool_put(&spool, str_sub(buf_str(&all), at, at + piece), &err));
            }
            CHECK((spool.fd >= 0) == (bounds[b] < all.len) && spool_len(&spool) == (int64_t)all.len);
            buf_reset(&back);
            CHECK(spool_give(&spool, skips[s].front, skips[s].back, collect, &back, &err));
            CHECK(str_eq(buf_str(&back), str_sub(buf_str(&all), skips[s].front, all.len - skips[s].back)));
            CHECK(spool_len(&spool) == 0 && pool.taken == 0);
        }
        spool_release(&spool);
        spool_release(&spool);
        spool_pool_release(&pool);
    }
}

/* Many spools share one bound, but for a chunk each, and chunks that are free go to whoever needs some. */
static void spools_share_their_memory(void)
{
    enum { SPOOLS = 8, MOST = 16 };
    SpoolPool pool = spool_pool_new("/tmp", (size_t)MOST * SPOOL_CHUNK);
    Spool spools[SPOOLS];
    static char chunk[SPOOL_CHUNK];
    Err err = {0};

    for (size_t i = 0; i < SPOOLS; i++)
        spools[i] = spool_new(&pool);
    for (size_t round = 0; round < 10; round++)
        for (size_t i = 0; i < SPOOLS; i++) {
            CHECK(spool_put(&spools[i], (Str){chunk, sizeof chunk}, &err));
            CHECK(pool.taken <= MOST + SPOOLS);
        }
    for (size_t i = 0; i < SPOOLS; i++)
        CHECK(spool_len(&spools[i]) == 10LL * SPOOL_CHUNK);
    for (size_t i = 0; i < SPOOLS; i++)
        spool_reset(&spools[i]);
    for (size_t round = 0; round < MOST; round++)
        CHECK(spool_put(&spools[0], (Str){chunk, sizeof chunk}, &err));
    CHECK(spools[0].fd < 0 && pool.taken == MOST && pool.taken + pool.free_count <= MOST + SPOOLS);
    for (size_t i = 0; i < SPOOLS; i++)
        spool_release(&spools[i]);
    spool_pool_release(&pool);
}

static void what_is_reset_is_gone(void)
{
    SpoolPool pool = spool_pool_new("/tmp", 10);
    Spool spool = spool_new(&pool);
    static char chunk[2 * SPOOL_CHUNK];
    BUF_SCOPE(back);
    Err err = {0};

    CHECK(spool_put(&spool, (Str){chunk, sizeof chunk}, &err) && spool.fd >= 0);
    spool_reset(&spool);
    CHECK(spool_put(&spool, STR("other"), &err) && spool.fd < 0);
    CHECK(spool_give(&spool, 0, 0, collect, &back, &err) && str_eq(buf_str(&back), STR("other")));
    CHECK(spool_put(&spool, STR("x"), &err) && !spool_give(&spool, 0, 0, refuse, NULL, &err));
    spool_release(&spool);
    spool_pool_release(&pool);
}

static void a_failure_is_told(void)
{
    static char chunk[2 * SPOOL_CHUNK];
    SpoolPool pool = spool_pool_new("/nowhere", 10);
    Spool spool = spool_new(&pool);
    Err err = {0};

    CHECK(spool_put(&spool, STR("few"), &err));
    CHECK(!spool_put(&spool, (Str){chunk, sizeof chunk}, &err) && err.code == ERR_IO &&
          strstr(err.text, "'/nowhere'"));
    spool_release(&spool);
    spool_pool_release(&pool);
    for (int nth = 1; nth < 10; nth++) {
        pool = spool_pool_new("/tmp", 10);
        spool = spool_new(&pool);
        fault_arm(nth, ENOSPC);
        bool ok = spool_put(&spool, (Str){chunk, sizeof chunk}, &err);
        bool fired = fault_fired();

        fault_arm(0, 0);
        spool_release(&spool);
        spool_pool_release(&pool);
        CHECK(ok != fired);
        if (!fired)
            break;
    }
}

int main(void)
{
    RUN(gives_what_was_put);
    RUN(spools_share_their_memory);
    RUN(what_is_reset_is_gone);
    RUN(a_failure_is_told);
    DONE();
}
