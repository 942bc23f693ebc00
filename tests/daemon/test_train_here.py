"""`foretone train --here`: the box learns from its own sessions, and the sound does not notice."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from foretone import train
from foretone.errors import InstrumentError, SessionError
from foretone.instrument import find, load
from foretone.lite import Model
from foretone.session import Header, read_header

pytestmark = pytest.mark.live


@pytest.fixture
def empi():
    return load(find("empi"))


def log(folder, name, title, axes=("lever",)):
    """The beginning of a session log, as a power cut may leave it."""
    header = Header(title, axes, ("lever",), ("duet",))
    path = folder / name
    path.write_text(header.text() + f"0.5,lever{',0.25' * len(axes)}\n0.6,le")
    return path


def test_a_box_trains_on_what_was_played_on_it_last(tmp_path):
    sessions, models = tmp_path / "sessions", tmp_path / "models"
    practised = sessions / "2026-11-21T20-00-00Z-empi.csv"
    sessions.mkdir()
    foretone = [sys.executable, "-m", "foretone"]
    subprocess.run([*foretone, "practise", "empi", "--minutes", "1", "--out", str(practised)], check=True)
    log(sessions, "2026-11-21T19-00-00Z-pad.csv", "Pad", ("x", "y"))
    trainer = subprocess.Popen(
        [*foretone, "train", "--here", "--seconds", "1", "--log", str(sessions), "--out", str(models)],
        stdout=subprocess.PIPE,
        text=True,
    )
    policies = set()
    deadline = time.monotonic() + 120
    while trainer.poll() is None:
        assert time.monotonic() < deadline, "it did not end in time"
        try:
            policies.add(os.sched_getscheduler(trainer.pid))
        except ProcessLookupError:
            break
        os.sched_yield()
    told = trainer.communicate()[0]
    assert trainer.returncode == 0, told
    assert os.SCHED_IDLE in policies, "the trainer was served like everybody else"
    made = models / "empi-duet.tflite"
    assert Model(made).card.plays == ("lever",)
    assert f"--set duet.model={made}" in told
    assert (models / "empi-duet.report.html").exists()


def test_sessions_are_those_of_the_instrument_and_its_axes(empi, tmp_path):
    mine = [log(tmp_path, "1-empi.csv", "EMPI"), log(tmp_path, "3-empi.csv", "EMPI", ("lever", "knob"))]
    log(tmp_path, "2-pad.csv", "Pad")
    log(tmp_path, "4-empi.csv", "EMPI", ("knob",))
    assert train.of(empi, train.find(empi, None), tmp_path) == mine


def test_a_session_that_cannot_be_read_is_not_passed_over(empi, tmp_path):
    damaged = tmp_path / "1-empi.csv"
    damaged.write_bytes(b"\xff\xfe\x00")
    assert train.of(empi, train.find(empi, None), tmp_path) == [damaged]


def test_where_nothing_was_played_it_says_so(empi, tmp_path):
    with pytest.raises(SessionError, match="EMPI was not played yet"):
        train.of(empi, train.find(empi, None), tmp_path)
    with pytest.raises(SessionError, match="nothing was played yet"):
        train.played_last(tmp_path)


def test_the_instrument_that_was_played_last_is_found_by_its_title(tmp_path):
    log(tmp_path, "1.csv", "EMPI")
    assert train.played_last(tmp_path).name == "empi.toml"
    log(tmp_path, "2.csv", "Gusla")
    with pytest.raises(SessionError, match="Gusla was played last, and no instrument here"):
        train.played_last(tmp_path)


def test_a_player_that_cannot_be_trained_is_told_with_those_that_can(empi):
    assert train.find(empi, "duet").kind == "mdrnn"
    with pytest.raises(InstrumentError, match="no player 'solo' to train: choose --player duet"):
        train.find(empi, "solo")


def test_a_header_is_read_alone(tmp_path):
    path = log(tmp_path, "1.csv", "EMPI", ("x", "y"))
    assert read_header(path).axes == ("x", "y")
    (tmp_path / "no.csv").write_text("time,origin,lever\n")
    with pytest.raises(SessionError, match="first line"):
        read_header(tmp_path / "no.csv")
    with pytest.raises(SessionError, match="cannot be read"):
        read_header(Path(tmp_path / "none.csv"))
