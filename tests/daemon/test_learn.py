"""MIDI learn: movements in, the table of an instrument file out."""

import math
import tomllib

import pytest

from foretone.cli import main
from foretone.clock import HandClock
from foretone.errors import ForetoneError, InstrumentError
from foretone.instrument import load
from foretone.learn import Learner, learn, put_into, table
from foretone_hardware.fake import FakeBoard
from foretone_hardware.midi import MIDI


def guessed(*messages):
    learner = Learner()
    for message in messages:
        learner.hear(bytes(message), 0.0)
    return learner.guess()


def sweep(low=0, high=127, step=3):
    return [*range(low, high + 1, step), *range(high, low - 1, -step)]


TURNS = [1, 1, 2, 1, 1, 1]


@pytest.mark.parametrize(
    ("messages", "control"),
    [
        ([(0xBA, 1, v) for v in sweep()], "cc 1 ch 11"),
        ([(0xB0, 1, v) for v in sweep(60, 68, 1)], "cc 1 ch 1"),  # a timid hand, around the middle
        ([(0xB0, 10, v) for v in sweep(1, 12, 1)], "cc 10 ch 1"),
        ([(0xB0, 5, 127), (0xB0, 5, 0)], "cc 5 ch 1"),  # a button
        ([(0xB0, n, 100) for n in range(30)], ""),  # a device that tells where it stands
        ([m for v in sweep(0, 16383, 200) for m in ((0xB0, 7, v >> 7), (0xB0, 39, v & 127))], "cc14 7 ch 1"),
        ([m for v in sweep() for m in ((0xB0, 7, v), (0xB0, 39, 0))], "cc 7 ch 1"),  # 14 bits that say 7
        ([(0xE8, v & 127, v >> 7) for v in sweep(0, 16383, 300)], "bend ch 9"),
        ([(0xD1, v) for v in sweep()], "pressure ch 2"),
        ([(0xA0, 60, v) for v in sweep()], "poly 60 ch 1"),
        ([(0x99, 36, 100), (0x89, 36, 0)], "note 36 ch 10"),
        ([(0x90, 60, 90), (0x90, 60, 0), (0x90, 64, 90), (0x80, 64, 0)], "note ch 1"),
        ([(0x90, 60, 90), *[(0xD0, v) for v in sweep()], (0x80, 60, 0)], "note 60 ch 1"),  # with aftertouch
        (
            [(0x90, 104, 127), *[(0xE0, 0, v) for v in sweep()], (0x90, 104, 0)],
            "bend ch 1",
        ),  # a touched fader
        ([(0xB0, 16, v) for v in [*TURNS, *(128 - v for v in TURNS)]], "cc 16 ch 1 twos"),
        ([(0xB0, 16, v) for v in [*(64 + v for v in TURNS), *(64 - v for v in TURNS)]], "cc 16 ch 1 offset"),
        ([(0xB0, 16, v) for v in [*TURNS, *(64 + v for v in TURNS)]], "cc 16 ch 1 sign"),
        ([(0xF8,), (0xFE,), (0xC0, 5), (0xF0, 0xF7)], ""),
        ([], ""),
    ],
)
def test_what_was_moved_is_told_apart(messages, control):
    assert guessed(*messages) == control


def test_a_table_is_toml_and_a_source(tmp_path):
    text = table("knobs", 'A "name" \\ é', ["cc 1 ch 1", "note ch 2"])
    assert tomllib.loads(text)["source"]["knobs"]["port"] == 'A "name" \\ é'
    (tmp_path / "a.toml").write_text(f'axes = ["a", "b"]\n\n{text}')
    assert load(tmp_path / "a.toml").parts["knobs"].settings["controls"] == ["cc 1 ch 1", "note ch 2"]


class Hand:
    """A device whose knobs a hand moves one after another: each for a second, every three seconds."""

    def __init__(self, clock, controls):
        self.board = FakeBoard(clock)
        self.board.fit("toy", MIDI, {"port": "Toy", "controls": controls})
        self.board.perform(
            "toy", lambda now: [self.at(now - 3 * axis - 101) for axis in range(len(controls))]
        )

    def at(self, seconds):
        return 0.5 - 0.5 * math.cos(math.tau * min(max(seconds, 0.0), 1.0))


INSTRUMENT = 'title = "Mine"\naxes = ["turn", "lean"]\n\n[source.ghost]\nkind = "ghost"\n'


@pytest.fixture
def clock():
    return HandClock(100.0)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(INSTRUMENT)
    return path


def real(board):
    """As if it were no simulation, which brings a knob of its own."""
    board.name = "pi"
    return board


def test_each_axis_is_asked_for_and_the_table_printed(clock, capsys):
    hand = Hand(clock, ["cc 3 ch 2", "cc14 5 ch 2"])
    learn(real(hand.board), clock, "", ["turn", "lean"], "knobs", None)
    said = capsys.readouterr().out
    assert "MIDI ports:\n  Toy\n" in said
    assert "Move what should play 'turn'" in said
    source = tomllib.loads(said[said.index("[source") :])["source"]["knobs"]
    assert source == {"kind": "midi", "port": "Toy", "controls": ["cc 3 ch 2", "cc14 5 ch 2"]}


def test_it_goes_into_the_file_whose_axes_it_asks_for(clock, file, capsys):
    hand = Hand(clock, ["cc 3 ch 2", "cc 5 ch 2"])
    learn(real(hand.board), clock, "toy", [], "knobs", file)
    assert "'lean'" in capsys.readouterr().out
    assert file.read_text().startswith(INSTRUMENT)
    assert load(file).parts["knobs"].settings["controls"] == ["cc 3 ch 2", "cc 5 ch 2"]
    assert list(file.parent.glob("[!.]*")) == [file]


def test_some_of_a_files_axes(clock, file):
    learn(real(Hand(clock, ["cc 3 ch 2"]).board), clock, "", ["lean"], "knobs", file)
    assert load(file).parts["knobs"].axes == ("lean",)


def test_an_axis_that_the_file_has_not_is_told(clock, file):
    with pytest.raises(ForetoneError, match="has the axes turn, lean"):
        learn(real(Hand(clock, ["cc 3 ch 2"]).board), clock, "", ["twist"], "knobs", file)


def test_nothing_moved_is_told_after_a_minute(clock):
    with pytest.raises(ForetoneError, match="nothing was moved"):
        learn(real(FakeBoard(clock)), clock, "", ["turn"], "knobs", None)
    assert clock.now() == pytest.approx(160.0, abs=0.1)


def test_one_control_cannot_play_two_axes(clock):
    hand = Hand(clock, ["cc 3 ch 2"])
    hand.board.perform("toy", lambda now: [hand.at((now - 101) % 3)])
    with pytest.raises(ForetoneError, match="'cc 3 ch 2' plays 'turn' already"):
        learn(real(hand.board), clock, "", ["turn", "lean"], "knobs", None)


def test_another_device_than_the_one_that_is_wanted_is_not_learnt(clock):
    with pytest.raises(ForetoneError, match="nothing was moved"):
        learn(real(Hand(clock, ["cc 3 ch 2"]).board), clock, "Lightpad", ["turn"], "knobs", None)


@pytest.mark.parametrize(
    ("name", "controls", "fault"),
    [("ghost", ["cc 1 ch 1", "cc 2 ch 1"], "already a source"), ("knobs", ["cc 1 ch 1"], "controls has 1")],
)
def test_a_file_that_would_be_wrong_stays_as_it_was(file, name, controls, fault):
    with pytest.raises(InstrumentError, match=fault) as caught:
        put_into(file, name, table(name, "Toy", controls))
    assert str(file) in str(caught.value)
    assert file.read_text() == INSTRUMENT
    assert list(file.parent.iterdir()) == [file]


def test_the_command_on_a_simulated_board(capsys):
    assert main(["learn", "--board", "fake"]) == 0
    assert 'controls = ["cc 1 ch 1"]' in capsys.readouterr().out


def test_a_machine_without_midi(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("foretone_hardware.sequencer.DEVICE", tmp_path / "seq")
    assert main(["learn"]) == 1
    assert "modprobe snd-seq" in capsys.readouterr().err
