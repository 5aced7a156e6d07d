/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "dataset/cone_sky.h"
#include "dataset/cosmology.h"
#include "test/check.h"

static double chance(double low, double high)
{
    return low + (high - low) * drand48();
}

/* Three universes whose integral can be written down, and one by Simpson's rule. */
static void distances_are_those_of_the_universe(void)
{
    static const double redshifts[] = {0, 1e-6, 0.01, 0.5, 1, 3, 20, 1000};
    const double hubble = COSMOLOGY_LIGHT / 100;

    for (size_t i = 0; i < COUNT_OF(redshifts); i++) {
        double z = redshifts[i], lambda = 0, steps = 200000;
        double all_matter = 2 * hubble * (1 - 1 / sqrt(1 + z)), nothing = hubble * log1p(z),
               constant = hubble * z;

        CHECK(fabs(cosmology_distance(&(Cosmology){1, 0}, z) - all_matter) <= 1e-9 * all_matter);
        CHECK(fabs(cosmology_distance(&(Cosmology){0, 0}, z) - nothing) <= 1e-9 * nothing);
        CHECK(fabs(cosmology_distance(&(Cosmology){0, 1}, z) - constant) <= 1e-9 * constant);
        for (int k = 0; k <= steps; k++) {
            double a = exp(log1p(z) * k / steps);

            lambda += (k == 0 || k == steps ? 1 : k % 2 ? 4 : 2) * a / sqrt(0.25 * a * a * a + 0.75);
        }
        lambda *= hubble * log1p(z) / steps / 3;
        CHECK(fabs(cosmology_distance(&(Cosmology){0.25, 0.75}, z) - lambda) <= 1e-9 * lambda);
    }
}

static void a_universe_that_does_not_expand_is_refused(void)
{
    Err err = {0};

    CHECK(cosmology_check(&(Cosmology){0.25, 0.75}, &err) && cosmology_check(&(Cosmology){0, 0}, &err));
    CHECK(!cosmology_check(&(Cosmology){0.1, 3}, &err) && err.code == ERR_USAGE);
    CHECK(!cosmology_check(&(Cosmology){-1, 0.7}, &err) && !cosmology_check(&(Cosmology){NAN, 0}, &err));
}

static bool is_in(const double at[3], const double ra[2], const double dec[2])
{
    double a = atan2(at[1], at[0]) * 180 / M_PI, d = atan2(at[2], hypot(at[0], at[1])) * 180 / M_PI;

    a += a < 0 ? 360 : 0;
    return d >= dec[0] && d < dec[1] && (ra[0] < ra[1] ? a >= ra[0] && a < ra[1] : a >= ra[0] || a < ra[1]);
}

/* No cuboid that has a point of the sky's part is left out, and most that have none are. */
static void cuboids_that_can_be_seen_are_not_left_out(void)
{
    size_t unseen = 0, left_out = 0;

    srand48(7);
    for (int turn = 0; turn < 20000; turn++) {
        double ra[2] = {chance(0, 360), chance(0, 360)}, dec[2] = {chance(-90, 89), 0}, near, far;
        ConeCuboid cuboid;
        bool seen = false;

        dec[1] = dec[0] + chance(0, 90 - dec[0]);
        for (int i = 0; i < 3; i++) {
            cuboid.low[i] = turn % 4 == i ? 0 : chance(-10, 10);
            cuboid.high[i] = cuboid.low[i] + chance(0, 5);
        }
        cone_distances(&cuboid, &near, &far);
        for (int p = 0; p < 60; p++) {
            double at[3], distance = 0;

            for (int i = 0; i < 3; i++) {
                at[i] = p % 3 == 0 ? (drand48() < 0.5 ? cuboid.low[i] : cuboid.high[i])
                                   : chance(cuboid.low[i], cuboid.high[i]);
                distance += at[i] * at[i];
            }
            CHECK(sqrt(distance) >= near * (1 - 1e-12) && sqrt(distance) <= far * (1 + 1e-12));
            seen = seen || is_in(at, ra, dec);
        }
        CHECK(!seen || cone_may_see(&cuboid, ra, dec));
        unseen += !seen;
        left_out += !cone_may_see(&cuboid, ra, dec);
    }
    CHECK(left_out <= unseen && left_out > unseen * 8 / 10);
}

int main(void)
{
    RUN(distances_are_those_of_the_universe);
    RUN(a_universe_that_does_not_expand_is_refused);
    RUN(cuboids_that_can_be_seen_are_not_left_out);
    DONE();
}
