/* SPDX-License-Identifier: Apache-2.0 */
#include "http/route.h"

#include <string.h>

/* One segment of the patterns mounted so far. */
typedef struct Node {
    Str word;           /* what the segment is, or empty for a placeholder */
    struct Node *words; /* the nodes below: a list of words, */
    struct Node *one;   /* a {name}, */
    struct Node *rest;  /* a {name...} */
    struct Node *next;  /* in the list of words above */
    struct Leaf *leaves;
} Node;

/* One method of a pattern. */
typedef struct Leaf {
    const Route *route;
    void *data;
    struct Leaf *next;
} Leaf;

struct Router {
    Arena *arena;
    Node root;
};

Router *router_new(Arena *arena)
{
    Router *router = arena_new(arena, Router, 1);

    router->arena = arena;
    return router;
}

static bool is_placeholder(Str segment)
{
    return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

/* "{name...}" or "{name}" to "name". */
static Str placeholder_name(Str segment)
{
    Str name = str_sub(segment, 1, segment.len - 1);

    return str_ends(name, STR("...")) ? str_sub(name, 0, name.len - 3) : name;
}

static Node *find_word(const Node *node, Str word)
{
    for (Node *below = node->words; below; below = below->next)
        if (str_eq(below->word, word))
            return below;
    return NULL;
}

/* The node below `node` for one segment of a pattern, made when it is new. */
static Node *step(Router *router, Node *node, Str segment)
{
    Node **slot;

    if (is_placeholder(segment)) {
        slot = str_ends(segment, STR("...}")) ? &node->rest : &node->one;
        if (!*slot)
            *slot = arena_new(router->arena, Node, 1);
        return *slot;
    }
    Node *below = find_word(node, segment);
    if (below)
        return below;
    below = arena_new(router->arena, Node, 1);
    below->word = segment;
    below->next = node->words;
    return node->words = below;
}

/* The IN_PATH row for the `nth` placeholder must have its name. */
static bool check_placeholder(const Route *route, size_t nth, Str segment, Err *err)
{
    Str name = placeholder_name(segment);
    size_t seen = 0;

    for (size_t i = 0; i < route->param_count; i++)
        if (route->params[i].in == IN_PATH && seen++ == nth)
            return str_eq_z(name, route->params[i].name) ||
                   err_set(err, ERR_BUG, "route %s: parameter '%s' stands where '%.*s' should", route->path,
                           route->params[i].name, STR_ARG(name));
    return err_set(err, ERR_BUG, "route %s: there is no parameter for '%.*s'", route->path, STR_ARG(segment));
}

static size_t count_in_path(const Route *route)
{
    size_t count = 0;

    for (size_t i = 0; i < route->param_count; i++)
        count += route->params[i].in == IN_PATH;
    return count;
}

bool router_add(Router *router, const Route *route, void *data, Err *err)
{
    Str rest = str_from_z(route->path);
    Node *node = &router->root;
    size_t placeholders = 0;
    bool over = false;

    if (!rest.len || rest.ptr[0] != '/')
        return err_set(err, ERR_BUG, "route '%s' does not start with a slash", route->path);
    for (rest = str_sub(rest, 1, rest.len); rest.len;) {
        Str segment;

        if (over)
            return err_set(err, ERR_BUG, "route %s goes on behind '...'", route->path);
        rest = str_cut(rest, '/', &segment);
        if (is_placeholder(segment) && !check_placeholder(route, placeholders++, segment, err))
            return false;
        node = step(router, node, segment);
        over = is_placeholder(segment) && str_ends(segment, STR("...}"));
    }
    if (placeholders != count_in_path(route) || placeholders > ROUTE_PLACEHOLDERS_MAX)
        return err_set(err, ERR_BUG, "route %s has %zu placeholders", route->path, placeholders);
    for (Leaf *leaf = node->leaves; leaf; leaf = leaf->next)
        if (strcmp(leaf->route->method, route->method) == 0)
            return err_set(err, ERR_BUG, "route %s %s is there twice", route->method, route->path);
    if (!param_table_check(route->params, route->param_count, err))
        return err_wrap(err, "route %s", route->path);

    Leaf *leaf = arena_new(router->arena, Leaf, 1);
    *leaf = (Leaf){route, data, node->leaves};
    node->leaves = leaf;
    return true;
}

/* The nodes tried, with what the placeholders on the way stood for, still encoded. */
typedef struct Walk {
    Str path[ROUTE_PLACEHOLDERS_MAX];
    size_t placeholders;
} Walk;

static const Node *descend(const Node *node, Str rest, Walk *walk);

static const Node *descend_as(const Node *below, Str value, Str rest, Walk *walk)
{
    if (!below || walk->placeholders == ROUTE_PLACEHOLDERS_MAX)
        return NULL;
    walk->path[walk->placeholders++] = value;
    const Node *found = descend(below, rest, walk);
    if (!found)
        walk->placeholders--;
    return found;
}

/* The node with leaves that `rest` (without its first slash) leads to. */
static const Node *descend(const Node *node, Str rest, Walk *walk)
{
    Str segment;
    const Node *found = NULL;

    if (!rest.len)
        return node->leaves ? node : node->rest ? descend_as(node->rest, rest, rest, walk) : NULL;
    Str behind = str_cut(rest, '/', &segment);
    const Node *word = find_word(node, segment);
    if (word)
        found = descend(word, behind, walk);
    if (!found && segment.len)
        found = descend_as(node->one, segment, behind, walk);
    return found ? found : descend_as(node->rest, rest, (Str){0}, walk);
}

static const Leaf *find_method(const Node *node, Str method)
{
    Str wanted = str_eq_z(method, "HEAD") ? STR("GET") : method;

    for (const Leaf *leaf = node->leaves; leaf; leaf = leaf->next)
        if (str_eq_z(wanted, leaf->route->method))
            return leaf;
    return NULL;
}

static Str list_methods(const Node *node, Arena *arena)
{
    Str list = STR("OPTIONS");

    for (const Leaf *leaf = node->leaves; leaf; leaf = leaf->next)
        list = str_printf(arena, "%s%s, %.*s", leaf->route->method,
                          strcmp(leaf->route->method, "GET") == 0 ? ", HEAD" : "", STR_ARG(list));
    return list;
}

bool router_find(const Router *router, Str method, Str path, Arena *arena, RouteMatch *out, Str *allow,
                 Err *err)
{
    Walk walk = {.placeholders = 0};
    const Node *node = descend(&router->root, str_sub(path, 1, path.len), &walk);
    Str some = str_sub(path, 0, str_utf8_prefix(str_sub(path, 0, 200)));

    if (!node)
        return err_set(err, ERR_NOT_FOUND, "there is nothing at '%.*s'", STR_ARG(some)) ||
               err_hint(err, "/openapi.json describes what there is");
    const Leaf *leaf = find_method(node, method);
    if (!leaf) {
        *allow = list_methods(node, arena);
        return err_set(err, ERR_METHOD, "'%.*s' does not know %.*s, only %.*s", STR_ARG(some),
                       STR_ARG(str_sub(method, 0, 20)), STR_ARG(*allow));
    }
    *out = (RouteMatch){.route = leaf->route, .data = leaf->data};
    for (size_t i = 0; i < walk.placeholders; i++)
        if (!url_decode(arena, walk.path[i], false, &out->path[i]))
            return err_set(err, ERR_USAGE, "the path has a '%%' without two hex digits behind it");
    return true;
}
