/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"

static void print_key(const Call *call, const ConfSection *section, const ConfKey *key)
{
    BUF_SCOPE(range);
    BUF_SCOPE(variable);

    conf_put_range(key, &range);
    conf_put_variable(section, str_from_z(section->label), key, &variable);
    out_record(call->out);
    out_field(call->out, "key", OUT_TEXT);
    out_text(call->out, str_printf(call->arena, "%s.%s", section->name, key->name));
    out_field(call->out, "meaning", OUT_TEXT);
    out_z(call->out, key->meaning);
    out_field(call->out, "value", OUT_TEXT);
    out_text(call->out, buf_str(&range));
    out_field(call->out, "default", OUT_TEXT);
    out_z(call->out, key->preset);
    out_field(call->out, "reloadable", OUT_BOOL);
    out_bool(call->out, key->reloadable);
    out_field(call->out, "environment", OUT_TEXT);
    out_text(call->out, buf_str(&variable));
    out_end(call->out);
}

static bool refuse(const Call *call, Str name, Err *err)
{
    Str near = conf_nearest_key(&config_set, name, call->arena);

    (void)err_set(err, ERR_NOT_FOUND, "there is no configuration key '%.*s'", STR_ARG(name));
    if (near.len)
        return err_hint(err, "did you mean '%.*s'?", STR_ARG(near));
    return err_hint(err, "strata config show lists them");
}

static bool run(const Call *call, Err *err)
{
    const ConfSection *section;
    const ConfKey *key;
    size_t at = 0;

    while (conf_next_named(&config_set, call->args[0], &at, &section, &key))
        print_key(call, section, key);
    return at > 0 || refuse(call, call->args[0], err);
}

const Cmd cmd_config_explain = {
    .name = "config explain",
    .args = "KEY",
    .summary = "say what a key means, what it may be, and its default",
    .description = "KEY is a key, or SECTION.KEY.",
    .examples = "strata config explain log.level\n",
    .run = run,
};
