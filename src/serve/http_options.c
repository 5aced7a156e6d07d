/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/http_options.h"

#include "http/tls.h"

static const HttpSection *section_of(const Instance *instance)
{
    return conf_get(instance_conf(instance), &http_section, (Str){0});
}

static const char *text_or_null(Arena *arena, Str text)
{
    return text.len ? str_to_z(arena, text) : NULL;
}

ServerOptions http_options(const Instance *instance, Arena *arena, TokenFile *tokens)
{
    const HttpSection *section = section_of(instance);

    return (ServerOptions){
        .listen = str_to_z(arena, section->listen),
        .cert_file = instance_below(instance, arena, section->cert),
        .key_file = instance_below(instance, arena, section->key),
        .tokens = tokens,
        .open_to_all = section->open_to_all,
        .hosts = text_or_null(arena, section->hosts),
        .cors = text_or_null(arena, section->cors),
        .access_log = section->access_log,
        .workers = (unsigned)section->workers,
        .connections = (unsigned)section->connections,
        .per_ip = (unsigned)section->per_ip,
        .body_bytes = (size_t)section->body_bytes,
        .idle = section->idle,
        .request_time = section->request_time,
        .stop_time = section->stop_time,
    };
}

static bool names_tokens(const Conf *conf)
{
    ConfItem item;
    size_t at = 0;

    while (conf_next_item(conf, &at, &item))
        if (item.section == &http_section && strcmp(item.key->name, "tokens") == 0)
            return item.origin != CONF_DEFAULT;
    return false;
}

bool http_open_tokens(const Instance *instance, Arena *arena, TokenFile **out, Err *err)
{
    const char *path = instance_below(instance, arena, section_of(instance)->tokens);

    *out = NULL;
    if (!path)
        return true;
    *out = names_tokens(instance_conf(instance)) ? token_file_open(path, err) : token_file_await(path, err);
    if (*out || err->code != ERR_NOT_FOUND)
        return *out != NULL;
    err->code = ERR_CONFIG;
    return err_hint(err, "make it with: strata token create --role admin");
}

static bool check_options(const ServerOptions *options, Err *err)
{
    Server *server = server_new(options, err);
    Tls *tls;

    if (!server)
        return false;
    server_free(server);
    if (!options->cert_file)
        return true;
    tls = tls_open(options->cert_file, options->key_file, err);
    tls_close(tls);
    return tls != NULL;
}

bool http_check(const Instance *instance, Err *err)
{
    ARENA_SCOPE(scratch);
    TokenFile *tokens;

    if (!http_open_tokens(instance, &scratch, &tokens, err))
        return false;
    ServerOptions options = http_options(instance, &scratch, tokens);
    bool ok = check_options(&options, err);
    token_file_close(tokens);
    return ok;
}
