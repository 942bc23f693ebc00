"""The additive synth, heard: what sounds is what was asked for."""

from __future__ import annotations

import math
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from synth_heard import PERIOD, RATE, listen, loudest, loudness, roughest, strengths, synth

from foretone.errors import SoundError
from foretone.synth.engine import Engine
from foretone.synth.voice import Sound
from foretone.tape import Tape

if TYPE_CHECKING:
    from conftest import Studio


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


WAVES = {
    "sine": lambda k: float(k == 1),
    "triangle": lambda k: k % 2 / k**2,
    "saw": lambda k: 1 / k,
    "square": lambda k: k % 2 / k,
    "own": lambda k: {1: 1.0, 3: 0.5, 4: 0.25}.get(k, 0.0),
}


@pytest.mark.parametrize("wave", WAVES)
def test_each_wave_has_its_harmonics(wave: str) -> None:
    engine = synth(wave=wave, partials=12, spectrum=[1, 0, 0.5, 0.25])
    engine.note("synth", 57, 1.0)
    found = strengths(listen(engine, 1.0), *(220.0 * k for k in range(1, 14)))
    for k, strength in enumerate(found, start=1):
        expected = WAVES[wave](k) if k <= 12 else 0.0
        assert strength / found[0] == pytest.approx(expected, rel=0.05, abs=0.002)


def test_the_waves_are_equally_loud() -> None:
    levels = []
    for shape in ("sine", "triangle", "saw", "square", "noise"):
        engine = synth(wave=shape)
        engine.note("synth", 57, 1.0)
        levels.append(loudness(listen(engine, 0.5), 24000)[-1])
    assert max(levels) < 1.7 * min(levels)


@pytest.mark.parametrize("key", [21, 69, 108])
def test_a_key_has_its_pitch(key: int) -> None:
    engine = synth()
    engine.note("synth", key, 1.0)
    assert loudest(listen(engine, 1.0)) == pytest.approx(440 * 2 ** ((key - 69) / 12), abs=0.2)


def test_nothing_is_reflected_at_half_the_rate() -> None:
    """High keys of a saw lose the partials that there is no room for; the rest is theirs alone."""
    engine = synth(wave="saw", partials=64)
    engine.note("synth", 103, 1.0)
    frames = listen(engine, 1.0)
    hertz = 440 * 2 ** ((103 - 69) / 12)
    sound = frames[-RATE // 2 :].astype(float).mean(axis=1)
    power = np.abs(np.fft.rfft(sound * np.blackman(len(sound)))) ** 2
    at = np.fft.rfftfreq(len(sound), 1 / RATE)
    near = np.abs(at / hertz - np.maximum(np.round(at / hertz), 1)) * hertz < 12
    assert power[~near].sum() < 1e-6 * power[near].sum(), "60 dB below it"


@pytest.mark.parametrize(("cutoff", "resonance"), [(400, 0.707), (1000, 8), (2500, 2)])
def test_the_filter_is_the_one_of_the_books(cutoff: float, resonance: float) -> None:
    engine = synth(wave="own", partials=16, spectrum=[1] * 16, cutoff=cutoff, resonance=resonance, level=0.3)
    engine.note("synth", 57, 1.0)
    plain = synth(wave="own", partials=16, spectrum=[1] * 16, level=0.3)
    plain.note("synth", 57, 1.0)
    at = [220.0 * k for k in range(1, 17)]
    filtered, unfiltered = (strengths(listen(each, 1.0), *at) for each in (engine, plain))
    for hertz, after, before in zip(at, filtered, unfiltered, strict=True):
        x = (hertz / cutoff) ** 2
        y = (hertz / 16000) ** 2
        opened = 1 / math.sqrt((1 - y) ** 2 + y / 0.707**2)
        assert after / before * opened == pytest.approx(
            1 / math.sqrt((1 - x) ** 2 + x / resonance**2), rel=0.08, abs=0.01
        )


def test_the_envelope_takes_its_times() -> None:
    engine = synth(attack=100, decay=200, sustain=0.4, release=150)
    engine.note("synth", 81, 1.0)
    held = loudness(listen(engine, 0.5))
    top = held.max()
    assert 95 <= held.argmax() <= 106
    assert held[50] == pytest.approx(top / 2, rel=0.05)
    assert held[290:480].mean() == pytest.approx(0.4 * top, rel=0.04)
    engine.note("synth", 81, 0.0)
    ending = loudness(listen(engine, 0.4))
    assert ending[75] == pytest.approx(0.4 * top / 4, rel=0.15), "half of the time, a quarter of the level"
    assert ending[100] > 0
    assert ending[157:].max() == 0.0
    assert engine.silent


@pytest.mark.parametrize("period", [64, 128, 512])
def test_a_note_begins_at_its_frame_within_the_block(period: int) -> None:
    for at in (0.0, 0.25, 0.9):
        engine = synth(period, attack=0)
        engine.note("synth", 93, 1.0, at)
        first = np.flatnonzero(np.abs(listen(engine, 0.05).astype(int)).max(axis=1) > 50)[0]
        assert int(at * period) <= first <= int(at * period) + 8


def test_velocity_and_level_are_loudness() -> None:
    levels = []
    for velocity, level in ((1.0, 1.0), (0.5, 1.0), (1.0, 0.25)):
        engine = synth(level=level)
        engine.note("synth", 69, velocity)
        levels.append(loudness(listen(engine, 0.3), 4800)[-1])
    assert levels[1] == pytest.approx(levels[0] / 2, rel=0.02)
    assert levels[2] == pytest.approx(levels[0] / 4, rel=0.02)


def swing(values: np.ndarray, rate: float, step: float) -> float:
    """How much of a series swings at a rate, of its mean; one value each `step` seconds."""
    spectrum = np.abs(np.fft.rfft(values - values.mean()) * 2 / len(values))
    return float(spectrum[round(rate * step * len(values))] / values.mean())


def pitches(frames: np.ndarray) -> np.ndarray:
    """The frequency in each 20 ms of a sine, from its zero crossings."""
    mono = frames.astype(float).mean(axis=1)
    up = np.flatnonzero((mono[:-1] < 0) & (mono[1:] >= 0))
    exact = up + mono[up] / (mono[up] - mono[up + 1])
    return np.interp(np.arange(0, len(mono), 960), exact[1:], RATE / np.diff(exact))


def test_the_lfo_sways_level_pitch_and_filter() -> None:
    engine = synth(lfo_rate=5, lfo_level=0.6)
    engine.note("synth", 81, 1.0)
    levels = loudness(listen(engine, 2.2), 480)[20:220]
    assert swing(levels, 5, 0.01) == pytest.approx(0.3 / 0.7, rel=0.05)

    engine = synth(lfo_rate=4, lfo_pitch=20)
    engine.note("synth", 69, 1.0)
    hertz = pitches(listen(engine, 2.2))[5:105]
    assert hertz.mean() == pytest.approx(440, rel=0.003)
    assert swing(hertz, 4, 0.02) == pytest.approx(20 / 440, rel=0.1)

    engine = synth(lfo_rate=4, lfo_filter=300, cutoff=440, resonance=2)
    engine.note("synth", 69, 1.0)
    assert swing(loudness(listen(engine, 2.2), 480)[20:220], 4, 0.01) > 0.2


@pytest.mark.parametrize("wave", ["triangle", "saw", "square", "noise"])
def test_every_lfo_wave_sways(wave: str) -> None:
    engine = synth(lfo_rate=4, lfo_level=1, lfo_wave=wave)
    engine.note("synth", 81, 1.0)
    levels = loudness(listen(engine, 2.0), 480)[10:]
    assert levels.min() < 0.6 * levels.max()
    assert roughest(listen(engine, 1.0)) < 0.1


def test_the_envelope_bends_pitch_and_opens_the_filter() -> None:
    engine = synth(envelope_pitch=200, decay=300, sustain=0)
    engine.note("synth", 69, 1.0)
    hertz = pitches(listen(engine, 0.3))
    assert hertz[2] > 540
    assert hertz[-2] < 460
    engine = synth(wave="saw", cutoff=200, envelope_filter=4000, decay=200, sustain=0.1)
    engine.note("synth", 57, 1.0)
    begins, later = listen(engine, 0.05), listen(engine, 0.5)
    assert roughest(begins) > 5 * roughest(later[-4800:])


def test_detuned_ears_beat_against_each_other() -> None:
    engine = synth(detune=20)
    engine.note("synth", 69, 1.0)
    frames = listen(engine, 1.0)
    left, right = loudest(frames[:, [0, 0]]), loudest(frames[:, [1, 1]])
    assert 1200 * math.log2(right / left) == pytest.approx(20, abs=1.5)


def test_mono_slides_from_key_to_key_in_one_tone() -> None:
    engine = synth(poly="mono", glide=60)
    engine.note("synth", 57, 1.0)
    listen(engine, 0.2)
    engine.note("synth", 69, 1.0)
    hertz = pitches(listen(engine, 0.6))
    assert 230 < hertz[2] < 400
    assert hertz[-3] == pytest.approx(440, abs=1)
    engine.note("synth", 69, 0.0)
    listen(engine, 0.2)
    assert engine.silent


def test_polyphony_takes_the_oldest_tone_without_a_click() -> None:
    engine = synth(notes=4, attack=20, release=300)
    keys = [57, 60, 64, 67]
    for key in keys:
        engine.note("synth", key, 0.6)
    before = listen(engine, 0.6)
    engine.note("synth", 72, 0.6)
    stolen = listen(engine, 0.6)
    hertz = [440 * 2 ** ((key - 69) / 12) for key in (*keys, 72)]
    assert strengths(before, *hertz)[0] > 1000
    after = strengths(stolen, *hertz)
    assert after[0] < 10, "the first one went"
    assert min(after[1:]) > 1000
    assert roughest(stolen[:4800]) < 1.6 * roughest(before[-4800:])


def test_a_flood_of_notes_clicks_no_more_than_a_few() -> None:
    """Ten new notes a block, each in the place of another: as rough as chords are, and then it ends."""
    engine = synth(notes=8, attack=5, level=0.5)
    chord = synth(notes=8, attack=5, level=0.5)
    heard = []
    for block in range(200):
        for number in range(10):
            engine.note("synth", 40 + (7 * block + 5 * number) % 40, 0.5)
        heard.append(engine.render().copy())
    for number in range(8):
        chord.note("synth", 72 + number, 0.5)
    assert roughest(np.concatenate(heard)) < 6 * roughest(listen(chord, 0.3)), "three times as many sound"
    engine.let_go("synth")
    listen(engine, 0.2)
    assert engine.silent


def test_a_gesture_is_pitch_brightness_and_loudness() -> None:
    engine = synth(wave="saw")

    def hold(*values: float) -> tuple[float, list[float]]:
        engine.play("synth", values)
        frames = listen(engine, 1.0)
        hertz = loudest(frames)
        return hertz, strengths(frames, hertz, 3 * hertz)

    hertz, (first, third) = hold(0.5, 1.0, 0.8)
    assert hertz == pytest.approx(200, rel=0.01), "20 to 2000 Hz, in equal ratios"
    dark = hold(0.5, 0.3, 0.8)[1]
    assert dark[1] / dark[0] < third / first / 2
    soft = hold(0.5, 1.0, 0.2)[1]
    assert soft[0] == pytest.approx(first / 4, rel=0.05)
    engine.let_go("synth")
    listen(engine, 0.2)
    assert engine.silent


def test_without_a_loudness_axis_stillness_fades() -> None:
    sound = Sound("synth", "additive", {"release": 50}, controls=("frequency", "cutoff"))
    engine = Engine(RATE, PERIOD, [sound])
    engine.play("synth", (0.5, 0.5))
    assert loudness(listen(engine, 0.1)).max() > 300
    for step in range(20):
        engine.play("synth", (0.5 + step / 100, 0.5))
        moving = listen(engine, 0.05)
    assert loudness(moving).max() > 600
    listen(engine, 3.5)
    assert engine.silent


def test_two_frequencies_make_two_tones() -> None:
    engine = synth(frequency2=300)
    engine.play("synth", (0.5, 1.0, 1.0))
    assert min(strengths(listen(engine, 1.0), 200, 300)) > 1000
    engine.turn("synth", "frequency2", 0)
    listen(engine, 0.2)
    one, two = strengths(listen(engine, 1.0), 200, 300)
    assert two < one / 300


MOVES = {
    "cutoff": (300, 16000),
    "level": (1, 0.1),
    "pan": (0.5, 1),
    "mute": (0, 1),
    "detune": (0, 50),
    "delay_mix": (0, 0.7),
    "delay": (300, 100),
    "reverb": (0, 0.5),
    "room": (1.5, 0),
    "wave": (2, 1),
    "frequency": (110, 220),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_parameter_moves_without_a_step(name: str) -> None:
    engine = synth(wave="saw", frequency=110, delay_mix=0.3, reverb=0.2, detune=10, level=0.4)
    engine.places["synth"] = engine.places["synth"]._replace(controls=())
    engine.play("synth", (0.5,))
    engine.turn("synth", "loudness", 0.7)
    listen(engine, 1.0)
    here = roughest(listen(engine, 0.1))
    for value in MOVES[name]:
        engine.turn("synth", name, value)
        moving = roughest(listen(engine, 0.1))
        listen(engine, 0.8)
        there = roughest(listen(engine, 0.1))
        assert moving < 1.5 * max(here, there)
        here = there


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"cutof": 100}, "'cutof' is no parameter"),
        ({"wave": "cosine"}, "wave must be sine"),
        ({"attack": "slow"}, "attack must be a number, 0 to 1500 ms"),
        ({"partials": 0}, "partials must be a whole number"),
        ({"spectrum": [-1]}, "spectrum must be amplitudes"),
    ],
)
def test_a_wrong_sound_is_told_in_a_sentence(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(SoundError, match=sentence):
        Engine(RATE, PERIOD, [Sound("synth", "additive", settings)])


@pytest.mark.parametrize("frame", [32, 64, 100])
def test_a_release_begins_at_its_frame(frame: int) -> None:
    """It is as if it had been released so much later."""
    ends = []
    for at in (0.0, frame / PERIOD):
        engine = synth(release=100)
        engine.note("synth", 69, 1.0)
        listen(engine, 0.3)
        engine.note("synth", 69, 0.0, at)
        ends.append(loudness(listen(engine, 0.2)[PERIOD:], PERIOD))
    earlier, later = (np.sqrt(levels[levels > 30]) for levels in ends)
    count = min(len(earlier), len(later))
    # The fade is a parabola, so its root is a line, which is so many frames behind.
    behind = (later[:count] - earlier[:count]).mean() / -np.diff(earlier).mean() * PERIOD
    assert behind == pytest.approx(frame, abs=4)
