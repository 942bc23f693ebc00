"""The thread that owns a wire, turned by hand; and once for real."""

import math
import threading

import pytest

from foretone.bus import FRAME, PARKING, Bus, Device
from foretone.clock import HandClock, WallClock
from foretone.event import Event, Setting
from foretone.instrument import Part
from foretone.parts import LIVE, Range  # noqa: F401 -- the annotations below are looked up here
from foretone.seat import PAUSES


class Wire:
    """What two drivers share: a lever's place, an arm's place, and whether the cable is in."""

    lever, arm, plugged, opened = 0.5, None, True, 0


class Lever:
    axes = ("position",)

    def __init__(self, wire):
        self.wire = wire
        self.look()
        wire.opened += 1

    def look(self):
        if not self.wire.plugged:
            raise OSError("no answer at 0x48: check its cable")

    def read(self):
        self.look()
        return (self.wire.lever,)

    def close(self):
        pass


class Arm(Lever):
    settled = True

    def __init__(self, wire, *, speed: float = 1.0):
        super().__init__(wire)
        self.speed, self.wrote = speed, []

    def write(self, values):
        self.look()
        self.wrote.append(values)
        self.wire.arm = values[0]

    def rest(self):
        self.look()
        self.wire.arm = None


@pytest.fixture
def rig():
    """A bus at 10 s with a lever read 100 times a second and an arm; what is emitted is in a list."""
    wire, clock, emitted = Wire(), HandClock(10.0), []
    bus = Bus("i2c", clock, emitted.append)
    lever = Device(
        Part("lever", "source", "lever", Lever, ("x",), polled={"rate": 100.0, "deadband": 0.01}),
        lambda: Lever(wire), bus,
    )  # fmt: skip
    arm = Device(Part("arm", "sink", "arm", Arm, ("x",), ("lever",)), lambda **kw: Arm(wire, **kw), bus)
    bus.devices += [lever, arm]
    bus.open()
    return bus, wire, lever, arm, emitted


def turn(bus, until):
    """Move the clock as the bus asks for it."""
    while bus.wake() <= until:
        bus.clock.move_to(bus.wake())
        bus.step()
    bus.clock.move_to(until)


def test_where_the_lever_stands_at_first_is_not_a_gesture(rig):
    bus, _, _, _, emitted = rig
    turn(bus, 10.1)
    assert emitted == []


def test_a_movement_is_emitted_with_the_time_of_its_reading(rig):
    bus, wire, _, _, emitted = rig
    turn(bus, 10.05)
    wire.lever = 0.7
    turn(bus, 10.065)
    assert emitted == [Event(pytest.approx(10.06), "lever", (0.7,))]


def test_noise_within_the_deadband_is_not_heard_but_a_slow_drift_is(rig):
    bus, wire, _, _, emitted = rig
    for step in range(100):
        wire.lever = 0.5 + 0.004 * (-1) ** step
        turn(bus, 10.0 + step / 100)
    assert emitted == []
    for step in range(100):
        wire.lever = 0.5 + step / 2000
        turn(bus, 11.0 + step / 100)
    assert len(emitted) == 4


class Parker(Arm):
    """One that needs two more frames to get where it is parked."""

    def park(self):
        self.write([0.1])
        self.settled = self.wrote.count([0.1]) > 2


def test_what_can_be_parked_is_before_it_is_closed(rig):
    bus, wire, _, arm, _ = rig
    arm._make = lambda: Parker(wire)
    arm.open()
    parker = arm.driver
    arm.play(Event(10.0, "duet", (0.9,)))
    turn(bus, 10.1)
    arm.rest()
    bus.close()
    assert parker.wrote == [(0.9,), [0.1], [0.1], [0.1]]
    assert bus.clock.now() == pytest.approx(10.1 + 2 * FRAME)


@pytest.mark.parametrize("plugged", [True, False])
def test_parking_that_never_ends_or_fails_is_given_up(rig, plugged):
    bus, wire, lever, arm, _ = rig
    arm._make = lambda: Parker(wire)
    arm.open()
    arm.driver.park = lambda: arm.driver.look() or setattr(arm.driver, "settled", False)
    wire.plugged = plugged
    bus.close()
    assert bus.clock.now() <= 10.0 + PARKING + FRAME
    assert arm.driver is lever.driver is None


def test_a_reading_that_is_no_number_is_a_fault_that_says_what_to_check(rig):
    bus, wire, lever, _, emitted = rig
    wire.lever = math.nan
    turn(bus, 10.1)
    assert "check low, high and the wiring" in lever.fault
    wire.lever = 0.5
    turn(bus, 12.0)
    wire.lever = 0.7
    turn(bus, 12.1)
    assert emitted[-1].values == (0.7,)


def test_only_the_newest_of_several_writes_is_made(rig):
    bus, _, _, arm, _ = rig
    for value in (0.1, 0.2, 0.3):
        arm.play(Event(10.0, "duet", (value,)))
    bus.step()
    assert arm.driver.wrote == [(0.3,)]
    assert arm.lateness.n == 1
    assert arm.superseded == 2


def test_letting_go_rests_the_arm(rig):
    bus, wire, _, arm, _ = rig
    arm.play(Event(10.0, "duet", (0.4,)))
    bus.step()
    assert wire.arm == 0.4
    arm.play(Event(10.0, "duet", ()))
    bus.step()
    assert wire.arm is None


def test_an_arm_on_its_way_is_written_every_frame_until_it_is_there(rig):
    bus, _, _, arm, _ = rig
    arm.driver.settled = False
    arm.play(Event(10.0, "duet", (0.9,)))
    bus.step()
    turn(bus, 10.0 + 3.5 * FRAME)
    assert len(arm.driver.wrote) == 4
    arm.driver.settled = True
    turn(bus, 11.0)
    assert len(arm.driver.wrote) == 5
    assert arm.lateness.n == 1, "only the first write answers the event"


def test_a_pulled_cable_is_waited_for_with_growing_pauses_and_the_wanted_place_kept(rig, caplog):
    bus, wire, lever, arm, emitted = rig
    turn(bus, 10.05)
    wire.plugged = False
    arm.play(Event(10.05, "duet", (0.4,)))
    turn(bus, 10.1)
    assert lever.fault == "no answer at 0x48: check its cable"
    assert lever.driver is None
    turn(bus, 10.1 + PAUSES[0] + PAUSES[1])
    assert lever.faults == 3
    wire.plugged = True
    turn(bus, 20.0)
    assert not lever.fault
    assert wire.arm == 0.4
    wire.lever = 0.9
    turn(bus, 20.1)
    assert emitted[-1].values == (0.9,)
    assert caplog.text.count("lever is out") == 1


def test_what_is_not_there_at_the_start_is_waited_for(rig):
    bus, _, _, arm, _ = rig
    late = Device(Part("late", "sink", "arm", Arm, ("x",), ()), lambda **kw: Arm(late_wire, **kw), bus)
    late_wire = Wire()
    late_wire.plugged = False
    bus.devices.append(late)
    bus.open()
    assert late.fault
    assert arm.driver is not None
    late_wire.plugged = True
    turn(bus, 12.0)
    assert late.driver is not None


def test_a_setting_turned_while_playing_survives_the_cable(rig):
    bus, wire, _, arm, _ = rig
    arm.settings = {"speed": type("Known", (), {"refuses": lambda self, value: "", "type": float})()}
    assert arm.turn(Setting("arm", "speed", 3.0)) == ""
    assert arm.driver.speed == 3.0
    wire.plugged = False
    arm.play(Event(10.0, "duet", (0.4,)))
    turn(bus, 10.1)
    wire.plugged = True
    turn(bus, 12.0)
    assert arm.driver.speed == 3.0


def test_closing_plays_what_waits_and_closes_in_the_opposite_order(rig):
    bus, wire, lever, arm, _ = rig
    closed = []
    lever.driver.close = lambda: closed.append("lever")
    arm.driver.close = lambda: closed.append("arm")
    arm.play(Event(10.0, "duet", ()))
    bus.close()
    assert wire.arm is None
    assert closed == ["arm", "lever"]


def test_in_its_own_thread_it_reads_and_writes_and_ends():
    wire, arrived = Wire(), threading.Event()
    emitted = []
    bus = Bus("i2c", WallClock(), lambda event: (emitted.append(event), arrived.set()))
    lever = Device(
        Part("lever", "source", "lever", Lever, ("x",), polled={"rate": 500.0, "deadband": 0.01}),
        lambda: Lever(wire), bus,
    )  # fmt: skip
    bus.devices.append(lever)
    bus.open()
    bus.start()
    deadline = WallClock.now() + 5
    while lever.position is None and WallClock.now() < deadline:
        arrived.wait(0.01)
    wire.lever = 0.8
    assert arrived.wait(5)
    bus.close()
    assert emitted[0].values == (0.8,)
    assert not any(thread.name == "bus i2c" for thread in threading.enumerate())
    assert bus.wake() < math.inf
