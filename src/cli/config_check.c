/* SPDX-License-Identifier: Apache-2.0 */
#include "base/os.h"
#include "cli/config.h"
#include "serve/instance.h"

static bool read_file(Str path, Buf *text, Err *err)
{
    if (os_read_file(path.ptr, CONF_FILE_MAX, text, err))
        return true;
    if (err->code == ERR_NOT_FOUND)
        (void)err_hint(err, "without it every key has its default: strata config show");
    return false;
}

typedef struct Checking {
    Out *out;
    size_t problems;
} Checking;

static void print_problem(Checking *checking, Str text, Str hint)
{
    out_text(checking->out, text);
    out_text(checking->out, hint);
    checking->problems++;
}

static void print_wrong(void *checking, const Err *err)
{
    print_problem(checking, str_from_z(err->text), str_from_z(err->hint));
}

static void print_mistakes(Checking *checking, const Conf *conf)
{
    ConfProblem problem;
    size_t at = 0;

    while (conf_next_problem(conf, &at, &problem))
        print_problem(checking, problem.text, problem.hint);
}

/* What is right word by word can still not work. There may be no instance yet for which to tell. */
static void print_what_cannot_work(Checking *checking, const Call *call, Str path)
{
    Instance *instance;
    Err err = {0};

    if (instance_open_with(call->arena, call->dir.ptr, path.ptr, &config_set, &instance, &err))
        instance_check(instance, print_wrong, checking);
    else if (err.code == ERR_CONFIG)
        print_wrong(checking, &err);
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"problem", OUT_TEXT}, {"hint", OUT_TEXT}};
    Str path = call->args_count ? call->args[0] : config_path(call);
    Checking checking = {.out = call->out};
    BUF_SCOPE(text);

    if (!read_file(path, &text, err))
        return false;
    Conf *conf = conf_parse(&config_set, buf_str(&text), path.ptr, call->arena);

    out_record(call->out);
    out_field(call->out, "file", OUT_TEXT);
    out_text(call->out, path);
    out_field_list(call->out, "problems", columns, COUNT_OF(columns));
    print_mistakes(&checking, conf);
    if (checking.problems == 0)
        print_what_cannot_work(&checking, call, path);
    out_end(call->out);
    out_end(call->out);
    if (checking.problems == 0)
        return true;
    return err_set(err, ERR_CONFIG, "'%.*s' has %zu problem%s", STR_ARG(path), checking.problems,
                   checking.problems == 1 ? "" : "s");
}

const Cmd cmd_config_check = {
    .name = "config check",
    .args = "[FILE]",
    .summary = "read a configuration file and name everything that is wrong with it",
    .description =
        "Reads FILE, or strata.ini of the instance. When every line is right, it looks whether the instance could start "
        "with it: servers that are named, certificate, key and tokens. Nothing is changed or restarted.",
    .examples = "strata config check\n"
                "strata config check new.ini &&\n"
                "    cp new.ini /srv/strata/strata.ini\n",
    .run = run,
};
