/* The inner loops of the mixer: echo and room, levels, the limiter. As kernel.c. */
#include "kernel.h"

#define LINES 8 /* of a reverb */

/* One echo of a stereo bus, from and into its line [2][length]; `before` is the length that it had. */
void kernel_echo(int period, int length, int at, int frames, int before, float feedback, float mix, float to,
                 float *line, float *bus)
{
    int now = at - frames, then = at - before;

    now += now < 0 ? length : 0;
    then += then < 0 ? length : 0;
    for (int side = 0; side < 2; side++) {
        float *row = line + (size_t)side * length, *sound = bus + (size_t)side * period;

        for (int n = 0; n < period; n++) {
            float echo = row[now + n < length ? now + n : now + n - length];

            if (frames != before)
                echo = line_at(row[then + n < length ? then + n : then + n - length], echo, n, period);
            row[at + n] = echo * feedback + sound[n];
            sound[n] += echo * line_at(mix, to, n, period);
        }
    }
}

/* A room of LINES lines [LINES][length] for each bus [2][period]: heard, damped, reflected, fed. */
void kernel_reverb(int voices, int period, int length, int at, const int64_t *frames, const double *gains,
                   const double *mix, double damping, float *lines, float *buses)
{
    static const float LEFT[LINES] = { .5f, 0, -.5f, 0, .5f, 0, -.5f, 0 };
    static const float RIGHT[LINES] = { 0, .5f, 0, -.5f, 0, .5f, 0, -.5f };
    static float read[LONGEST + 1], around[LINES][LONGEST], sum[LONGEST], left[LONGEST], right[LONGEST];
    float keep = (float)(1.0 - damping), damp = (float)damping;

    for (int voice = 0; voice < voices; voice++) {
        float *room = lines + (size_t)voice * LINES * length, *bus = buses + (size_t)voice * 2 * period;
        float send = (float)mix[2 * voice] / 2, to = (float)mix[2 * voice + 1] / 2;

        memset(sum, 0, period * sizeof *sum);
        memset(left, 0, period * sizeof *left);
        memset(right, 0, period * sizeof *right);
        for (int k = 0; k < LINES; k++) {
            const float *line = room + (size_t)k * length;
            float gain = (float)gains[voice * LINES + k];
            int start = (int)((at - frames[k] - 1 + 2 * (int64_t)length) % length);
            int seam = length - start < period + 1 ? length - start : period + 1;

            memcpy(read, line + start, seam * sizeof *read);
            memcpy(read + seam, line, (period + 1 - seam) * sizeof *read);
            for (int n = 0; n < period; n++) {
                float value = (keep * read[n + 1] + damp * read[n]) * gain;

                around[k][n] = value;
                sum[n] += value;
                left[n] += LEFT[k] * value;
                right[n] += RIGHT[k] * value;
            }
        }
        for (int n = 0; n < period; n++)
            sum[n] = (bus[n] + bus[period + n]) * line_at(send, to, n, period) - sum[n] * (2.0f / LINES);
        for (int k = 0; k < LINES; k++)
            for (int n = 0; n < period; n++)
                room[(size_t)k * length + at + n] = around[k][n] + sum[n];
        for (int n = 0; n < period; n++) {
            bus[n] += left[n];
            bus[period + n] += right[n];
        }
    }
}

/* Buses [voices][2][period] into one, each side along a line from its gain, a share `reach` of the way to the one
 * that is wanted, [voices][2]; the sum of all squares. */
double kernel_mix(int voices, int period, double reach, const float *buses, const double *wanted, double *gains,
                  float *out)
{
    float power = 0.0f;

    memset(out, 0, 2 * (size_t)period * sizeof *out);
    for (int row = 0; row < 2 * voices; row++) {
        float *side = out + (size_t)(row & 1) * period;
        const float *bus = buses + (size_t)row * period;
        double to = gains[row] + (wanted[row] - gains[row]) * reach;

        for (int n = 0; n < period; n++)
            side[n] += bus[n] * line_at((float)gains[row], (float)to, n, period);
        gains[row] = to;
    }
    for (int n = 0; n < 2 * period; n++)
        power += out[n] * out[n];
    return power;
}

static float loudest_of(float loudest, float value)
{
    float loud = fabsf(value);

    return loud > loudest ? loud : loudest;
}

/* A mix [2][period] without what stays the same, `constants` [2], each of which goes a share of the way to its
 * side's mean, or to 0; the loudest sample. */
double kernel_even(int period, int silent, double share, const float *mix, double *constants, float *out)
{
    float loudest = 0.0f;

    for (int side = 0; side < 2; side++) {
        const float *in = mix + (size_t)side * period;
        float *even = out + (size_t)side * period, sum = 0.0f;
        double from = constants[side];

        for (int n = 0; n < period; n++)
            sum += in[n];
        constants[side] = silent ? 0.0 : from + (sum / period - from) * share;
        for (int n = 0; n < period; n++) {
            even[n] = in[n] - line_at((float)from, (float)constants[side], n, period);
            loudest = loudest_of(loudest, even[n]);
        }
    }
    return loudest;
}

/* A mix [2][period] into a block [period][2], along a line of gains, cut at the ceiling; the loudest sample. */
double kernel_limit(int period, double from, double to, double ceiling, const float *mix, int16_t *block)
{
    float loudest = 0.0f, top = (float)ceiling;

    for (int n = 0; n < period; n++)
        for (int side = 0; side < 2; side++) {
            float value = mix[side * period + n] * line_at((float)from, (float)to, n, period);

            value = value < -top ? -top : value > top ? top : value;
            loudest = loudest_of(loudest, value);
            block[2 * n + side] = (int16_t)lrintf(value);
        }
    return loudest;
}
