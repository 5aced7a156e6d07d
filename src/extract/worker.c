/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fault.h"
#include "extract/frame.h"

static bool limit(int what, uint64_t most, Err *err)
{
    struct rlimit both = {most, most};

    return setrlimit(what, &both) == 0 || err_sys(err, ERR_IO, "cannot limit this process");
}

bool worker_confine(uint64_t memory, Err *err)
{
    enum {
        FILE_BYTES = 64 * 1024
    }; /* enough for messages on standard error, too little for a copy of data */

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_sys(err, ERR_IO, "cannot ask to end with the parent");
    (void)signal(SIGXFSZ, SIG_IGN);
    return limit(RLIMIT_CORE, 0, err) && limit(RLIMIT_FSIZE, FILE_BYTES, err) &&
           (memory == 0 || limit(RLIMIT_AS, memory, err));
}

int worker_take_output(Err *err)
{
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);

    if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        (void)err_sys(err, ERR_IO, "cannot set standard output aside");
        return -1;
    }
    return out;
}

static bool answer(int out, const ExtractResult *result, Err *err)
{
    BUF_SCOPE(json);
    Str problem = result->text;

    switch (result->kind) {
    case EXTRACT_NOTHING:
        return frame_write(out, 'N', result->text, err);
    case EXTRACT_RECORD:
        record_put_json(&result->record, &json);
        if (json.len < FRAME_MAX)
            return (result->text.len == 0 || frame_write(out, 'W', result->text, err)) &&
                   frame_write(out, 'R', buf_str(&json), err);
        problem = STR("the record is longer than 64 MiB");
        break;
    case EXTRACT_PROBLEM:
        break;
    }
    return frame_write(out, 'X', problem, err);
}

bool worker_serve(const ExtractSetup *setup, int out, Err *err)
{
    Arena arena = {0};
    BUF_SCOPE(path);
    char kind;
    bool good = frame_write(out, 'H', STR(STRATA_VERSION), err);

    while (good) {
        ExtractResult result;

        buf_reset(&path);
        arena_reset(&arena);
        *err = (Err){0};
        good = frame_read(STDIN_FILENO, FRAME_PATH_MAX, &kind, &path, err);
        if (!good && err->code == ERR_NONE) {
            good = true;
            break;
        }
        if (good && kind != 'P')
            good = err_set(err, ERR_USAGE, "a request of kind '%c' is unknown", kind);
        if (!good)
            break;
        extract_file(&arena, setup, buf_str(&path), &result);
        good = fault_pass(FAULT_extract_record, err) && answer(out, &result, err);
    }
    arena_free(&arena);
    return good;
}
