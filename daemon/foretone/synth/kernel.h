/* What the files of the kernel share. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LONGEST 8192 /* frames in a block, as in ring.py */

/* Frame n of a line along a block, which ends at `to`. */
static inline float line_at(float from, float to, int n, int period)
{
    return from + (to - from) * (float)(n + 1) / (float)period;
}
