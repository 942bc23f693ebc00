"""What all voices have: levels, mute and solo, echo and room; and voices that are no good."""

from __future__ import annotations

import math
import types
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from synth_heard import PERIOD, RATE, listen, loudness, strengths

from foretone import kinds
from foretone.synth.engine import Engine
from foretone.synth.limiter import CEILING
from foretone.synth.voice import Parameter, Samples, Sound, Voice

BLIP = {"attack": 1, "decay": 20, "sustain": 0}


def three(**settings: object) -> Engine:
    """Three sines, on 220, 440 and 880 Hz."""
    plain = {"attack": 1, "sustain": 1, **settings}
    engine = Engine(RATE, PERIOD, [Sound(name, "additive", plain) for name in "abc"], lookahead=False)
    for name, key in zip("abc", (57, 69, 81), strict=True):
        engine.note(name, key, 0.5)
    return engine


def test_mute_and_solo() -> None:
    engine = three()
    assert min(strengths(listen(engine, 0.6), 220, 440, 880)) > 500
    engine.turn("a", "mute", 1)
    low, middle, high = strengths(listen(engine, 0.7), 220, 440, 880)
    assert low < 2
    assert min(middle, high) > 500
    engine.turn("c", "solo", 1)
    low, middle, high = strengths(listen(engine, 0.7), 220, 440, 880)
    assert max(low, middle) < 2
    assert high > 500
    engine.turn("a", "mute", 0)
    engine.turn("c", "solo", 0)
    assert min(strengths(listen(engine, 0.7), 220, 440, 880)) > 500


def test_the_master_turns_all_voices() -> None:
    engine = three()
    before = loudness(listen(engine, 0.4), 9600)[-1]
    engine.volume = 0.2
    after = loudness(listen(engine, 0.4), 9600)[-1]
    assert after == pytest.approx(before / 4, rel=0.02)


@pytest.mark.parametrize("period", [64, 128, 1024])
def test_an_echo_comes_when_it_should_and_fades_by_its_feedback(period: int) -> None:
    settings = {**BLIP, "delay": 200, "delay_mix": 0.5, "feedback": 0.4}
    engine = Engine(RATE, period, [Sound("a", "additive", settings)], lookahead=False)
    engine.note("a", 81, 1.0)
    levels = loudness(listen(engine, 3.0))
    first = levels[:30].max()
    for echo in (1, 2, 3):
        here = levels[200 * echo - 10 : 200 * echo + 30]
        assert here.max() == pytest.approx(first * 0.5 * 0.4 ** (echo - 1), rel=0.1)
        assert levels[200 * echo - 90 : 200 * echo - 30].max() < 0.02 * here.max()
    assert engine.silent, "an echo ends"


@pytest.mark.parametrize("period", [64, 1024])
@pytest.mark.parametrize(("room", "seconds"), [(0.0, 0.3), (0.5, 0.85), (1.0, 2.4)])
def test_a_room_fades_by_60_db_in_its_time(period: int, room: float, seconds: float) -> None:
    settings = {"wave": "noise", "partials": 16, **BLIP, "reverb": 1.0, "room": room}
    engine = Engine(RATE, period, [Sound("a", "additive", settings)], lookahead=False)
    engine.note("a", 57, 1.0)
    levels = np.maximum(loudness(listen(engine, 1.2 * seconds + 0.3), 480), 1e-3)
    begin, end = 15, 15 + round(30 * seconds)
    slope = np.polyfit(np.arange(begin, end) / 100, 20 * np.log10(levels[begin:end]), 1)[0]
    assert -60 / slope == pytest.approx(seconds, rel=0.3), "the highs are gone sooner"
    listen(engine, 2 * seconds)
    assert engine.silent, "a room ends"


@pytest.mark.parametrize(
    ("before", "later", "lasts"),
    [
        ({"delay": 60, "feedback": 0.3}, {"feedback": 0.9}, 1.0),
        ({"delay": 60, "feedback": 0.5}, {"delay": 1000}, 2.0),
        ({"delay_mix": 0, "reverb": 1, "room": 0}, {"room": 1.5}, 0.75),
    ],
)
def test_what_rings_may_be_turned_longer(
    before: dict[str, float], later: dict[str, float], lasts: float
) -> None:
    """It is not cut off where it would have ended, and it ends."""
    settings = {**BLIP, "delay_mix": 1, **before}
    engine = Engine(RATE, PERIOD, [Sound("a", "additive", settings)], lookahead=False)
    engine.note("a", 69, 1.0)
    listen(engine, 0.15)
    for name, value in later.items():
        engine.turn("a", name, value)
    assert np.abs(listen(engine, lasts)[-RATE // 4 :].astype(int)).max() > 5
    rest = np.abs(listen(engine, 16.0).astype(int)).max(axis=1)
    assert engine.silent
    assert rest[np.flatnonzero(rest)[-1] - 100 :].max(initial=0) <= 2, "it fades to nothing"


def test_a_voice_that_is_dry_leaves_nothing_in_the_room() -> None:
    settings = {"sustain": 1, "release": 20}
    engine = Engine(RATE, PERIOD, [Sound("a", "additive", settings)], lookahead=False)
    engine.note("a", 69, 1.0)
    listen(engine, 0.3)
    engine.note("a", 69, 0.0)
    listen(engine, 0.1)
    assert engine.silent


class Ramp(Voice):
    """A voice as a builder writes it: a square at a key, and what it is told to do wrong."""

    PARAMETERS = (Parameter("height", 0, 1, 0.25),)
    CONTROLS = ("height",)
    wrong = ""

    def __init__(self, rate: int, period: int) -> None:
        super().__init__(rate, period)
        self._key, self._frame = 0.0, 0

    def note(self, key: float, velocity: float, at: int) -> None:
        self.awake, self._key = velocity > 0.0, key

    def let_go(self) -> None:
        self.awake = False

    def render(self, out: Samples) -> None:
        if self.wrong == "raise":
            raise ZeroDivisionError
        hertz = 440 * 2 ** ((self._key - 69) / 12)
        time = (self._frame + np.arange(self.period)) / self.rate
        self._frame += self.period
        out[:] = self.values["height"] * 20000 * np.sign(np.sin(2 * math.pi * hertz * time))
        if self.wrong == "nan":
            out[0, 5] = math.nan
        elif self.wrong == "huge":
            out[:] = 1e30
        elif self.wrong == "constant":
            out += 8000.0


@pytest.fixture
def square(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Ramp]]:
    """The builder's kind, where the house finds kinds."""
    found = kinds.find

    def find(role: str, kind: object) -> type:
        return Ramp if (role, kind) == ("voice", "ramp") else found(role, kind)

    monkeypatch.setattr(kinds, "find", find)
    yield Ramp
    Ramp.wrong = ""


def beside(*names: str) -> Engine:
    sounds = [Sound(name, "ramp") for name in names]
    return Engine(RATE, PERIOD, [*sounds, Sound("sine", "additive", {"sustain": 1})], lookahead=False)


def test_a_builders_voice_is_one_class(square: type[Ramp]) -> None:
    engine = beside("one", "two")
    engine.note("one", 57, 1.0)
    first, third = strengths(listen(engine, 0.6), 220, 660)
    assert first == pytest.approx(0.8 * 5000 * 4 / math.pi, rel=0.02)
    assert third == pytest.approx(first / 3, rel=0.02)
    engine.play("one", (0.5,))
    assert strengths(listen(engine, 0.6), 220)[0] == pytest.approx(2 * first, rel=0.02)
    engine.let_go("one")
    listen(engine, 0.1)
    assert engine.silent


@pytest.mark.parametrize("wrong", ["raise", "nan", "huge"])
def test_a_voice_that_fails_is_silent_and_counted_and_the_others_play(square: type[Ramp], wrong: str) -> None:
    engine = Engine(
        RATE, PERIOD, [Sound("sine", "additive", {"sustain": 1}), Sound("one", "ramp")], lookahead=False
    )
    engine.note("sine", 69, 0.5)
    good = strengths(listen(engine, 0.6), 440)[0]
    engine.note("one", 57, 1.0)
    square.wrong = wrong
    frames = listen(engine, 0.8)
    assert np.abs(frames.astype(int)).max() <= CEILING
    assert engine.faults > 0
    assert strengths(frames, 440)[0] == pytest.approx(good, rel=0.05)
    if wrong == "raise":
        assert np.abs(np.diff(frames.astype(int), axis=0)).max() < 400, "nor does it click"
    faults = engine.faults
    square.wrong = ""
    listen(engine, 0.1)
    assert engine.faults == faults


def test_a_constant_is_taken_away(square: type[Ramp]) -> None:
    engine = beside("one")
    square.wrong = "constant"
    engine.note("one", 57, 1.0)
    frames = listen(engine, 1.0)
    assert abs(frames[:480].mean()) > 1000
    assert abs(frames[-RATE // 2 :].mean()) < 20


def test_the_limiter_holds_the_ceiling_for_all_voices(square: type[Ramp]) -> None:
    engine = beside(*(f"v{number}" for number in range(8)))
    engine.volume = 1.0
    for number in range(8):
        engine.note(f"v{number}", 40 + number, 1.0)
        engine.turn(f"v{number}", "height", 1.0)
    frames = listen(engine, 0.5)
    assert 0.9 * CEILING < np.abs(frames.astype(int)).max() <= CEILING
    assert engine.faults == 0


def test_a_silent_engine_draws_nothing(square: type[Ramp]) -> None:
    engine = beside("one")
    assert engine.render() is engine.render()
    calls: list[Sequence[float]] = []
    section = engine.places["one"].section
    section.render = types.MethodType(lambda _, buses: calls.append(buses), section)  # type: ignore[method-assign]
    engine.note("sine", 69, 1.0)
    listen(engine, 0.1)
    assert not calls, "a voice that is silent beside one that sounds costs nothing"


def test_after_its_echoes_a_voice_is_silent_and_stays_so() -> None:
    settings = {**BLIP, "delay": 50, "delay_mix": 0.5, "feedback": 0.5, "reverb": 0.5, "room": 0.1}
    engine = Engine(RATE, PERIOD, [Sound("a", "additive", settings)])
    engine.note("a", 81, 1.0)
    listen(engine, 2.0)
    assert engine.silent
    assert not listen(engine, 0.1).any()
