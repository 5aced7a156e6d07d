/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/hdf5.h"

#include <dlfcn.h>
#include <string.h>

Hdf5Library h5;

/* Where the address of each goes. */
static const struct {
    const char *name;
    void *slot;
} symbols[] = {
#define X(name)    {#name, &h5.name},
#define X_ID(name) X(name)
#include "dataset/hdf5.def"
#undef X_ID
#undef X
};

static bool find_symbols(void *library, Err *err)
{
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        void *found = dlsym(library, symbols[i].name);

        if (!found)
            return err_set(err, ERR_CONFIG, "the libhdf5 that is here has no %s", symbols[i].name);
        memcpy(symbols[i].slot, &found, sizeof found);
    }
    return true;
}

/* Types of arguments differ between minor versions. */
static bool check_version(Err *err)
{
    unsigned major = 0, minor = 0, release = 0;

    (void)h5.H5get_libversion(&major, &minor, &release);
    return (major == H5_VERS_MAJOR && minor == H5_VERS_MINOR) ||
           err_set(err, ERR_CONFIG, "libhdf5 is %u.%u, and %d.%d is needed", major, minor, H5_VERS_MAJOR,
                   H5_VERS_MINOR);
}

bool hdf5_load(Err *err)
{
    static const char *const names[] = {"libhdf5_serial.so.103", "libhdf5.so.103", "libhdf5.so"};
    static bool loaded;
    void *library = NULL;

    if (loaded)
        return true;
    for (size_t i = 0; i < COUNT_OF(names) && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(err, ERR_CONFIG, "cannot load libhdf5: %s", dlerror());
    if (!find_symbols(library, err))
        return false;
    (void)h5.H5dont_atexit(); /* the first call of all, or it is too late */
    if (!check_version(err))
        return false;
    (void)h5.H5open();
    (void)h5.H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* it would print */
    loaded = true;
    return true;
}
