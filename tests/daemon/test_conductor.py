"""The conductor, with a clock moved by hand and parts of a few lines."""

import math
from itertools import pairwise

import pytest

from foretone.clock import HandClock
from foretone.conductor import QUEUE, Conductor
from foretone.event import Command, Event, Setting
from foretone.instrument import Part
from foretone.seat import PAUSES, Seat


class Key:
    """A source that does nothing by itself."""

    def close(self):
        self.closed = True


class Echo:
    """A player that answers each gesture after a wait, and takes its answer back when told to."""

    def __init__(self, wait=1.0):
        self.axes, self.wait, self.epoch, self.wake = ("x",), wait, 0, math.inf
        self.heard = []

    def hear(self, event):
        self.heard.append(event)
        return [Event(event.time + self.wait, "echo", event.values)]

    def tick(self, now):
        self.wake = math.inf
        return []

    def rest(self, now):
        return [Event(now, "echo", ())]


class Ear:
    """A sink that remembers, and can be told to fail."""

    def __init__(self):
        self.played, self.rested, self.failing = [], 0, 0

    def play(self, event):
        if self.failing:
            self.failing -= 1
            raise OSError("the cable is out")
        self.played.append(event)

    def rest(self):
        self.rested += 1

    def close(self):
        pass


def part(name, role, maker=Key, wires=(), axes=("x",)):
    return Part(name, role, maker.__name__.lower(), maker, axes, wires)


@pytest.fixture
def house():
    """A key, an echo that hears it, and an ear that hears both; the clock stands at 100 s."""
    conductor = Conductor(HandClock(100.0))
    echo, ear = Echo(), Ear()
    conductor.seat(Seat(part("key", "source"), Key()))
    conductor.seat(Seat(part("echo", "player", Echo, ("key",)), echo))
    conductor.seat(Seat(part("ear", "sink", Ear, ("key", "echo")), ear))
    return conductor, echo, ear


def play(conductor, time, *values):
    conductor.clock.move_to(time)
    conductor.emit(Event(time, "key", values))
    conductor.run_waiting()


def move(conductor, time):
    conductor.clock.move_to(time)
    conductor.run_waiting()


def test_a_gesture_is_played_at_once_and_its_prediction_when_it_is_due(house):
    conductor, _, ear = house
    play(conductor, 100.5, 0.3)
    assert ear.played == [Event(100.5, "key", (0.3,))]
    assert conductor.ahead() == [Event(101.5, "echo", (0.3,))]
    assert conductor.wake() == 101.5
    move(conductor, 101.49)
    assert len(ear.played) == 1
    move(conductor, 101.5)
    assert ear.played[1] == Event(101.5, "echo", (0.3,))
    assert conductor.counts["events_in"] == conductor.counts["predictions"] == conductor.counts["played"] == 1


def test_predictions_are_played_in_the_order_of_their_times(house):
    conductor, echo, ear = house
    play(conductor, 100.0, 0.1)
    echo.wait = 0.2
    play(conductor, 100.1, 0.2)
    move(conductor, 102.0)
    assert [event.values[0] for event in ear.played if event.origin == "echo"] == [0.2, 0.1]


def test_a_prediction_that_was_taken_back_is_not_played(house):
    conductor, echo, ear = house
    play(conductor, 100.0, 0.1)
    echo.epoch += 1
    assert conductor.ahead() == []
    move(conductor, 102.0)
    assert [event.origin for event in ear.played] == ["key"]
    assert conductor.counts["cancelled"] == 1


@pytest.mark.parametrize("values", [(0.1, 0.2), ("a",), (math.nan,), (math.inf,), (1.5,), (None,)], ids=str)
def test_an_event_that_is_not_as_its_source_promised_is_counted_and_goes_nowhere(house, values):
    conductor, echo, ear = house
    play(conductor, 100.0, *values)
    assert conductor.counts["malformed"] == 1
    assert not echo.heard
    assert not ear.played
    play(conductor, 100.1, 0.5)
    assert len(ear.played) == 1


def test_an_event_of_nobody_is_counted(house):
    conductor, _, ear = house
    conductor.emit(Event(100.0, "stranger", (0.5,)))
    conductor.run_waiting()
    assert conductor.counts["malformed"] == 1
    assert not ear.played


def test_a_full_queue_drops_the_oldest_and_counts_them(house):
    conductor, echo, _ = house
    for number in range(QUEUE + 10):
        conductor.emit(Event(100.0, "key", (number / (QUEUE + 10),)))
    conductor.run_waiting()
    assert conductor.counts["dropped"] == 10
    assert len(echo.heard) == QUEUE
    assert echo.heard[0].values[0] == 10 / (QUEUE + 10)


def test_a_part_that_fails_sits_out_growing_pauses_and_comes_back(house, caplog):
    conductor, echo, ear = house
    ear.failing = 2
    play(conductor, 100.0, 0.1)
    assert conductor.seats["ear"].fault == "the cable is out"
    assert len(echo.heard) == 1
    play(conductor, 100.0 + PAUSES[0] - 0.01, 0.2)
    assert ear.failing == 1
    play(conductor, 100.0 + PAUSES[0], 0.3)
    assert ear.failing == 0
    assert conductor.seats["ear"].again == 100.0 + PAUSES[0] + PAUSES[1]
    play(conductor, 103.0, 0.4)
    assert [event.values for event in ear.played if event.origin == "key"] == [(0.4,)]
    assert not conductor.seats["ear"].fault
    assert conductor.seats["ear"].faults == 2
    assert [record.message for record in caplog.records].count(
        "ear is out: the cable is out; trying again with growing pauses"
    ) == 1


def test_rest_releases_what_plays_and_drops_what_was_to_come(house):
    conductor, _, ear = house
    play(conductor, 100.0, 0.1)
    conductor.rest()
    assert ear.played[-1].lets_go
    assert ear.rested == 1
    move(conductor, 110.0)
    assert len(ear.played) == 2


def test_rest_reaches_a_part_that_is_sitting_out_its_pause(house):
    conductor, _, ear = house
    ear.failing = 1
    play(conductor, 100.0, 0.1)
    conductor.rest()
    assert ear.rested == 1


def test_a_setting_of_nobody_is_counted_and_told(house, caplog):
    conductor, *_ = house
    conductor.emit(Setting("nobody", "mode", "filter"))
    conductor.emit(Setting("echo", "wait", 2.0))
    conductor.run_waiting()
    assert conductor.counts["malformed"] == 2
    assert "there is no part called 'nobody'" in caplog.text
    assert "no such setting" in caplog.text


def test_late_parts_are_named(house):
    conductor, echo, _ = house
    hear = echo.hear
    echo.hear = lambda event: conductor.clock.move_to(conductor.clock.now() + 0.0031) or hear(event)
    play(conductor, 100.0, 0.1)
    assert conductor.late.counts == {"echo": 1}
    assert conductor.late.last == "echo took 3.1 ms"


def test_a_command_that_takes_long_is_named_too(house):
    conductor, echo, _ = house
    echo.obey = lambda verb, words, now: (conductor.clock.move_to(now + 0.0123), ())
    conductor.step(Command("echo", "count", ()))
    assert conductor.late.last == "echo took 12.3 ms"


def test_run_waits_for_what_is_due_and_ends_by_itself(house):
    conductor, _, ear = house
    conductor.emit(Event(100.0, "key", (0.7,)))
    conductor.run(until=105.0)
    assert [event.time for event in ear.played] == [100.0, 101.0]
    assert conductor.clock.now() == 105.0


def test_chores_are_done_when_they_ask_to_be(house):
    conductor, *_ = house
    done = []
    conductor.chores.append(lambda now: done.append(now) or now + 1.0)
    conductor.run(until=103.5)
    assert 100.0 <= done[0] <= 100.5
    assert len(done) in (3, 4)
    assert all(b - a == pytest.approx(1.0) for a, b in pairwise(done))


def test_a_player_that_fails_is_released_and_what_it_predicted_is_dropped(house):
    conductor, echo, ear = house
    play(conductor, 100.0, 0.1)
    echo.hear = lambda event: 1 / 0
    play(conductor, 100.5, 0.2)
    assert ear.played[-1] == Event(100.5, "echo", ())
    assert conductor.ahead() == []
    move(conductor, 102.0)
    assert [event.origin for event in ear.played if event.values] == ["key", "key"]


@pytest.mark.parametrize(
    "answer",
    [Event(101.0, "stranger", (0.1,)), Event(math.nan, "echo", (0.1,)), Event(101.0, "echo", (7.0,))],
)
def test_an_answer_that_is_not_the_players_own_is_its_fault(house, answer):
    conductor, echo, _ = house
    echo.hear = lambda event: [answer]
    play(conductor, 100.0, 0.1)
    assert "not an event of its own" in conductor.seats["echo"].fault
    assert conductor.ahead() == []


def test_an_answer_made_on_the_way_may_fail_on_the_way(house):
    def hear(event):
        yield Event(event.time, "echo", (0.1,))
        raise RuntimeError("half way")

    conductor, echo, _ = house
    echo.hear = hear
    play(conductor, 100.0, 0.1)
    assert conductor.seats["echo"].fault == "half way"


def test_what_was_due_before_a_gesture_is_played_before_it(house):
    conductor, _, ear = house
    play(conductor, 100.0, 0.1)
    play(conductor, 101.2, 0.2)
    assert [(event.origin, event.time) for event in ear.played] == [
        ("key", 100.0),
        ("echo", 101.0),
        ("key", 101.2),
    ]


def test_a_chore_or_listener_that_fails_is_named_and_the_loop_goes_on(house, caplog):
    conductor, _, ear = house
    conductor.chores.append(lambda now: 1 / 0)
    conductor.listeners.append(lambda event: 1 / 0)
    play(conductor, 100.0, 0.1)
    play(conductor, 100.1, 0.2)
    assert len(ear.played) == 2
    assert "division by zero" in caplog.text


def test_a_setting_that_its_part_cannot_take_is_the_parts_fault(house):
    conductor, *_ = house

    class Known:
        type, live = float, True

        def refuses(self, value):
            return 1 / 0

    conductor.seats["echo"].settings = {"wait": Known()}
    conductor.emit(Setting("echo", "wait", 10**400))
    conductor.run_waiting()
    assert conductor.seats["echo"].fault == "division by zero"


def test_a_latency_is_counted_only_when_something_was_played(house):
    conductor, echo, ear = house
    ear.failing = 1
    echo.hear = lambda event: 1 / 0
    play(conductor, 100.0, 0.1)
    assert conductor.latency["due_to_played"].n == 0
    assert conductor.latency["input_to_prediction"].n == 0
