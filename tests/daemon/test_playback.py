"""A recorded session is heard and seen again, on a clock moved by hand."""

import math

import pytest

from foretone.clock import HandClock
from foretone.conductor import Conductor
from foretone.errors import SessionError
from foretone.event import Event
from foretone.instrument import Part
from foretone.playback import Playback
from foretone.seat import Seat
from foretone.session import Header, row

ROWS = [("lever", 0.5, (0.1,)), ("duet", 0.7, (0.9,)), ("lever", 1.25, (0.3,)), ("duet", 1.5, ())]


class Sink:
    """Remembers what it was told to play."""

    def __init__(self):
        self.played = []

    def play(self, event):
        self.played.append(event)


class Player:
    """Would answer, if it were asked."""

    wake, epoch = math.inf, 0

    def hear(self, event):
        raise AssertionError("a player heard what was played some other time")


@pytest.fixture
def stage(tmp_path):
    """A playback, its conductor, the sink it plays to, and the session."""
    conductor = Conductor(HandClock(100.0))
    sink = Sink()
    parts = (("lever", "source", (), object()), ("duet", "player", ("lever",), Player()))
    for name, role, wires, part in (*parts, ("voice", "sink", ("lever", "duet"), sink)):
        conductor.seat(Seat(Part(name, role, "made", type(part), ("lever",), wires), part))
    path = tmp_path / "take.csv"
    header = Header("EMPI", ("lever",), ("lever",), ("duet",))
    rows = [row(Event(time, origin, values), [0], 1, 0.0) for origin, time, values in ROWS]
    path.write_text(header.text() + "".join(rows))
    return Playback(conductor), conductor, sink, path


def run_until(conductor, moment):
    while (wake := conductor.wake()) <= moment:
        conductor.clock.move_to(max(wake, conductor.clock.now()))
        conductor.run_waiting()
    conductor.clock.move_to(moment)


def test_every_row_is_shown_at_its_time_from_the_first_on(stage):
    playback, conductor, sink, path = stage
    heard = []
    conductor.listeners.append(heard.append)
    playback.begin(path)
    run_until(conductor, 100.8)
    assert [event.time for event in sink.played] == pytest.approx([100.0, 100.2, 100.75])
    assert [event.values for event in sink.played] == [(0.1,), (0.9,), (0.3,)]
    assert playback.state(100.8) == {
        "name": "take.csv", "at": pytest.approx(0.8), "length": pytest.approx(1.0)}  # fmt: skip
    run_until(conductor, 103.0)
    assert playback.state(103.0) is None
    assert {event.origin for event in sink.played[3:]} == {"lever", "duet"}
    assert all(event.lets_go for event in sink.played[3:]), "everything that sounded is let go"
    assert heard == [], "it is no playing, so nobody records it"
    assert conductor.counts["events_in"] == 0


def test_it_is_ended_in_the_middle(stage):
    playback, conductor, sink, path = stage
    playback.begin(path)
    run_until(conductor, 100.1)
    playback.end()
    conductor.step(None)
    run_until(conductor, 105.0)
    assert [event.values for event in sink.played] == [(0.1,), (), ()]
    assert playback.state(105.0) is None


def test_another_take_replaces_it(stage):
    playback, conductor, sink, path = stage
    playback.begin(path)
    run_until(conductor, 100.3)
    playback.begin(path)
    run_until(conductor, 100.9)
    assert [event.values for event in sink.played] == [(0.1,), (0.9,), (), (), (0.1,), (0.9,)]


def test_a_sink_gets_the_axes_that_it_takes(tmp_path):
    conductor, sink = Conductor(HandClock(100.0)), Sink()
    conductor.seat(Seat(Part("pad", "source", "made", object, ("x", "y", "z")), object()))
    conductor.seat(Seat(Part("light", "sink", "made", Sink, ("z",), ("pad",), picks=(2,)), sink))
    header = Header("Pad", ("x", "y", "z"), ("pad",), ())
    path = tmp_path / "pad.csv"
    path.write_text(header.text() + row(Event(0.5, "pad", (0.1, 0.2, 0.3)), [0, 1, 2], 3, 0.0))
    Playback(conductor).begin(path)
    run_until(conductor, 101.0)
    assert [event.values for event in sink.played] == [(0.3,), ()]


def test_a_session_of_another_instrument_is_refused(stage, tmp_path):
    playback, _, _, path = stage
    other = tmp_path / "other.csv"
    other.write_text(path.read_text().replace("lever", "knob").replace("duet", "solo"))
    with pytest.raises(SessionError, match="another instrument"):
        playback.begin(other)
    with pytest.raises(SessionError, match="there is no session"):
        playback.begin(tmp_path / "none.csv")
    (tmp_path / "still.csv").write_text("".join(path.read_text().splitlines(keepends=True)[:6]))
    with pytest.raises(SessionError, match="nothing was played"):
        playback.begin(tmp_path / "still.csv")


def test_rows_are_taken_apart_as_they_come_due(stage, caplog):
    """So an hour of them, which takes a second of computing, keeps no answer waiting."""
    playback, conductor, sink, path = stage
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:8], "0.8,duet,much\n", *lines[8:]]))
    playback.begin(path)
    run_until(conductor, 100.1)
    assert caplog.text == ""
    run_until(conductor, 105.0)
    assert "line 9: could not convert" in caplog.text
    assert [event.values for event in sink.played] == [(0.1,), (0.9,), (), ()]
    assert playback.state(105.0) is None


def test_what_a_power_cut_tore_is_left_out(stage):
    playback, conductor, sink, path = stage
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:7], b"0.6,le\0\0\0\n", *lines[7:], b"\0" * 9000]))
    playback.begin(path)
    run_until(conductor, 100.0)
    assert playback.state(100.0)["length"] == pytest.approx(1.0)
    run_until(conductor, 103.0)
    assert [event.values for event in sink.played[:4]] == [(0.1,), (0.9,), (0.3,), ()]


def test_rows_that_fit_no_part_are_silence(stage):
    playback, conductor, sink, path = stage
    path.write_text(path.read_text().replace("0.700000,duet", "0.700000,solo"))
    playback.begin(path)
    run_until(conductor, 101.0)
    assert [event.values for event in sink.played[:2]] == [(0.1,), (0.3,)]
