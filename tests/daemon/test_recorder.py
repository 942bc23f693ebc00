"""The session log while playing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foretone import session
from foretone.event import Event
from foretone.instrument import Instrument, Part
from foretone.recorder import WAITING, Recorder


@pytest.fixture
def instrument():
    parts = [
        Part("lever", "source", "k", object, ("x", "y")),
        Part("pedal", "source", "k", object, ("y",)),
        Part("duet", "player", "k", object, ("x", "y"), ("lever",)),
        Part("arm", "sink", "k", object, ("x", "y"), ("duet",)),
    ]
    return Instrument(Path("test.toml"), "Test", ("x", "y"), 0, {part.name: part for part in parts})


def test_what_is_noted_is_read_back(tmp_path, instrument):
    recorder = Recorder(tmp_path / "new" / "s.csv", instrument, 50.0, "2026-11-21T20:15:00+00:00")
    recorder.start()
    for event in (Event(50.25, "lever", (0.1, 0.2)), Event(51.0, "pedal", (0.7,)), Event(52.0, "duet", ())):
        recorder.note(event)
    recorder.close()
    read = session.read(recorder.path)
    assert read.header.sources == ("lever", "pedal")
    assert read.header.players == ("duet",)
    assert read.events == (
        Event(0.25, "lever", (0.1, 0.2)),
        Event(1.0, "pedal", (0.7,)),
        Event(2.0, "duet", ()),
    )
    assert "1.000000,pedal,,0.70000" in recorder.path.read_text()
    assert not read.torn


def test_a_disk_that_refuses_loses_nothing_once_it_is_there_again(tmp_path, instrument, caplog):
    place = tmp_path / "sessions"
    place.write_text("a file where the folder should be")
    recorder = Recorder(place / "s.csv", instrument, 0.0, "")
    recorder.note(Event(1.0, "lever", (0.1, 0.2)))
    recorder.write()
    recorder.write()
    assert caplog.text.count("the session is not being recorded") == 1
    place.unlink()
    recorder.note(Event(2.0, "lever", (0.3, 0.4)))
    recorder.write()
    recorder.close()
    assert [event.time for event in session.read(recorder.path).events] == [1.0, 2.0]
    assert recorder.lost == 0


def test_a_full_disk_leaves_no_half_line(tmp_path, instrument):
    """A real limit on the file's size: the kernel refuses in the middle of a write, as a full disk does."""
    code = f"""
import resource, signal
from pathlib import Path
from foretone.event import Event
from foretone.instrument import Instrument, Part
from foretone.recorder import Recorder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
instrument = Instrument(Path("t"), "T", ("x",), 0, {{"lever": Part("lever", "source", "k", object, ("x",))}})
recorder = Recorder(Path({str(tmp_path / "s.csv")!r}), instrument, 0.0, "")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for turn in range(100):
    recorder.note(Event(float(turn), "lever", (0.5,)))
    recorder.write()
size = recorder.path.stat().st_size
assert size <= 1000, size
assert recorder.path.read_bytes().endswith(b"\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorder.close()
assert recorder.lost == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(session.read(tmp_path / "s.csv").events) == 100


def test_a_disk_that_never_answers_costs_the_oldest_rows_and_says_how_many(tmp_path, instrument):
    recorder = Recorder(tmp_path / "s.csv" / os.devnull / "s.csv", instrument, 0.0, "")
    (tmp_path / "s.csv").write_text("")
    for number in range(WAITING + 5):
        recorder.note(Event(float(number), "lever", (0.1, 0.2)))
    recorder.write()
    assert recorder.lost == 5


def test_a_players_own_axes_stand_after_the_instruments(tmp_path, instrument):
    instrument.parts["arms"] = Part("arms", "player", "k", object, ("reward", "y"), ("lever",))
    recorder = Recorder(tmp_path / "s.csv", instrument, 0.0, "")
    recorder.note(Event(0.5, "lever", (0.1, 0.2)))
    recorder.note(Event(1.0, "arms", (0.9, 0.3)))
    recorder.write()
    recorder.close()
    assert recorder.path.read_text().splitlines()[5:] == [
        "time,origin,x,y,reward",
        "0.500000,lever,0.10000,0.20000,",
        "1.000000,arms,,0.30000,0.90000",
    ]
