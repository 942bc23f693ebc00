"""Known tones, noise and clicks: what is said of them is so."""

import math

import numpy as np
import pytest

pytest.importorskip("aubio", reason="needs aubio")

from foretone.hearing.analysis import Analysis

RATES = pytest.mark.parametrize("rate", [44100, 48000])
RANDOM = np.random.default_rng(1)


def frames(rate, sound):
    """What is heard of a sound, frame by frame, at 0.01 s, 0.02 s and so on."""
    analysis, size = Analysis(rate), rate // 100
    sound = np.asarray(sound, np.float32)
    return [
        analysis.hear(sound[size * n : size * (n + 1)], (n + 1) / 100, n) for n in range(len(sound) // size)
    ]


def tone(rate, hertz, seconds=0.5, partials=1, gain=0.3):
    t = np.arange(int(rate * seconds)) / rate
    most = min(partials, int(rate / 2 / hertz))
    return gain * sum(np.sin(2 * np.pi * k * hertz * t + k) / k for k in range(1, most + 1))


@RATES
@pytest.mark.parametrize("partials", [1, 20], ids=["sine", "saw"])
@pytest.mark.parametrize("hertz", [55.0, 82.4, 110.0, 196.0, 261.6, 440.0, 659.3, 987.8, 1318.5, 1760.0])
def test_a_pitch_is_within_five_cents(rate, hertz, partials):
    heard = frames(rate, tone(rate, hertz, partials=partials))[8:]
    cents = [1200 * math.log2(each.pitch / hertz) for each in heard]
    assert max(map(abs, cents)) < 5


@RATES
def test_level_centroid_and_flatness_of_a_sine(rate):
    for each in frames(rate, tone(rate, 1000.0, gain=0.5))[8:]:
        assert each.level == pytest.approx(20 * math.log10(0.5) - 3.01, abs=0.1)
        assert each.centroid == pytest.approx(1000, rel=0.02)
        assert each.flatness < -60


@RATES
def test_noise_is_flat_bright_and_without_pitch(rate):
    heard = frames(rate, 0.1 * RANDOM.normal(size=rate))[5:]
    assert np.mean([each.level for each in heard]) == pytest.approx(-20, abs=0.3)
    assert np.mean([each.centroid for each in heard]) == pytest.approx(rate / 4, rel=0.03)
    assert all(-4 < each.flatness < -1.5 for each in heard)
    assert sum(each.pitch > 0 for each in heard) < 0.02 * len(heard)


def test_silence_is_silent_and_a_card_s_offset_is_no_sound():
    assert {(each.level, each.pitch, each.onset) for each in frames(48000, np.zeros(48000))} == {
        (-120.0, 0.0, False)
    }
    sound = tone(48000, 440.0, gain=0.01) + 0.1
    assert frames(48000, sound)[-1].centroid == pytest.approx(440, rel=0.05)


def strokes(rate, kind, count=24):
    """A sound that begins again and again, over a little noise, and when, in seconds."""
    sound = 3e-4 * RANDOM.normal(size=rate * (count // 2 + 1))
    begins, t = [], np.arange(rate // 5) / rate
    for number in range(count):
        at = int(rate * (0.5 + 0.45 * number + RANDOM.uniform(0, 0.1)))
        hertz = 110 * 2 ** RANDOM.uniform(0, 3)
        ending = np.minimum(1, (t[-1] - t) / 0.01)
        each = {
            "click": 0.5 * (t < 0.001),
            "noise": 0.2 * RANDOM.normal(size=len(t)) * ending,
            "pluck": sum(0.3 / k * np.sin(2 * np.pi * k * hertz * t) for k in range(1, 8)) * np.exp(-15 * t),
            "blown": 0.3 * np.sin(2 * np.pi * hertz * t) * np.minimum(1, t / 0.02) * ending,
        }[kind]
        sound[at : at + len(t)] += each
        begins.append(at / rate)
    return sound, begins


@RATES
@pytest.mark.parametrize("kind", ["click", "noise", "pluck", "blown"])
def test_onsets_are_told_on_time_each_once(rate, kind):
    sound, begins = strokes(rate, kind)
    told = [each.time for each in frames(rate, sound) if each.onset]
    late = [min((at - begin for at in told if at > begin), default=9.0) for begin in begins]
    assert max(late) < 0.03, "two frames and what aubio needs"
    assert len(told) <= len(begins) + 1, "the noise begins, too"


def test_a_frame_says_what_it_was_told():
    heard = frames(48000, np.zeros(4800))
    assert [each.time for each in heard] == [n / 100 for n in range(1, 11)]
    assert [each.lost for each in heard] == list(range(10))
