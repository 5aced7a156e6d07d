/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"

typedef struct Opts {
    bool sample;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "sample", 0, offsetof(Opts, sample), NULL,
     "print a file with every key and its default, commented out"},
    {.type = OPT_END},
};

static void print_sample(const Call *call)
{
    BUF_SCOPE(text);

    conf_put_sample(&config_set, &text);
    buf_put_z(&text, "\n# the server that 'strata init' makes\n[server local]\ndsn = embedded\n");
    out_raw(call->out, buf_str(&text));
}

static Str origin(const Call *call, const ConfItem *item)
{
    BUF_SCOPE(variable);

    if (item->origin == CONF_FILE)
        return str_printf(call->arena, "%.*s:%d", STR_ARG(config_path(call)), item->line);
    if (item->origin == CONF_DEFAULT)
        return STR("default");
    conf_put_variable(item->section, item->label, item->key, &variable);
    return str_printf(call->arena, "environment %.*s", STR_ARG(buf_str(&variable)));
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"section", OUT_TEXT},
                                        {"name", OUT_TEXT},
                                        {"key", OUT_TEXT},
                                        {"value", OUT_TEXT},
                                        {"origin", OUT_TEXT}};
    const Opts *o = call->opts;
    ConfItem item;
    Conf *conf;
    size_t at = 0;

    if (o->sample) {
        print_sample(call);
        return true;
    }
    if (!config_load(call, &conf, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    while (conf_next_item(conf, &at, &item)) {
        out_z(call->out, item.section->name);
        if (item.label.len)
            out_text(call->out, item.label);
        else
            out_null(call->out);
        out_z(call->out, item.key->name);
        out_text(call->out, item.value);
        out_text(call->out, origin(call, &item));
    }
    out_end(call->out);
    return true;
}

const Cmd cmd_config_show = {
    .name = "config show",
    .summary = "print the value of every key, and where it is from",
    .description =
        "A value is from the environment (STRATA_<SECTION>_<KEY>), else from strata.ini in the instance, "
        "else it is the default.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata config show\n"
                "# the start of a configuration of your own\n"
                "strata config show --sample\n",
    .run = run,
};
