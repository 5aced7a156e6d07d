#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
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

static void links_are_not_followed_below_a_directory(void)
{
    Err err = {0};
    ARENA_SCOPE(arena);
    Str real = str_printf(&arena, "%s/real/deep", dir), link = str_printf(&arena, "%s/link", dir);
    FD_SCOPE(top);
    FD_SCOPE(fd);

    CHECK(os_make_dirs(real.ptr, 0700, &err) && symlink("real", link.ptr) == 0);
    top = os_open(dir, O_RDONLY | O_DIRECTORY, 0);
    fd = os_open_below(top, "real/deep", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    CHECK(os_open_below(top, "link/deep", O_RDONLY | O_DIRECTORY) < 0 && errno == ELOOP);
    CHECK(os_open_below(top, "missing", O_RDONLY) < 0 && errno == ENOENT);
}

static void the_entries_of_a_directory_are_read_and_looked_at(void)
{
    Err err = {0};
    ARENA_SCOPE(arena);
    Str in = str_printf(&arena, "%s/listed", dir), link = str_printf(&arena, "%s/a-link", in.ptr);
    char entries[4096], target[16];
    struct statx st;
    FD_SCOPE(fd);

    CHECK(os_make_dirs(in.ptr, 0700, &err) && symlink("nowhere", link.ptr) == 0);
    fd = os_open(in.ptr, O_RDONLY | O_DIRECTORY, 0);
    ssize_t len = os_getdents(fd, entries, sizeof entries);
    CHECK(len > 0 && memmem(entries, (size_t)len, "a-link", sizeof "a-link"));
    CHECK(os_getdents(fd, entries, sizeof entries) == 0);
    CHECK(os_statx(fd, "a-link", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) == 0 && S_ISLNK(st.stx_mode));
    CHECK(os_readlink_at(fd, "a-link", target, sizeof target) == 7 && memcmp(target, "nowhere", 7) == 0);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(path, sizeof path, "%s/file", dir);
    RUN(a_file_is_replaced_whole_or_not_at_all);
    RUN(reading_says_what_is_missing_or_too_long);
    RUN(links_are_not_followed_below_a_directory);
    RUN(the_entries_of_a_directory_are_read_and_looked_at);
    RUN(directories_are_made_and_removed_with_what_is_in_them);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
