/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion_names.h"

#include "catalog/shard.h"
#include "cli/catalog.h"
#include "cli/feeds.h"
#include "cli/token.h"
#include "serve/instance.h"

static void put_name(Buf *out, Str name)
{
    buf_put(out, name);
    buf_put_byte(out, '\n');
}

static bool put_shards(const Call *call, Buf *out, Err *err)
{
    Db *db;
    ShardInfo *shards;
    size_t count;

    if (!catalog_peek(call, &db, err) || !shard_list(db, call->arena, &shards, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        put_name(out, shards[i].name);
    return true;
}

static bool put_servers(const Call *call, Buf *out, Err *err)
{
    InstanceServer *servers;
    Instance *instance;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    for (size_t i = 0, count = instance_servers(instance, &servers); i < count; i++)
        put_name(out, str_from_z(servers[i].name));
    return true;
}

static bool put_tokens(const Call *call, Buf *out, Err *err)
{
    TokenLine *lines;
    const char *path;
    size_t count;

    if (!token_path(call, &path, err) || !token_store_list(path, call->arena, &lines, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        put_name(out, lines[i].user.name);
    return true;
}

static bool put_key_names(const Call *call, Buf *out, Err *err)
{
    KeystoreKey *keys;
    Keystore *store;
    size_t count;

    if (!keys_open(call, (Str){0}, &store, err) ||
        !keystore_list(store, call->arena, KEYSTORE_ALL, &keys, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        put_name(out, keys[i].info.name.len && !memchr(keys[i].info.name.ptr, ' ', keys[i].info.name.len)
                          ? keys[i].info.name
                          : keys_hex(call->arena, keys[i].info.public_key));
    return true;
}

static bool put_feeds(const Call *call, Buf *out, Err *err)
{
    StoreFeed *feeds;
    FeedStore *store;
    size_t count;

    if (!feeds_open(call, &store, err) || !store_list(store, call->arena, &feeds, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        put_name(out,
                 feeds[i].about.name.len && !memchr(feeds[i].about.name.ptr, ' ', feeds[i].about.name.len)
                     ? feeds[i].about.name
                     : keys_hex(call->arena, feeds[i].about.key));
    return true;
}

/* These the program knows by itself. */
static bool put_keys(const Call *call, Buf *out, Err *err)
{
    (void)call, (void)err;
    for (size_t s = 0; s < config_set.count; s++)
        for (size_t k = 0; k < config_set.sections[s]->keys_count; k++)
            buf_printf(out, "%s.%s\n", config_set.sections[s]->name, config_set.sections[s]->keys[k].name);
    return true;
}

static const struct {
    const char *group; /* of the commands of which it is an argument; NULL: of any */
    const char *arg, *kind;
    bool (*put)(const Call *call, Buf *out, Err *err);
} kinds[] = {
    {NULL, "SHARD", "shards", put_shards},       {NULL, "SERVER", "servers", put_servers},
    {NULL, "TOKEN", "tokens", put_tokens},       {"config ", "KEY", "keys", put_keys},
    {"key ", "KEY", "key-names", put_key_names}, {"feed ", "KEY", "feeds", put_feeds},
};

static const char *kind_in(Str name, const char *args)
{
    Str first;

    (void)str_cut(str_from_z(args ? args : ""), ' ', &first);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_eq_z(first, kinds[i].arg) &&
            (!kinds[i].group || str_starts(name, str_from_z(kinds[i].group))))
            return kinds[i].kind;
    return NULL;
}

const char *completion_kind(const char *arg)
{
    return kind_in((Str){0}, arg);
}

const char *completion_argument(const Cmd *cmd)
{
    return kind_in(str_from_z(cmd->name), cmd->args);
}

void completion_put_kinds(const char *gap, Buf *out)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        buf_printf(out, "%s%s", i ? gap : "", kinds[i].kind);
}

bool completion_is_kind(Str kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_eq_z(kind, kinds[i].kind))
            return true;
    return false;
}

bool completion_put_names(const Call *call, Str kind, Buf *out, Err *err)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_eq_z(kind, kinds[i].kind))
            return kinds[i].put(call, out, err);
    return err_set(err, ERR_BUG, "there are no names called '%.*s'", STR_ARG(kind));
}
