/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/os.h"
#include "feed/peers.h"
#include "serve/datasets.h"
#include "serve/http_options.h"

struct Instance {
    Arena *arena;
    const char *dir, *file;
    Conf *conf;
    InstanceServer *servers; /* INSTANCE_SERVERS_MAX */
    size_t servers_count;
};

/* ---- opening ---- */

static bool add_embedded(Instance *instance, InstanceServer *server, Err *err)
{
    const PostgresqlSection *how = conf_get(instance->conf, &postgresql_section, (Str){0});
    Arena *arena = instance->arena;
    ClusterSpec spec = {
        .name = server->name,
        .dir = str_printf(arena, "%s/pg/%s", instance->dir, server->name).ptr,
        .run_dir = str_printf(arena, "%s/run", instance->dir).ptr,
        .log_dir = str_printf(arena, "%s/log", instance->dir).ptr,
        .bin_dir = instance_below(instance, arena, how->bin_dir),
        .account = how->account.len ? str_to_z(arena, how->account) : NULL,
        .start_timeout = how->start_timeout,
    };

    return cluster_open(arena, &spec, &server->cluster, err);
}

bool instance_is_name(Str name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

    if (name.len == 0 || name.len > INSTANCE_NAME_MAX || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!memchr(letters, name.ptr[i], sizeof letters - 1))
            return false;
    return true;
}

static bool check_name(Str name, Err *err)
{
    if (instance_is_name(name))
        return true;
    (void)err_set(err, ERR_USAGE, "'%.*s' is not a name for a server", STR_ARG(name));
    return err_hint(err, "names are of a-z, 0-9 and _, start with a letter and have at most %d",
                    INSTANCE_NAME_MAX);
}

/* A value over several lines has newlines where it was parted. */
static const char *in_one_line(Arena *arena, Str value)
{
    char *line = str_to_z(arena, value);

    for (char *at = line; (at = strchr(at, '\n'));)
        *at = ' ';
    return line;
}

static bool read_servers(Instance *instance, Err *err)
{
    const void *values;
    size_t at = 0;
    Str name;

    while (conf_next(instance->conf, &server_section, &at, &name, &values)) {
        const ServerSection *section = values;
        InstanceServer *server = &instance->servers[instance->servers_count];

        if (instance->servers_count == INSTANCE_SERVERS_MAX)
            return err_set(err, ERR_CONFIG, "there are more than %d servers in '%s'", INSTANCE_SERVERS_MAX,
                           instance->file);
        if (!check_name(name, err)) {
            err->code = ERR_CONFIG;
            return false;
        }
        server->name = str_to_z(instance->arena, name);
        if (!str_eq(section->dsn, STR("embedded")))
            server->dsn = in_one_line(instance->arena, section->dsn);
        else
            (void)!add_embedded(instance, server, &server->why);
        instance->servers_count++;
    }
    return true;
}

static bool no_instance(const char *dir, Err *err)
{
    if (errno == EACCES) {
        (void)err_sys(err, ERR_DENIED, "cannot open the instance '%s'", dir);
        return err_hint(err, "it belongs to another user");
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no instance at '%s'", dir);
    return err_hint(err, "make one with: strata init '%s'; or name another with -C DIR", dir);
}

bool instance_open(Arena *arena, const char *dir, const ConfSet *set, Instance **out, Err *err)
{
    return instance_open_with(arena, dir, NULL, set, out, err);
}

bool instance_open_with(Arena *arena, const char *dir, const char *file, const ConfSet *set, Instance **out,
                        Err *err)
{
    Instance *instance = arena_new(arena, Instance, 1);
    char real[PATH_MAX];

    if (!realpath(dir, real))
        return no_instance(dir, err);
    instance->arena = arena;
    instance->servers = arena_new(arena, InstanceServer, INSTANCE_SERVERS_MAX);
    instance->dir = str_copy(arena, str_from_z(real)).ptr;
    instance->file = file ? file : str_printf(arena, "%s/strata.ini", instance->dir).ptr;
    if (access(instance->file, R_OK) < 0)
        return no_instance(instance->dir, err);
    if (!conf_load(set, instance->file, arena, &instance->conf, err) || !read_servers(instance, err))
        return false;
    *out = instance;
    return true;
}

const char *instance_path(const Instance *instance)
{
    return instance->dir;
}

const Conf *instance_conf(const Instance *instance)
{
    return instance->conf;
}

const char *instance_below(const Instance *instance, Arena *arena, Str name)
{
    if (name.len == 0)
        return NULL;
    if (name.ptr[0] == '/')
        return str_to_z(arena, name);
    return str_printf(arena, "%s/%.*s", instance->dir, STR_ARG(name)).ptr;
}

/* ---- servers ---- */

size_t instance_servers(const Instance *instance, InstanceServer **out)
{
    *out = instance->servers;
    return instance->servers_count;
}

static InstanceServer *find_named(const Instance *instance, Str name)
{
    for (size_t i = 0; i < instance->servers_count; i++)
        if (str_eq_z(name, instance->servers[i].name))
            return &instance->servers[i];
    return NULL;
}

static bool no_server(ErrCode code, const char *where, Str name, Err *err)
{
    (void)err_set(err, code, "%sthere is no server '%.*s'", where, STR_ARG(name));
    (void)err_hint(err, "strata server list shows those there are");
    return false; /* said so plainly for the static analysis of the callers */
}

static bool take_usable(InstanceServer *server, InstanceServer **out, Err *err)
{
    if (!server->dsn && !server->cluster) {
        *err = server->why;
        return false;
    }
    *out = server;
    return true;
}

bool instance_find_server(const Instance *instance, Str name, InstanceServer **out, Err *err)
{
    InstanceServer *server = find_named(instance, name);

    return server ? take_usable(server, out, err) : no_server(ERR_NOT_FOUND, "", name, err);
}

static Str service_server_name(const Instance *instance)
{
    const DatabaseSection *section = conf_get(instance->conf, &database_section, (Str){0});

    return section->server;
}

bool instance_service_server(const Instance *instance, InstanceServer **out, Err *err)
{
    Str name = service_server_name(instance);
    InstanceServer *server = find_named(instance, name);

    return server ? take_usable(server, out, err) : no_server(ERR_CONFIG, "[database] server: ", name, err);
}

static bool check_dsn(Str dsn, Err *err)
{
    ARENA_SCOPE(scratch);

    if (str_eq(dsn, STR("embedded")))
        return true;
    if (dsn.len == 0)
        return err_set(err, ERR_USAGE, "the connection string is empty");
    return db_dsn_with(&scratch, str_to_z(&scratch, dsn), "application_name", "strata", err) != NULL;
}

/* What is in the configuration is wrong there, whoever asks for it. */
static bool check_server_dsn(const InstanceServer *server, Err *err)
{
    if (!server->dsn || check_dsn(str_from_z(server->dsn), err))
        return true;
    err->code = ERR_CONFIG;
    return err_wrap(err, "server '%s'", server->name);
}

bool instance_dsn(const InstanceServer *server, Arena *arena, const char *database, const char *user,
                  const char **out, Err *err)
{
    const char *dsn = server->cluster ? cluster_dsn(server->cluster, arena, "postgres", NULL) : server->dsn;

    if (!check_server_dsn(server, err))
        return false;
    if (database)
        dsn = db_dsn_with(arena, dsn, "dbname", database, err);
    if (dsn && user)
        dsn = db_dsn_with(arena, dsn, "user", user, err);
    if (dsn)
        *out = dsn;
    return dsn != NULL;
}

static void check_datasets(const Instance *instance, void (*wrong)(void *ctx, const Err *err), void *ctx)
{
    ARENA_SCOPE(scratch);
    const DatasetSection *section;
    Dataset dataset;
    size_t at = 0;
    Str name;

    while (datasets_next(instance, &at, &name, &section)) {
        Err err = {0};

        if (!datasets_find(instance, &scratch, name, &dataset, &err))
            wrong(ctx, &err);
    }
}

static void check_peers(const Instance *instance, void (*wrong)(void *ctx, const Err *err), void *ctx)
{
    ARENA_SCOPE(scratch);
    Peers peers;
    Err err = {0};

    if (!peers_parse(conf_get(instance->conf, &peers_conf, (Str){0}), &scratch, &peers, &err))
        wrong(ctx, &err);
}

void instance_check(const Instance *instance, void (*wrong)(void *ctx, const Err *err), void *ctx)
{
    InstanceServer *found;
    Err err = {0};

    for (size_t i = 0; i < instance->servers_count; i++) {
        const InstanceServer *server = &instance->servers[i];

        if (!server->dsn && !server->cluster)
            wrong(ctx, &server->why);
        else if (!check_server_dsn(server, &err))
            wrong(ctx, &err);
    }
    /* One that is there and has no PostgreSQL was told above. */
    if (!find_named(instance, service_server_name(instance)) &&
        !instance_service_server(instance, &found, &err))
        wrong(ctx, &err);
    check_datasets(instance, wrong, ctx);
    check_peers(instance, wrong, ctx);
    if (!http_check(instance, &err))
        wrong(ctx, &err);
}

/* ---- adding one ---- */

/* Long values go on in lines that start with a blank, parted where the connection string has a blank itself. */
static void put_value(Buf *out, Str value)
{
    size_t column = sizeof "dsn = ";

    for (Str word; value.len > 0; column += word.len + 1) {
        value = str_cut(value, ' ', &word);
        if (column > sizeof "dsn = " && column + word.len > CONF_LINE_MAX - 10) {
            buf_put_z(out, "\n   ");
            column = sizeof "   ";
        }
        buf_printf(out, " %.*s", STR_ARG(word));
    }
}

/* The text reads back as the same value, whatever it holds that means something in the file. */
static bool check_reads_back(const Instance *instance, const ConfSet *set, Str text, Str name, Str dsn,
                             Err *err)
{
    ARENA_SCOPE(scratch);
    Conf *conf = conf_parse(set, text, instance->file, &scratch);
    const ServerSection *section = conf_get(conf, &server_section, name);

    if (section && str_eq_z(dsn, in_one_line(&scratch, section->dsn)))
        return true;
    return err_set(err, ERR_USAGE, "the connection string cannot be written in strata.ini");
}

static bool lock_file(const char *path, int *out, Err *err)
{
    *out = os_open(path, O_RDONLY, 0);
    if (*out < 0 || flock(*out, LOCK_EX) < 0)
        return err_sys(err, ERR_IO, "cannot lock '%s'", path);
    return true;
}

bool instance_check_server(const Instance *instance, Str name, Str dsn, Err *err)
{
    if (!check_name(name, err) || !check_dsn(str_trim(dsn), err))
        return false;
    for (size_t i = 0; i < instance->servers_count; i++)
        if (str_eq_z(name, instance->servers[i].name))
            return err_set(err, ERR_CONFLICT, "there is a server '%.*s' already", STR_ARG(name));
    if (instance->servers_count == INSTANCE_SERVERS_MAX)
        return err_set(err, ERR_LIMIT, "there are %d servers, which is as many as there can be",
                       INSTANCE_SERVERS_MAX);
    return true;
}

bool instance_add_section(const Instance *instance, const ConfSet *set, Str section, InstanceBefore *check,
                          void *ctx, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(text);
    FD_SCOPE(lock);

    if (!lock_file(instance->dir, &lock, err) || !os_read_file(instance->file, CONF_FILE_MAX, &text, err) ||
        !check(ctx, conf_parse(set, buf_str(&text), instance->file, &scratch), err))
        return false;
    buf_put_z(&text, text.len && text.ptr[text.len - 1] != '\n' ? "\n\n" : "\n");
    buf_put(&text, section);
    return os_write_file(instance->file, buf_str(&text), 0600, err);
}

/* A line that goes on with the value before it. */
static bool goes_on(Str line)
{
    return line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t') && str_trim(line).len > 0;
}

static bool is_key(Str line, Str key)
{
    Str name;

    (void)str_cut(line, '=', &name);
    return str_eq(str_trim(name), key);
}

/* False when the file has no such key in such a section. */
static bool replace_key(Str text, Str section, Str key, Str lines, Buf *out)
{
    bool inside = false, dropping = false, found = false;

    while (text.len > 0) {
        Str line;

        text = str_cut(text, '\n', &line);
        dropping = dropping && goes_on(line);
        if (line.len > 0 && line.ptr[0] == '[')
            inside = str_eq(str_trim(line), section);
        if (inside && !found && !dropping && !goes_on(line) && is_key(line, key)) {
            buf_put(out, lines);
            found = dropping = true;
        } else if (!dropping) {
            buf_put(out, line);
            buf_put_byte(out, '\n');
        }
    }
    return found;
}

bool instance_replace_key(const Instance *instance, const ConfSet *set, Str section, Str key, Str lines,
                          Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(text);
    BUF_SCOPE(changed);
    FD_SCOPE(lock);
    ConfProblem problem;
    size_t at = 0;

    if (!lock_file(instance->dir, &lock, err) || !os_read_file(instance->file, CONF_FILE_MAX, &text, err))
        return false;
    if (!replace_key(buf_str(&text), section, key, lines, &changed))
        return err_set(err, ERR_NOT_FOUND, "'%s' has no '%.*s' in a section %.*s", instance->file,
                       STR_ARG(key), STR_ARG(section));
    if (conf_next_problem(conf_parse(set, buf_str(&changed), instance->file, &scratch), &at, &problem))
        return err_set(err, ERR_CONFIG, "%.*s", STR_ARG(problem.text));
    return os_write_file(instance->file, buf_str(&changed), 0600, err);
}

typedef struct NewServer {
    const Instance *instance;
    const ConfSet *set;
    Str name, dsn, section;
} NewServer;

static bool check_new_server(void *new_v, const Conf *before, Err *err)
{
    const NewServer *new = new_v;

    (void)before;
    return check_reads_back(new->instance, new->set, new->section, new->name, new->dsn, err);
}

bool instance_add_server(const Instance *instance, const ConfSet *set, Str name, Str dsn, Err *err)
{
    BUF_SCOPE(section);

    dsn = str_trim(dsn);
    if (!instance_check_server(instance, name, dsn, err))
        return false;
    buf_printf(&section, "[server %.*s]\ndsn =", STR_ARG(name));
    put_value(&section, dsn);
    buf_put_byte(&section, '\n');
    return instance_add_section(instance, set, buf_str(&section), check_new_server,
                                &(NewServer){instance, set, name, dsn, buf_str(&section)}, err);
}

/* ---- the service database ---- */

DatabaseSpec instance_database(const Instance *instance)
{
    const DatabaseSection *section = conf_get(instance->conf, &database_section, (Str){0});
    Arena *arena = instance->arena;

    return (DatabaseSpec){str_to_z(arena, section->name), str_to_z(arena, section->owner),
                          str_to_z(arena, section->reader)};
}

/* A role for the whole session, as libpq's `options` wants it: a blank or backslash in a word has a backslash. */
static const char *role_option(Arena *arena, const char *role)
{
    BUF_SCOPE(text);

    buf_put_z(&text, "-c role=");
    for (; *role; role++) {
        if (*role == ' ' || *role == '\\')
            buf_put_byte(&text, '\\');
        buf_put_byte(&text, *role);
    }
    return str_to_z(arena, buf_str(&text));
}

bool instance_database_dsn(const Instance *instance, Arena *arena, InstanceRole role, const char **out,
                           Err *err)
{
    DatabaseSpec spec = instance_database(instance);
    InstanceServer *server;
    const char *dsn;

    if (!instance_service_server(instance, &server, err))
        return false;
    /* a role that logs in by itself cannot become another again; elsewhere we have one account, and put it on */
    if (role == INSTANCE_READER && server->cluster)
        return instance_dsn(server, arena, spec.name, spec.reader, out, err);
    if (!instance_dsn(server, arena, spec.name, NULL, &dsn, err))
        return false;
    *out = db_dsn_with(arena, dsn, "options",
                       role_option(arena, role == INSTANCE_OWNER ? spec.owner : spec.reader), err);
    return *out != NULL;
}

const char *instance_default_database(const Instance *instance, const InstanceServer *server)
{
    const DatabaseSection *section = conf_get(instance->conf, &database_section, (Str){0});

    return str_eq_z(section->server, server->name) ? str_to_z(instance->arena, section->name) : NULL;
}

bool instance_check_up(const Instance *instance, const InstanceServer *server, Err *err)
{
    if (!server->cluster || cluster_pid(server->cluster) != 0)
        return true;
    (void)err_set(err, ERR_DB, "the instance '%s' is down", instance->dir);
    return err_hint(err, "start it with: strata -C '%s' up", instance->dir);
}

bool instance_connect(const Instance *instance, Arena *arena, InstanceRole role, Db **out, Err *err)
{
    InstanceServer *server;
    const char *dsn;

    if (!instance_service_server(instance, &server, err) || !instance_check_up(instance, server, err))
        return false;
    return instance_database_dsn(instance, arena, role, &dsn, err) && db_open(arena, dsn, out, err);
}
