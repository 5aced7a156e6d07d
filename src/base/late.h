/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/late -- a shared library that is opened when it is first needed
 *
 * PROJ and GEOS bring seventeen others with them: looked up and mapped at each start, they were a third of the time of a
 * command that never needs them.
 *
 *     #define FUNCTIONS(X) X(proj_create) X(proj_destroy)
 *     static struct { FUNCTIONS(LATE_MEMBER) } proj;
 *     static const LateFunction functions[] = {FUNCTIONS(LATE_ENTRY)};
 */
#ifndef BASE_LATE_H
#define BASE_LATE_H

#include <stddef.h>

/* A function's name, and the place in the caller's struct where its address goes. */
typedef struct LateFunction {
    const char *name;
    size_t offset;
} LateFunction;

#define LATE_MEMBER(function)        __typeof__(function) *function;
#define LATE_ENTRY(struct, function) {#function, offsetof(struct, function)},

/*
 * Opens a library by its soname and fills in the addresses. To be called once (pthread_once). A library or function
 * that is missing ends the program with 127 and one line, as it does when it is missing at the start.
 */
void late_load(const char *soname, const LateFunction *functions, size_t count, void *out);

#endif
