/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/cosmology -- redshift and comoving distance in a universe of matter, a cosmological constant and curvature
 *
 * D(z) = c/H0 * integral from 0 to z of dz / E(z), E(z)^2 = Om (1+z)^3 + Ok (1+z)^2 + Ol, Ok = 1 - Om - Ol (Hogg 1999, astro-ph/9905116,
 * equations 14 and 15). Distances are in Mpc/h, so H0 is 100 km/s/Mpc whatever h is: as positions of simulations are.
 */
#ifndef DATASET_COSMOLOGY_H
#define DATASET_COSMOLOGY_H

#include "base/err.h"

#define COSMOLOGY_LIGHT        299792.458 /* km/s */
#define COSMOLOGY_REDSHIFT_MAX 1000.0

typedef struct Cosmology {
    double omega_m, omega_l;
} Cosmology;

/* ERR_USAGE: densities that make no universe that expands from all of these redshifts. */
bool cosmology_check(const Cosmology *cosmology, Err *err) ATTR_MUST_USE;

/* Comoving distance, Mpc/h, of a redshift of 0 to COSMOLOGY_REDSHIFT_MAX; relative error below 1e-9. */
double cosmology_distance(const Cosmology *cosmology, double redshift);

#endif
