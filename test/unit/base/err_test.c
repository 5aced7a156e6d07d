#include "base/err.h"

#include <errno.h>

#include "base/attr.h"
#include "test/check.h"

static void a_failure_reads_outermost_first(void)
{
    Err err = {0};

    errno = ENOSPC;
    CHECK(!err_sys(&err, ERR_IO, "cannot write"));
    CHECK(!err_wrap(&err, "cannot append to '%s'", "x"));
    CHECK(strcmp(err.text, "cannot append to 'x': cannot write: No space left on device") == 0);
    CHECK(err.sys == ENOSPC && err.code == ERR_IO);
}

static void long_texts_are_cut_not_overrun(void)
{
    Err err = {0};
    char text[3000];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK(!err_set(&err, ERR_USAGE, "%s", text));
    CHECK(!err_wrap(&err, "%s", text));
    CHECK(!err_hint(&err, "%s", text));
    CHECK(strlen(err.text) == sizeof err.text - 1 && strlen(err.hint) == sizeof err.hint - 1);
}

static void the_table_gives_name_and_statuses(void)
{
    static const struct {
        ErrCode code;
        const char *name;
        int exit_status, http_status;
    } rows[] = {
        {ERR_USAGE, "USAGE", 2, 400},       {ERR_NOT_FOUND, "NOT_FOUND", 4, 404},
        {ERR_CONFLICT, "CONFLICT", 5, 409}, {ERR_DENIED, "DENIED", 9, 403},
        {ERR_PARTIAL, "PARTIAL", 11, 200},  {ERR_INTERRUPTED, "INTERRUPTED", 130, 503},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(strcmp(err_name(rows[i].code), rows[i].name) == 0);
        CHECK(err_exit_status(rows[i].code) == rows[i].exit_status);
        CHECK(err_http_status(rows[i].code) == rows[i].http_status);
    }
    CHECK(err_is_transient(ERR_DB) && !err_is_transient(ERR_USAGE));
}

int main(void)
{
    RUN(a_failure_reads_outermost_first);
    RUN(long_texts_are_cut_not_overrun);
    RUN(the_table_gives_name_and_statuses);
    DONE();
}
