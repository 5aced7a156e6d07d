/* SPDX-License-Identifier: Apache-2.0 */
/* What an import makes and notes beside rows, by what its files have. */
#include "dataset/import.h"

enum { FACTS_MORE = 4 /* that are added to what somebody says */ };

/* ---- indexes ---- */

static Str numbering_column(const Columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].stored == STORED_ROW)
            return columns->items[i].name;
    return (Str){0};
}

static bool check_columns(const Import *import, Err *err)
{
    const Columns *columns = &import->sources[0]->columns;

    for (size_t i = 0; i < import->indexes_count; i++)
        if (columns_find(columns, import->indexes[i]) < 0)
            return err_set(err, ERR_USAGE, "'%s' has no column '%.*s' that could be indexed",
                           import->sources[0]->path, STR_ARG(import->indexes[i]));
    return import->primary.len == 0 || columns_find(columns, import->primary) >= 0 ||
           err_set(err, ERR_USAGE, "'%s' has no column '%.*s' for a primary key", import->sources[0]->path,
                   STR_ARG(import->primary));
}

bool import_choose_indexes(Import *import, Arena *arena, const ImportIndexes *wanted, Err *err)
{
    const Source *first = import->sources[0];
    Str *usual = arena_new(arena, Str, 2);
    int roles[] = {import->rule.by == PLAN_KEY ? -1 : first->sites.key, first->sites.snap};

    import->primary = wanted->none          ? (Str){0}
                      : wanted->primary.len ? wanted->primary
                                            : numbering_column(&first->columns);
    import->indexes = wanted->count ? wanted->columns : usual;
    import->indexes_count = wanted->count;
    for (size_t i = 0; i < COUNT_OF(roles) && !wanted->count && !wanted->none; i++)
        if (roles[i] >= 0)
            usual[import->indexes_count++] = first->columns.items[roles[i]].name;
    return check_columns(import, err);
}

/* ---- facts ---- */

static void add_columns(Import *import, Arena *arena, ImportFact *facts, const char *key, const int *columns,
                        int count)
{
    const Columns *all = &import->sources[0]->columns;
    BUF_SCOPE(names);

    for (int i = 0; i < count; i++) {
        if (columns[i] < 0)
            return;
        buf_printf(&names, "%s%.*s", i > 0 ? "," : "", STR_ARG(all->items[columns[i]].name));
    }
    facts[import->facts_count++] = (ImportFact){key, str_copy(arena, buf_str(&names))};
}

void import_choose_facts(Import *import, Arena *arena, const ImportFact *said, size_t count)
{
    const Source *first = import->sources[0];
    ImportFact *facts = arena_new(arena, ImportFact, count + FACTS_MORE);
    int velocity[] = {columns_find(&first->columns, STR("velx")), columns_find(&first->columns, STR("vely")),
                      columns_find(&first->columns, STR("velz"))};

    for (import->facts_count = 0; import->facts_count < count; import->facts_count++)
        facts[import->facts_count] = said[import->facts_count];
    facts[import->facts_count++] = (ImportFact){"treetableprefix", str_from_z(import->rule.prefix)};
    add_columns(import, arena, facts, "position_columns", first->sites.at, 3);
    add_columns(import, arena, facts, "velocity_columns", velocity, 3);
    add_columns(import, arena, facts, "snapshot_column", &first->sites.snap, 1);
    import->facts = facts;
}
