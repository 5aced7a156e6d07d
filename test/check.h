/* SPDX-License-Identifier: Apache-2.0 */
/* check -- the unit test harness: a test is a static function, a file is a program, output is TAP */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_tests, check_bad;

#define CHECK(cond)                                             \
    do {                                                        \
        if (!(cond)) {                                          \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
            check_bad++;                                        \
        }                                                       \
    } while (0)

static inline void check_run(void (*test)(void), const char *name)
{
    int before = check_bad;

    test();
    printf("%sok %d - %s\n", check_bad == before ? "" : "not ", ++check_tests, name);
    (void)fflush(stdout); /* what a crash of the next one must not take along */
}
#define RUN(fn) check_run(fn, #fn)

#define DONE()                          \
    do {                                \
        printf("1..%d\n", check_tests); \
        return check_bad != 0;          \
    } while (0)

/* Run the block once for every system call it makes, making the 1st, 2nd, ... fail; then once whole. */
#define FOR_EACH_FAULT(error)                                       \
    for (int fault_n = 1; fault_arm(fault_n, (error)), fault_n > 0; \
         fault_n = fault_fired() ? fault_n + 1 : -1)

#endif
