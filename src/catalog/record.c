/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/record.h"

#include "base/jsonread.h"

struct RecordReader {
    Arena *arena;
    const char *conninfo;
    Str shard, root;
    DatasetReader *datasets; /* opened with the first gdal record */
};

RecordReader *record_reader_new(Arena *arena, const char *conninfo, Str shard, Str root)
{
    RecordReader *reader = arena_new(arena, RecordReader, 1);

    *reader = (RecordReader){.arena = arena,
                             .conninfo = str_to_z(arena, str_from_z(conninfo)),
                             .shard = str_copy(arena, shard),
                             .root = str_copy(arena, root)};
    return reader;
}

bool record_path(const RecordReader *reader, Arena *arena, Str given, Str *out, Err *err)
{
    return pathname_take(arena, given, reader->root, out, err);
}

bool record_json_check(Str json, Err *err)
{
    JsonIn in = json_in(json);
    JsonValue value;

    if (!json_value(&in, &value) || !json_done(&in))
        return err_set(err, ERR_USAGE, "byte %zu of the JSON: %s", json_at(&in) + 1, in.problem);
    if (value.kind != JSON_OBJECT)
        return err_set(err, ERR_USAGE, "the JSON is not an object");
    return true;
}

static bool read_datasets(RecordReader *reader, BatchRecord *record, Batch *batch, Err *err)
{
    return (reader->datasets ||
            dataset_reader_open(reader->arena, reader->conninfo, reader->shard, &reader->datasets, err)) &&
           dataset_parse(reader->datasets, batch_arena(batch), record->path, record->json, &record->datasets,
                         err);
}

bool record_add(RecordReader *reader, Arena *arena, const BatchRecord *given, Batch *batch, Err *err)
{
    BatchRecord record = *given;
    PosixFacts facts;

    record.told = true;
    if (str_eq(record.type, STR("posix"))) {
        if (!posix_parse(arena, record.json, &facts, err))
            return false;
        record.facts = &facts;
    } else if (str_eq(record.type, STR("gdal"))) {
        if (!read_datasets(reader, &record, batch, err))
            return false;
    } else if (!record_json_check(record.json, err))
        return false;
    batch_add(batch, &record);
    return true;
}

bool record_is_bad(const Err *err)
{
    return err->code == ERR_USAGE || err->code == ERR_LIMIT;
}
