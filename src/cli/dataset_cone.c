/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "base/stop.h"
#include "cli/dataset_rows.h"
#include "dataset/cone.h"
#include "place/metadata.h"

typedef struct Opts {
    int format;
    Str ra, dec, redshift, columns, filter, box, omega_m, omega_l, position, velocity, snapshot;
    bool plan, order;
    RowsOpts rows;
} Opts;

static const char *const formats[] = {ROWS_FORMATS};

static const Opt opts[] = {
    {OPT_TEXT, "ra", 0, offsetof(Opts, ra), "A,B",
     "right ascension, degrees from 0 to 360; A may be the larger one"},
    {OPT_TEXT, "dec", 0, offsetof(Opts, dec), "A,B", "declination, degrees from -90 to 90"},
    {OPT_TEXT, "z", 0, offsetof(Opts, redshift), "A,B", "redshift"},
    {OPT_TEXT, "columns", 0, offsetof(Opts, columns), "SQL",
     "what of each galaxy (default: all its columns, and ra, dec, distance, redshift)"},
    {OPT_TEXT, "filter", 0, offsetof(Opts, filter), "SQL", "a condition for galaxies, as: stellarmass > 1"},
    {OPT_ENUM, "format", 'f', offsetof(Opts, format), "FORMAT", "what rows look like (default csv)",
     .values = formats},
    {OPT_TEXT, "box", 0, offsetof(Opts, box), "SIDE",
     "the side of the box (default: boxsize of the metadata)"},
    {OPT_TEXT, "omega-m", 0, offsetof(Opts, omega_m), "NUMBER",
     "density of matter (default: omega_m of the metadata)"},
    {OPT_TEXT, "omega-l", 0, offsetof(Opts, omega_l), "NUMBER",
     "cosmological constant (default: omega_l of the metadata)"},
    {OPT_TEXT, "position", 0, offsetof(Opts, position), "X,Y,Z",
     "the columns of a galaxy's position (default: as they were imported)"},
    {OPT_TEXT, "velocity", 0, offsetof(Opts, velocity), "X,Y,Z",
     "those of its velocity, km/s: with them there is a redshift_observed (default: velx,vely,velz, where they are)"},
    {OPT_TEXT, "snapshot", 0, offsetof(Opts, snapshot), "COLUMN",
     "that of its snapshot (default: as imported)"},
    {OPT_FLAG, "plan", 0, offsetof(Opts, plan), NULL, "tell what would be asked, and ask nothing"},
    {OPT_FLAG, "order", 0, offsetof(Opts, order), NULL,
     "in the order of the tables' names; else as they come"},
    ROWS_OPTIONS(Opts),
    {.type = OPT_END},
};

/* ---- what was asked for ---- */

static bool read_range(const char *option, Str text, double out[2], Err *err)
{
    Str first, second = str_cut(text, ',', &first);

    return (str_to_double(str_trim(first), &out[0]) && str_to_double(str_trim(second), &out[1])) ||
           err_set(err, ERR_USAGE, "--%s takes two numbers, as A,B%s", option,
                   text.ptr ? "" : ", and is needed");
}

/* What the command says, or else the metadata. */
static bool read_number(const Call *call, Db *db, const char *option, const char *key, Str text, double *out,
                        Err *err)
{
    if (text.len == 0 && !metadata_get(db, call->arena, key, &text, err))
        return false;
    if (text.len > 0)
        return str_to_double(str_trim(text), out) ||
               err_set(err, ERR_USAGE, "'%.*s' is no number for '%s'", STR_ARG(text), key);
    (void)err_set(err, ERR_NOT_FOUND, "the dataset does not say its '%s'", key);
    return err_hint(err, "--%s says it, or --set %s=... when it is imported", option, key);
}

static bool read_names(Str text, Str out[3], Err *err)
{
    Str rest = text;
    int count = 0;

    for (; rest.len > 0 && count < 3; count++) {
        rest = str_cut(rest, ',', &out[count]);
        out[count] = str_trim(out[count]);
    }
    return (count == 3 && rest.len == 0 && out[0].len && out[1].len && out[2].len) ||
           err_set(err, ERR_USAGE, "'%.*s' are not three columns", STR_ARG(text));
}

static bool read_columns(const Call *call, Db *db, Cone *cone, Err *err)
{
    const Opts *o = call->opts;
    Str position = o->position, snapshot = o->snapshot, velocity = o->velocity;

    if ((!position.len && !metadata_get(db, call->arena, "position_columns", &position, err)) ||
        (!snapshot.len && !metadata_get(db, call->arena, "snapshot_column", &snapshot, err)) ||
        (!velocity.len && !metadata_get(db, call->arena, "velocity_columns", &velocity, err)))
        return false;
    cone->snapshot = snapshot.len ? snapshot : STR("snapnum");
    return read_names(position.len ? position : STR("posx,posy,posz"), cone->position, err) &&
           (velocity.len == 0 || read_names(velocity, cone->velocity, err));
}

static bool read_cone(const Call *call, Db *db, Cone *cone, Err *err)
{
    const Opts *o = call->opts;
    SummarySnapshot *snapshots;
    SummaryTable *tables;

    *cone = (Cone){.columns = o->columns, .filter = o->filter};
    if (!read_range("ra", o->ra, cone->ra, err) || !read_range("dec", o->dec, cone->dec, err) ||
        !read_range("z", o->redshift, cone->redshift, err) ||
        !read_number(call, db, "box", "boxsize", o->box, &cone->box, err) ||
        !read_number(call, db, "omega-m", "omega_m", o->omega_m, &cone->cosmology.omega_m, err) ||
        !read_number(call, db, "omega-l", "omega_l", o->omega_l, &cone->cosmology.omega_l, err) ||
        !read_columns(call, db, cone, err) ||
        !summary_read_snapshots(db, call->arena, &snapshots, &cone->snapshots_count, err) ||
        !summary_read_tables(db, call->arena, &tables, &cone->tables_count, err))
        return false;
    cone->snapshots = snapshots;
    cone->tables = tables;
    return true;
}

/* ---- the command ---- */

static size_t count_tables(const ConePlan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->parts_count; i++)
        count += i == 0 || plan->parts[i].table != plan->parts[i - 1].table;
    return count;
}

static void print_plan(const Call *call, const ConePlan *plan)
{
    out_record(call->out);
    out_field(call->out, "near", OUT_NUMBER);
    out_double(call->out, plan->near);
    out_field(call->out, "far", OUT_NUMBER);
    out_double(call->out, plan->far);
    out_field(call->out, "boxes", OUT_INT);
    out_int(call->out, plan->boxes);
    out_field(call->out, "tables", OUT_INT);
    out_int(call->out, (int64_t)count_tables(plan));
    out_field(call->out, "statements", OUT_INT);
    out_int(call->out, (int64_t)plan->parts_count);
    out_field(call->out, "looks", OUT_INT);
    out_int(call->out, plan->pairs);
    out_end(call->out);
}

static bool extract_parts(const Call *call, const Dataset *dataset, const Mapping *mapping,
                          const ConePlan *plan, Err *err)
{
    const Opts *o = call->opts;
    ExtractPart *parts = arena_new(call->arena, ExtractPart, plan->parts_count);
    Extract extract = {.mapping = mapping,
                       .parts = parts,
                       .parts_count = plan->parts_count,
                       .format = (RowFormatName)o->format,
                       .ordered = o->order};

    for (size_t i = 0; i < plan->parts_count; i++)
        parts[i] = (ExtractPart){plan->parts[i].table, plan->parts[i].sql};
    return dataset_rows(call, &o->rows, dataset, &extract, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Dataset dataset;
    ConePlan plan;
    Place *place;
    Cone cone;
    Db *db;

    if (!stop_init(err) || !dataset_open(call, &dataset, &place, err) || !place_any(place, &db, err) ||
        !read_cone(call, db, &cone, err) || !cone_plan(call->arena, &cone, place_mapping(place), &plan, err))
        return false;
    if (o->plan) {
        print_plan(call, &plan);
        return true;
    }
    return extract_parts(call, &dataset, place_mapping(place), &plan, err);
}

const Cmd cmd_dataset_cone = {
    .name = "dataset cone",
    .args = "NAME",
    .summary = "get the galaxies that are seen in a part of the sky, from a box put beside itself",
    .description =
        "A lightcone: somebody at the origin of the box looks out, and the box is repeated in all directions. A galaxy that is so far away "
        "that its light has a redshift is taken from the snapshot nearest to that redshift. Each row has ra and dec (degrees), "
        "distance (comoving, in the units of positions: Mpc/h) and redshift, which is that of the distance; redshift_observed has the "
        "galaxy's own motion in it. The upper ends of ranges are not in them.\n\n"
        "Only tables that 'summary' says to reach into the cone are asked, for the copies of the box and the snapshots that can "
        "matter: --plan tells how many. Rows come as with dataset extract, each table's exactly once whatever servers do.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata dataset cone mini --ra 0,10 \\\n"
                "    --dec 0,10 --z 0,0.5 \\\n"
                "    --columns 'ra, dec, redshift, stellarmass' \\\n"
                "    --filter 'stellarmass > 0.1' -o cone.csv\n",
    .run = run,
};
