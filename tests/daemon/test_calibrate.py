"""A lever learns where its ends are."""

import math
import tomllib

import pytest

from foretone import shelf
from foretone.calibrate import calibrate
from foretone.cli import main
from foretone.clock import HandClock
from foretone.errors import CalibrationError
from foretone.instrument import find, load
from foretone_hardware.device import DeviceError
from foretone_hardware.fake import FakeBoard

FILE = """# A lever of my own.
title = "Mine"      # really
axes = ["x"]

[source.lever]
kind = "ads1115"    # on the left
channel = 2

[source.pot]
low = 3.3           # it is mounted the other way round
high = 0.0
kind = "mcp3008"

[sink.out]
kind = "osc"
plays = ["lever", "pot"]
"""


@pytest.fixture
def board():
    made = FakeBoard(HandClock(), seed=1)
    yield made
    made.close()


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "HOME", tmp_path / "home")
    return tmp_path / "home"


class Hands(FakeBoard):
    """A board whose levers are moved between these volts once they are fitted, with a spike now and then."""

    def __init__(self, clock, low, high, spikes=()):
        super().__init__(clock, seed=1)
        self.low, self.high, self.spikes = low, high, dict(spikes)

    def fit(self, name, driver, settings):
        super().fit(name, driver, settings)
        settings = self._parts[name].settings
        bottom, top = settings["low"], settings["high"]

        def perform(now):
            volts = self.low + (self.high - self.low) * (0.5 - 0.5 * math.cos(2.0 * now))
            volts = self.spikes.get(round(now, 2), volts)
            return [(volts - bottom) / (top - bottom)]

        self.perform(name, perform)


def learn(path, board, name=None, said=None):
    return calibrate(load(path), name, board, board._clock, 10.0, (said if said is not None else []).append)


def test_its_ends_are_written_and_everything_else_stays(mine):
    said = []
    assert learn(mine, Hands(HandClock(), 0.4, 2.9), "lever", said) == mine
    tables = tomllib.loads(mine.read_text())
    assert tables["source"]["lever"]["low"] == pytest.approx(0.425, abs=0.01)
    assert tables["source"]["lever"]["high"] == pytest.approx(2.875, abs=0.01)
    lines = mine.read_text().splitlines()
    for line in FILE.splitlines():
        assert line in lines
    assert len(lines) == len(FILE.splitlines()) + 2
    assert shelf.earlier(mine).read_text() == FILE
    assert sorted(mine.parent.iterdir()) == sorted([mine, shelf.earlier(mine)])
    assert said[0] == "Move 'lever' from one end to the other and back, slowly, for 10 seconds."
    assert said[1].startswith("lever: 0 is at 0.42")


def test_what_was_learned_is_reached_at_both_ends(mine):
    learn(mine, Hands(HandClock(), 0.4, 2.9), "lever")
    part = load(mine).parts["lever"]
    lever_board = FakeBoard(HandClock())
    lever_board.fit("lever", part.maker, {"channel": 2, "low": 0.0, "high": 3.3})
    lever = part.maker(lever_board.i2c, **part.settings)
    for volts, position in ((0.4, 0.0), (1.65, 0.5), (2.9, 1.0)):
        lever_board.hold("lever", [volts / 3.3])
        assert lever.read()[0] == pytest.approx(position, abs=0.005)


def test_without_a_name_every_lever_learns_and_one_that_is_turned_round_stays_so(mine):
    learn(mine, Hands(HandClock(), 0.5, 2.5))
    sources = tomllib.loads(mine.read_text())["source"]
    for name, low, high in (("lever", "low", "high"), ("pot", "high", "low")):
        assert sources[name][low] == pytest.approx(0.52, abs=0.01)
        assert sources[name][high] == pytest.approx(2.48, abs=0.01)


def test_a_few_spikes_are_not_believed(mine):
    learn(mine, Hands(HandClock(), 1.0, 2.0, {1.0: 3.3, 2.0: 0.0, 3.0: 3.2}), "lever")
    lever = tomllib.loads(mine.read_text())["source"]["lever"]
    assert (lever["low"], lever["high"]) == pytest.approx((1.01, 1.99), abs=0.01)


@pytest.mark.parametrize(("low", "high"), [(1.5, 1.5), (1.5, 1.8)])
def test_too_little_travel_is_a_sentence_and_nothing_is_written(mine, low, high):
    with pytest.raises(
        CalibrationError, match=r"'lever' moved from 1\.5. to 1\... V only: move it .* nothing"
    ):
        learn(mine, Hands(HandClock(), low, high), "lever")
    assert mine.read_text() == FILE


def test_if_one_of_two_fails_neither_is_written(mine):
    board = Hands(HandClock(), 0.4, 2.9)
    fit = board.fit

    def fit_but_hold_the_pot(name, driver, settings):
        fit(name, driver, settings)
        if name == "pot":
            board.perform(name, None)

    board.fit = fit_but_hold_the_pot
    with pytest.raises(CalibrationError, match="'pot' moved"):
        learn(mine, board)
    assert mine.read_text() == FILE


def test_a_chip_that_does_not_answer_is_its_drivers_sentence(mine, board):
    board.fit = lambda *_: None
    with pytest.raises(DeviceError, match="no ADS1115 answers"):
        learn(mine, board, "lever")


def test_a_lever_that_is_none_is_named_with_those_that_are(mine, board):
    with pytest.raises(
        CalibrationError, match=r"'levr' is no lever of Mine, did you mean 'lever'.*it has lever, pot"
    ):
        learn(mine, board, "levr")
    with pytest.raises(CalibrationError, match="OSC has no lever"):
        learn(find("osc"), board)


def test_a_shipped_file_is_copied_and_the_copy_is_found_first(home):
    shipped = find("empi")
    before = shipped.read_bytes()
    path = learn(shipped, Hands(HandClock(), 0.4, 2.9))
    assert path == home / "instruments" / "empi.toml"
    assert shipped.read_bytes() == before
    assert find("empi") == path
    assert load(path).parts["lever"].settings["high"] == pytest.approx(2.875, abs=0.01)
    assert learn(find("empi"), Hands(HandClock(), 0.1, 3.2)) == path, (
        "the copy itself is calibrated from then on"
    )
    assert "empi" in shelf.instruments()


def test_as_a_command(home, capsys):
    """Nobody moves the levers of this board: the sentence, its exit status, and no file."""
    assert main(["calibrate", "empi", "--board", "fake", "--seconds", "0.2"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("Move 'lever' from one end")
    assert "'lever' moved from" in err
    assert not home.exists()
