"""What the engine sounds like, in numbers."""

from __future__ import annotations

import math
import random
import tracemalloc

import numpy as np
import pytest

from foretone.ring import Frames
from foretone.synth.engine import Engine
from foretone.synth.limiter import CEILING

RATE = 48000


def listen(engine: Engine, seconds: float, period: int) -> Frames:
    return np.concatenate([engine.render().copy() for _ in range(math.ceil(seconds * RATE / period))])


def swing(engine: Engine, seconds: float, period: int, voice: str = "player", speed: float = 3.0) -> Frames:
    """Move one voice up and down, a gesture for each block."""
    heard = []
    for block in range(math.ceil(seconds * RATE / period)):
        engine.play(voice, (0.5 + 0.45 * math.sin(speed * block * period / RATE),))
        heard.append(engine.render().copy())
    return np.concatenate(heard)


def hold(engine: Engine, voice: str, place: float, seconds: float, period: int = 128) -> Frames:
    """Tremble so slightly around a place that the voice goes on sounding there."""
    heard = []
    for block in range(math.ceil(seconds * RATE / period)):
        engine.play(voice, (place + 1e-6 * (block % 2),))
        heard.append(engine.render().copy())
    return np.concatenate(heard)


def spectrum(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    mono = frames.astype(float).sum(axis=1)[-RATE // 2 :]
    power = np.abs(np.fft.rfft(mono * np.hanning(len(mono))))
    return np.fft.rfftfreq(len(mono), 1 / RATE), power


def partial(frames: Frames, frequency: float) -> float:
    """How strong the sound is around a frequency, +-2 %."""
    at, power = spectrum(frames)
    return float(power[(at > frequency * 0.98) & (at < frequency * 1.02)].max())


def fundamental(frames: Frames) -> float:
    at, power = spectrum(frames)
    peaks = (power[1:-1] > power[:-2]) & (power[1:-1] > power[2:]) & (power[1:-1] > power.max() / 30)
    return float(at[1 + np.flatnonzero(peaks)[0]])


def test_no_gesture_is_digital_silence() -> None:
    engine = Engine(RATE, 128)
    engine.let_go("player")
    engine.rest()
    assert not listen(engine, 0.5, 128).any()
    assert engine.silent
    assert engine.render() is engine.render(), "silence is not drawn again"


def test_the_same_gestures_give_the_same_samples() -> None:
    once, again = (swing(Engine(RATE, 64), 0.5, 64) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once.any()


@pytest.mark.parametrize("lookahead", [True, False])
@pytest.mark.parametrize("period", [32, 128, 1024])
def test_no_value_comes_out_above_the_ceiling(period: int, lookahead: bool) -> None:
    random_ = random.Random(period)
    values = (0.0, 1.0, 0.5, 1e9, -1e9, math.nan, math.inf, -math.inf, 1e-320)
    engine = Engine(RATE, period, lookahead=lookahead, volume=1.0)
    peak = 0
    for _ in range(60_000 // period):
        for voice in ("player", "model"):
            engine.play(voice, tuple(random_.choice(values) for _ in range(random_.randint(1, 5))))
        if random_.random() < 0.02:
            engine.volume = random_.choice((1.0, math.nan, 5.0))
        peak = max(peak, int(np.abs(engine.render().astype(int)).max()))
    assert peak <= CEILING < 32767 * 10 ** (-1 / 20) + 1e-9


@pytest.mark.parametrize("lookahead", [True, False])
def test_the_limiter_works_at_full_strength(lookahead: bool) -> None:
    engine, loudest, flat = Engine(RATE, 128, lookahead=lookahead, volume=1.0), 0, 0
    for block in range(2000):
        engine.play("player", (block % 2, 1.0))
        engine.play("model", ((block + 1) % 2, 1.0))
        height = np.abs(engine.render().astype(int))
        top = height >= CEILING
        loudest, flat = max(loudest, int(height.max())), flat + int((top[3:] & top[2:-1] & top[1:-2]).sum())
    assert 0.97 * CEILING < loudest <= CEILING
    assert flat == 0 or not lookahead, "with look-ahead it turns down, it does not cut"


@pytest.mark.parametrize("period", [64, 128, 512])
def test_nothing_clicks(period: int) -> None:
    """At the seams of blocks the sound bends no more than within them: start, jump, volume, release."""
    engine = Engine(RATE, period)
    heard = [swing(engine, 0.3, period)]
    engine.volume = 0.1
    heard.append(swing(engine, 0.2, period))
    engine.volume = 1.0
    for place in (0.0, 1.0, 0.2, 0.9):
        engine.play("player", (place,))
        engine.play("model", (1.0 - place,))
        heard.append(listen(engine, 0.1, period))
    engine.rest()
    heard.append(listen(engine, 0.3, period))
    sound = np.concatenate(heard).astype(float)
    assert np.abs(np.diff(sound, axis=0)).max() < 0.2 * 32767
    bend = np.abs(np.diff(sound, 2, axis=0)).max(axis=1)
    at = np.arange(len(bend))
    seam = (at % period >= period - 2) | (at % period == 0)
    assert bend[seam].max() < 1.3 * bend[~seam].max()
    # Where it is quiet a click would stand alone.
    quiet = np.flatnonzero(np.abs(sound).max(axis=1) < 300)
    quiet = quiet[(quiet > 2) & (quiet < len(bend))]
    assert bend[quiet].max() < 0.02 * 32767


def test_a_touch_and_a_release_take_their_time_whatever_the_period() -> None:
    """A level that jumps within a block is heard as a click, even where no sample steps."""
    for period in (32, 128):
        engine = Engine(RATE, period, lookahead=False)
        engine.play("player", (0.9,))
        touch = np.abs(listen(engine, 0.05, period).astype(int)).max(axis=1)
        assert touch[: RATE // 1000].max() < 0.3 * touch.max()
        swing(engine, 0.5, period)
        before = np.abs(hold(engine, "player", 0.9, 0.02, period).astype(int)).max()
        engine.let_go("player")
        after = np.abs(listen(engine, 0.05, period).astype(int)).max(axis=1)
        assert after[RATE // 500 : RATE // 200].max() > 0.3 * before, "2 to 5 ms later it still sounds"


@pytest.mark.parametrize("lookahead", [True, False])
def test_letting_go_is_over_in_50_ms(lookahead: bool) -> None:
    engine = Engine(RATE, 128, lookahead=lookahead)
    before = np.abs(swing(engine, 0.5, 128).astype(int)).max()
    engine.let_go("player")
    after = np.abs(listen(engine, 1.0, 128).astype(int)).max(axis=1)
    late = int(0.05 * RATE) + 128 * (1 + lookahead)
    assert after[late:].max() < before / 500
    assert not after[int(0.12 * RATE) :].any()
    assert engine.silent


def test_stillness_fades_in_about_a_second_and_then_costs_nothing() -> None:
    engine = Engine(RATE, 128)
    loud = np.abs(swing(engine, 0.5, 128).astype(int)).max()
    still = np.abs(listen(engine, 3.0, 128).astype(int)).max(axis=1)
    assert still[: RATE // 10].max() > loud / 4
    assert still[RATE:].max() < loud / 20
    assert not still[int(2.5 * RATE) :].any()
    assert engine.silent


def test_a_wide_movement_is_louder_than_a_small_one() -> None:
    peaks = []
    for step in (0.02, 0.2, 0.8):
        engine = Engine(RATE, 128)
        engine.play("player", (0.1,))
        listen(engine, 3.0, 128)
        engine.play("player", (0.1 + step,))
        peaks.append(int(np.abs(listen(engine, 0.1, 128).astype(int)).max()))
    assert peaks[0] * 2 < peaks[1] < peaks[2]


def test_the_model_is_an_octave_below_and_hollow() -> None:
    player = hold(Engine(RATE, 128), "player", 0.5, 1.0)
    model = hold(Engine(RATE, 128), "model", 0.5, 1.0)
    middle = 440 * 2 ** (-2 / 12)  # G above middle C
    assert fundamental(player) == pytest.approx(middle, rel=0.01)
    assert fundamental(model) == pytest.approx(middle / 2, rel=0.03)
    assert partial(player, 2 * middle) > 0.1 * partial(player, middle)
    assert partial(model, 2 * middle / 2) < 0.01 * partial(model, middle / 2)
    assert partial(model, 3 * middle / 2) > 0.1 * partial(model, middle / 2)


def test_the_first_axis_spans_two_octaves_and_brightens() -> None:
    low = hold(Engine(RATE, 128), "player", 0.0, 1.0)
    high = hold(Engine(RATE, 128), "player", 1.0, 1.0)
    assert fundamental(high) / fundamental(low) == pytest.approx(4.0, rel=0.02)
    # Relative to the fundamental, the high end has more above it.
    ratio = [partial(s, 3 * fundamental(s)) / partial(s, fundamental(s)) for s in (low, high)]
    assert ratio[1] > 2 * ratio[0]


def test_the_player_sounds_left_and_the_model_right() -> None:
    for voice, louder in (("player", 0), ("model", 1)):
        ears = np.square(swing(Engine(RATE, 128), 0.5, 128, voice).astype(float)).sum(axis=0)
        assert 1.3 < ears[louder] / ears[1 - louder] < 6


def test_a_second_and_a_third_axis_brighten_and_soften() -> None:
    def play(*rest: float) -> Frames:
        engine = Engine(RATE, 128)
        heard = []
        for block in range(375):
            engine.play("player", (0.5 + 1e-6 * (block % 2), *rest))
            heard.append(engine.render().copy())
        return np.concatenate(heard)

    dark, bright = play(0.0, 1.0), play(1.0, 1.0)
    assert partial(bright, 3 * 392.0) > 3 * partial(dark, 3 * 392.0)
    soft = play(0.0, 0.25)
    assert np.abs(soft).max() == pytest.approx(np.abs(dark).max() / 4, rel=0.1)


def test_volume_nothing_is_silence() -> None:
    engine = Engine(RATE, 128)
    swing(engine, 0.2, 128)
    engine.volume = 0.0
    assert not swing(engine, 0.5, 128)[-RATE // 4 :].any()


def test_lookahead_is_a_period_of_delay_and_else_the_same() -> None:
    prompt = swing(Engine(RATE, 128, lookahead=False), 0.3, 128)
    late = swing(Engine(RATE, 128, lookahead=True), 0.3, 128)
    np.testing.assert_array_equal(late[128:], prompt[:-128])


def test_what_is_no_number_moves_nothing() -> None:
    steady, poked = Engine(RATE, 128), Engine(RATE, 128)
    for engine in (steady, poked):
        engine.play("player", (0.3,))
    for value in (math.nan, math.inf):
        steady.play("player", (0.3,))
        poked.play("player", (value,))
    np.testing.assert_array_equal(listen(steady, 0.2, 128), listen(poked, 0.2, 128))


def test_a_block_is_drawn_without_a_new_array() -> None:
    engine = Engine(RATE, 1024)
    swing(engine, 0.2, 1024)
    tracemalloc.start()
    try:
        engine.play("player", (0.9,))
        engine.render()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for place in (0.1, 0.8):
            engine.play("player", (place,))
            engine.play("model", (place,))
            engine.render()
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 4096, "one array of 1024 float32 is 4096 bytes"


def test_a_fade_in_begins_at_silence() -> None:
    engine = Engine(RATE, 128)
    sound = swing(engine, 0.5, 128)[-128:].copy()
    faded = sound.copy()
    engine.fade_in(faded)
    assert np.abs(faded[0]).max() <= np.abs(sound[0]).max() / 100
    np.testing.assert_array_equal(faded[-1], sound[-1])


def test_a_number_that_is_sent_again_and_again_is_not_a_drone() -> None:
    engine, heard = Engine(RATE, 128), np.zeros((0, 2), np.int16)
    for _ in range(3 * RATE // 128):
        engine.play("player", (0.5,))
        heard = engine.render().copy()
    assert not heard.any()


def test_no_number_does_not_wake_a_voice_at_rest() -> None:
    engine = Engine(RATE, 128)
    engine.play("player", (math.nan,))
    assert not any(engine.render().any() for _ in range(20))
