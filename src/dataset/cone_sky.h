/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/cone_sky -- can a part of the sky, and of distance, have a point of a cuboid? */
#ifndef DATASET_CONE_SKY_H
#define DATASET_CONE_SKY_H

#include <stdbool.h>

typedef struct ConeCuboid {
    double low[3], high[3];
} ConeCuboid;

/* Distances of its nearest and farthest point from the origin. */
void cone_distances(const ConeCuboid *cuboid, double *near, double *far);

/* Angles in degrees, as in Cone. True also for some that only come near: a bound is a bound. */
bool cone_may_see(const ConeCuboid *cuboid, const double ra[2], const double dec[2]);

#endif
