"""A polyphonic synth of harmonic partials: MaxiInstruments' MaxiSynth, with all its parameters and more.

Each tone sums its partials, so it can be filtered exactly, in its spectrum, and has none above half the
sampling rate. All tones of all such voices are drawn in one pass, and one that does not sound costs nothing.

Level and pan, delay and reverb are the mixer's, as for every voice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from foretone.synth import kernel
from foretone.synth.energy import Energy
from foretone.synth.kernel import Kernel, address
from foretone.synth.knobs import Knobs
from foretone.synth.lfo import WAVES, Oscillators
from foretone.synth.tones import LOUDEST, ROUGH, Numbers, Tones
from foretone.synth.voice import Parameter, Samples, Sound, given, whole
from foretone.synth.wavetables import CHANGED, Wavetables

PARAMETERS = (
    Parameter("wave", 0, 5, 0, choices=(*WAVES, "own")),
    Parameter("cutoff", 40, 16000, 16000, "Hz", "exponential"),
    Parameter("resonance", 0.5, 12, 0.707, "", "exponential"),
    Parameter("attack", 0, 1500, 5, "ms", "square"),
    Parameter("decay", 0, 1500, 300, "ms", "square"),
    Parameter("sustain", 0, 1, 0.7),
    Parameter("release", 0, 1500, 200, "ms", "square"),
    Parameter("lfo_wave", 0, 4, 0, choices=WAVES),
    Parameter("lfo_rate", 0, 20, 0, "Hz"),
    Parameter("lfo_pitch", 0, 20, 0, "Hz"),
    Parameter("lfo_filter", 0, 1000, 0, "Hz"),
    Parameter("lfo_level", 0, 1, 0),
    Parameter("envelope_pitch", 0, 400, 0, "Hz", "square"),
    Parameter("envelope_filter", 0, 5000, 0, "Hz", "square"),
    Parameter("detune", 0, 50, 0, "cents"),
    Parameter("glide", 0, 500, 10, "ms", "square"),
    Parameter("poly", 0, 1, 1, choices=("mono", "poly")),
    Parameter("frequency", 20, 2000, 440, "Hz", "exponential"),
    Parameter("frequency2", 0, 2000, 0, "Hz"),
    Parameter("loudness", 0, 1, 1),
)
(WAVE, CUTOFF, RESONANCE, ATTACK, DECAY, SUSTAIN, RELEASE,
 LFO_WAVE, LFO_RATE, LFO_PITCH, LFO_FILTER, LFO_LEVEL, ENVELOPE_PITCH, ENVELOPE_FILTER,
 DETUNE, GLIDE, POLY, FREQUENCY, FREQUENCY2, LOUDNESS) = range(len(PARAMETERS))  # fmt: skip

GESTURE, SECOND = -1.0, -2.0
"""The keys of the two tones that a gesture plays, at `frequency` and, unless it is 0, `frequency2`."""

_CONTROLS = ("frequency", "cutoff", "loudness")

_STILLNESS = 0.3
"""Time constant with which a gesture fades when nothing moves, in seconds."""

_NOISY = WAVES.index("noise")


class Additive:
    """A polyphonic synth of harmonic partials.

    A gesture plays one tone, or two: its axes are the `controls`, by default frequency, cutoff and loudness.
    Where the loudness is not an axis, movement is: stillness fades.

    Settings of a sound beside the parameters: `partials` (1 to 64, default 16), `notes` (1 to 64, default 12;
    one more takes the place of the oldest) and `spectrum`, the amplitudes of the wave called "own".
    """

    PARAMETERS = PARAMETERS
    complaints: Sequence[str] = ()

    def __init__(self, rate: int, period: int, sounds: Sequence[Sound]) -> None:
        span = period / rate
        self._rate = rate
        also = ("partials", "notes", "spectrum")
        self._knobs = Knobs(PARAMETERS, [given(PARAMETERS, sound, also=also) for sound in sounds], span)
        partials = [whole(sound, "partials", 16) for sound in sounds]
        notes = [whole(sound, "notes", 12) for sound in sounds]
        wide = [2 if self._knobs.now[voice, DETUNE] else 1 for voice in range(len(sounds))]
        rows = sum(3 * count * ears for count, ears in zip(notes, wide, strict=True)) + 8
        self._tables = Wavetables(period, rows, max(partials))
        self._tones = Tones(rate, period, rows, self._tables, notes)
        self._lfo = Oscillators(len(sounds), span)
        self._energy = Energy([_STILLNESS] * len(sounds), span)
        self._by_movement = [not _turns_loudness(sound) for sound in sounds]
        self._axes: list[tuple[float, ...]] = [()] * len(sounds)
        self._shapes = np.concatenate(
            [_shapes(count, max(partials), sound) for count, sound in zip(partials, sounds, strict=True)]
        )
        self._orders = np.arange(1, max(partials) + 1, dtype=np.float32)
        self._ramp = (np.arange(1, period + 1) / period).astype(np.float32)
        self._knob = np.zeros((rows, len(PARAMETERS)))
        self._work = np.zeros((2, rows, max(partials)), np.float32)
        self._sound = np.zeros((rows, period), np.float32)
        self._line = np.zeros((rows, period), np.float32)
        self._kernel = kernel.for_blocks(period)
        self._shape = np.zeros(rows, np.int64)
        self._lie = address(self._shape), address(self._tables.turns), address(self._tables.rough)
        self._shapes_at, self._drawn_at = address(self._shapes), address(self._tables.drawn)
        self._amplitudes_at = address(self._tables.amplitudes)

    @property
    def awake(self) -> bool:
        """Whether any tone sounds."""
        return self._tones.count > 0

    def parameters(self, voice: int) -> Sequence[Parameter]:  # noqa: ARG002 -- every one has them all
        """What may be turned."""
        return PARAMETERS

    def controls(self, voice: int) -> Sequence[str]:  # noqa: ARG002 -- the same for each
        """What the axes of a gesture are where nobody chose."""
        return _CONTROLS

    def turn(self, voice: int, name: str, value: float) -> None:
        """Send a parameter on its way."""
        self._knobs.turn(voice, name, value)

    def play(self, voice: int, values: Sequence[float]) -> None:
        """A gesture; what its axes are has been turned before."""
        before = self._axes[voice]
        fits = len(before) == len(values)
        moved = max(abs(a - b) for a, b in zip(before, values, strict=True)) if fits else None
        self._axes[voice] = tuple(values)
        self._energy.move(voice, moved)
        if self._loudness(voice) > 0.0:
            self._sound_gesture(voice)

    def note(self, voice: int, key: float, velocity: float, at: int) -> None:
        """Strike a key, or release it with velocity 0, `at` frames into the next block."""
        knobs = self._knobs.target[voice]
        if velocity > 0.0:
            log2hz = math.log2(440.0) + (key - 69.0) / 12.0
            if knobs[POLY] or not self._tones.slide(voice, key, log2hz, velocity):
                self._tones.strike(voice, key, log2hz, velocity, at, detuned=knobs[DETUNE] > 0.0)
        else:
            self._tones.release(voice, key, knobs[RELEASE] / 1000, at)

    def let_go(self, voice: int) -> None:
        """Release every tone of a voice."""
        self._axes[voice] = ()
        self._energy.now[voice] = 0.0
        self._tones.release(voice, None, self._knobs.target[voice, RELEASE] / 1000)

    def clear(self) -> None:
        """Silence at once."""
        self._tones.count = 0
        self._energy.now.fill(0.0)
        self._axes = [()] * len(self._axes)

    def render(self, buses: Samples) -> None:
        """Draw the next block into `buses`, float32 [voices, 2, period]."""
        tones, knobs, count = self._tones, self._knobs, self._tones.count
        knobs.step()
        lfo = self._lfo.step(knobs.now[:, LFO_WAVE], knobs.now[:, LFO_RATE])
        self._energy.fade()
        self._follow_gestures()
        sound = self._sound[:count]
        over = True
        if self._kernel is not None:
            over = self._draw(self._kernel, count, lfo)
        else:
            self._draw_slowly(count, lfo)
        np.matmul(tones.gains[:, :count], sound, out=buses.reshape(-1, buses.shape[2]))
        if over:
            tones.bury()

    def _draw(self, library: Kernel, count: int, lfo: Numbers) -> bool:
        """The sound of the tones; whether any is over."""
        tones = self._tones
        over = tones.step(library, self._knobs.now, lfo, *self._lie)
        changed = library.filter(
            count, self._shapes.shape[1], self._shapes_at, self._lie[0], *tones.filtered, self._rate,
            self._lie[2], CHANGED, self._drawn_at, self._amplitudes_at,
        )  # fmt: skip
        self._tables.draw(count, self._sound, tones.lines, changed=bool(changed))
        tones.begin(library, self._sound)
        return over

    def _draw_slowly(self, count: int, lfo: Numbers) -> None:
        """The same sound in numpy."""
        tones, knobs = self._tones, self._knobs
        voice = tones.voice[:count]
        knob = self._knob[:count]
        np.take(knobs.now, voice, axis=0, out=knob, mode="clip")
        swing = lfo[voice]
        envelope = tones.envelope(knob[:, ATTACK], knob[:, DECAY], knob[:, SUSTAIN])
        hertz = tones.pitch(knob[:, GLIDE])
        hertz += knob[:, LFO_PITCH] * swing + knob[:, ENVELOPE_PITCH] * envelope
        hertz *= np.exp2(tones.ear[:count] * knob[:, DETUNE] / 1200.0)
        noisy = knob[:, WAVE] == _NOISY
        np.minimum(np.maximum(hertz, 1.0, out=hertz), 0.45 * self._rate, out=hertz)
        np.copyto(hertz, self._rate / ROUGH, where=noisy)
        np.divide(hertz, self._rate, out=self._tables.turns[:count])
        self._tables.rough[:count] = noisy
        cutoff = knob[:, CUTOFF] + knob[:, LFO_FILTER] * swing + knob[:, ENVELOPE_FILTER] * envelope
        shape = (voice * (len(WAVES) + 1) + knob[:, WAVE]).astype(np.intp)
        self._filter(count, hertz, shape, np.maximum(cutoff, 20.0), knob[:, RESONANCE])
        levels = envelope * (1.0 - knob[:, LFO_LEVEL] * (0.5 - 0.5 * swing)) * LOUDEST
        sound, line = self._sound[:count], self._line[:count]
        self._tables.draw(count, self._sound)
        tones.levels(levels, self._ramp, line)
        np.multiply(sound, line, out=sound)

    def _filter(
        self, count: int, hertz: Numbers, shape: npt.NDArray[np.intp], cutoff: Numbers, resonance: Numbers
    ) -> None:
        """Weigh the partials by a resonant low-pass of two poles, and by being below half the rate.

        |H|^2 = 1 / ((1 - x)^2 + x / Q^2) with x = (f / cutoff)^2, the analogue prototype's response.
        """
        amplitudes, (ratio, work) = self._tables.amplitudes[:count], self._work[:, :count]
        np.take(self._shapes, shape, axis=0, out=amplitudes, mode="clip")
        np.multiply(hertz[:, None].astype(np.float32), self._orders, out=ratio)
        np.multiply(ratio, -20.0 / self._rate, out=work)
        np.add(work, 10.0, out=work)
        np.clip(work, 0.0, 1.0, out=work)
        np.multiply(amplitudes, work, out=amplitudes)
        np.divide(ratio, cutoff[:, None].astype(np.float32), out=ratio)
        np.multiply(ratio, ratio, out=ratio)
        np.subtract(1.0, ratio, out=work)
        np.multiply(work, work, out=work)
        np.multiply(ratio, (1.0 / resonance**2)[:, None].astype(np.float32), out=ratio)
        np.add(work, ratio, out=work)
        np.sqrt(work, out=work)
        np.divide(amplitudes, work, out=amplitudes)

    def _loudness(self, voice: int) -> float:
        energy = float(self._energy.now[voice]) if self._by_movement[voice] else 1.0
        return energy * float(self._knobs.target[voice, LOUDNESS])

    def _sound_gesture(self, voice: int) -> None:
        knobs = self._knobs.target[voice]
        for key, hertz in ((GESTURE, knobs[FREQUENCY]), (SECOND, knobs[FREQUENCY2])):
            if hertz >= 1.0 and not self._tones.sounds(voice, key):
                loudness = self._loudness(voice)
                self._tones.strike(voice, key, math.log2(hertz), loudness, 0, detuned=knobs[DETUNE] > 0.0)

    def _follow_gestures(self) -> None:
        """The tones of gestures go where their axes are, and end with their loudness."""
        for voice, axes in enumerate(self._axes):
            if not axes:
                continue
            knobs, loudness = self._knobs.target[voice], self._loudness(voice)
            for key, hertz in ((GESTURE, knobs[FREQUENCY]), (SECOND, knobs[FREQUENCY2])):
                if loudness == 0.0 or hertz < 1.0:
                    self._tones.release(voice, key, knobs[RELEASE] / 1000)
                else:
                    self._tones.aim(voice, key, math.log2(hertz), loudness)


def _turns_loudness(sound: Sound) -> bool:
    return any(control.split(" ")[0] == "loudness" for control in sound.controls or _CONTROLS)


def _shapes(count: int, room: int, sound: Sound) -> Samples:
    """The amplitudes of `count` partials for each wave, of equal power, in a row with room for more."""
    own = sound.settings.get("spectrum", [1.0])
    if not isinstance(own, list) or not own or not all(isinstance(a, int | float) and a >= 0 for a in own):
        raise ValueError(f"spectrum must be amplitudes, 0 or more, from the lowest partial up, not {own!r}")
    order = np.arange(1, count + 1)
    odd = order % 2
    shapes = np.zeros((len(WAVES) + 1, room))
    shapes[0, 0] = 1.0
    shapes[1, :count] = odd * (2.0 - order % 4) / order**2
    shapes[2, :count] = 1.0 / order
    shapes[3, :count] = odd / order
    shapes[4, :count] = 1.0
    shapes[5, : len(own)] = own[:count]
    power = np.sqrt((shapes**2).sum(axis=1, keepdims=True) / 2)
    shapes /= np.maximum(power, 1e-9)
    return shapes.astype(np.float32)
