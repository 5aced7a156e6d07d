/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keyroot.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/os.h"

enum { VERSION = 1 };
static const char root_magic[8] = {'S', 'T', 'R', 'K', 'R', 'O', 'O', 'T'};
static const char unlock_magic[8] = {'S', 'T', 'R', 'K', 'U', 'N', 'L', 'K'};

#define BYTES(array) ((Str){(const char *)(array), sizeof(array)})

/* What both files begin with; what is left of `bytes` behind it, without the check. */
static bool take_head(Str bytes, const char magic[8], const char *what, BytesIn *out, Err *err)
{
    BytesIn in = {bytes, false};

    if (!str_eq(bytes_take_str(&in, 8), (Str){magic, 8}))
        return err_set(err, ERR_CORRUPT, "it is no %s", what);
    uint64_t version = bytes_take(&in, 4);
    if (!in.bad && version != VERSION)
        return err_set(err, ERR_LIMIT, "it is of version %llu, which this program does not know",
                       (unsigned long long)version);
    if (!seal_take_check(&bytes))
        return err_set(err, ERR_CORRUPT, "it is damaged");
    in.rest.len -= SEAL_CHECK_BYTES;
    *out = in;
    return true;
}

/* ---- the root key ---- */

bool keyroot_read(Str bytes, KeyRoot *out, Err *err)
{
    KeyRoot root = {0};
    BytesIn in = {0};

    if (!take_head(bytes, root_magic, "root key", &in, err))
        return false;
    root.lock = (RootLock)bytes_take(&in, 4);
    root.cost.memory_bytes = bytes_take(&in, 8);
    root.cost.passes = (uint32_t)bytes_take(&in, 4);
    bytes_take_to(&in, root.salt, SEAL_SALT_BYTES);
    root.before = (Str){bytes.ptr, (size_t)(in.rest.ptr - bytes.ptr)};
    root.sealed = in.rest;
    if (in.bad || root.sealed.len != SEAL_KEY_BYTES + SEAL_MORE)
        return err_set(err, ERR_CORRUPT, "it is damaged");
    if (root.lock != ROOT_LOCK_PASSPHRASE && root.lock != ROOT_LOCK_FILE)
        return err_set(err, ERR_LIMIT, "it has a lock of kind %u, which this program does not know",
                       (unsigned)root.lock);
    *out = root;
    return true;
}

bool keyroot_take(const KeyRoot *root, const unsigned char key[SEAL_KEY_BYTES], Secret *out)
{
    out->len = seal_take(key, root->before, root->sealed, out->ptr) ? SEAL_KEY_BYTES : 0;
    return out->len > 0;
}

void keyroot_put(const KeyRoot *how, const unsigned char key[SEAL_KEY_BYTES], const Secret *root, Buf *out)
{
    BUF_SCOPE(before);
    size_t from = out->len;

    buf_put(&before, BYTES(root_magic));
    bytes_put(&before, VERSION, 4);
    bytes_put(&before, how->lock, 4);
    bytes_put(&before, how->cost.memory_bytes, 8);
    bytes_put(&before, how->cost.passes, 4);
    buf_put(&before, BYTES(how->salt));
    buf_put(out, buf_str(&before));
    seal_put(key, buf_str(&before), secret_str(root), out);
    seal_put_check(out, from);
}

/* ---- the key file ---- */

static bool check_owner(int fd, const char *path, Err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(err, ERR_CONFIG, "the key file '%s' belongs to another user", path);
    if (!(st.st_mode & 077))
        return true;
    (void)err_set(err, ERR_CONFIG, "others may read or write the key file '%s'", path);
    return err_hint(err, "chmod 600 '%s'; and if somebody may have read it, strata key change-passphrase",
                    path);
}

static bool read_secret(int fd, const char *path, Secret *out, Err *err)
{
    for (;;) {
        ssize_t n = os_read(fd, out->ptr + out->len, out->room - out->len);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read '%s'", path);
        if (n == 0)
            return true;
        out->len += (size_t)n;
        if (out->len == out->room)
            return err_set(err, ERR_CORRUPT, "'%s' is longer than a key file", path);
    }
}

bool keyroot_read_unlock(const char *path, Secret *out, Err *err)
{
    SECRET_SCOPE(bytes);
    FD_SCOPE(fd);
    BytesIn in = {0};

    secret_init(&bytes, KEYROOT_MAX);
    fd = os_open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT) {
        (void)err_set(err, ERR_DENIED, "the keys are locked: there is no key file '%s'", path);
        return err_hint(err, "[keys] unlock says where it is; without it the keys cannot be used");
    }
    if (fd < 0)
        return err_sys(err, errno == EACCES ? ERR_DENIED : ERR_IO, "cannot open the key file '%s'", path);
    if (!check_owner(fd, path, err) || !read_secret(fd, path, &bytes, err))
        return false;
    if (!take_head(secret_str(&bytes), unlock_magic, "key file", &in, err))
        return err_wrap(err, "cannot use '%s'", path);
    if (in.rest.len != SEAL_KEY_BYTES && in.rest.len != (size_t)KEYROOT_UNLOCKS_MAX * SEAL_KEY_BYTES)
        return err_set(err, ERR_CORRUPT, "cannot use '%s': it is damaged", path);
    secret_init(out, in.rest.len);
    return secret_put(out, in.rest);
}

/* os_write_file() has names by process, of which a killed one leaves a file that nobody ever finds. */
static bool replace(const char *path, Str bytes, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *beside = str_printf(&scratch, "%s.new", path).ptr;
    FD_SCOPE(fd);

    (void)unlink(beside);
    fd = os_open(beside, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make '%s'", beside);
    if (os_write_all(fd, bytes, err) &&
        (os_fsync(fd) == 0 || err_sys(err, ERR_IO, "cannot sync '%s'", beside)) &&
        (os_rename(beside, path) == 0 || err_sys(err, ERR_IO, "cannot rename '%s' to '%s'", beside, path)))
        return os_sync_dir(str_to_z(&scratch, str_dir_name(str_from_z(path))), err);
    (void)unlink(beside);
    return false;
}

bool keyroot_write_unlock(const char *path, const Secret *keys, Err *err)
{
    SECRET_BUF_SCOPE(bytes);

    (void)buf_reserve(&bytes, KEYROOT_MAX);
    buf_put(&bytes, BYTES(unlock_magic));
    bytes_put(&bytes, VERSION, 4);
    buf_put(&bytes, secret_str(keys));
    seal_put_check(&bytes, 0);
    return replace(path, buf_str(&bytes), err);
}

bool keyroot_remove_unlock(const char *path, Err *err)
{
    ARENA_SCOPE(scratch);

    (void)unlink(str_printf(&scratch, "%s.new", path).ptr);
    return os_unlink(path) == 0 || errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", path);
}
