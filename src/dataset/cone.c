/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/cone.h"

#include <math.h>
#include <stdlib.h>

#include "dataset/cone_sky.h"
#include "dataset/statement.h"

enum { KNOTS = 1024 /* of redshift by distance: an error below 1e-7 where they are 0.001 apart */ };

/* A snapshot as it is seen: from one distance to another. */
typedef struct Seen {
    int32_t snap;
    double near, far;
} Seen;

/* A copy of the box by where its corner is, and a snapshot. */
typedef struct Pair {
    double at[3];
    const Seen *seen;
} Pair;

typedef struct Planning {
    const Cone *cone;
    Arena *arena;
    ConePlan *plan;
    Seen *seen;
    size_t seen_count;
    Str knots;      /* SQL */
    ConeCuboid all; /* where any table's rows lie: the box, or a little more */
    size_t parts_size;
    Pair pairs[CONE_PAIRS];
    size_t pairs_count;
} Planning;

/* ---- what is asked for ---- */

static bool is_range(const double range[2], double least, double most)
{
    return range[0] >= least && range[0] <= most && range[1] >= least && range[1] <= most &&
           range[0] != range[1];
}

static bool check(const Cone *cone, Err *err)
{
    if (!is_range(cone->ra, 0, 360))
        return err_set(err, ERR_USAGE, "a range of right ascension is two numbers from 0 to 360");
    if (!is_range(cone->dec, -90, 90) || cone->dec[0] > cone->dec[1])
        return err_set(err, ERR_USAGE,
                       "a range of declination is two numbers from -90 to 90, the lower one first");
    if (!is_range(cone->redshift, 0, COSMOLOGY_REDSHIFT_MAX) || cone->redshift[0] > cone->redshift[1])
        return err_set(err, ERR_USAGE, "a range of redshift is two numbers from 0 to %g, the lower one first",
                       COSMOLOGY_REDSHIFT_MAX);
    if (!(cone->box > 0 && isfinite(cone->box)))
        return err_set(err, ERR_USAGE, "the side of the box is a number above 0");
    if (cone->snapshots_count == 0)
        return err_set(err, ERR_NOT_FOUND, "the dataset has no redshifts of snapshots");
    return cosmology_check(&cone->cosmology, err);
}

static int by_redshift(const void *a_v, const void *b_v)
{
    const SummarySnapshot *a = a_v, *b = b_v;

    return a->redshift < b->redshift ? -1 : a->redshift > b->redshift;
}

/* Those that are seen within the cone's redshifts, and from where to where. */
static void see_snapshots(Planning *p)
{
    const Cone *cone = p->cone;
    size_t count = cone->snapshots_count;
    SummarySnapshot *sorted = arena_new(p->arena, SummarySnapshot, count);

    memcpy(sorted, cone->snapshots, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_redshift);
    p->seen = arena_new(p->arena, Seen, count);
    for (size_t i = 0; i < count; i++) {
        double from = i == 0 ? 0 : (sorted[i - 1].redshift + sorted[i].redshift) / 2,
               to = i + 1 == count ? INFINITY : (sorted[i].redshift + sorted[i + 1].redshift) / 2;

        from = fmax(from, cone->redshift[0]);
        to = fmin(to, cone->redshift[1]);
        if (from < to)
            p->seen[p->seen_count++] = (Seen){sorted[i].snap, cosmology_distance(&cone->cosmology, from),
                                              cosmology_distance(&cone->cosmology, to)};
    }
}

/* ---- the statement ---- */

/* Two arrays that grow together: distances, and the redshifts that have them. */
static Str knots(Planning *p)
{
    const Cone *cone = p->cone;
    BUF_SCOPE(distances);
    BUF_SCOPE(redshifts);
    BUF_SCOPE(out);

    for (int i = 0; i <= KNOTS; i++) {
        double z = cone->redshift[0] + (cone->redshift[1] - cone->redshift[0]) * i / KNOTS;

        buf_printf(&redshifts, "%s%.17g", i > 0 ? "," : "", z);
        buf_printf(&distances, "%s%.17g", i > 0 ? "," : "", cosmology_distance(&cone->cosmology, z));
    }
    buf_printf(&out, "'{%.*s}'::float8[] ds, '{%.*s}'::float8[] zs", STR_ARG(buf_str(&distances)),
               STR_ARG(buf_str(&redshifts)));
    return str_copy(p->arena, buf_str(&out));
}

static void put_column(Buf *sql, Str column)
{
    buf_put_z(sql, "t.");
    statement_put_quoted(sql, column);
}

static void put_pairs(const Planning *p, Buf *sql)
{
    for (size_t i = 0; i < p->pairs_count; i++) {
        const Pair *pair = &p->pairs[i];

        buf_printf(sql, "%s(%.17g%s,%.17g%s,%.17g%s,%d,%.17g%s,%.17g%s)", i > 0 ? "," : "", pair->at[0],
                   i > 0 ? "" : "::float8", pair->at[1], i > 0 ? "" : "::float8", pair->at[2],
                   i > 0 ? "" : "::float8", pair->seen->snap, pair->seen->near, i > 0 ? "" : "::float8",
                   pair->seen->far, i > 0 ? "" : "::float8");
    }
}

static void put_angles(const Cone *cone, Buf *sql)
{
    const char *at_most = cone->dec[1] < 90 ? "<" : "<=";

    buf_printf(sql, " and g.dec >= %.17g and g.dec %s %.17g", cone->dec[0], at_most, cone->dec[1]);
    if (cone->ra[0] > cone->ra[1])
        buf_printf(sql, " and (g.ra >= %.17g or g.ra < %.17g)", cone->ra[0], cone->ra[1]);
    else
        buf_printf(sql, " and g.ra >= %.17g and g.ra %s %.17g", cone->ra[0],
                   cone->ra[1] < 360 ? "<" : "<=", cone->ra[1]);
}

static void put_observed(const Cone *cone, Buf *sql)
{
    static const char *const axes[] = {"x", "y", "z"};

    if (cone->velocity[0].len == 0)
        return;
    buf_put_z(sql, ", (1 + k.redshift) * (1 + coalesce((");
    for (int i = 0; i < 3; i++) {
        buf_printf(sql, "%sp.%s * ", i > 0 ? " + " : "", axes[i]);
        put_column(sql, cone->velocity[i]);
    }
    buf_printf(sql, ") / nullif(d.distance, 0), 0) / %.17g) - 1 redshift_observed", COSMOLOGY_LIGHT);
}

/*
 * Distance first, which most rows fail. Laterals are pulled up by the planner, so an expression is computed where it is used; only the
 * place among the knots is kept from that (offset 0), since it is used four times.
 */
static const char *make_sql(const Planning *p)
{
    const Cone *cone = p->cone;
    BUF_SCOPE(sql);

    buf_printf(&sql, "select %.*s from (select g.ra, g.dec, d.distance, k.redshift",
               STR_ARG(cone->columns.len ? cone->columns : STR("*")));
    put_observed(cone, &sql);
    buf_put_z(&sql, ", t.* from {table} t join (values ");
    put_pairs(p, &sql);
    buf_put_z(&sql, ") v (x, y, z, snap, near, far) on v.snap = ");
    put_column(&sql, cone->snapshot);
    buf_put_z(&sql, " cross join lateral (select ");
    for (int i = 0; i < 3; i++) {
        put_column(&sql, cone->position[i]);
        buf_printf(&sql, "::float8 + v.%c %c%s", 'x' + i, 'x' + i, i < 2 ? ", " : "");
    }
    buf_put_z(
        &sql,
        ") p cross join lateral (select p.x * p.x + p.y * p.y + p.z * p.z square, sqrt(p.x * p.x + p.y * p.y + p.z * p.z) "
        "distance) d cross join lateral (select case when p.y < 0 then 360 else 0 end + degrees(atan2(p.y, p.x)) ra, "
        "degrees(atan2(p.z, sqrt(p.x * p.x + p.y * p.y))) dec) g cross join (select ");
    buf_put(&sql, p->knots);
    buf_put_z(
        &sql,
        ") knots cross join lateral (select zs[i] + (zs[i + 1] - zs[i]) * (d.distance - ds[i]) / (ds[i + 1] - ds[i]) redshift "
        "from (select least(width_bucket(d.distance, ds), array_length(ds, 1) - 1) i offset 0) w) k "
        "where d.distance >= v.near and d.distance < v.far");
    put_angles(cone, &sql);
    buf_put_z(&sql, ") cone");
    if (cone->filter.len > 0)
        buf_printf(&sql, " where (%.*s\n)", STR_ARG(cone->filter));
    return str_to_z(p->arena, buf_str(&sql));
}

/* ---- which tables, copies of the box and snapshots ---- */

static void end_part(Planning *p, const MappingTable *table)
{
    ConePlan *plan = p->plan;

    if (p->pairs_count == 0)
        return;
    if (plan->parts_count == p->parts_size) {
        size_t size = p->parts_size ? p->parts_size * 2 : 64;
        ConePart *more = arena_new(p->arena, ConePart, size);

        if (plan->parts_count > 0)
            memcpy(more, plan->parts, plan->parts_count * sizeof *more);
        plan->parts = more;
        p->parts_size = size;
    }
    plan->parts[plan->parts_count++] = (ConePart){table, make_sql(p), p->pairs_count};
    plan->pairs += (int64_t)p->pairs_count;
    p->pairs_count = 0;
}

static ConeCuboid moved(const ConeCuboid *cuboid, const double at[3])
{
    ConeCuboid out;

    for (int i = 0; i < 3; i++) {
        out.low[i] = cuboid->low[i] + at[i];
        out.high[i] = cuboid->high[i] + at[i];
    }
    return out;
}

static bool has_snapshot(const SummaryTable *table, int32_t snap)
{
    return !table->has_snaps || (table->snap_low <= snap && table->snap_high >= snap);
}

static bool add_pairs(Planning *p, const MappingTable *table, const SummaryTable *summary,
                      const ConeCuboid *lies, const double at[3], Err *err)
{
    ConeCuboid cuboid = moved(lies, at);
    double near, far;

    if (!cone_may_see(&cuboid, p->cone->ra, p->cone->dec))
        return true;
    cone_distances(&cuboid, &near, &far);
    for (size_t i = 0; i < p->seen_count; i++) {
        const Seen *seen = &p->seen[i];

        if (far < seen->near || near >= seen->far || !has_snapshot(summary, seen->snap))
            continue;
        p->pairs[p->pairs_count++] = (Pair){{at[0], at[1], at[2]}, seen};
        if (p->plan->pairs + (int64_t)p->pairs_count > CONE_PAIRS_MAX)
            return err_set(err, ERR_LIMIT, "the cone is too large: it takes more than %d looks at tables",
                           CONE_PAIRS_MAX);
        if (p->pairs_count == CONE_PAIRS)
            end_part(p, table);
    }
    return true;
}

/* A table of which nothing is known may have rows anywhere. */
static ConeCuboid cuboid_of(const Cone *cone, const SummaryTable *table)
{
    ConeCuboid out;

    for (int i = 0; i < 3; i++) {
        out.low[i] = isnan(table->bounds.low[i]) ? 0 : (double)table->bounds.low[i];
        out.high[i] = isnan(table->bounds.high[i]) ? cone->box : (double)table->bounds.high[i];
    }
    return out;
}

static void find_extent(Planning *p)
{
    p->all = (ConeCuboid){{0, 0, 0}, {p->cone->box, p->cone->box, p->cone->box}};
    for (size_t t = 0; t < p->cone->tables_count; t++) {
        ConeCuboid lies = cuboid_of(p->cone, &p->cone->tables[t]);

        for (int i = 0; i < 3; i++) {
            p->all.low[i] = fmin(p->all.low[i], lies.low[i]);
            p->all.high[i] = fmax(p->all.high[i], lies.high[i]);
        }
    }
}

/* The corners of all copies of the box that reach into the cone. */
static double (*find_boxes(Planning *p, size_t *count))[3]
{
    const Cone *cone = p->cone;
    int most = (int)ceil(p->plan->far / cone->box);
    size_t size = 64;
    double(*boxes)[3] = (void *)arena_new(p->arena, double, size * 3);

    *count = 0;
    for (int x = -most; x < most; x++)
        for (int y = -most; y < most; y++)
            for (int z = -most; z < most; z++) {
                double at[3] = {x * cone->box, y * cone->box, z * cone->box}, near, far;
                ConeCuboid cuboid = moved(&p->all, at);

                cone_distances(&cuboid, &near, &far);
                if (near >= p->plan->far || far < p->plan->near ||
                    !cone_may_see(&cuboid, cone->ra, cone->dec))
                    continue;
                if (*count == size) {
                    double(*more)[3] = (void *)arena_new(p->arena, double, size * 6);

                    memcpy(more, boxes, size * sizeof *more);
                    boxes = more;
                    size *= 2;
                }
                memcpy(boxes[(*count)++], at, sizeof at);
            }
    return boxes;
}

static bool plan_table(Planning *p, const Mapping *mapping, const SummaryTable *summary, double (*boxes)[3],
                       size_t count, Err *err)
{
    const MappingTable *table = mapping_find(mapping, summary->name);
    ConeCuboid lies = cuboid_of(p->cone, summary);

    if (!table)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!add_pairs(p, table, summary, &lies, boxes[i], err))
            return false;
    end_part(p, table);
    return true;
}

/* Nothing can be seen: one table is asked for what is nowhere, so that there is somebody to say what the columns would be. */
static void add_empty(Planning *p, const MappingTable *table)
{
    static const Seen never;

    p->pairs[p->pairs_count++] = (Pair){.seen = &never};
    end_part(p, table);
}

/* So many copies of the box that nobody waits for them to be looked at. */
static bool check_size(const Planning *p, Err *err)
{
    double boxes = pow(2 * ceil(p->plan->far / p->cone->box), 3);

    return boxes <= 64e6 ||
           err_set(err, ERR_LIMIT,
                   "the cone is too large: the box of %g would be repeated %.0f times to a distance of %g",
                   p->cone->box, boxes, p->plan->far);
}

bool cone_plan(Arena *arena, const Cone *cone, const Mapping *mapping, ConePlan *out, Err *err)
{
    Planning *p = arena_new(arena, Planning, 1);
    size_t count;

    *out = (ConePlan){0};
    *p = (Planning){.cone = cone, .arena = arena, .plan = out};
    if (!check(cone, err))
        return false;
    out->near = cosmology_distance(&cone->cosmology, cone->redshift[0]);
    out->far = cosmology_distance(&cone->cosmology, cone->redshift[1]);
    if (!check_size(p, err))
        return false;
    see_snapshots(p);
    p->knots = knots(p);
    find_extent(p);
    double(*boxes)[3] = find_boxes(p, &count);
    out->boxes = (int64_t)count;
    for (size_t i = 0; i < cone->tables_count; i++)
        if (!plan_table(p, mapping, &cone->tables[i], boxes, count, err))
            return false;
    if (out->parts_count == 0 && mapping->count > 0)
        add_empty(p, &mapping->tables[0]);
    return true;
}
