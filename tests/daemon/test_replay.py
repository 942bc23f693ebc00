"""Sessions played again: the same in, the same out, byte for byte."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from foretone import session
from foretone.cli import main

GOLDEN = Path(__file__).parents[1] / "golden"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
"""An environment in which files are not UTF-8 unless they are said to be."""


INSTRUMENTS = pytest.mark.parametrize("name", ["empi", "lightpad", "osc", "xtouch"])


def replay(out, name, *more):
    session = GOLDEN / f"{name}.csv"
    status = main(["replay", str(session), "--instrument", name, "--fast", "--out", str(out), *more])
    assert status == 0
    return out.read_bytes()


@INSTRUMENTS
def test_a_golden_session_gives_the_same_bytes_twice(tmp_path, name):
    assert replay(tmp_path / "a.csv", name) == replay(tmp_path / "b.csv", name)
    assert replay(tmp_path / "a.csv", name) != replay(tmp_path / "c.csv", name, "--seed", "9")


@INSTRUMENTS
def test_every_gesture_of_the_session_comes_out_and_its_silences_are_answered(tmp_path, name):
    replay(tmp_path / "out.csv", name)
    heard, played = session.read(GOLDEN / f"{name}.csv").heard(), session.read(tmp_path / "out.csv")
    assert played.heard() == heard
    answers = [event for event in played.events if event.origin == "duet" and event.values]
    moves = [event.time for event in heard if event.values]
    silences = [(a, b) for a, b in pairwise(moves) if b - a > 2]
    assert silences
    for begin, end in silences:
        assert any(begin + 0.8 < event.time < end for event in answers)
    for event in answers:
        last = max(before for before in moves if before <= event.time)
        assert event.time - last > 0.79, "it never answers into the player's gesture"


def test_two_arms_give_the_rewards_of_the_golden_session_to_the_byte(tmp_path):
    """No model plays there, so what must come out stands in the file beside what goes in."""
    assert replay(tmp_path / "out.csv", "arms") == (GOLDEN / "arms.csv").read_bytes()


def test_a_song_that_a_microphone_heard_comes_out_as_it_was(tmp_path):
    assert replay(tmp_path / "out.csv", "hear") == (GOLDEN / "hear.csv").read_bytes()


def test_a_session_of_another_instrument_is_a_sentence(tmp_path, capsys):
    text = (GOLDEN / "empi.csv").read_text().replace("lever", "knob")
    (tmp_path / "knob.csv").write_text(text)
    assert main(["replay", str(tmp_path / "knob.csv"), "--instrument", "empi", "--fast"]) == 1
    assert "was played by 'knob', but EMPI has lever, osc" in capsys.readouterr().err


def test_a_session_is_never_replaced_by_its_own_replay(tmp_path, capsys):
    copy = tmp_path / "mine.csv"
    copy.write_bytes((GOLDEN / "empi.csv").read_bytes())
    assert main(["replay", str(copy), "--instrument", "empi", "--fast", "--out", str(copy)]) == 1
    assert "is the session itself" in capsys.readouterr().err
    assert copy.read_bytes() == (GOLDEN / "empi.csv").read_bytes()
    assert main(["replay", str(copy), "--instrument", "empi", "--fast", "--out", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err


def test_a_session_goes_to_the_screen_whatever_the_locale(tmp_path):
    text = (GOLDEN / "empi.csv").read_text().splitlines(keepends=True)[:200]
    (tmp_path / "in.csv").write_text("".join(text))
    (tmp_path / "again.toml").write_text(
        'title = "H\u00f6he"\naxes = ["lever"]\n[source.lever]\nkind = "ads1115"\n'
        '[sink.out]\nkind = "osc"\nplays = ["lever"]\n',
        encoding="utf-8",
    )
    command = [Path(sys.executable).with_name("foretone"), "replay", "in.csv", "--fast", "--instrument"]
    done = subprocess.run(
        [*command, "again.toml"], cwd=tmp_path, env=ASCII, capture_output=True, check=True, timeout=60
    )
    assert "# instrument: H\u00f6he\n" in done.stdout.decode()


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["practise", "empi", "--minutes", "0.1", "--out", str(tmp_path / "file" / "s.csv")]) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'file' / 's.csv'}: Not a directory\n"


@pytest.mark.parametrize("content", ["", "hello\n", "# foretone session 1\ntime,origin,x\n1,a\n"])
def test_a_broken_session_is_a_sentence(tmp_path, capsys, content):
    (tmp_path / "broken.csv").write_text(content)
    assert main(["replay", str(tmp_path / "broken.csv"), "--instrument", "empi", "--fast"]) == 1
    assert "broken.csv" in capsys.readouterr().err


def test_the_ghost_practises_the_same_session_for_the_same_seed(tmp_path):
    for name, seed in (("a", "4"), ("b", "4"), ("c", "5")):
        out = str(tmp_path / f"{name}.csv")
        assert main(["practise", "empi", "--minutes", "1", "--seed", seed, "--out", out]) == 0
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    assert len(session.read(tmp_path / "a.csv").heard()) > 300


def test_a_replay_source_plays_a_session_exactly(tmp_path):
    (tmp_path / "again.toml").write_text(
        'axes = ["lever"]\n[source.tape]\nkind = "replay"\nsession = "in.csv"\n'
        '[sink.out]\nkind = "osc"\nplays = ["tape"]\n'
    )
    lines = (GOLDEN / "empi.csv").read_text().splitlines(keepends=True)[:200]
    (tmp_path / "in.csv").write_text("".join(lines))
    from foretone.clock import HandClock
    from foretone.instrument import load
    from foretone.stage import Stage
    from foretone_hardware.fake import FakeBoard

    clock, played = HandClock(), []
    stage = Stage(load(tmp_path / "again.toml"), FakeBoard(clock), clock)
    stage.conductor.listeners.append(played.append)
    stage.open(threads=False)
    stage.run_until(600.0)
    stage.close()
    heard = session.read(tmp_path / "in.csv").heard()
    assert [(event.time, event.values) for event in played] == [(event.time, event.values) for event in heard]
