"""A song that follows a clock from outside, and loops that are played in by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from foretone.event import Event
from foretone.packet import Form
from foretone.sinks.clock import Clock
from foretone.synth.control import Control
from foretone.synth.engine import Engine
from foretone.synth.score import Note, Song, Track
from foretone.synth.voice import Sound
from foretone_hardware.midi_clock import MIDIClock

RATE, PERIOD = 48000, 128
SPAN = PERIOD / RATE
BEATS = 4
Struck = list[tuple[float, float, float]]


class Stage:
    """An engine with a song, and every note that it strikes: seconds, key, velocity."""

    def __init__(self, *notes: tuple[float, float, float], run: str = "off", **track: Any) -> None:
        score = tuple(Note(start, end, key, 0.8) for start, end, key in notes)
        song = Song((Track("a", "blip", score, {"loop": BEATS, **track}),), {"run": run, "tempo": 120})
        self.engine = Engine(RATE, PERIOD, [Sound("blip", "additive", {})], song=song)
        self.struck: Struck = []
        self.time = 0.0
        section = self.engine.places["blip"].section
        note = section.note

        def strike(voice: int, key: float, velocity: float, at: int) -> None:
            self.struck.append((self.time + at / RATE, key, velocity))
            note(voice, key, velocity, at)

        section.note = strike  # type: ignore[method-assign]

    def until(self, moment: float, before: Callable[[], None] = lambda: None) -> None:
        """Draw blocks, after `before` was called for each."""
        while self.time < moment - 1e-9:
            before()
            self.engine.render()
            self.time += SPAN

    def turn(self, name: str, value: float) -> None:
        self.engine.turn("clock", name, value)

    @property
    def position(self) -> float:
        position: float = self.engine.places["clock"].section.values["position"]  # type: ignore[attr-defined]
        return position

    def strokes(self, since: float = 0.0) -> list[float]:
        return [time for time, _, velocity in self.struck if velocity and time >= since]


class Ticks:
    """A clock of 24 ticks a beat that are told late by up to `jitter` seconds, each once."""

    def __init__(self, stage: Stage, tempo: Callable[[float], float], jitter: float = 0.0) -> None:
        self.stage, self.jitter = stage, jitter
        self.random = np.random.default_rng(4)
        self.ticks: list[tuple[float, float]] = []
        time = 0.0
        for tick in range(24 * 60):
            self.ticks.append((time, tick / 24))
            time += 60.0 / tempo(time) / 24
        self.next = 0

    def tell(self) -> None:
        while self.ticks[self.next][0] <= self.stage.time:
            time, beat = self.ticks[self.next]
            self.next += 1
            self.stage.engine.follow(beat, time + self.random.uniform(0, self.jitter) - self.stage.time)

    def beat(self, number: int) -> float:
        """When that beat is."""
        return self.ticks[24 * number][0]


BEAT = [(beat, beat + 0.4, 60.0) for beat in range(BEATS)]


@pytest.mark.parametrize("tempo", [50.0, 120.0, 171.3, 290.0])
def test_a_steady_clock_is_followed_from_its_first_tick(tempo: float) -> None:
    stage = Stage(*BEAT)
    ticks = Ticks(stage, lambda _: tempo)
    stage.until(8.0, ticks.tell)
    strokes = stage.strokes()
    wanted = [ticks.beat(number) for number in range(len(strokes))]
    late = np.subtract(strokes, wanted)
    assert abs(late[0]) < 0.003, "at once"
    assert abs(late[4:]).max() < 0.001


def test_the_cable_s_jitter_is_not_heard() -> None:
    stage = Stage(*BEAT)
    ticks = Ticks(stage, lambda _: 125.0, jitter=0.003)
    stage.until(14.0, ticks.tell)
    steps = np.diff(stage.strokes(since=3.0))
    assert abs(steps - 60 / 125).max() < 0.0012, "3 ms of it go in"
    assert np.std(steps) < 0.0006


def test_a_change_of_tempo_is_followed_without_a_jump() -> None:
    stage = Stage(*[(beat / 4, beat / 4 + 0.1, 60.0) for beat in range(16)])
    ticks = Ticks(stage, lambda time: 100.0 if time < 5.0 else 112.0)
    positions: list[float] = []

    def before() -> None:
        ticks.tell()
        positions.append(stage.position)

    stage.until(12.0, before)
    steps = np.diff(positions[round(1 / SPAN) :]) / SPAN
    assert steps.min() > 0.9 * 100 / 60
    assert steps.max() < 1.11 * 112 / 60
    assert abs(np.diff(steps)).max() < 0.2, "beats a second, from block to block"
    assert stage.position == pytest.approx(ticks.ticks[ticks.next - 1][1], abs=0.06)
    assert np.diff(stage.strokes(since=9.0)) == pytest.approx(60 / 112 / 4, abs=0.002)


def test_it_stops_with_the_clock_and_goes_on_where_that_says() -> None:
    stage = Stage((0, 0.5, 60), (1, 1.5, 61), (2, 2.5, 62), (3, 3.5, 63))
    ticks = Ticks(stage, lambda _: 120.0)
    stage.until(1.2, ticks.tell)
    stage.engine.let_go("clock")
    stage.until(3.0)
    assert [key for _, key, velocity in stage.struck if velocity] == [60, 61, 62]
    assert [key for _, key, velocity in stage.struck if not velocity][-1] == 62, "nothing hangs"
    stage.engine.follow(3.0, 0.0)
    stage.until(3.1)
    assert stage.struck[-1][1:] == (63, 0.8)


def test_a_clock_that_jumps_takes_the_song_along() -> None:
    stage = Stage(*BEAT)
    stage.engine.follow(0.0, 0.0)
    stage.until(0.5)
    stage.engine.follow(10.0, 0.0)
    stage.until(0.6)
    assert stage.position == pytest.approx(10.2, abs=0.03)


def test_without_a_tick_for_long_it_goes_on_by_itself() -> None:
    stage = Stage(*BEAT)
    ticks = Ticks(stage, lambda _: 100.0)
    stage.until(3.0, ticks.tell)
    stage.until(8.0)
    stage.turn("tempo", 60)
    assert np.diff(stage.strokes(since=4.0)) == pytest.approx(0.6, abs=0.002)
    stage.struck.clear()
    stage.until(14.0)
    assert np.diff(stage.strokes()) == pytest.approx(1.0, abs=0.001)


def test_a_drum_machine_s_messages_reach_the_song() -> None:
    stage = Stage(*BEAT)
    control = Control(stage.engine, 0, SPAN)
    sink = Clock(beats=8, port=control.port)
    driver = MIDIClock(lambda _: None, None, port="Drums", every="tick", beats=8)  # type: ignore[arg-type]

    def says(message: bytes, time: float) -> None:
        values = driver.receive(message, time)
        if values is not None:
            sink.play(Event(time, "drums", values))

    ticks = [tick * 0.5 / 24 for tick in range(24 * 20)]
    says(b"\xfa", 0.0)

    def before() -> None:
        while ticks and ticks[0] <= stage.time:
            says(b"\xf8", ticks.pop(0))
        control.drain(stage.time)

    stage.until(9.0, before)
    assert stage.position == pytest.approx(18.0, abs=0.05), "more than two bars of eight"
    assert np.diff(stage.strokes()) == pytest.approx(0.5, abs=0.003)
    says(b"\xfc", stage.time)
    control.drain(stage.time)
    count = len(stage.struck)
    stage.until(10.0)
    assert len(stage.strokes()) <= count
    assert stage.position < 18.1
    says(b"\xf2\x10\x00", stage.time)  # the 16th sixteenth, the fourth beat
    says(b"\xfb", stage.time)
    ticks = [10.0 + tick * 0.5 / 24 for tick in range(24)]
    stage.until(10.1, before)
    assert stage.position == pytest.approx(4.2, abs=0.03)
    sink.close()
    control.drain(stage.time)
    assert control.refused == 0
    follow = Form("/foretone/synth/clock/follow", "dd")
    for wrong in (follow.fill(float("nan"), 0.0), follow.fill(1e9, 0.0), follow.fill(0.0, float("inf"))):
        control.receive(wrong, stage.time)
    assert control.refused == 3
    control.close()


def test_a_key_that_the_pedal_holds_is_recorded_as_often_as_it_is_struck() -> None:
    stage = Stage(run="on", record="on")
    for time in (0.5, 0.75):
        stage.until(time)
        stage.engine.note("blip", 64, 0.5)
    stage.until(1.0)
    stage.engine.note("blip", 64, 0.0)
    stage.until(2.0)
    stage.struck.clear()
    stage.until(4.0)
    struck = [time for time, _, velocity in stage.struck if velocity]
    assert struck == pytest.approx([2.5, 2.75], abs=SPAN)


def test_what_is_played_by_hand_is_in_the_loop_from_the_next_pass_on() -> None:
    stage = Stage(run="on", record="on")
    stage.until(0.5)
    stage.engine.note("blip", 64, 0.5, 0.5)
    stage.until(0.75)
    stage.engine.note("blip", 64, 0.0)
    stage.until(1.0)
    stage.engine.note("blip", 67, 0.9)
    stage.until(1.2)
    stage.engine.let_go("blip")
    stage.until(2.0)
    first = list(stage.struck)
    stage.struck.clear()
    stage.until(4.0)
    assert [key for _, key, velocity in stage.struck if velocity] == [64, 67]
    played = [(time, key) for time, key, velocity in first if velocity]
    again = [(time, key) for time, key, velocity in stage.struck if velocity]
    assert [time + 2 for time, _ in played] == pytest.approx([time for time, _ in again], abs=1e-4)
    ends = [time for time, key, velocity in stage.struck if not velocity]
    assert ends[0] == pytest.approx(2.75, abs=SPAN)
    assert ends[1] == pytest.approx(3.2, abs=SPAN)
    stage.turn("a/record", 0)
    stage.engine.note("blip", 30, 0.5)
    stage.engine.note("blip", 30, 0.0)
    stage.until(8.1)
    assert [key for _, key, velocity in stage.struck if velocity].count(30) == 1, "it no longer records"
    stage.turn("a/erase", 1)
    stage.struck.clear()
    stage.until(12.0)
    assert stage.strokes() == []


@pytest.mark.parametrize(("played", "kept"), [(0.55, 0.5), (0.45, 0.5), (1.95, 0.0), (0.02, 0.0)])
def test_a_stroke_goes_to_the_grid_and_is_not_heard_twice(played: float, kept: float) -> None:
    stage = Stage(run="on", record="on", quantize=1)
    stage.until(2.0)
    stage.until(2.0 + played)
    stage.engine.note("blip", 64, 0.5)
    stage.until(stage.time + 0.1)
    stage.engine.note("blip", 64, 0.0)
    stage.until(2.0 + played + 1.0)
    assert len(stage.strokes()) == 1
    stage.until(8.0 + 0.9 * kept)
    again = stage.strokes()[1:]
    assert again == pytest.approx([time for time in (4 + kept, 6 + kept) if time > 3.0 + played], abs=1e-4)


def test_with_swing_a_stroke_comes_back_where_it_was() -> None:
    stage = Stage(run="on", record="on")
    stage.turn("swing", 0.5)
    stage.until(0.4)
    stage.engine.note("blip", 64, 0.5)
    stage.until(0.45)
    stage.engine.note("blip", 64, 0.0)
    stage.until(4.0)
    assert [b - a for a, b in pairwise(stage.strokes())] == pytest.approx([2.0], abs=1e-4)
