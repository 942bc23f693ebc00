"""The whole EMPI on the fake board, in virtual time: registers in, registers out."""

import itertools
import math
import socket
import threading
import time

import pytest

from foretone.clock import HandClock
from foretone.event import Event, Setting
from foretone.instrument import find, load
from foretone.run import Performer
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard


@pytest.fixture
def empi(free_port):
    """The shipped EMPI, opened without threads, with a listener that keeps what was played."""
    ports = [f"{name}.port={free_port()}" for name in ("osc", "voice", "patch")]
    clock = HandClock(100.0)
    changes = [*ports, "arm.speed=20"]
    stage = Stage(load(find("empi"), changes), FakeBoard(clock, seed=1), clock)
    played = []
    stage.conductor.listeners.append(played.append)
    stage.open(threads=False)
    yield stage, played
    stage.close()


def gestures(stage, seconds=3.0):
    """A hand moves the lever to and fro, 25 times a second a little further, and then rests."""
    for step in range(int(seconds * 25)):
        stage.board.hold("lever", (0.5 + 0.3 * math.sin(step / 4),))
        stage.run_until(stage.conductor.clock.now() + 0.04)


def test_a_hand_on_the_lever_is_heard_through_its_registers(empi):
    stage, played = empi
    stage.board.hold("lever", (0.2,))
    stage.run_until(100.1)
    stage.board.hold("lever", (0.8,))
    stage.run_until(100.2)
    assert [event.origin for event in played] == ["lever"]
    assert played[0].values[0] == pytest.approx(0.8, abs=0.01)
    assert played[0].time == pytest.approx(100.11, abs=0.011)


def test_after_a_silence_the_arm_moves_the_light_glows_and_both_let_go_when_the_hand_returns(empi):
    stage, played = empi
    gestures(stage)
    assert stage.board.look("arm") == ()
    stopped = stage.conductor.clock.now()
    while not (answers := [event for event in played if event.origin == "duet"]):
        stage.run_until(stage.conductor.clock.now() + 0.1)
        assert stage.conductor.clock.now() < stopped + 20
    assert answers[0].time > stopped + 0.7
    stage.run_until(answers[0].time + 0.05)
    latest = [event for event in played if event.origin == "duet"][-1]
    assert stage.board.look("light")[0] > 0
    stage.run_until(stage.conductor.clock.now() + 1.0)
    latest = [event for event in played if event.origin == "duet"][-1]
    assert stage.board.look("arm")[0] == pytest.approx(latest.values[0], abs=0.05)
    gestures(stage, 0.5)
    assert [event for event in played if event.origin == "duet"][-1].lets_go
    assert stage.board.look("arm") == ()
    assert stage.board.look("light") in ((0.0,), ())


def test_filter_moves_the_arm_with_each_gesture(empi):
    stage, played = empi
    stage.conductor.emit(Setting("duet", "mode", "filter"))
    gestures(stage)
    heard = [event for event in played if event.origin == "lever"]
    answers = [event for event in played if event.origin == "duet" and event.values]
    assert [event.time for event in answers] == [event.time for event in heard]
    assert stage.report()["servo_writes"] > 10
    assert stage.report()["latency_ms"]["input_to_servo"]["n"] > 10


def test_a_vanishing_chip_is_out_and_comes_back_while_the_rest_plays_on(empi):
    stage, played = empi
    stage.board.unplug("arm")
    stage.conductor.emit(Setting("duet", "mode", "filter"))
    gestures(stage)
    assert stage.conductor.seats["arm"].fault
    assert [event for event in played if event.origin == "duet"]
    stage.board.plug("arm")
    gestures(stage, 12.0)
    assert not stage.conductor.seats["arm"].fault
    assert stage.report()["servo_writes"] > 10


def test_a_hanging_lever_does_not_keep_the_arm_from_coming_to_rest(empi):
    stage, _ = empi
    stage.conductor.emit(Setting("duet", "mode", "battle"))
    stage.run_until(105.0)
    assert stage.board.look("arm")
    stage.board.i2c.chips[0x48].stuck = True
    stage.board.unplug("lever")
    stage.run_until(105.1)
    stage.board.plug("lever")
    stage.close()
    assert stage.board.look("arm") == ()


def test_an_arm_that_was_let_go_while_its_cable_was_out_comes_back_limp(empi):
    stage, played = empi
    gestures(stage, 0.5)
    stage.conductor.emit(Setting("duet", "mode", "battle"))
    stage.run_until(stage.conductor.clock.now() + 5)
    assert stage.board.look("arm")
    stage.board.unplug("arm")
    stage.run_until(stage.conductor.clock.now() + 2)
    stage.conductor.emit(Setting("duet", "mode", "observe"))
    stage.run_until(stage.conductor.clock.now() + 1)
    assert played[-1].lets_go
    stage.board.plug("arm")
    stage.run_until(stage.conductor.clock.now() + 30)
    assert not stage.conductor.seats["arm"].fault
    assert stage.board.look("arm") == ()


def test_a_ghost_may_be_a_source_of_its_own(tmp_path, free_port):
    (tmp_path / "ghost.toml").write_text(
        'axes = ["x", "y"]\n[source.nobody]\nkind = "ghost"\nrest = 1.0\n'
        f'[sink.out]\nkind = "osc"\nplays = ["nobody"]\nport = {free_port()}\n'
    )
    clock, played = HandClock(), []
    stage = Stage(load(tmp_path / "ghost.toml"), FakeBoard(clock), clock)
    stage.conductor.listeners.append(played.append)
    stage.open(threads=False)
    assert Performer(stage, clock).look() == {}
    stage.run_until(10.0)
    stage.close()
    assert len(played) > 50
    assert all(len(event.values) == 2 for event in played)


@pytest.mark.parametrize("mode", ["observe", "filter", "call-response", "battle"])
def test_every_gesture_is_played_and_logged_in_every_mode(empi, mode):
    stage, played = empi
    stage.conductor.emit(Setting("duet", "mode", mode))
    stage.run_until(100.05)
    for step in range(20):
        stage.board.hold("lever", (0.1 + 0.04 * step,))
        stage.run_until(stage.conductor.clock.now() + 0.02)
    assert len([event for event in played if event.origin == "lever"]) == 20


def test_what_was_played_in_a_battle_leaves_nothing_behind_for_another_mode(empi):
    """60 000 gestures into a battle once came out as half a minute of stale predictions, elsewhere."""
    stage, played = empi
    stage.conductor.emit(Setting("duet", "mode", "battle"))
    for step in range(5000):
        stage.conductor.emit(Event(stage.conductor.clock.now(), "osc", (step / 5000,)))
        stage.conductor.run_waiting()
    stage.conductor.emit(Setting("duet", "mode", "filter"))
    stage.conductor.run_waiting()
    before = len(played)
    stage.run_until(stage.conductor.clock.now() + 60)
    assert len(played) == before


def test_filter_at_100_hz_ends_with_its_input(empi):
    stage, played = empi
    stage.conductor.emit(Setting("duet", "mode", "filter"))
    for step in range(1000):
        stage.conductor.emit(Event(stage.conductor.clock.now(), "osc", (step / 1000,)))
        stage.run_until(stage.conductor.clock.now() + 0.01)
    last = stage.conductor.clock.now()
    stage.run_until(last + 60)
    after = [event for event in played if event.time > last]
    assert [event.lets_go for event in after] == [True]


def test_an_osc_port_that_is_taken_is_waited_for(free_port):
    from foretone.sources.osc import OSC

    port, clock = free_port(), HandClock()
    other = OSC(("lever",), "other", HandClock(), print, port=port)
    changes = [f"osc.port={port}", f"voice.port={free_port()}"]
    stage = Stage(load(find("empi"), changes), FakeBoard(clock), clock)
    stage.open(threads=False)
    assert "choose another port" in stage.conductor.seats["osc"].fault
    other.close()
    stage.run_until(5.0)
    assert not stage.conductor.seats["osc"].fault
    stage.close()


def test_a_name_server_is_not_waited_for_while_playing(tmp_path, free_port, monkeypatch):
    asked, answers = [], threading.Event()

    def look_up(host):
        asked.append((host, threading.current_thread()))
        if len(asked) == 1:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers.wait(10)
        return "127.0.0.1"

    monkeypatch.setattr(socket, "gethostbyname", look_up)
    path = tmp_path / "away.toml"
    path.write_text(
        f'axes = ["x"]\n[source.a]\nkind = "osc"\nport = {free_port()}\n'
        f'[sink.b]\nkind = "osc"\nplays = ["a"]\nhost = "laptop.local"\nport = {free_port()}\n'
    )
    clock = HandClock()
    stage = Stage(load(path), FakeBoard(clock), clock)
    stage.open()
    seat = stage.conductor.seats["b"]
    assert seat.fault == "Name or service not known"
    stage.run_until(60.0)
    assert seat.part is None
    answers.set()
    deadline = time.monotonic() + 10
    while seat.part is None:
        assert time.monotonic() < deadline
        stage.run_until(clock.now() + 0.1)
    stage.close()
    assert not seat.fault
    assert [host for host, _ in asked] == ["laptop.local"] * 2
    assert asked[1][1] is not threading.main_thread()


def test_closing_leaves_everything_at_rest(empi):
    stage, played = empi
    stage.conductor.emit(Setting("duet", "mode", "battle"))
    stage.run_until(130.0)
    assert stage.board.look("arm")
    stage.close()
    assert played[-1] == Event(130.0, "duet", ())
    assert stage.board.look("arm") == ()
    assert stage.board.look("light") in ((0.0,), ())


def test_the_performer_takes_the_lever_and_steps_back_for_a_hand(empi):
    stage, played = empi
    hands = Performer(stage, stage.conductor.clock)
    hands.play(True)
    stage.run_until(110.0)
    assert len(played) > 50
    hands.hold("lever", (0.33,))
    assert not hands.playing
    stage.run_until(111.0)
    assert hands.look()["lever"][0] == pytest.approx(0.33, abs=0.01)
    with pytest.raises(ValueError, match="no sensor 'arm'"):
        hands.hold("arm", (0.5,))


def test_the_ghost_as_a_patch_sends_fifty_messages_a_second_whatever_else_is_due(tmp_path, free_port):
    path, clock = tmp_path / "patched.toml", HandClock()
    path.write_text(f'axes = ["a"]\n[source.patch]\nkind = "osc"\nport = {free_port()}\n')
    stage = Stage(load(path), FakeBoard(clock), clock)
    stage.open(threads=False)
    stage.conductor.chores.append(lambda now: now + 0.003)
    heard = []
    stage.conductor.listeners.append(heard.append)
    Performer(stage, clock).play(True)
    stage.run_until(10.0)
    stage.close()
    assert len(heard) > 50
    assert min(after.time - before.time for before, after in itertools.pairwise(heard)) >= 0.0199


def test_settings_are_checked_as_in_the_file(empi, caplog):
    stage, _ = empi
    for setting in (
        Setting("duet", "pi_temperature", 99),
        Setting("duet", "mode", "fliter"),
        Setting("duet", "model", "other.tflite"),
        Setting("duet", "silence", "long"),
        Setting("duet", "silence", 2),
    ):
        stage.conductor.emit(setting)
    stage.conductor.run_waiting()
    assert stage.conductor.seats["duet"].values()["silence"] == 2.0
    assert stage.conductor.seats["duet"].values()["mode"] == "call-response"
    assert stage.conductor.counts["malformed"] == 4
    assert caplog.text.count("duet") == 1, "a flood of settings is not a flood of lines"
    assert "pi_temperature must be 0.01 to 10, not 99" in caplog.text
    stage.conductor.clock.move_to(200.0)
    stage.conductor.emit(Setting("duet", "mode", "fliter"))
    stage.conductor.run_waiting()
    assert "did you mean 'filter'? (and 3 more)" in caplog.text


DISPLAY = """
title = "Shown"
axes = ["x"]

[source.lever]
kind = "ads1115"

[sink.display]
kind = "ssd1306"
plays = ["lever"]
"""


def test_a_display_shows_the_title_before_anything_is_played_and_then_what_is_and_what_fails(tmp_path):
    path = tmp_path / "shown.toml"
    path.write_text(DISPLAY)
    clock = HandClock()
    stage = Stage(load(path), FakeBoard(clock, seed=1), clock)
    stage.open(threads=False)
    memory = stage.board.i2c.chips[0x3C].memory
    stage.run_until(0.5)
    assert any(memory[:128])
    assert 0x7E not in memory[168:256]
    stage.board.hold("lever", (1.0,))
    stage.run_until(1.0)
    assert memory[168:256].count(0x7E) > 85
    assert not any(memory[896:])
    stage.board.unplug("lever")
    stage.run_until(2.0)
    assert any(memory[896:])
    assert stage.status().fault.startswith("lever: no ADS1115 answers")
    stage.close()
