/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/os.h"

bool passphrase_is_given(const Passphrase *from)
{
    const char *value = getenv(from->variable);

    return from->file.ptr || (value && *value);
}

static bool too_long(const Secret *secret, Err *err)
{
    return err_set(err, ERR_LIMIT, "the passphrase is longer than %zu bytes", secret->room);
}

/* ---- files ---- */

/* Up to the end of the line, byte by byte: what comes behind may be for somebody else. False at the end of the file too. */
static bool read_line(int fd, Secret *out, bool *end, Err *err)
{
    for (*end = false;;) {
        char byte;
        ssize_t n = os_read(fd, &byte, 1);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read the passphrase");
        *end = n == 0;
        if (n == 0 || byte == '\n') {
            secret_wipe(&byte, 1);
            return true;
        }
        if (!secret_put(out, (Str){&byte, 1}))
            return too_long(out, err);
    }
}

/* As a key file (crypto/keyroot.c). What is no file, such as a pipe of the shell, is nobody else's. */
static bool check_owner(const Passphrase *from, int fd, Err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, ERR_IO, "--%s: cannot look at '%s'", from->option, from->file.ptr);
    if (!S_ISREG(st.st_mode) || !(st.st_mode & 077))
        return true;
    (void)err_set(err, ERR_CONFIG, "--%s: others may read or write '%s'", from->option, from->file.ptr);
    return err_hint(err, "chmod 600 '%s'; and if somebody may have read it, another passphrase",
                    from->file.ptr);
}

static bool read_file(const Passphrase *from, Secret *out, Err *err)
{
    FD_SCOPE(fd);
    bool end;

    fd = os_open(from->file.ptr, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "--%s: cannot open '%s'", from->option,
                       from->file.ptr);
    if (!check_owner(from, fd, err))
        return false;
    if (!read_line(fd, out, &end, err))
        return err_wrap(err, "--%s: '%s'", from->option, from->file.ptr);
    if (out->len && out->ptr[out->len - 1] == '\r')
        out->len--;
    return out->len > 0 ||
           err_set(err, ERR_USAGE, "--%s: the first line of '%s' is empty", from->option, from->file.ptr);
}

/* ---- the terminal ---- */

/* For the handler, which puts it back when a signal ends the program while it waits. */
static struct termios before;
static int terminal = -1;

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void put_back_and_end(int number)
{
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void catch_signals(struct sigaction old[COUNT_OF(ending)])
{
    struct sigaction action = {.sa_handler = put_back_and_end};

    for (size_t i = 0; i < COUNT_OF(ending); i++)
        (void)sigaction(ending[i], &action, &old[i]);
}

static void leave_signals(const struct sigaction old[COUNT_OF(ending)])
{
    for (size_t i = 0; i < COUNT_OF(ending); i++)
        (void)sigaction(ending[i], &old[i], NULL);
}

/* The prompt comes when nothing is shown any more: who sees it may type. */
static bool read_hidden(int fd, Str prompt, Secret *out, Err *err)
{
    struct sigaction old[COUNT_OF(ending)];
    struct termios hidden;
    bool end = false;

    if (tcgetattr(fd, &before) < 0)
        return err_sys(err, ERR_IO, "cannot ask for a passphrase");
    terminal = fd;
    catch_signals(old);
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    (void)tcsetattr(fd, TCSAFLUSH, &hidden);
    bool ok = os_write_all(fd, prompt, err) && read_line(fd, out, &end, err);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    leave_signals(old);
    if (ok && end && out->len == 0)
        return err_set(err, ERR_INTERRUPTED, "no passphrase was given");
    return ok;
}

bool passphrase_ask(const char *prompt, Secret *out, Err *err)
{
    ARENA_SCOPE(scratch);
    FD_SCOPE(fd);

    fd = os_open("/dev/tty", O_RDWR | O_NOCTTY, 0);
    if (fd < 0)
        return err_set(err, ERR_DENIED, "there is no terminal to ask for the %s", prompt);
    bool ok = read_hidden(fd, str_printf(&scratch, "%s: ", prompt), out, err);
    return os_write_all(fd, STR("\n"), err) && ok;
}

/* ---- all of them ---- */

static bool ask_or_say_how(const Passphrase *from, Secret *out, Err *err)
{
    if (!passphrase_ask(from->prompt, out, err)) {
        if (err->code == ERR_DENIED)
            return err_hint(err, "give it with --%s FILE or in $%s", from->option, from->variable);
        return false;
    }
    return out->len > 0 || err_set(err, ERR_USAGE, "the passphrase is empty");
}

static bool take_given(const Passphrase *from, Secret *out, Err *err)
{
    if (from->file.ptr)
        return read_file(from, out, err);
    return secret_put(out, str_from_z(getenv(from->variable))) || too_long(out, err);
}

bool passphrase_get(const Passphrase *from, Secret *out, Err *err)
{
    return passphrase_is_given(from) ? take_given(from, out, err) : ask_or_say_how(from, out, err);
}

bool passphrase_get_new(const Passphrase *from, Secret *out, Err *err)
{
    SECRET_SCOPE(again);

    if (passphrase_is_given(from))
        return take_given(from, out, err);
    secret_init(&again, out->room);
    return ask_or_say_how(from, out, err) && passphrase_ask("the same again", &again, err) &&
           (str_eq(secret_str(out), secret_str(&again)) ||
            err_set(err, ERR_USAGE, "the two passphrases are not the same"));
}
