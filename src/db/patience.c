/* SPDX-License-Identifier: Apache-2.0 */
#include "db/patience.h"

#include "base/quantity.h"

#define PAUSE_FIRST MILLISECONDS(50)
#define PAUSE_LAST  SECONDS(2)
#define PAUSE_STEP  MILLISECONDS(50)  /* a stop is noticed between two of these */
#define TELL_AFTER  MILLISECONDS(300) /* what is over by then is no news */

static Patience current;
static atomic_int told; /* how many wait now, of those that were told of */

void patience_set(const Patience *patience)
{
    current = patience ? *patience : (Patience){0};
}

static bool is_stopped(void)
{
    return current.stop && atomic_load(current.stop);
}

static void tell(PatienceWait *wait, const Err *why)
{
    if (wait->told)
        return;
    wait->told = true;
    if (atomic_fetch_add(&told, 1) == 0 && current.waiting)
        current.waiting(current.ctx, why);
}

static bool give_up(Err *err)
{
    char text[QUANTITY_TEXT_MAX];

    (void)err_wrap(err, "waited for %.*s", STR_ARG(quantity_format_duration(current.limit, text)));
    return err_hint(err, "end other programs that use the database, or let it have more connections "
                         "(max_connections)");
}

bool patience_wait(PatienceWait *wait, Err *err)
{
    Duration now = time_monotonic();

    if (current.limit == 0)
        return false;
    wait->began = wait->began ? wait->began : now;
    if (now - wait->began >= TELL_AFTER)
        tell(wait, err);
    if (now - wait->began >= current.limit)
        return give_up(err);
    wait->pause = wait->pause == 0               ? PAUSE_FIRST
                  : wait->pause < PAUSE_LAST / 2 ? wait->pause * 2
                                                 : PAUSE_LAST;
    for (Duration slept = 0; slept < wait->pause && !is_stopped(); slept += PAUSE_STEP)
        time_sleep(PAUSE_STEP);
    if (!is_stopped())
        return true;
    err->code = ERR_INTERRUPTED;
    return err_wrap(err, "stopped while waiting for the database");
}

void patience_end(PatienceWait *wait)
{
    if (wait->told)
        (void)atomic_fetch_sub(&told, 1);
    *wait = (PatienceWait){0};
}
