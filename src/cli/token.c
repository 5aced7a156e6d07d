/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/token.h"

#include "cli/config.h"
#include "serve/instance.h"

bool token_path(const Call *call, const char **out, Err *err)
{
    Instance *instance;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    const HttpSection *section = conf_get(instance_conf(instance), &http_section, (Str){0});
    *out = instance_below(instance, call->arena, section->tokens);
    if (*out)
        return true;
    (void)err_set(err, ERR_CONFIG, "the configuration says that there are no tokens");
    return err_hint(err, "take the empty 'tokens' out of section [http]");
}

static void field(Out *out, bool fields, const char *name, OutKind kind)
{
    if (fields)
        out_field(out, name, kind);
}

/* As the file has them; JSON has an array. */
static void put_groups(Out *out, const User *user)
{
    BUF_SCOPE(text);

    for (size_t i = 0; i < user->group_count; i++)
        buf_printf(&text, "%s%u", i ? "," : "[", user->groups[i]);
    buf_put_z(&text, user->group_count ? "]" : "[]");
    out_json(out, buf_str(&text));
}

void token_put(Out *out, const TokenLine *line, bool fields)
{
    const User *user = &line->user;

    field(out, fields, "name", OUT_TEXT);
    out_text(out, user->name);
    field(out, fields, "role", OUT_TEXT);
    out_z(out, role_name(user->role));
    field(out, fields, "uid", OUT_INT);
    user->filtered ? out_int(out, user->uid) : out_null(out);
    field(out, fields, "groups", OUT_JSON);
    put_groups(out, user);
    field(out, fields, "expires", OUT_TIME);
    line->expires ? out_int(out, line->expires) : out_null(out);
}
