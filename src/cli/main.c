/* SPDX-License-Identifier: Apache-2.0 */
/* main -- parse the line, run the command, print what went wrong */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "base/term.h"
#include "cli/help.h"
#include "cli/instance.h"
#include "cli/parse.h"

enum { COLOUR_AUTO, COLOUR_ALWAYS };

static bool wants_colour(const Globals *globals, int fd)
{
    return globals->colour == COLOUR_AUTO ? term_has_colour(fd) : globals->colour == COLOUR_ALWAYS;
}

static void put_help(const CmdSet *set, const Parsed *line, int fd, Buf *out)
{
    HelpStyle style = {.columns = term_columns(fd), .colour = wants_colour(&line->globals, fd)};

    if (line->cmd)
        help_cmd(line->cmd, style, out);
    else
        help_group(set, line->group, style, out);
}

static bool print_help(const CmdSet *set, const Parsed *line, Err *err)
{
    BUF_SCOPE(text);

    put_help(set, line, STDOUT_FILENO, &text);
    return os_write_all(STDOUT_FILENO, buf_str(&text), err);
}

/* The line ended before a command: what could come next is shown, and it is an error all the same. */
static bool refuse_half_line(const CmdSet *set, const Parsed *line, Err *err)
{
    BUF_SCOPE(text);
    Err write_err = {0};

    if (!line->globals.json) {
        put_help(set, line, STDERR_FILENO, &text);
        buf_put_byte(&text, '\n');
        if (!os_write_all(STDERR_FILENO, buf_str(&text), &write_err))
            return err_set(err, write_err.code, "%s", write_err.text);
    }
    if (line->group)
        return err_set(err, ERR_USAGE, "'strata %s' is not a whole command", line->group->name);
    return err_set(err, ERR_USAGE, "no command is given");
}

static bool run_cmd(const Parsed *line, Arena *arena, Err *err)
{
    const Globals *globals = &line->globals;
    Call call = {.opts = line->opts,
                 .args = line->args,
                 .args_count = line->args_count,
                 .json = globals->json,
                 .quiet = globals->quiet,
                 .colour = wants_colour(globals, STDOUT_FILENO),
                 .arena = arena};
    Err flush_err = {0};

    if (!instance_dir(globals->dir, arena, &call.dir, err))
        return false;
    call.out = out_new(arena, STDOUT_FILENO, globals->json, globals->quiet, call.colour);
    bool ok = line->cmd->run(&call, err);

    if (!out_flush(call.out, &flush_err) && ok) {
        *err = flush_err;
        return false;
    }
    return ok;
}

static bool run_line(const CmdSet *set, const Parsed *line, Arena *arena, Err *err)
{
    if (line->globals.help)
        return print_help(set, line, err);
    if (line->globals.version)
        return os_write_all(STDOUT_FILENO, STR("strata " STRATA_VERSION "\n"), err);
    if (!line->cmd)
        return refuse_half_line(set, line, err);
    return run_cmd(line, arena, err);
}

static void put_error(const Err *err, bool json, Buf *text)
{
    JsonOut out = json_out(text);

    if (!json) {
        buf_printf(text, "strata: %s\n", err->text);
        if (err->hint[0])
            buf_printf(text, "hint: %s\n", err->hint);
        return;
    }
    json_err(&out, err);
    json_line(&out);
}

/*
 * Where the caller closed one of the three standard descriptors (`>&-`), the next file that is opened would get its
 * number, and what is printed would go into that file. So they are taken here, each open the wrong way round: to read or
 * write there fails as it does on a closed one.
 */
static bool take_standard_descriptors(Err *err)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return err_sys(err, ERR_IO, "cannot open '/dev/null'");
    return true;
}

int main(int argc, char **argv)
{
    ARENA_SCOPE(arena);
    Parsed line = {0};
    Err err = {0};

    term_init();
    /* `strata ... | head`: end as soon as nobody reads, also where the caller had this signal ignored. */
    (void)signal(SIGPIPE, SIG_DFL);
    if (!take_standard_descriptors(&err) || !parse_line(&cmd_set, argc, argv, &arena, &line, &err) ||
        !fault_init(&err) || !run_line(&cmd_set, &line, &arena, &err)) {
        BUF_SCOPE(text);
        Err ignored = {0};

        put_error(&err, line.globals.json, &text);
        (void)!os_write_all(STDERR_FILENO, buf_str(&text), &ignored);
        return err_exit_status(err.code);
    }
    return 0; /* whatever failed on the way and was tried again */
}
