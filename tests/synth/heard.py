"""Ears for the tests of voices: spectra, levels and clicks of what an engine drew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foretone.ring import Frames
from foretone.synth.engine import Engine
from foretone.synth.voice import Sound

RATE, PERIOD = 48000, 128
Numbers = npt.NDArray[np.float64]


def synth(period: int = PERIOD, **settings: object) -> Engine:
    """One additive voice called "synth", which begins and ends quickly and stays as it is between."""
    plain = {"attack": 1, "decay": 1, "sustain": 1, "release": 50}
    return Engine(RATE, period, [Sound("synth", "additive", plain | settings)], lookahead=False, volume=1.0)


def listen(engine: Engine, seconds: float) -> Frames:
    """The next so many seconds, in whole blocks."""
    return np.concatenate([engine.render().copy() for _ in range(round(seconds * RATE / engine.period))])


def strengths(frames: Frames, *frequencies: float) -> list[float]:
    """How strong sines of some frequencies are in the last half second, in steps of int16."""
    sound = frames[-RATE // 2 :].astype(float).mean(axis=1)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) * 4 / len(sound)
    return [float(spectrum[max(round(f / 2) - 2, 0) : round(f / 2) + 3].max()) for f in frequencies]


def loudest(frames: Frames) -> float:
    """The strongest frequency of the last half second, within 0.2 Hz for a steady tone."""
    sound = frames[-RATE // 2 :].astype(float).mean(axis=1)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 16 * len(sound)))
    return float(spectrum.argmax() * RATE / (16 * len(sound)))


def loudness(frames: Frames, step: int = 48) -> Numbers:
    """Root mean square of each millisecond, or of each `step` frames."""
    mono = frames.astype(float).mean(axis=1)
    levels: Numbers = np.sqrt((mono[: len(mono) // step * step].reshape(-1, step) ** 2).mean(axis=1))
    return levels


def roughest(frames: Frames) -> float:
    """How far the sound bends at its sharpest corner, of what a sine of full scale at 5 kHz does.

    A click is a corner: it stands out of music without highs.
    """
    return float(
        np.abs(np.diff(frames.astype(float), 2, axis=0)).max() / (32767 * (2 * np.pi * 5000 / RATE) ** 2)
    )
