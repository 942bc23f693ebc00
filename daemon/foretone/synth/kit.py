"""The drum sounds that are shipped, and how to make them again: `python -m foretone.synth.kit DIR`.

Each is a few lines of arithmetic with a seed, mono, 48 kHz, 16 bits: a sine that falls for what is beaten,
noise between two frequencies for what rattles, both for the snare.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 48000
Sound = npt.NDArray[np.float64]


def kit() -> dict[str, Sound]:
    """Every sound by its name: floats -1..1."""
    hit = _clock(0.2)
    claps = sum(
        np.where(hit > start, np.exp(-np.maximum(hit - start, 0) / 0.006), 0) for start in (0, 0.011, 0.023)
    )
    square = [np.sign(np.sin(2 * np.pi * hertz * _clock(0.3))) for hertz in (562, 845)]
    cow = square[0] + square[1]
    return {
        "kick": _ended(_fall(150, 46, 0.03, 0.35) * _decay(0.35, 0.1)),
        "snare": _ended(
            0.5 * _fall(260, 180, 0.02, 0.25) * _decay(0.25, 0.05)
            + _noise(1, 1200, 9000, 0.25) * _decay(0.25, 0.07)
        ),
        "clap": _ended(_noise(2, 900, 4000, 0.2) * (claps + 0.6 * np.exp(-hit / 0.05))),
        "hat": _ended(_noise(3, 6000, 16000, 0.09) * _decay(0.09, 0.018)),
        "open": _ended(_noise(4, 6000, 16000, 0.4) * _decay(0.4, 0.12)),
        "tom": _ended(_fall(190, 105, 0.05, 0.35) * _decay(0.35, 0.11)),
        "rim": _ended(_fall(1700, 1650, 0.01, 0.05) * _decay(0.05, 0.009)),
        "bell": _ended(_band(cow, 400, 5000) * _decay(0.3, 0.07)),
    }


def render(folder: Path) -> None:
    """Write every sound as a FLAC file."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in kit().items():
        soundfile.write(folder / f"{name}.flac", np.rint(sound * 32767).astype(np.int16), RATE)


def _clock(seconds: float) -> Sound:
    return np.arange(round(seconds * RATE)) / RATE


def _decay(seconds: float, constant: float) -> Sound:
    fallen: Sound = np.exp(-_clock(seconds) / constant)
    return fallen


def _fall(begin: float, end: float, constant: float, seconds: float) -> Sound:
    """A sine that falls from one frequency to another."""
    hertz = end + (begin - end) * np.exp(-_clock(seconds) / constant)
    beaten: Sound = np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    return beaten


def _noise(seed: int, low: float, high: float, seconds: float) -> Sound:
    return _band(np.random.default_rng(seed).standard_normal(round(seconds * RATE)), low, high)


def _band(sound: Sound, low: float, high: float) -> Sound:
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    passed = np.fft.irfft(spectrum * ((hertz > low) & (hertz < high)), len(sound))
    loudest: Sound = passed / np.abs(passed).max()
    return loudest


def _ended(sound: Sound) -> Sound:
    """At 0.9 of full scale, and down to nothing over the last 10 ms."""
    fade = np.minimum(1.0, np.arange(len(sound))[::-1] / (0.01 * RATE))
    whole: Sound = 0.9 * fade * sound / np.abs(sound).max()
    return whole


if __name__ == "__main__":
    render(Path(sys.argv[1]))
