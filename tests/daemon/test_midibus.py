"""Controllers on their bus: an instrument on the fake board, in virtual time; and once with real threads."""

import math
import threading

import pytest

from foretone.clock import HandClock, WallClock
from foretone.event import Setting
from foretone.instrument import Part, load
from foretone.midibus import QUEUE, MidiBus, matches
from foretone.run import Performer, rehearse
from foretone.seat import PAUSES
from foretone.stage import Stage
from foretone_hardware.device import DeviceError
from foretone_hardware.fake import FakeBoard

TOY = """
title = "Toy"
axes = ["turn", "key"]

[source.hand]
kind = "midi"
port = "Toy"
controls = ["cc 1 ch 11", "note ch 1"]

[sink.synth]
kind = "midi"
port = "Synth"
plays = ["hand"]
controls = ["cc 7 ch 2", "note ch 3"]
"""

OTHER = """
[source.other]
kind = "midi"
port = "Other"
controls = ["cc 2 ch 1", "note ch 2"]
"""


class Rig:
    """An instrument in virtual time, and what was played on it."""

    def __init__(self, path, text=TOY):
        path.write_text(text)
        self.clock = HandClock(10.0)
        self.board = FakeBoard(self.clock, seed=1)
        self.stage = Stage(load(path), self.board, self.clock)
        self.played = []
        self.stage.conductor.listeners.append(self.played.append)

    def open(self):
        self.stage.open(threads=False)
        self.on(0.05)
        return self

    def on(self, seconds):
        self.stage.run_until(self.clock.now() + seconds)

    def say(self, text, port="Toy"):
        """Bytes from a device, and what is played because of them."""
        self.played.clear()
        self.board.midi.say(port, bytes.fromhex(text))
        self.on(0.01)
        return [event.values for event in self.played]

    @property
    def bus(self):
        return self.stage.buses["midi"]


@pytest.fixture
def toy(tmp_path):
    rig = Rig(tmp_path / "toy.toml").open()
    yield rig
    rig.stage.close()


def near(*values):
    return pytest.approx(values, abs=1e-4)


def test_thru_a_sink_plays_a_source(toy):
    assert toy.say("BA 01 7F 90 3C 64") == [near(1.0, 0.5), near(1.0, 60 / 127)]
    assert toy.board.look("synth") == near(1.0, 60 / 127)
    assert toy.say("80 3C 00") == [()]
    assert toy.board.look("synth") == ()
    assert toy.stage.report()["events_in"] == 3


def test_events_have_the_time_at_which_the_message_came(toy):
    toy.board.midi.say("Toy", b"\xba\x01\x40")
    came = toy.clock.now()
    toy.clock.move_to(came + 0.3)
    toy.on(0.01)
    assert toy.played[0].time == came


def test_a_hand_on_the_fake_board_turns_knobs_and_plays_keys(toy):
    toy.board.hold("hand", (0.25, 0.5))
    toy.on(0.02)
    assert toy.played[-1].values == pytest.approx((0.25, 0.5), abs=0.005)
    assert toy.board.look("hand") == (0.25, 0.5)
    assert toy.board.look("synth") == pytest.approx((0.25, 0.5), abs=0.005)


def test_the_ghost_plays_a_controller(toy):
    Performer(toy.stage, toy.clock).play(True)
    toy.on(10.0)
    assert len(toy.played) > 100
    assert toy.stage.report()["malformed"] == 0


def test_settings_turn_while_it_plays(toy):
    toy.stage.conductor.emit(Setting("hand", "echo", 500.0))
    toy.on(0.02)
    assert toy.stage.conductor.seats["hand"].driver.echo == 500.0


def test_a_missing_port_is_waited_for_and_is_no_fault(tmp_path, caplog):
    caplog.set_level("INFO")
    rig = Rig(tmp_path / "toy.toml")
    rig.stage.open(threads=False)
    rig.board.unplug("synth")
    rig.on(0.05)
    assert rig.stage.faults() == []
    assert rig.stage.waits() == ["synth: waiting for Synth to be plugged in"]
    assert rig.stage.report()["faults"] == {}
    assert rig.stage.report()["waiting"] == {"synth": "waiting for Synth to be plugged in"}
    rig.say("BA 01 7F 90 3C 64")
    assert rig.stage.report()["faults"] == {}
    rig.board.plug("synth")
    rig.on(0.05)
    assert rig.stage.waits() == []
    assert rig.board.look("synth") == near(1.0, 60 / 127), "it shows what was played meanwhile"
    assert caplog.text.count("waiting for Synth") == 1
    rig.stage.close()


def test_what_is_plugged_in_is_repainted_within_a_second(toy):
    toy.say("BA 01 7F 90 3C 64")
    toy.board.unplug("synth")
    toy.on(1.0)
    toy.board.plug("synth")
    plugged = toy.clock.now()
    while toy.board.look("synth") != near(1.0, 60 / 127):
        toy.on(0.01)
        assert toy.clock.now() < plugged + 1.0
    assert toy.stage.report()["latency_ms"]["due_to_played"]["max"] < 100, "a painting is no late answer"


def test_what_was_held_is_let_go_when_the_cable_is_pulled(toy):
    toy.say("90 3C 64")
    toy.played.clear()
    toy.board.unplug("hand")
    toy.on(0.01)
    assert [event.values for event in toy.played] == [()]
    assert toy.board.look("synth") == ()


def test_100_plug_cycles_leave_no_hung_note_and_no_lost_thread(toy):
    threads = threading.active_count()
    for cycle in range(100):
        assert toy.say("90 3C 64")[-1] == near(0.5, 60 / 127)
        for name in ("hand", "synth") if cycle % 2 else ("synth", "hand"):
            toy.board.unplug(name)
            toy.on(0.003 * (cycle % 7))
        toy.on(0.02)
        for name in ("hand", "synth"):
            toy.board.plug(name)
        toy.on(0.02)
        assert toy.board.look("synth") == ()
    assert threading.active_count() == threads
    assert toy.stage.faults() == []
    assert toy.stage.report()["faults"] == {}


def test_closing_releases_every_note(tmp_path):
    rig = Rig(tmp_path / "toy.toml").open()
    rig.say("90 3C 64")
    came = []
    rig.board.midi.chips["Synth"][0].write = lambda message: came.append(message.hex(" "))
    rig.stage.close()
    assert came == ["82 3c 00"]


def test_wrong_bytes_are_counted_and_the_next_message_is_heard(toy):
    assert toy.say("01 02 F0 03 90 F7 BA 01 F7 7F") == []
    assert toy.stage.report()["malformed"] == 10
    assert toy.say("BA 01 40") == [near(64 / 127, 0.5)]


def test_a_flood_is_bounded_and_counted_and_what_was_held_is_let_go(toy, caplog):
    toy.say("90 3C 64")
    for _ in range(3 * QUEUE):
        toy.board.midi.say("Toy", b"\xba\x01\x40")
    toy.on(0.01)
    report = toy.stage.report()
    assert report["overflowed"] == 2 * QUEUE
    assert report["events_in"] + report["dropped"] == QUEUE + 2
    assert toy.played[-1].values == ()
    assert toy.board.look("synth") == ()
    assert caplog.messages == ["hand is sent more than it can take"]
    assert toy.say("BA 01 7F") == [near(1.0, 60 / 127)]


def test_every_origin_has_its_place_and_its_newest_value(tmp_path):
    two = TOY.replace('plays = ["hand"]', 'plays = ["hand", "other"]') + OTHER
    rig = Rig(tmp_path / "two.toml", two).open()
    driver, wrote = rig.stage.conductor.seats["synth"].driver, []
    driver.write = lambda values, place: wrote.append((place, values))
    driver.rest = lambda place: wrote.append((place, ()))
    for port, data in (("Toy", "BA 01 00"), ("Other", "B0 02 7F"), ("Toy", "BA 01 7F")):
        rig.board.midi.say(port, bytes.fromhex(data))
    rig.on(0.01)
    assert wrote == [(1, near(1.0, 0.5)), (0, near(1.0, 0.5))]
    assert rig.stage.conductor.seats["synth"].superseded == 1
    wrote.clear()
    rig.stage.conductor.rest()
    rig.on(0.01)
    assert wrote == [(0, ()), (1, ())], "the instrument comes to rest"
    rig.stage.close()


def test_two_parts_of_one_device_and_its_clock_share_a_port(tmp_path):
    text = (
        TOY.replace('"Synth"', '"Toy"')
        + '[source.beat]\nkind = "midi_clock"\nport = "Toy"\naxes = ["turn"]\n'
    )
    rig = Rig(tmp_path / "one.toml", text).open()
    rig.board.hold("beat", (0.5,))
    rig.on(2.0)
    beats = [event for event in rig.played if event.origin == "beat"]
    assert len(beats) == pytest.approx(4, abs=1)
    rig.board.unplug("hand")
    rig.on(0.05)
    assert len(rig.stage.waits()) == 3
    rig.board.plug("beat")
    rig.on(0.05)
    assert rig.stage.waits() == []
    rig.stage.close()


def test_a_device_that_sends_everything_back_is_not_played_by_itself(tmp_path):
    rig = Rig(
        tmp_path / "one.toml", TOY.replace('"Synth"', '"Toy"').replace("cc 7 ch 2", "cc 1 ch 11")
    ).open()
    send = rig.board.midi.send
    rig.board.midi.send = lambda port, message: (send(port, message), rig.board.midi.say(port, message))
    assert rig.say("BA 01 7F") == [near(1.0, 0.5)]
    rig.on(1.0)
    assert rig.stage.report()["events_in"] == 1
    rig.stage.close()


class Angry:
    """A driver that can be told to fail."""

    axes, port, wake = ("turn",), "Toy", math.inf

    def __init__(self, midi):
        self.midi, self.closed, self.fails = midi, False, ""

    def look(self, what):
        if self.fails == what:
            self.fails = ""
            raise RuntimeError(f"{what} failed")

    def plug(self, now):
        self.look("plug")

    def unplug(self, now):
        self.look("unplug")

    def receive(self, message, now):
        self.look("receive")
        return (0.5,)

    def tick(self, now):
        self.wake = math.inf
        self.look("tick")

    def write(self, values, place=0):
        self.look("write")

    def rest(self, place=0):
        self.look("rest")

    def close(self):
        self.closed = True


@pytest.mark.parametrize("what", ["plug", "unplug", "receive", "tick", "write", "rest"])
def test_a_driver_that_fails_is_closed_and_opened_again(tmp_path, what):
    rig = Rig(tmp_path / "toy.toml").open()
    name = "hand" if what == "receive" else "synth"
    seat = rig.stage.conductor.seats[name]
    first, seat._make = Angry(None), lambda midi=None, **_: Angry(midi)
    first.port, first.fails = seat.driver.port, what
    seat.driver = first
    if what == "tick":
        first.wake = rig.clock.now()
    if what in ("plug", "unplug"):
        rig.board.unplug(name)
        rig.on(0.01)
        rig.board.plug(name)
    rig.say("BA 01 7F 90 3C 40")
    rig.say("80 3C 00")
    assert seat.fault == f"{what} failed"
    assert first.closed
    rig.on(PAUSES[0] + 0.1)
    assert not seat.fault
    assert seat.driver is not first
    assert seat.port
    if what == "receive":
        assert rig.board.look("synth") == (), "what it held is let go"
    rig.stage.close()


def test_a_machine_without_midi_is_a_fault_that_is_tried_again():
    clock, ports = HandClock(1.0), []

    def open_ports():
        if not ports:
            raise DeviceError("there is no /dev/snd/seq: load it")
        return ports[0]

    bus = MidiBus(clock, lambda event: None, open_ports)
    console = bus.device(Part("hand", "source", "angry", Angry, ("turn",)), lambda **_: Angry(None))
    bus.open()
    assert console.fault == "there is no /dev/snd/seq: load it"
    assert bus.wake() == 1.0 + PAUSES[0]
    ports.append(FakeBoard(clock).midi)
    clock.move_to(bus.wake())
    bus.step()
    assert console.fault == ""
    assert console.waits == "waiting for Toy to be plugged in"
    bus.close()


def test_in_threads_a_message_becomes_an_event_and_nothing_is_left_running(tmp_path):
    (tmp_path / "toy.toml").write_text(TOY)
    before = set(threading.enumerate())
    clock = WallClock()
    stage = Stage(load(tmp_path / "toy.toml"), FakeBoard(clock), clock)
    heard = threading.Event()
    stage.conductor.listeners.append(lambda event: (heard.set(), stage.conductor.stop()))
    stage.open()
    stage.board.midi.say("Toy", b"\xba\x01\x7f")
    stage.conductor.run(clock.now() + 5.0)
    assert heard.is_set()
    stage.close()
    assert set(threading.enumerate()) == before


def test_a_file_with_controllers_can_be_rehearsed(tmp_path):
    (tmp_path / "toy.toml").write_text(TOY)
    rehearse(load(tmp_path / "toy.toml"))


@pytest.mark.parametrize(
    ("wanted", "port", "is_it"),
    [
        ("X-TOUCH MINI", "X-TOUCH MINI:X-TOUCH MINI MIDI 1", True),
        ("x-touch", "X-TOUCH MINI:X-TOUCH MINI MIDI 1", True),
        ("X-TOUCH MINI", "X-TOUCH MINI:X-TOUCH MINI MIDI 1 #2", False),
        ("X-TOUCH MINI #2", "X-TOUCH MINI:X-TOUCH MINI MIDI 1 #2", True),
        ("X-TOUCH MINI #2", "X-TOUCH MINI:X-TOUCH MINI MIDI 1", False),
        ("X-TOUCH MINI #2", "X-TOUCH MINI:X-TOUCH MINI MIDI 1 #3", False),
        ("Lightpad", "X-TOUCH MINI:X-TOUCH MINI MIDI 1", False),
    ],
)
def test_ports_are_known_by_name_and_equal_ones_by_number(wanted, port, is_it):
    assert matches(wanted, port) is is_it
