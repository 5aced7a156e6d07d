/* SPDX-License-Identifier: Apache-2.0 */
#include "base/os.h"
#include "cli/config.h"

static bool read_file(Str path, Buf *text, Err *err)
{
    if (os_read_file(path.ptr, CONF_FILE_MAX, text, err))
        return true;
    if (err->code == ERR_NOT_FOUND)
        (void)err_hint(err, "without it every key has its default: strata config show");
    return false;
}

static size_t print_problems(const Call *call, const Conf *conf)
{
    static const OutColumn columns[] = {{"problem", OUT_TEXT}, {"hint", OUT_TEXT}};
    ConfProblem problem;
    size_t at = 0;

    out_field_list(call->out, "problems", columns, COUNT_OF(columns));
    while (conf_next_problem(conf, &at, &problem)) {
        out_text(call->out, problem.text);
        out_text(call->out, problem.hint);
    }
    out_end(call->out);
    return at;
}

static bool run(const Call *call, Err *err)
{
    Str path = call->args_count ? call->args[0] : config_path(call);
    BUF_SCOPE(text);

    if (!read_file(path, &text, err))
        return false;
    Conf *conf = conf_parse(&config_set, buf_str(&text), path.ptr, call->arena);

    out_record(call->out);
    out_field(call->out, "file", OUT_TEXT);
    out_text(call->out, path);
    size_t problems = print_problems(call, conf);

    out_end(call->out);
    if (problems == 0)
        return true;
    return err_set(err, ERR_CONFIG, "'%.*s' has %zu problem%s", STR_ARG(path), problems,
                   problems == 1 ? "" : "s");
}

const Cmd cmd_config_check = {
    .name = "config check",
    .args = "[FILE]",
    .summary = "read a configuration file and name everything that is wrong with it",
    .description = "Reads FILE, or strata.ini of the instance. Nothing is changed or restarted.",
    .examples = "strata config check\n"
                "strata config check /tmp/new.ini && cp /tmp/new.ini /var/lib/strata/strata.ini\n",
    .run = run,
};
