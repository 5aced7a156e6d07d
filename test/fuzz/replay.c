/* SPDX-License-Identifier: Apache-2.0 */
/* replay -- every file of a corpus through a fuzz target once, as an ordinary TAP test; argument: the folder */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#include "base/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16 * 1024 * 1024 };

static bool replay(const char *dir, const char *name)
{
    Err err = {0};
    ARENA_SCOPE(arena);
    BUF_SCOPE(input);
    Str path = str_printf(&arena, "%s/%s", dir, name);

    if (!os_read_file(path.ptr, INPUT_MAX, &input, &err)) {
        printf("# %s\n", err.text);
        return false;
    }
    (void)buf_reserve(&input, 1);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)input.ptr, input.len);
    return true;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    int count = 0, bad = 0;

    if (!dir) {
        printf("Bail out! cannot open the corpus\n");
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        bool ok = replay(argv[1], entry->d_name);

        printf("%sok %d - %s\n", ok ? "" : "not ", ++count, entry->d_name);
        bad += !ok;
    }
    (void)closedir(dir);
    printf("1..%d\n", count);
    return bad != 0 || count == 0;
}
