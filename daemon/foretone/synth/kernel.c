/* The inner loops of the voices and of parameters: what numpy does in many passes over memory, in one.
 *
 * kernel.py calls them; beside each call stands the same in numpy, for machines without this. Nothing here
 * allocates, and no index comes from outside unchecked. Float arrays lie as numpy has them, row after row.
 */
#include "kernel.h"

#define WAVES 6 /* of a tone, of which one is a noise */
#define NOISE 4
#define HELD -1.0 /* since a release that has not come, as in tones.py */

uint32_t kernel_source(void)
{
    return SOURCE;
}

/* Parameters [voices][each] a block further, each its share `reach` of the way; whether any still moves. */
int kernel_knobs(int voices, int each, double there, const double *reach, const double *target, double *last,
                 double *now)
{
    int moves = 0;

    for (int row = 0; row < voices; row++)
        for (int k = 0; k < each; k++) {
            int at = row * each + k;
            double gap = (target[at] - now[at]) * reach[k];

            last[at] = now[at];
            now[at] += gap;
            moves |= fabs(gap) >= there;
        }
    if (!moves) {
        memcpy(now, target, (size_t)voices * each * sizeof *now);
        memcpy(last, target, (size_t)voices * each * sizeof *last);
    }
    return moves;
}

static double envelope_at(double age, double attack, double decay, double sustain)
{
    double rise = fmin(fmax(age / attack, 0.0), 1.0);

    return rise * (sustain + (1.0 - sustain) * exp(-fmax(age - attack, 0.0) / decay));
}

/* Tones a block further; how many are over. The rows of `states` and of `told`, each [most], and the columns of
 * `knobs`: */
enum { KEY, TONE, AGE, GONE, RELEASED, LOG2HZ, TO_LOG2HZ, TOUCH, TO_TOUCH, NOW, BEGINS, EAR };
enum { HERTZ, CUT, SHARP, FROM, TO_LEVEL, RISES, FALLS, STAYS, ENVELOPE };
enum {
    WAVE, CUTOFF, RESONANCE, ATTACK, DECAY, SUSTAIN, RELEASE, LFO_WAVE, LFO_RATE, LFO_PITCH, LFO_FILTER,
    LFO_LEVEL, ENVELOPE_PITCH, ENVELOPE_FILTER, DETUNE, GLIDE, POLY, FREQUENCY, FREQUENCY2, LOUDNESS, KNOBS
};
enum { SPAN, RATE, TOUCHES, SHORTEST, FALLEN, ROUGH_RATE, LOUDEST, INAUDIBLE };

int kernel_tones(int count, int most, const int64_t *voice, const double *knobs, const double *lfo,
                 const double *constants, double *states, double *told, int64_t *shape, double *turns,
                 uint8_t *rough)
{
    const double *c = constants;
    int over = 0;

    for (int row = 0; row < count; row++) {
        const double *k = knobs + voice[row] * KNOBS;
        double *s = states + row, *t = told + row, swing = lfo[voice[row]];
        double attack = fmax(k[ATTACK] / 1000, c[SHORTEST]);
        double decay = fmax(k[DECAY] / 1000, c[SHORTEST]) / c[FALLEN];
        double age, envelope, hertz, fade;

        s[(s[GONE * most] <= HELD ? AGE : GONE) * most] += c[SPAN];
        age = s[AGE * most];
        envelope = envelope_at(age, attack, decay, k[SUSTAIN]);
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
        if (s[BEGINS * most] >= 0.0) /* kernel_begin gives it its level in each frame */
            t[FROM * most] = t[TO_LEVEL * most] = 1.0;
        t[RISES * most] = attack;
        t[FALLS * most] = decay;
        t[STAYS * most] = k[SUSTAIN];
        t[ENVELOPE * most] = envelope;
        over += s[GONE * most] >= s[RELEASED * most] || (envelope < c[INAUDIBLE] && age > attack);
    }
    return over;
}

/* The levels of the tones [count][period] that were struck, which begin at a frame of theirs. */
void kernel_begin(int count, int most, int period, double rate, double *states, const double *told, float *sound)
{
    for (int row = 0; row < count; row++) {
        double *s = states + row, at = s[BEGINS * most], last, level;
        const double *t = told + row;

        if (at < 0.0)
            continue;
        s[BEGINS * most] = -1.0;
        last = envelope_at((period - at) / rate, t[RISES * most], t[FALLS * most], t[STAYS * most]);
        level = s[NOW * most] / (last > 0.0 ? last : 1.0);
        for (int n = 0; n < period; n++)
            sound[(size_t)row * period + n] *= (float)(level * envelope_at((n + 1 - at) / rate, t[RISES * most],
                                                                          t[FALLS * most], t[STAYS * most]));
    }
}

/* Each row read from its table, [rows][size + 1], along a phase that bends from `last` to `turns` cycles a
 * frame; if `old`, over from the old tables to the new ones; if `level`, times a line from one to another.
 * `phase` and `last` go on. */
void kernel_tables(int rows, int period, int size, const float *fresh, const float *old, double *phase,
                   double *last, const double *turns, const double *level, const double *to, float *out)
{
    static float part[LONGEST];
    static int whole[LONGEST];

    for (int row = 0; row < rows; row++) {
        const float *table = fresh + (size_t)row * (size + 1), *before = old + (size_t)row * (size + 1);
        double bend = turns[row] - last[row];
        float begin = (float)(phase[row] * size), step = (float)(last[row] * size);
        float turn = (float)(bend * size / (2.0 * period)), *sound = out + (size_t)row * period;

        /* What a compiler can do for some frames at once, and then what it cannot. */
        for (int n = 0; n < period; n++) {
            float place = begin + (step + turn * (float)(n + 2)) * (float)(n + 1);
            int floored = (int)place;

            floored -= place < (float)floored;
            part[n] = place - (float)floored;
            whole[n] = floored & (size - 1);
        }
        for (int n = 0; n < period; n++)
            sound[n] = table[whole[n]] + part[n] * (table[whole[n] + 1] - table[whole[n]]);
        if (old)
            for (int n = 0; n < period; n++) {
                float was = before[whole[n]] + part[n] * (before[whole[n] + 1] - before[whole[n]]);

                sound[n] = line_at(was, sound[n], n, period);
            }
        if (level)
            for (int n = 0; n < period; n++)
                sound[n] *= line_at((float)level[row], (float)to[row], n, period);
        phase[row] += last[row] * period + bend * ((period + 1) / 2.0);
        phase[row] -= floor(phase[row]);
        last[row] = turns[row];
    }
}

/* Amplitudes [rows][partials] of a shape each, weighed by a resonant low-pass and by half the rate; whether any
 * is `least` away from what was drawn, or flickers. */
int kernel_filter(int rows, int partials, const float *shapes, const int64_t *shape, const double *hertz,
                  const double *cutoff, const double *resonance, double rate, const uint8_t *rough, float least,
                  const float *drawn, float *out)
{
    int changed = 0;

    for (int row = 0; row < rows; row++) {
        const float *from = shapes + (size_t)shape[row] * partials;
        float tone = (float)hertz[row], turn = (float)(-20.0 / rate), edge = (float)cutoff[row];
        float flat = (float)(1.0 / (resonance[row] * resonance[row]));
        const float *was = drawn + (size_t)row * partials;
        float *is = out + (size_t)row * partials;

        changed |= rough[row];
        for (int k = 0; k < partials; k++) {
            float ratio = tone * (float)(k + 1), below = ratio * turn + 10.0f, x, y;

            below = below < 0.0f ? 0.0f : below > 1.0f ? 1.0f : below;
            x = ratio / edge;
            x *= x;
            y = 1.0f - x;
            is[k] = from[k] * below / sqrtf(y * y + x * flat);
            changed |= fabsf(is[k] - was[k]) >= least;
        }
    }
    return changed;
}

static float between(double from, double to, double edge)
{
    double share = (to - from) / edge;

    return (float)(share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share);
}

/* Recordings, each added to its voice's bus [2][period], a block further; how many are over, whose FADE is 0.
 * The rows of `states`, each [most], and the columns of `knobs`: */
enum { VOICE, SLOT, STRUCK, SERIAL, BASE, SIZE, AT, SPEED, LEVEL, FADE, HURRY, LATE, FIRST, LAST };
enum { GAIN, TEMPO, PAN, START, END, LOOP, SLOT_KNOBS };

/* What a slot gives to a side. */
static float to_left(double loudest, const double *k)
{
    return (float)(loudest * k[GAIN] * fmin(2.0 - 2.0 * k[PAN], 1.0));
}

static float to_right(double loudest, const double *k)
{
    return (float)(loudest * k[GAIN] * fmin(2.0 * k[PAN], 1.0));
}

int kernel_samples(int count, int most, int period, int64_t frames, double loudest, double cut, const float *pool,
                   const double *last, const double *now, double *states, float *buses)
{
    int over = 0;

    for (int row = 0; row < count; row++) {
        double *s = states + row, size = s[SIZE * most], late = s[LATE * most];
        int64_t slot = (int64_t)s[SLOT * most] * SLOT_KNOBS;
        const double *was = last + slot, *k = now + slot;
        float *bus = buses + (size_t)s[VOICE * most] * 2 * period;
        double start = s[FIRST * most], end = s[LAST * most], turn = end;
        double speed = s[SPEED * most] * k[TEMPO], edge = cut * fmax(speed, 1e-3);
        double begin = late < 0.0 ? s[AT * most] : start - late * speed, final = begin + speed * (period - 1);
        double after = fmax(s[FADE * most] - s[HURRY * most], 0.0);
        float from = (float)(s[LEVEL * most] * s[FADE * most]), to = (float)(s[LEVEL * most] * after);
        float left = to_left(loudest, was), left_to = to_left(loudest, k);
        float right = to_right(loudest, was), right_to = to_right(loudest, k);
        int64_t base = (int64_t)s[BASE * most];
        int loops = k[LOOP] > 0.5, wraps = loops && begin + speed * period >= end;
        int ends = !loops && end < size && final > end - edge;
        int begins = !loops && start > 0.0 && begin < start + edge;

        if (wraps) { /* what was turned meanwhile holds from there on */
            start = s[FIRST * most] = fmin(k[START], 0.999) * size;
            end = s[LAST * most] = fmax(k[END] * size, start + 1.0);
        }
        for (int n = (int)(late > 0.0 ? late : 0.0); n < period; n++) {
            double where = begin + speed * n;
            float level = line_at(from, to, n, period), part;
            int64_t at, next;

            if (wraps && where >= turn)
                where = start + fmod(where - turn, end - start);
            where = where < 0.0 ? 0.0 : where > size ? size : where;
            if (ends)
                level *= between(where, end, edge);
            if (begins)
                level *= between(start, where, edge);
            at = (int64_t)where;
            part = (float)(where - (double)at);
            at += base;
            at = at < 0 ? 0 : at < frames ? at : frames - 1;
            next = at + 1 < frames ? at + 1 : at;
            bus[n] += line_at(left, left_to, n, period) * level
                      * (pool[2 * at] + part * (pool[2 * next] - pool[2 * at]));
            bus[period + n] += line_at(right, right_to, n, period) * level
                               * (pool[2 * at + 1] + part * (pool[2 * next + 1] - pool[2 * at + 1]));
        }
        begin += speed * period;
        s[AT * most] = wraps ? start + fmod(begin - turn, end - start) : begin;
        s[FADE * most] = loops || begin < end ? after : 0.0;
        s[LATE * most] = -1.0;
        over += s[FADE * most] == 0.0;
    }
    return over;
}
