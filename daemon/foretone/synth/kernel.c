/* The inner loops of the voices and effects: what numpy does in many passes over memory, in one.
 *
 * kernel.py calls them; beside each call stands the same in numpy, for machines without this. Nothing here
 * allocates, and no index comes from outside unchecked. Float arrays lie as numpy has them, row after row.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LINES 8 /* of a reverb */
#define LONGEST 8192 /* frames in a block, as in ring.py */
#define WAVES 6 /* of a tone, of which one is a noise */
#define NOISE 4

uint32_t kernel_source(void)
{
    return SOURCE;
}

static float line_at(float from, float to, int n, int period)
{
    return from + (to - from) * (float)(n + 1) / (float)period;
}

/* Tones a block further. The rows of `states` and of `told`, each [most], and the columns of `knobs`: */
enum { KEY, TONE, AGE, GONE, RELEASED, LOG2HZ, TO_LOG2HZ, TOUCH, TO_TOUCH, NOW, BEGINS, EAR };
enum { HERTZ, CUT, SHARP, FROM, TO_LEVEL, RISES, FALLS, STAYS, ENVELOPE };
enum {
    WAVE, CUTOFF, RESONANCE, ATTACK, DECAY, SUSTAIN, RELEASE, LFO_WAVE, LFO_RATE, LFO_PITCH, LFO_FILTER,
    LFO_LEVEL, ENVELOPE_PITCH, ENVELOPE_FILTER, DETUNE, GLIDE, POLY, FREQUENCY, FREQUENCY2, LOUDNESS, KNOBS
};
enum { SPAN, RATE, TOUCHES, SHORTEST, FALLEN, ROUGH_RATE, LOUDEST };

void kernel_tones(int count, int most, const int64_t *voice, const double *knobs, const double *lfo,
                  const double *constants, double *states, double *told, int64_t *shape, double *turns,
                  uint8_t *rough)
{
    const double *c = constants;

    for (int row = 0; row < count; row++) {
        const double *k = knobs + voice[row] * KNOBS;
        double *s = states + row, *t = told + row, swing = lfo[voice[row]];
        double attack = fmax(k[ATTACK] / 1000, c[SHORTEST]);
        double decay = fmax(k[DECAY] / 1000, c[SHORTEST]) / c[FALLEN];
        double age, rise, envelope, hertz, fade;

        s[(s[GONE * most] < 0.0 ? AGE : GONE) * most] += c[SPAN];
        age = s[AGE * most];
        rise = fmin(fmax(age / attack, 0.0), 1.0);
        envelope = rise * (k[SUSTAIN] + (1.0 - k[SUSTAIN]) * exp(-fmax(age - attack, 0.0) / decay));
        s[LOG2HZ * most] += (s[TO_LOG2HZ * most] - s[LOG2HZ * most])
                            * (1.0 - exp(-c[SPAN] / fmax(k[GLIDE] / 1000, 1e-6)));
        hertz = exp2(s[LOG2HZ * most]) + k[LFO_PITCH] * swing + k[ENVELOPE_PITCH] * envelope;
        if (s[EAR * most] != 0.0)
            hertz *= exp2(s[EAR * most] * k[DETUNE] / 1200.0);
        rough[row] = (int)k[WAVE] == NOISE;
        hertz = rough[row] ? c[ROUGH_RATE] : fmin(fmax(hertz, 1.0), 0.45 * c[RATE]);
        turns[row] = hertz / c[RATE];
        shape[row] = voice[row] * WAVES + (int64_t)k[WAVE];
        s[TOUCH * most] += (s[TO_TOUCH * most] - s[TOUCH * most]) * c[TOUCHES];
        fade = fmax(1.0 - fmax(s[GONE * most], 0.0) / s[RELEASED * most], 0.0);
        t[HERTZ * most] = hertz;
        t[CUT * most] = fmax(k[CUTOFF] + k[LFO_FILTER] * swing + k[ENVELOPE_FILTER] * envelope, 20.0);
        t[SHARP * most] = k[RESONANCE];
        t[FROM * most] = s[NOW * most];
        s[NOW * most] = envelope * (1.0 - k[LFO_LEVEL] * (0.5 - 0.5 * swing)) * c[LOUDEST]
                        * s[TOUCH * most] * fade * fade;
        t[TO_LEVEL * most] = s[NOW * most];
        t[RISES * most] = attack;
        t[FALLS * most] = decay;
        t[STAYS * most] = k[SUSTAIN];
        t[ENVELOPE * most] = envelope;
    }
}

/* Each row read from its table, [rows][size + 1], along a phase that bends from `last` to `turns` cycles a
 * frame; if `old`, over from the old tables to the new ones; if `level`, times a line from one to another.
 * `phase` and `last` go on. */
void kernel_tables(int rows, int period, int size, const float *fresh, const float *old, double *phase,
                   double *last, const double *turns, const double *level, const double *to, float *out)
{
    for (int row = 0; row < rows; row++) {
        const float *table = fresh + (size_t)row * (size + 1), *before = old + (size_t)row * (size + 1);
        double bend = turns[row] - last[row];
        float begin = (float)(phase[row] * size), step = (float)(last[row] * size);
        float turn = (float)(bend * size / (2.0 * period));

        for (int n = 0; n < period; n++) {
            float place = begin + (step + turn * (float)(n + 2)) * (float)(n + 1), value;
            int whole = (int)place;

            whole -= place < (float)whole;
            place -= (float)whole;
            whole &= size - 1;
            value = table[whole] + place * (table[whole + 1] - table[whole]);
            if (old) {
                float was = before[whole] + place * (before[whole + 1] - before[whole]);

                value = line_at(was, value, n, period);
            }
            if (level)
                value *= line_at((float)level[row], (float)to[row], n, period);
            out[(size_t)row * period + n] = value;
        }
        phase[row] += last[row] * period + bend * ((period + 1) / 2.0);
        phase[row] -= floor(phase[row]);
        last[row] = turns[row];
    }
}

/* Amplitudes [rows][partials] of a shape each, weighed by a resonant low-pass and by half the rate. */
void kernel_filter(int rows, int partials, const float *shapes, const int64_t *shape, const double *hertz,
                   const double *cutoff, const double *resonance, double rate, float *out)
{
    for (int row = 0; row < rows; row++) {
        const float *from = shapes + (size_t)shape[row] * partials;
        float tone = (float)hertz[row], turn = (float)(-20.0 / rate), edge = (float)cutoff[row];
        float flat = (float)(1.0 / (resonance[row] * resonance[row]));

        for (int k = 0; k < partials; k++) {
            float ratio = tone * (float)(k + 1), below = ratio * turn + 10.0f, x, y;

            below = below < 0.0f ? 0.0f : below > 1.0f ? 1.0f : below;
            x = ratio / edge;
            x *= x;
            y = 1.0f - x;
            out[(size_t)row * partials + k] = from[k] * below / sqrtf(y * y + x * flat);
        }
    }
}

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

static float between(double from, double to, double edge)
{
    double share = (to - from) / edge;

    return (float)(share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share);
}

/* Recordings, each added to its voice's bus [2][period]. The rows of `told` [14][most]: */
enum { VOICE, BASE, SIZE, AT, SPEED, START, END, LOOPS, LEVEL, TO, LATE, EDGE, LEFT_GAIN, RIGHT_GAIN, TOLD };

void kernel_samples(int count, int most, int period, int64_t frames, const float *pool, const double *told,
                    float *buses)
{
    for (int row = 0; row < count; row++) {
        double r[TOLD];
        for (int k = 0; k < TOLD; k++)
            r[k] = told[(size_t)k * most + row];

        float *bus = buses + (size_t)r[VOICE] * 2 * period;
        float left = (float)r[LEFT_GAIN], right = (float)r[RIGHT_GAIN];
        int64_t base = (int64_t)r[BASE];
        int loops = r[LOOPS] > 0.0, wraps = loops && r[AT] + r[SPEED] * period >= r[END];
        double final = r[AT] + r[SPEED] * (period - 1);
        int ends = !loops && r[END] < r[SIZE] && final > r[END] - r[EDGE];
        int begins = !loops && r[START] > 0.0 && r[AT] < r[START] + r[EDGE];

        for (int n = (int)(r[LATE] > 0.0 ? r[LATE] : 0.0); n < period; n++) {
            double where = r[AT] + r[SPEED] * n;
            float level = line_at((float)r[LEVEL], (float)r[TO], n, period), part;
            int64_t at, next;

            if (wraps && (where >= r[END] || where < r[START])) {
                where = fmod(where - r[START], r[END] - r[START]);
                where += where < 0.0 ? r[END] : r[START];
            }
            where = where < 0.0 ? 0.0 : where > r[SIZE] ? r[SIZE] : where;
            if (ends)
                level *= between(where, r[END], r[EDGE]);
            if (begins)
                level *= between(r[START], where, r[EDGE]);
            at = (int64_t)where;
            part = (float)(where - (double)at);
            at += base;
            at = at < 0 ? 0 : at < frames ? at : frames - 1;
            next = at + 1 < frames ? at + 1 : at;
            bus[n] += left * level * (pool[2 * at] + part * (pool[2 * next] - pool[2 * at]));
            bus[period + n] += right * level * (pool[2 * at + 1] + part * (pool[2 * next + 1] - pool[2 * at + 1]));
        }
    }
}

/* Buses [voices][2][period] into one: each side along a line from one gain to another, [voices][2][2]. */
void kernel_mix(int voices, int period, const float *buses, const float *gains, float *out)
{
    memset(out, 0, 2 * (size_t)period * sizeof *out);
    for (int row = 0; row < 2 * voices; row++) {
        float *side = out + (size_t)(row & 1) * period;
        const float *bus = buses + (size_t)row * period;
        float from = gains[2 * row], to = from + gains[2 * row + 1];

        for (int n = 0; n < period; n++)
            side[n] += bus[n] * line_at(from, to, n, period);
    }
}
