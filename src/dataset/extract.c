/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/extract.h"

#include <stdlib.h>

#include "dataset/statement.h"

enum {
    RANGE_ROWS = 100000,
    BINARY_HEAD = 19, /* bytes of COPY binary before its rows */
    BINARY_END = 2
};

typedef struct Run {
    const Extract *extract;
    Arena *arena;
    Extracted *out;
    Gather *gather;
    const RowFormat *format;
    void *writer;
    RowReader reader;
    GatherUnit *units;
    size_t count, size;
    Buf scratch;
} Run;

/* ---- what the SQL gives ---- */

static bool bytes_into(void *buf_v, Str bytes, Err *err)
{
    (void)err;
    buf_put(buf_v, bytes);
    return true;
}

static void read_columns(Run *run, Str said)
{
    Extracted *out = run->out;
    size_t count = 0;

    for (size_t i = 0; i < said.len; i++)
        count += said.ptr[i] == '\0';
    out->columns = arena_new(run->arena, RowColumn, count + 1);
    for (const char *at = said.ptr; out->columns_count < count; at += strlen(at) + 1) {
        char *name;
        uint32_t type = (uint32_t)strtoul(at, &name, 10);

        out->columns[out->columns_count++] = (RowColumn){
            .name = str_copy(run->arena, str_from_z(name + 1)).ptr, .type = type, .kind = row_kind(type)};
    }
}

static bool take_columns(void *run_v, size_t unit, Spool *bytes, int64_t rows, Err *err)
{
    Run *run = run_v;

    (void)unit;
    (void)rows;
    buf_reset(&run->scratch);
    if (!spool_give(bytes, 0, 0, bytes_into, &run->scratch, err))
        return false;
    read_columns(run, buf_str(&run->scratch));
    return true;
}

static bool sql_for(const Run *run, const MappingTable *table, Str text, const char *range, Buf *out,
                    Err *err)
{
    return statement_put(
        out, text, &(StatementMarks){.table = table->name, .range = range, .box = run->extract->box}, err);
}

static bool describe(Run *run, Err *err)
{
    BUF_SCOPE(sql);
    const Extract *extract = run->extract;
    GatherUnit unit = {.table = extract->parts ? extract->parts[0].table : &extract->mapping->tables[0],
                       .describe = true};

    if (!sql_for(run, unit.table, extract->parts ? str_from_z(extract->parts[0].sql) : extract->sql, "true",
                 &sql, err))
        return false;
    buf_put_byte(&sql, '\0');
    unit.sql = sql.ptr;
    return gather_run(run->gather, &unit, 1, false, take_columns, run, err);
}

/* ---- the statements ---- */

/* A column that the format has no kind for comes as text. Columns are named anew: two may have one name. */
static void put_kinds(const Run *run, Buf *sql, bool before)
{
    const Extracted *out = run->out;

    for (size_t i = 0; i < out->columns_count; i++) {
        bool is_text = out->columns[i].kind == ROW_TEXT;

        buf_printf(sql, "%sc%zu%s", i > 0 ? ", " : "", i + 1, before && is_text ? "::text" : "");
    }
}

static bool put_copy(const Run *run, const MappingTable *table, Str text, const char *range, Buf *sql,
                     Err *err)
{
    RowForm form = run->format->form;

    /* Who is no longer listened to is to see it: a statement that computes would not. */
    buf_put_z(
        sql,
        "begin isolation level repeatable read read only; set local client_connection_check_interval = 5000; copy (");
    if (form == ROW_AS_JSON) /* A row is one line: what has newlines outside of its texts loses them. */
        buf_put_z(sql, "select replace(row_to_json(strata_row)::text, e'\\n', ' ') from (");
    if (form == ROW_AS_KINDS) {
        buf_put_z(sql, "select ");
        put_kinds(run, sql, true);
        buf_put_z(sql, " from (");
    }
    if (!sql_for(run, table, text, range, sql, err))
        return false;
    buf_put_byte(sql, '\n'); /* behind a comment */
    if (form == ROW_AS_JSON)
        buf_put_z(sql, ") strata_row");
    if (form == ROW_AS_KINDS) {
        buf_put_z(sql, ") strata_row (");
        put_kinds(run, sql, false);
        buf_put_z(sql, ")");
    }
    buf_put_z(sql, form == ROW_AS_CSV    ? ") to stdout (format csv)"
                   : form == ROW_AS_JSON ? ") to stdout (format csv, quote e'\\x01', delimiter e'\\x02')"
                                         : ") to stdout (format binary)");
    buf_put_z(sql, "; commit");
    return true;
}

static GatherUnit *add_unit(Run *run)
{
    if (run->count == run->size) {
        size_t size = run->size ? run->size * 2 : run->extract->mapping->count + 1;
        GatherUnit *more = arena_new(run->arena, GatherUnit, size);

        if (run->count > 0)
            memcpy(more, run->units, run->count * sizeof *more);
        run->units = more;
        run->size = size;
    }
    return &run->units[run->count++];
}

/* `part` is a condition, or NULL for the whole table. */
static bool add_part(Run *run, const MappingTable *table, const char *part, Err *err)
{
    BUF_SCOPE(sql);

    if (!put_copy(run, table, run->extract->sql, part ? part : "true", &sql, err))
        return false;
    *add_unit(run) = (GatherUnit){.table = table, .sql = str_to_z(run->arena, buf_str(&sql)), .part = part};
    return true;
}

static bool add_given(Run *run, const ExtractPart *part, Err *err)
{
    BUF_SCOPE(sql);

    if (!put_copy(run, part->table, str_from_z(part->sql), NULL, &sql, err))
        return false;
    *add_unit(run) = (GatherUnit){.table = part->table, .sql = str_to_z(run->arena, buf_str(&sql))};
    return true;
}

/* ---- ranges ---- */

/* The cuts of each table, as range_plan.sql gives them: column and number. */
typedef struct Plan {
    Str *said;
    Run *run;
} Plan;

static bool take_plan(void *plan_v, size_t unit, Spool *bytes, int64_t rows, Err *err)
{
    Plan *plan = plan_v;
    BUF_SCOPE(all);

    (void)rows;
    if (!spool_give(bytes, 0, 0, bytes_into, &all, err))
        return false;
    plan->said[unit] = str_copy(plan->run->arena, buf_str(&all));
    return true;
}

static const char *condition(Run *run, const char *key, const char *from, const char *to)
{
    if (!from)
        return str_printf(run->arena, "%s < %s or %s is null", key, to, key).ptr;
    return to ? str_printf(run->arena, "%s >= %s and %s < %s", key, from, key, to).ptr
              : str_printf(run->arena, "%s >= %s", key, from).ptr;
}

static bool add_ranges(Run *run, const MappingTable *table, Str said, Err *err)
{
    const char *at = said.ptr, *end = said.ptr + said.len, *from = NULL;

    if (said.len == 0 && run->extract->key.len > 0)
        return err_set(err, ERR_USAGE, "the table '%.*s' has no integer column '%.*s'", STR_ARG(table->name),
                       STR_ARG(run->extract->key));
    if (said.len == 0)
        return add_part(run, table, NULL, err);
    const char *key = at;
    for (at += strlen(at) + 2; at < end; at += strlen(at) + 1) { /* the first row has no number */
        at += strlen(at) + 1;
        if (!add_part(run, table, condition(run, key, from, at), err))
            return false;
        from = at;
    }
    return add_part(run, table, from ? condition(run, key, from, NULL) : NULL, err);
}

static bool plan_ranges(Run *run, Err *err)
{
    const Extract *extract = run->extract;
    const Mapping *mapping = extract->mapping;
    GatherUnit *asks = arena_new(run->arena, GatherUnit, mapping->count + 1);
    Plan plan = {.said = arena_new(run->arena, Str, mapping->count + 1), .run = run};
    const char *rows =
        str_printf(run->arena, "%lld", (long long)(extract->range_rows ? extract->range_rows : RANGE_ROWS))
            .ptr;

    for (size_t i = 0; i < mapping->count; i++) {
        const char **params = arena_new(run->arena, const char *, 3);

        params[0] = str_to_z(run->arena, mapping->tables[i].name);
        params[1] = extract->key.len > 0 ? str_to_z(run->arena, extract->key) : NULL;
        params[2] = rows;
        asks[i] = (GatherUnit){
            .table = &mapping->tables[i], .sql = choice_range_plan(), .params = params, .params_count = 3};
    }
    if (!gather_run(run->gather, asks, mapping->count, false, take_plan, &plan, err))
        return err_wrap(err, "cannot find ranges");
    for (size_t i = 0; i < mapping->count; i++)
        if (!add_ranges(run, &mapping->tables[i], plan.said[i], err))
            return false;
    return true;
}

static bool make_units(Run *run, Err *err)
{
    const Mapping *mapping = run->extract->mapping;

    for (size_t i = 0; i < run->extract->parts_count; i++)
        if (!add_given(run, &run->extract->parts[i], err))
            return false;
    if (run->extract->parts)
        return true;
    if (statement_has(run->extract->sql, "{range}"))
        return plan_ranges(run, err);
    if (run->extract->key.len > 0)
        return err_set(err, ERR_USAGE, "the SQL does not have {range} in it, so nothing is cut by '%.*s'",
                       STR_ARG(run->extract->key));
    for (size_t i = 0; i < mapping->count; i++)
        if (!add_part(run, &mapping->tables[i], NULL, err))
            return false;
    return true;
}

/* ---- rows ---- */

static bool to_format(void *run_v, Str bytes, Err *err)
{
    Run *run = run_v;

    return run->format->form == ROW_AS_KINDS ? row_reader_put(&run->reader, bytes, err)
                                             : run->format->put(run->writer, bytes, err);
}

static bool take_rows(void *run_v, size_t unit, Spool *bytes, int64_t rows, Err *err)
{
    Run *run = run_v;
    bool binary = run->format->form == ROW_AS_BINARY || run->format->form == ROW_AS_KINDS;
    bool last = unit + 1 == run->count || run->units[unit + 1].table != run->units[unit].table;

    if (!spool_give(bytes, binary ? BINARY_HEAD : 0, binary ? BINARY_END : 0, to_format, run, err) ||
        (run->format->form == ROW_AS_KINDS && !row_reader_end(&run->reader, err)))
        return err_wrap(err, "rows of the table '%.*s'", STR_ARG(run->units[unit].table->name));
    run->out->rows += rows;
    run->out->tables += last;
    run->out->parts++;
    progress_add(run->extract->progress, 1);
    if (run->extract->count) {
        atomic_fetch_add(&run->extract->count->rows, rows);
        atomic_fetch_add(&run->extract->count->parts, 1);
    }
    return true;
}

static bool give_all(Run *run, Err *err)
{
    const Extract *extract = run->extract;
    RowTarget target = {.fd = extract->fd,
                        .dir = extract->gather.spool,
                        .columns = run->out->columns,
                        .count = run->out->columns_count};

    progress_set_total(extract->progress, (int64_t)run->count);
    if (extract->count)
        atomic_store(&extract->count->parts_total, (int64_t)run->count);
    if (!run->format->begin(run->arena, &target, &run->writer, err))
        return false;
    run->reader = row_reader_new(run->arena, target.count, run->format->row, run->writer);
    bool ok = gather_run(run->gather, run->units, run->count, extract->ordered, take_rows, run, err);
    row_reader_release(&run->reader);
    return ok && run->format->end(run->writer, err);
}

bool extract_run(const Extract *extract, Arena *arena, Extracted *out, Err *err)
{
    Run run = {.extract = extract,
               .arena = arena,
               .out = out,
               .format = row_formats[extract->format],
               .gather = gather_new(arena, &extract->gather)};

    *out = (Extracted){0};
    if (extract->mapping->count == 0)
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' has no tables", extract->gather.spec->dataset);
    bool ok = describe(&run, err) && make_units(&run, err) && give_all(&run, err);
    out->retries = gather_retries(run.gather, &out->retries_count);
    buf_release(&run.scratch);
    return ok;
}

bool extract_box(Arena *arena, const ChoiceBox *box, Str columns, const char **out, Err *err)
{
    Str rest = columns.len ? columns : STR(CHOICE_COLUMNS), name;
    BUF_SCOPE(text);
    int count = 0;

    for (; rest.len > 0 && count < 3; count++) {
        rest = str_cut(rest, ',', &name);
        buf_put_z(&text, count > 0 ? " and " : "");
        statement_put_quoted(&text, str_trim(name));
        buf_printf(&text, " >= %.17g and ", box->low[count]);
        statement_put_quoted(&text, str_trim(name));
        buf_printf(&text, " < %.17g", box->high[count]);
    }
    if (count != 3 || rest.len > 0)
        return err_set(err, ERR_USAGE, "'%.*s' are not three columns", STR_ARG(columns));
    *out = str_to_z(arena, buf_str(&text));
    return true;
}
