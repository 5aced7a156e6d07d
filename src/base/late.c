/* SPDX-License-Identifier: Apache-2.0 */
#include "base/late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MISSING = 127 };

void late_load(const char *soname, const LateFunction *functions, size_t count, void *out)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; i < count; i++) {
        void *address = library ? dlsym(library, functions[i].name) : NULL;

        if (!address) {
            (void)fprintf(stderr, "strata: error while loading shared libraries: %s\n", dlerror());
            exit(MISSING);
        }
        memcpy((char *)out + functions[i].offset, &address, sizeof address);
    }
}
