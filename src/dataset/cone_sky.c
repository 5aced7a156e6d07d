/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/cone_sky.h"

#include <math.h>

/* What rounding may do to an angle, degrees. */
#define SLACK 1e-9

static double degrees(double radians)
{
    return radians * (180 / M_PI);
}

/* Nearest and farthest of the first `axes` axes. */
static void distances(const ConeCuboid *cuboid, int axes, double *near, double *far)
{
    double least = 0, most = 0;

    for (int i = 0; i < axes; i++) {
        double low = cuboid->low[i], high = cuboid->high[i];
        double close = low > 0 ? low : high < 0 ? -high : 0, wide = fmax(fabs(low), fabs(high));

        least += close * close;
        most += wide * wide;
    }
    *near = sqrt(least);
    *far = sqrt(most);
}

void cone_distances(const ConeCuboid *cuboid, double *near, double *far)
{
    distances(cuboid, 3, near, far);
}

static bool dec_may(const ConeCuboid *cuboid, const double dec[2])
{
    double near, far, low = cuboid->low[2], high = cuboid->high[2];

    distances(cuboid, 2, &near, &far);
    double least = degrees(atan2(low, low >= 0 ? far : near)),
           most = degrees(atan2(high, high >= 0 ? near : far));
    return most >= dec[0] - SLACK && least <= dec[1] + SLACK;
}

/* A rectangle beside the origin is seen under less than half a turn: from its first corner to its last, turning left. */
static bool ra_may(const ConeCuboid *cuboid, const double ra[2])
{
    double width = ra[1] - ra[0] + (ra[0] > ra[1] ? 360 : 0), first = 0, least = 0, most = 0;

    if (cuboid->low[0] <= 0 && cuboid->high[0] >= 0 && cuboid->low[1] <= 0 && cuboid->high[1] >= 0)
        return true;
    for (int corner = 0; corner < 4; corner++) {
        double x = corner & 1 ? cuboid->high[0] : cuboid->low[0],
               y = corner & 2 ? cuboid->high[1] : cuboid->low[1];
        double angle = degrees(atan2(y, x));

        if (corner == 0)
            first = angle;
        double turn = remainder(angle - first, 360);
        least = fmin(least, turn);
        most = fmax(most, turn);
    }
    double start = fmod(first + least - ra[0] + 720, 360); /* behind the beginning of the range */
    return start <= width + SLACK || start + (most - least) >= 360 - SLACK;
}

bool cone_may_see(const ConeCuboid *cuboid, const double ra[2], const double dec[2])
{
    return dec_may(cuboid, dec) && ra_may(cuboid, ra);
}
