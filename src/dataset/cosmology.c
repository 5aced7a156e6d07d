/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/cosmology.h"

#include <math.h>
#include <stddef.h>

enum { PIECES_FOR_ONE = 64, PIECES_MAX = 4096, LOOKS = 500 };

static double expansion_squared(const Cosmology *c, double z)
{
    double a = 1 + z;

    return c->omega_m * a * a * a + (1 - c->omega_m - c->omega_l) * a * a + c->omega_l;
}

bool cosmology_check(const Cosmology *cosmology, Err *err)
{
    bool ok = isfinite(cosmology->omega_m) && isfinite(cosmology->omega_l) && cosmology->omega_m >= 0;

    for (int i = 0; ok && i <= LOOKS; i++)
        ok = expansion_squared(cosmology, expm1(log1p(COSMOLOGY_REDSHIFT_MAX) * i / LOOKS)) > 0;
    return ok || err_set(err, ERR_USAGE,
                         "a matter density of %g and a cosmological constant of %g make no distances",
                         cosmology->omega_m, cosmology->omega_l);
}

/* Gauss and Legendre, five points a piece (Abramowitz and Stegun, table 25.4); pieces are even in ln(1+z). */
double cosmology_distance(const Cosmology *cosmology, double redshift)
{
    static const double points[] = {0, 0.538469310105683, -0.538469310105683, 0.906179845938664,
                                    -0.906179845938664};
    static const double weights[] = {0.568888888888889, 0.478628670499366, 0.478628670499366,
                                     0.236926885056189, 0.236926885056189};
    double end = log1p(redshift), sum = 0;
    int pieces = 1 + (int)fmin(end * PIECES_FOR_ONE, PIECES_MAX);

    for (int i = 0; i < pieces; i++)
        for (size_t p = 0; p < sizeof points / sizeof *points; p++) {
            double at = end * (i + (1 + points[p]) / 2) / pieces;

            sum += weights[p] * exp(at) / sqrt(expansion_squared(cosmology, expm1(at)));
        }
    return COSMOLOGY_LIGHT / 100 * sum * end / pieces / 2;
}
