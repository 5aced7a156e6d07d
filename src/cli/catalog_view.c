/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

#include <unistd.h>

#include "base/json.h"
#include "base/os.h"
#include "catalog/shard.h"
#include "cli/catalog.h"

static const OutKind kinds[] = {
    [LIST_TEXT] = OUT_TEXT, [LIST_INT] = OUT_INT,   [LIST_BYTES] = OUT_BYTES, [LIST_NUMBER] = OUT_NUMBER,
    [LIST_BOOL] = OUT_BOOL, [LIST_TIME] = OUT_TIME, [LIST_HEX] = OUT_TEXT,    [LIST_JSON] = OUT_JSON,
};

const Opt catalog_view_opts[] = {CATALOG_VIEW_OPTS, {.type = OPT_END}};

typedef struct View {
    const Call *call;
    bool shown[LIST_COLUMNS_MAX];
    Access access;
    Str path;
    ListSink sink;
} View;

static void print_cell(Out *out, ListKind kind, const ListCell *cell)
{
    BUF_SCOPE(hex);

    if (cell->null)
        out_null(out);
    else if (kind == LIST_TEXT)
        out_text(out, cell->text);
    else if (kind == LIST_JSON)
        out_json(out, cell->text);
    else if (kind == LIST_BOOL)
        out_bool(out, cell->number != 0);
    else if (kind == LIST_NUMBER)
        out_double(out, cell->real);
    else if (kind != LIST_HEX)
        out_int(out, cell->number);
    else {
        buf_put_hex(&hex, cell->text.ptr, cell->text.len);
        out_text(out, buf_str(&hex));
    }
}

static bool print_row(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    const View *view = ctx;

    (void)err;
    for (size_t i = 0; i < shape->count; i++)
        if (view->shown[i])
            print_cell(view->call->out, shape->columns[i].kind, &cells[i]);
    return true;
}

/* JSON has every column. */
static void choose(View *view, const ListShape *shape, const char *const *shown)
{
    for (size_t i = 0; i < shape->count; i++) {
        view->shown[i] = view->call->json || !shown;
        for (size_t s = 0; shown && shown[s]; s++)
            if (strcmp(shown[s], shape->columns[i].name) == 0)
                view->shown[i] = true;
    }
}

static void begin_list(const View *view, const ListShape *shape)
{
    OutColumn *columns = arena_new(view->call->arena, OutColumn, shape->count);
    size_t count = 0;

    for (size_t i = 0; i < shape->count; i++)
        if (view->shown[i])
            columns[count++] = (OutColumn){.name = shape->columns[i].name,
                                           .kind = kinds[shape->columns[i].kind],
                                           .cut = strcmp(shape->columns[i].name, "path") == 0};
    out_list(view->call->out, columns, count);
}

/* The connection, the shard of args[0] and the path of args[1]. */
static bool enter(const Call *call, Access *access, Str *path, Err *err)
{
    Db *db;

    *path = (Str){0};
    if (!catalog_open(call, &db, err) || !shard_use(db, call->args[0], err) ||
        !access_open(call->arena, db, call->args[0], NULL, access, err))
        return false;
    if (call->args_count > 1) {
        if (!catalog_path_in(call, call->args[1], access->root, path, err))
            return false;
        *path = pathname_unescape(call->arena, *path);
    }
    return true;
}

static bool begin(View *view, const Call *call, const ListShape *shape, const char *const *shown, Err *err)
{
    const CatalogViewOpts *o = call->opts;

    view->call = call;
    view->sink =
        (ListSink){.row = print_row, .ctx = view, .limit = o->limit, .after = o->after, .arena = call->arena};
    if (!enter(call, &view->access, &view->path, err))
        return false;
    choose(view, shape, shown);
    begin_list(view, shape);
    return true;
}

/* Beside the list, whose lines are all of one form. */
static bool tell_program(Str next, Err *err)
{
    BUF_SCOPE(text);
    JsonOut json = json_out(&text);

    json_begin(&json, '{');
    json_key(&json, "next");
    json_str(&json, next);
    json_end(&json, '}');
    json_line(&json);
    return os_write_all(STDERR_FILENO, buf_str(&text), err);
}

static bool end(const View *view, Err *err)
{
    const Call *call = view->call;
    Str next = view->sink.next;

    out_end(call->out);
    if (next.len == 0 || call->quiet)
        return true;
    if (call->json)
        return tell_program(next, err);
    out_say(call->out, "there is more: --after '%.*s'", STR_ARG(next));
    return true;
}

bool catalog_view(const Call *call, const ListShape *shape, const char *const *shown, CatalogViewAsk *ask,
                  Err *err)
{
    View view = {0};

    return begin(&view, call, shape, shown, err) && ask(call, &view.access, view.path, &view.sink, err) &&
           end(&view, err);
}

bool catalog_view_list(const Call *call, const ListShape *shape, const char *const *shown, CatalogList *list,
                       Err *err)
{
    View view = {0};

    return begin(&view, call, shape, shown, err) && list(&view.access, view.path, &view.sink, err) &&
           end(&view, err);
}

bool catalog_view_typed(const Call *call, const ListShape *shape, CatalogTypedList *list, Err *err)
{
    const CatalogViewOpts *o = call->opts;
    View view = {0};

    return begin(&view, call, shape, NULL, err) && list(&view.access, view.path, o->type, &view.sink, err) &&
           end(&view, err);
}

/* ---- one row ---- */

static bool print_fields(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    const View *view = ctx;
    Out *out = view->call->out;

    (void)err;
    out_record(out);
    for (size_t i = 0; i < shape->count; i++) {
        if (cells[i].null && !view->call->json)
            continue;
        out_field(out, shape->columns[i].name, kinds[shape->columns[i].kind]);
        print_cell(out, shape->columns[i].kind, &cells[i]);
    }
    out_end(out);
    return true;
}

bool catalog_view_one(const Call *call, CatalogList *list, Err *err)
{
    View view = {.call = call};
    ListSink sink = {.row = print_fields, .ctx = &view, .arena = call->arena};

    return enter(call, &view.access, &view.path, err) && list(&view.access, view.path, &sink, err);
}
