/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static _Thread_local int fault_left, fault_error;
static _Thread_local bool fault_hit;

bool fault_next(void)
{
    if (fault_left == 0 || --fault_left != 0)
        return false;
    fault_hit = true;
    errno = fault_error;
    return true;
}

void fault_arm(int nth, int error)
{
    fault_left = nth;
    fault_error = error;
    if (nth)
        fault_hit = false;
}

bool fault_fired(void)
{
    return fault_hit;
}

static const struct {
    const char *name, *meaning;
} points[] = {
#define X(name, meaning) {#name, meaning},
#include "base/fault.def"
#undef X
};

static const struct {
    const char *name;
    int error; /* 0 kills */
} actions[] = {{"kill", 0}, {"EIO", EIO}, {"ENOSPC", ENOSPC}};

/* What STRATA_FAULT asks for. Written once before threads start, but for the count. */
static FaultPoint armed_point = FAULT_COUNT;
static int armed_error;
static atomic_long armed_passes;

const char *fault_name(FaultPoint point)
{
    return points[point].name;
}

const char *fault_meaning(FaultPoint point)
{
    return points[point].meaning;
}

static bool find_point(Str name, FaultPoint *out)
{
    for (size_t i = 0; i < COUNT_OF(points); i++)
        if (str_eq_z(name, points[i].name)) {
            *out = (FaultPoint)i;
            return true;
        }
    return false;
}

static bool find_action(Str name, int *out)
{
    for (size_t i = 0; i < COUNT_OF(actions); i++)
        if (str_eq_z(name, actions[i].name)) {
            *out = actions[i].error;
            return true;
        }
    return false;
}

bool fault_init(Err *err)
{
    const char *z = getenv("STRATA_FAULT");
    Str name, count, action = str_from_z(z);
    int64_t passes = 1;
    FaultPoint point;

    if (!z || !*z)
        return true;
    action = str_cut(action, ':', &name);
    if (memchr(action.ptr, ':', action.len)) {
        action = str_cut(action, ':', &count);
        if (!str_to_int64(count, &passes) || passes < 1)
            return err_set(err, ERR_USAGE, "STRATA_FAULT='%s': '%.*s' is not a count from 1", z,
                           STR_ARG(count));
    }
    if (!find_point(name, &point)) {
        (void)err_set(err, ERR_USAGE, "STRATA_FAULT='%s': there is no fault point '%.*s'", z, STR_ARG(name));
        return err_hint(err, "strata debug faults lists them");
    }
    if (!find_action(action, &armed_error))
        return err_set(err, ERR_USAGE, "STRATA_FAULT='%s': '%.*s' is not kill, EIO or ENOSPC", z,
                       STR_ARG(action));
    atomic_store(&armed_passes, (long)passes);
    armed_point = point;
    return true;
}

bool fault_pass(FaultPoint point, Err *err)
{
    if (point != armed_point || atomic_fetch_sub(&armed_passes, 1) != 1)
        return true;
    if (armed_error == 0) {
        (void)raise(SIGKILL);
        (void)pause();
    }
    errno = armed_error;
    return err_sys(err, ERR_IO, "fault point '%s'", points[point].name);
}
