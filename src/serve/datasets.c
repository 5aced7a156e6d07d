/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/datasets.h"

bool datasets_next(const Instance *instance, size_t *at, Str *name, const DatasetSection **out)
{
    const void *values;

    if (!conf_next(instance_conf(instance), &dataset_section, at, name, &values))
        return false;
    *out = values;
    return true;
}

/* The dataset's database on a server, with the dataset's own user and password file where it has them. */
static bool dsn_of(const Instance *instance, Arena *arena, const InstanceServer *server,
                   const DatasetSection *section, const char *database, const char **out, Err *err)
{
    const char *passfile = instance_below(instance, arena, section->passfile);
    const char *dsn = NULL;

    if (!instance_dsn(server, arena, database, section->user.len ? str_to_z(arena, section->user) : NULL,
                      &dsn, err))
        return false;
    *out = passfile ? db_dsn_with(arena, dsn, "passfile", passfile, err) : dsn;
    return *out != NULL;
}

/* By a socket of this machine, or a name that means it. */
static bool is_local(const char *dsn)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1", ""};
    PQconninfoOption *options = PQconninfoParse(dsn, NULL);
    bool local = true;

    for (PQconninfoOption *option = options; option && option->keyword; option++) {
        if (!option->val ||
            (strcmp(option->keyword, "host") != 0 && strcmp(option->keyword, "hostaddr") != 0))
            continue;
        bool known = option->val[0] == '/' || option->val[0] == '@';
        for (size_t i = 0; i < COUNT_OF(names); i++)
            known = known || strcmp(option->val, names[i]) == 0;
        local = local && known;
    }
    PQconninfoFree(options);
    return local;
}

static bool is_listed(const Dataset *dataset, Str name)
{
    for (size_t i = 0; i < dataset->spec.count; i++)
        if (str_eq_z(name, dataset->spec.servers[i].name))
            return true;
    return false;
}

static bool add_server(const Instance *instance, Arena *arena, const DatasetSection *section, Str name,
                       Dataset *out, PlaceServer *servers, Err *err)
{
    InstanceServer *server;

    if (is_listed(out, name))
        return err_set(err, ERR_CONFIG, "the server '%.*s' is there twice", STR_ARG(name));
    if (!instance_find_server(instance, name, &server, err)) {
        err->code = ERR_CONFIG;
        return false;
    }
    PlaceServer *place = &servers[out->spec.count];
    if (!dsn_of(instance, arena, server, section, out->database, &place->dsn, err))
        return false;
    const ServerSection *how = conf_get(instance_conf(instance), &server_section, name);
    place->name = server->name;
    place->local = is_local(place->dsn);
    place->weight = how ? how->weight : 1;
    place->backup = how && how->backup;
    out->spec.count++;
    return true;
}

static bool read_section(const Instance *instance, Arena *arena, Str name, const DatasetSection *section,
                         Dataset *out, Err *err)
{
    PlaceServer *servers = arena_new(arena, PlaceServer, DATASET_SERVERS_MAX);
    Str rest = section->servers, server;

    *out = (Dataset){.name = str_to_z(arena, name),
                     .database = str_to_z(arena, section->database.len ? section->database : name)};
    out->spec = (PlaceSpec){.dataset = out->name,
                            .servers = servers,
                            .route = (PlaceRoute)section->route, /* the words are in its order */
                            .deadline = section->deadline};
    while (rest.len > 0) {
        rest = str_cut(rest, ',', &server);
        if (!add_server(instance, arena, section, str_trim(server), out, servers, err))
            return err_wrap(err, "the servers of the dataset '%s'", out->name);
    }
    return out->spec.count > 0 || err_set(err, ERR_CONFIG, "the dataset '%s' has no servers", out->name);
}

bool datasets_find(const Instance *instance, Arena *arena, Str name, Dataset *out, Err *err)
{
    const DatasetSection *section = conf_get(instance_conf(instance), &dataset_section, name);

    if (section)
        return read_section(instance, arena, name, section, out, err);
    (void)err_set(err, ERR_NOT_FOUND, "there is no dataset '%.*s'", STR_ARG(name));
    return err_hint(err, "strata dataset list shows those there are");
}

static bool exists(const Dataset *dataset, Err *err)
{
    return err_set(err, ERR_CONFLICT, "there is a dataset '%s' already", dataset->name);
}

bool datasets_plan(const Instance *instance, Arena *arena, Str name, Str servers, Dataset *out, Err *err)
{
    DatasetSection section = {.servers = servers};

    if (!instance_is_name(name)) {
        (void)err_set(err, ERR_USAGE, "'%.*s' is not a name for a dataset", STR_ARG(name));
        return err_hint(err, "names are of a-z, 0-9 and _, start with a letter and have at most %d",
                        INSTANCE_NAME_MAX);
    }
    if (conf_get(instance_conf(instance), &dataset_section, name))
        return exists(&(Dataset){.name = str_to_z(arena, name)}, err);
    if (read_section(instance, arena, name, &section, out, err))
        return true;
    err->code = ERR_USAGE;
    return false;
}

/* Another process may have written it meanwhile. */
static bool is_new(void *dataset_v, const Conf *before, Err *err)
{
    const Dataset *dataset = dataset_v;

    return !conf_get(before, &dataset_section, str_from_z(dataset->name)) || exists(dataset, err);
}

/* "servers = n1, n2", in as many lines as it takes. */
static void put_servers(Buf *text, const Dataset *dataset)
{
    size_t column = sizeof "servers =";

    buf_put_z(text, "servers =");
    for (size_t i = 0; i < dataset->spec.count; i++) {
        const char *name = dataset->spec.servers[i].name;

        if (column + strlen(name) > CONF_LINE_MAX / 2) {
            buf_put_z(text, "\n   ");
            column = 3;
        }
        buf_printf(text, " %s%s", name, i + 1 < dataset->spec.count ? "," : "");
        column += strlen(name) + 2;
    }
    buf_put_byte(text, '\n');
}

bool datasets_write(const Instance *instance, const ConfSet *set, const Dataset *dataset, Err *err)
{
    BUF_SCOPE(text);

    buf_printf(&text, "[dataset %s]\n", dataset->name);
    put_servers(&text, dataset);
    return instance_add_section(instance, set, buf_str(&text), is_new, (void *)(uintptr_t)dataset, err);
}

/* ---- servers that come and go ---- */

bool datasets_with_server(const Instance *instance, Arena *arena, const Dataset *dataset, Str server,
                          Dataset *out, Err *err)
{
    const DatasetSection *section =
        conf_get(instance_conf(instance), &dataset_section, str_from_z(dataset->name));
    PlaceServer *servers = arena_new(arena, PlaceServer, DATASET_SERVERS_MAX + 1);

    if (is_listed(dataset, server)) {
        return err_set(err, ERR_CONFLICT, "the dataset '%s' is on the server '%.*s' already", dataset->name,
                       STR_ARG(server));
    }
    *out = *dataset;
    out->spec.servers = servers;
    for (size_t i = 0; i < dataset->spec.count; i++)
        servers[i] = dataset->spec.servers[i];
    if (section && add_server(instance, arena, section, server, out, servers, err))
        return true;
    err->code = ERR_NOT_FOUND;
    return false;
}

bool datasets_without_server(Arena *arena, const Dataset *dataset, Str server, Dataset *out, Err *err)
{
    PlaceServer *servers = arena_new(arena, PlaceServer, dataset->spec.count);

    *out = *dataset;
    out->spec.servers = servers;
    out->spec.count = 0;
    for (size_t i = 0; i < dataset->spec.count; i++)
        if (!str_eq_z(server, dataset->spec.servers[i].name))
            servers[out->spec.count++] = dataset->spec.servers[i];
    if (out->spec.count == dataset->spec.count)
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' is not on the server '%.*s'", dataset->name,
                       STR_ARG(server));
    return out->spec.count > 0 ||
           err_set(err, ERR_CONFLICT, "the dataset '%s' is on no other server", dataset->name);
}

bool datasets_rewrite(const Instance *instance, const ConfSet *set, const Dataset *dataset, Err *err)
{
    BUF_SCOPE(section);
    BUF_SCOPE(lines);

    buf_printf(&section, "[dataset %s]", dataset->name);
    put_servers(&lines, dataset);
    return instance_replace_key(instance, set, buf_str(&section), STR("servers"), buf_str(&lines), err);
}

bool datasets_maintenance_dsn(const Instance *instance, Arena *arena, const char *server, const char **out,
                              Err *err)
{
    InstanceServer *found;

    return instance_find_server(instance, str_from_z(server), &found, err) &&
           instance_dsn(found, arena, NULL, NULL, out, err);
}
