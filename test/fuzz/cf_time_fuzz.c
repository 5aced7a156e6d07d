/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a value (8), units and a calendar (lines): what is a time is within the years 1 to 9999. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "extract/cf_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    CfTime time;
    Instant at;
    double value;
    Str units, calendar;

    if (size < sizeof value)
        return 0;
    memcpy(&value, data, sizeof value);
    calendar = str_cut((Str){(const char *)data + sizeof value, size - sizeof value}, '\n', &units);
    if (!cf_time_init(&time, units, calendar, &err))
        return 0;
    if (cf_time_instant(&time, value, &at) &&
        (at < -62135596800 * SECONDS(1) || at >= 253402300800 * SECONDS(1)))
        abort();
    return 0;
}
