/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/check.h"

static char path[] = "/tmp/strata-spool-XXXXXX";

/* What is put in pieces comes out the same, from memory and from a file. */
static void gives_what_was_put(void)
{
    static const size_t bounds[] = {1, 1000, 300000, 64000000};
    BUF_SCOPE(all);

    for (int i = 0; i < 100000; i++)
        buf_printf(&all, "row %d\n", i);
    for (size_t b = 0; b < COUNT_OF(bounds); b++) {
        Spool spool = spool_new("/tmp", bounds[b]);
        BUF_SCOPE(back);
        FD_SCOPE(fd);
        Err err = {0};

        for (int round = 0; round < 2; round++) { /* it is empty again afterwards */
            for (size_t at = 0, piece = 1; at < all.len; at += piece, piece = piece * 2 % 100003) {
                piece = piece ? piece : 7;
                CHECK(spool_put(&spool, str_sub(buf_str(&all), at, at + piece), &err));
            }
            CHECK((spool.fd >= 0) == (bounds[b] < all.len));
            buf_reset(&back);
            os_close(&fd);
            fd = os_open(path, O_RDWR | O_TRUNC | O_CREAT, 0600);
            CHECK(spool_give(&spool, fd, &err) && os_read_file(path, all.len + 1, &back, &err));
            CHECK(str_eq(buf_str(&back), buf_str(&all)));
        }
        spool_release(&spool);
        spool_release(&spool);
    }
}

static void what_is_reset_is_gone(void)
{
    Spool spool = spool_new("/tmp", 10);
    BUF_SCOPE(back);
    FD_SCOPE(fd);
    Err err = {0};

    CHECK(spool_put(&spool, STR("more than ten bytes of it"), &err) && spool.fd >= 0);
    spool_reset(&spool);
    CHECK(spool_put(&spool, STR("other"), &err) && spool.fd < 0);
    fd = os_open(path, O_RDWR | O_TRUNC | O_CREAT, 0600);
    CHECK(spool_give(&spool, fd, &err) && os_read_file(path, 100, &back, &err));
    CHECK(str_eq(buf_str(&back), STR("other")));
    spool_release(&spool);
}

static void a_failure_is_told(void)
{
    Spool spool = spool_new("/nowhere", 10);
    Err err = {0};

    CHECK(spool_put(&spool, STR("few"), &err));
    CHECK(!spool_put(&spool, STR("more than ten"), &err) && err.code == ERR_IO &&
          strstr(err.text, "'/nowhere'"));
    spool_release(&spool);
    for (int nth = 1; nth < 10; nth++) {
        spool = spool_new("/tmp", 10);
        fault_arm(nth, ENOSPC);
        bool ok = spool_put(&spool, STR("more than ten bytes of it"), &err);
        bool fired = fault_fired();

        fault_arm(0, 0);
        spool_release(&spool);
        CHECK(ok != fired);
        if (!fired)
            break;
    }
}

int main(void)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    os_close(&fd);
    RUN(gives_what_was_put);
    RUN(what_is_reset_is_gone);
    RUN(a_failure_is_told);
    (void)unlink(path);
    DONE();
}
