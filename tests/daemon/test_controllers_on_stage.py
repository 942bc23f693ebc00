"""The shipped LightPad and X-Touch on the fake board, in virtual time: bytes in, lights out."""

import math

import pytest

from foretone.clock import HandClock
from foretone.event import Event, Setting
from foretone.instrument import find, load
from foretone.run import Performer
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard

HELD = {"lightpad": "pad", "xtouch": "knobs"}
SHOWN = {"lightpad": "lights", "xtouch": "rings"}
PORT = {"lightpad": "Lightpad BLOCK", "xtouch": "X-TOUCH MINI"}
BOTH = pytest.mark.parametrize("name", ["lightpad", "xtouch"])


@pytest.fixture
def on_stage(free_port):
    """Opens a shipped instrument without threads; gives it, and what was played."""
    stages = []

    def open_(name, *changes):
        ports = [f"{part}.port={free_port()}" for part in ("osc", "voice", "patch")]
        clock = HandClock(100.0)
        stage = Stage(load(find(name), [*ports, *changes]), FakeBoard(clock, seed=1), clock)
        played = []
        stage.conductor.listeners.append(played.append)
        stage.open(threads=False)
        stages.append(stage)
        stage.run_until(101.0)
        return stage, played

    yield open_
    for stage in stages:
        stage.close()


def play(stage, name, seconds):
    """A hand goes round and round, 50 times a second a little further."""
    width = len(stage.instrument.axes)
    for step in range(int(seconds * 50)):
        values = tuple(0.5 + 0.3 * math.sin(step / 10 + axis) for axis in range(width))
        stage.board.hold(HELD[name], values)
        stage.run_until(stage.conductor.clock.now() + 0.02)


def answer(stage, played, name):
    """Play and wait for an answer."""
    play(stage, name, 2.0)
    if name == "lightpad":
        stage.board.lift("pad")
    before, stopped = len(played), stage.conductor.clock.now()
    while not any(event.origin == "duet" for event in played[before:]):
        stage.run_until(stage.conductor.clock.now() + 0.1)
        assert stage.conductor.clock.now() < stopped + 20


@BOTH
def test_nobody_plays_and_nothing_is_heard_or_lit(on_stage, name):
    stage, played = on_stage(name)
    assert played == []
    assert stage.board.look(SHOWN[name]) == ()
    assert stage.report()["waiting"] == {}


@BOTH
def test_hands_are_heard_and_shown_and_answered_and_the_answer_is_shown(on_stage, name):
    stage, played = on_stage(name)
    play(stage, name, 2.0)
    heard = [event for event in played if event.origin == HELD[name]]
    assert len(heard) > 90
    shown, last = stage.board.look(SHOWN[name]), heard[-1].values
    assert shown[:2] == pytest.approx(last[:2], abs=0.1)
    answer(stage, played, name)
    for _ in range(10):
        stage.run_until(stage.conductor.clock.now() + 0.2)
        last = [event for event in played if event.origin == "duet"][-1]
        if last.values and stage.conductor.clock.now() - last.time > 0.05:
            assert stage.board.look(SHOWN[name])[0] == pytest.approx(last.values[0], abs=0.15)
    report = stage.report()
    assert report["malformed"] == report["dropped"] == report["overflowed"] == 0
    assert report["faults"] == {}


@BOTH
def test_a_cable_that_was_pulled_comes_back_lit_within_a_second(on_stage, name):
    stage, played = on_stage(name)
    stage.conductor.emit(Setting("duet", "mode", "battle"))
    stage.run_until(110.0)
    assert stage.board.look(SHOWN[name])
    for cycle in range(10):
        stage.board.unplug(HELD[name])
        stage.run_until(stage.conductor.clock.now() + 0.3)
        assert stage.board.look(SHOWN[name]) == ()
        stage.board.plug(HELD[name])
        stage.run_until(stage.conductor.clock.now() + 1.0)
        assert stage.board.look(SHOWN[name]), cycle
    play(stage, name, 1.0)
    assert any(event.origin == HELD[name] and event.time > 123 for event in played)
    assert stage.report()["faults"] == {}


def test_pulling_the_cable_lifts_the_finger(on_stage):
    stage, played = on_stage("lightpad")
    play(stage, "lightpad", 0.5)
    stage.board.unplug("pad")
    stage.run_until(stage.conductor.clock.now() + 0.1)
    assert played[-1] == Event(played[-1].time, "pad", ())


@BOTH
def test_closing_leaves_every_light_dark(on_stage, name):
    stage, _ = on_stage(name)
    stage.conductor.emit(Setting("duet", "mode", "battle"))
    stage.run_until(110.0)
    [chip] = stage.board.midi.chips[PORT[name]]
    assert stage.board.look(SHOWN[name])
    settings = stage.instrument.parts[SHOWN[name]].settings
    stage.close()
    assert chip.look({"ring": "fan", **settings}) == ()


@pytest.mark.parametrize(("mode", "unit"), [("keep", 0), ("keep", 1), ("standard", 0), ("mc", 1)])
def test_the_x_touch_plays_in_the_mode_it_wakes_in_and_in_those_it_is_put_into(on_stage, mode, unit):
    stage, played = on_stage("xtouch", f"knobs.mode='{mode}'")
    [chip] = stage.board.midi.chips[PORT["xtouch"]]
    if mode == "keep":
        chip.mode = unit
    assert chip.mode == unit
    play(stage, "xtouch", 1.0)
    assert played[-1].values == pytest.approx(stage.board.look("knobs"), abs=0.02)
    assert stage.board.look("rings") == pytest.approx(played[-1].values, abs=0.06)


def test_the_ghost_touches_glides_and_lifts(on_stage):
    stage, played = on_stage("lightpad")
    Performer(stage, stage.conductor.clock).play(True)
    stage.run_until(131.0)
    heard = [event for event in played if event.origin == "pad"]
    assert 3 <= sum(event.lets_go for event in heard) <= 30
    assert {event.origin for event in played} == {"pad", "duet"}


def test_the_ghost_turns_one_or_two_knobs_at_a_time(on_stage):
    stage, played = on_stage("xtouch")
    Performer(stage, stage.conductor.clock).play(True)
    stage.run_until(161.0)
    heard = [event.values for event in played if event.origin == "knobs"]
    turned = [{n for n in range(8) if heard[k + 20][n] != heard[k][n]} for k in range(0, len(heard) - 20, 20)]
    assert max(len(knobs) for knobs in turned) <= 4, "two, and two more when a phrase ended between"
    assert len(set.union(*turned)) >= 6
    assert {event.origin for event in played} == {"knobs", "duet"}
