#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "test/check.h"

static char dir[] = "/tmp/strata-os-test-XXXXXX";
static char path[64];

static void a_file_is_replaced_whole_or_not_at_all(void)
{
    Err err = {0};
    int failed = 0;

    CHECK(os_write_file(path, STR("old"), 0600, &err));
    FOR_EACH_FAULT(EIO) {
        BUF_SCOPE(now);
        bool ok = os_write_file(path, STR("new"), 0600, &err);
        bool fired = fault_fired();

        fault_arm(0, 0);
        CHECK(ok == !fired);
        CHECK(ok || (err.code == ERR_IO && err.sys == EIO));
        CHECK(os_read_file(path, 100, &now, &err));
        CHECK(str_eq(buf_str(&now), STR("new")) || (!ok && str_eq(buf_str(&now), STR("old"))));
        failed += !ok;
    }
    CHECK(failed == 6); /* open, write, fsync, rename, open and fsync of the directory */
}

static void reading_says_what_is_missing_or_too_long(void)
{
    Err err = {0};
    BUF_SCOPE(buf);

    CHECK(!os_read_file("/nonexistent/x", 10, &buf, &err) && err.code == ERR_NOT_FOUND);
    CHECK(os_write_file(path, STR("0123456789"), 0600, &err));
    CHECK(!os_read_file(path, 9, &buf, &err) && err.code == ERR_LIMIT);
    buf_reset(&buf);
    CHECK(os_read_file(path, 10, &buf, &err) && buf.len == 10);
}

static void directories_are_made_and_removed_with_what_is_in_them(void)
{
    Err err = {0};
    ARENA_SCOPE(arena);
    Str deep = str_printf(&arena, "%s/a/b/c", dir), top = str_printf(&arena, "%s/a", dir);
    struct stat st;

    CHECK(os_make_dirs(deep.ptr, 0700, &err));
    CHECK(os_make_dirs(deep.ptr, 0700, &err));
    CHECK(stat(deep.ptr, &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(os_remove_tree(top.ptr, &err) && stat(top.ptr, &st) < 0);
    CHECK(os_remove_tree(top.ptr, &err));
    CHECK(!os_make_dirs("/proc/x/y", 0700, &err) && err.code == ERR_IO);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(path, sizeof path, "%s/file", dir);
    RUN(a_file_is_replaced_whole_or_not_at_all);
    RUN(reading_says_what_is_missing_or_too_long);
    RUN(directories_are_made_and_removed_with_what_is_in_them);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
