"""The additive synth, heard: what sounds is what was asked for."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from foretone.ring import Frames
from foretone.synth.engine import Engine
from foretone.synth.voice import Sound
from foretone.tape import Tape

if TYPE_CHECKING:
    from conftest import Studio

RATE, PERIOD = 48000, 128


def synth(period: int = PERIOD, **settings: object) -> Engine:
    plain = {"attack": 1, "decay": 1, "sustain": 1, "release": 50}
    return Engine(RATE, period, [Sound("synth", "additive", plain | settings)], lookahead=False, volume=1.0)


def listen(engine: Engine, seconds: float) -> Frames:
    return np.concatenate([engine.render().copy() for _ in range(round(seconds * RATE / engine.period))])


def strengths(frames: Frames, *frequencies: float) -> list[float]:
    """How strong some frequencies are in the last half second, in steps of int16."""
    sound = frames[-RATE // 2 :].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) * 4 / len(sound)
    return [float(spectrum[max(round(f / 2) - 2, 0) : round(f / 2) + 3].max()) for f in frequencies]


def loudness(frames: Frames) -> np.ndarray:
    """Root mean square of each millisecond."""
    mono = frames.astype(float).mean(axis=1)
    return np.sqrt((mono[: len(mono) // 48 * 48].reshape(-1, 48) ** 2).mean(axis=1))


def test_a_saw_has_each_harmonic_by_its_number() -> None:
    engine = synth(wave="saw", partials=16)
    engine.note("synth", 57, 1.0)
    found = strengths(listen(engine, 1.0), *(220.0 * k for k in range(1, 18)))
    for k, strength in enumerate(found[:16], start=1):
        assert strength == pytest.approx(found[0] / k, rel=0.05)
    assert found[16] < found[0] / 500, "there are sixteen"


def test_a_note_sent_by_osc_is_heard_in_a_wav(studio: Studio, tmp_path: Path) -> None:
    process, ring = studio.start(pcm="rtnull", period=1024, periods=4, voices=["strings"])
    tape = Tape(studio.ring_path, tmp_path / "out.wav")
    send = studio.sender()
    send("/foretone/synth/strings/note", 0.0, 57, 0.8)
    here = ring.status().written
    studio.until(process, lambda: ring.status().written > here + RATE)
    tape.close()
    with wave.open(str(tmp_path / "out.wav")) as wav:
        frames = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    first, between, second = strengths(frames, 220.0, 330.0, 440.0)
    assert first > 500
    assert second > first / 5
    assert between < first / 50
