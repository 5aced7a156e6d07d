/* SPDX-License-Identifier: Apache-2.0 */
#include "db/process.h"

#include <dirent.h>
#include <signal.h>

#include "base/buf.h"
#include "base/os.h"

enum { COMMAND_BYTES = 256 * 1024 };

static bool read_command(Str pid, Buf *out)
{
    ARENA_SCOPE(scratch);
    Err ignored;

    buf_reset(out);
    return os_read_file(str_printf(&scratch, "/proc/%.*s/cmdline", STR_ARG(pid)).ptr, COMMAND_BYTES, out,
                        &ignored);
}

bool process_has_argument(pid_t pid, const char *argument)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(command);
    Str word;

    if (!read_command(str_printf(&scratch, "%ld", (long)pid), &command))
        return false;
    for (Str rest = buf_str(&command); rest.len > 0;) {
        rest = str_cut(rest, '\0', &word);
        if (str_eq_z(word, argument))
            return true;
    }
    return false;
}

static void close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

void process_signal_titled(const char *title, int signal)
{
    ATTR_CLEANUP(close_dir) DIR *dir = opendir("/proc");
    BUF_SCOPE(command);
    int64_t pid;

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        Str name = str_from_z(entry->d_name);

        if (str_to_int64(name, &pid) && read_command(name, &command) &&
            str_starts(buf_str(&command), str_from_z(title)))
            (void)kill((pid_t)pid, signal);
    }
}
