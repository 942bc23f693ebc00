"""The process that trains: kept warm, killed and started again, and never in the way."""

import base64
import errno
import json
import os
import signal
import sys
import time
from pathlib import Path
from queue import SimpleQueue
from random import Random

import pytest

from foretone.event import Command
from foretone.mapping import journal
from foretone.mapping.journal import Journal
from foretone.mapping.project import Take
from foretone.players.mapping import Mapping
from foretone.workshop import Workshop


@pytest.fixture
def shop(tmp_path):
    """A player with two examples, its workshop, and `until(verb)`: obey all that is said up to there."""
    said = SimpleQueue()
    player = Mapping(("x",), "teach", Random(1), outputs=["y"], fade=0.0)
    made = Workshop(tmp_path, "a", player, said.put)
    made.open()
    for x, y in ((0.0, 0.2), (1.0, 0.8)):
        player.x = (x,)
        player.obey("set", (y,), 1.0)
        player.obey("example", (), 1.0)

    def until(verb):
        while True:
            message = said.get(timeout=30)
            assert isinstance(message, Command)
            player.obey(message.verb, message.words, 2.0)
            if message.verb == verb:
                return message.words

    yield player, made, until
    made.close()


def wait(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end


def test_a_large_table_is_taken_over_at_once_and_undone_at_once(shop, tmp_path):
    """The conductor never waits for its examples, however many there are."""
    player, made, until = shop
    lines = [f"{number},{0.001 * number},{number % 7 / 7},0.5" for number in range(5000)]
    (tmp_path / "many.csv").write_text("\n".join(["take,time,in:x,out:y", *lines]) + "\n")
    player.obey("import", ("many.csv",), 2.0)
    player.obey("example", (), 2.0)
    before = player.history.project
    takes, actions = until("_imported")
    assert all(isinstance(take, Take) for take in takes), "what takes long was made elsewhere"
    assert len(actions) == 15_000, "and is journalled action by action"
    whole = player.history.project
    assert [take.number for take in whole.takes] == [*range(1, 5004)]
    player.obey("undo", (), 3.0)
    assert player.history.project == before
    player.obey("redo", (), 3.0)
    made.close()
    again = Mapping(("x",), "teach", Random(1), outputs=["y"])
    Journal(tmp_path / "a.journal", ("x",), ("y",)).load(again.history)
    assert again.history.project == player.history.project == whole
    assert again.history.steps == player.history.steps


def test_a_saved_output_is_loaded_with_its_examples(shop):
    player, _, until = shop
    player.obey("save", (1, "mine"), 2.0)
    until("_news")
    player.obey("load", (1, "mine"), 2.0)
    until("_loaded")
    frames = [take.frames[0] for take in player.history.project.takes]
    assert [(frame.x, frame.y) for frame in frames] == 2 * [((0.0,), (0.2,)), ((1.0,), (0.8,))]
    player.obey("undo", (), 2.0)
    assert player.history.project.examples == 2


def test_it_learns_again_and_again_in_one_process(shop):
    player, made, until = shop
    wait(lambda: made.trainer)
    pid = made.trainer
    for _ in range(3):
        player.obey("train", (), 2.0)
        until("_trained")
    assert made.trainer == pid


def test_it_computes_in_one_thread(shop):
    """A second one waits for a core that somebody else has: a training then takes ten times as long."""
    player, made, until = shop
    player.obey("train", (), 2.0)
    until("_trained")
    assert len(list(Path(f"/proc/{made.trainer}/task").iterdir())) == 1


def test_one_that_is_killed_is_started_again_and_what_was_lost_is_said(shop):
    player, made, until = shop
    player.obey("train", (), 2.0)
    until("_trained")
    made._until = time.monotonic() + 30
    os.kill(made.trainer, signal.SIGKILL)
    assert "the trainer died; train again" in until("_failed")
    wait(lambda: made.trainer)
    player.obey("train", (), 2.0)
    until("_trained")


def test_a_training_that_takes_too_long_is_given_up(shop):
    player, made, until = shop
    wait(lambda: made.trainer)
    os.kill(made.trainer, signal.SIGSTOP)
    player.deadline = 0.1
    player.obey("train", (), 2.0)
    (sentence,) = until("_failed")
    assert "longer than its deadline" in sentence
    player.deadline = 30.0
    player.obey("train", (), 2.0)
    until("_trained")


def test_one_that_is_cancelled_is_not_played(shop):
    player, made, until = shop
    wait(lambda: made.trainer)
    os.kill(made.trainer, signal.SIGSTOP)
    player.obey("train", (), 2.0)
    player.obey("cancel", (), 2.0)
    player.obey("train", (), 2.0)
    until("_trained")
    assert player.history.steps[0] == 3


def test_the_newest_of_many_is_played_last(shop):
    player, _, until = shop
    for y in (0.1, 0.3, 0.5, 0.9):
        player.obey("delete", ("all",), 1.0)
        player.obey("set", (y,), 1.0)
        player.obey("example", (), 1.0)
        player.obey("train", (), 2.0)
    until("_trained")
    until("_trained")
    player.obey("run", (), 3.0)
    assert player.voice.open[player.history.project.outputs[0].model].play([0.5])[0] == pytest.approx(0.9)


def test_one_that_cannot_be_started_is_told_and_tried_again(shop, monkeypatch):
    player, made, until = shop
    wait(lambda: made.trainer)
    with monkeypatch.context() as here:
        here.setattr(sys, "executable", "/nowhere/python")
        os.kill(made.trainer, signal.SIGKILL)
        assert "the trainer cannot be started: No such file" in until("_failed")[0]
        player.obey("train", (), 2.0)
        assert "the trainer is not there just now" in until("_failed")[0]
    wait(lambda: made.trainer)
    player.obey("train", (), 2.0)
    until("_trained")


NO_TEMPLATES = {"foretone gestures": 1, "hears": ["x"], "step": 0.02, "factor": [1.0], "kinds": [1],
                "templates": [], "thresholds": [1.0]}  # fmt: skip


@pytest.mark.parametrize("gestures", [b"{", b"[]", b"{}", json.dumps(NO_TEMPLATES).encode()])
def test_an_output_whose_gestures_are_damaged_is_refused_and_the_next_is_learned(shop, tmp_path, gestures):
    player, _, until = shop
    (tmp_path / "outputs").mkdir()
    saved = {
        "foretone output": 1, "hears": ["x"], "output": {"learn": "dtw"}, "takes": [], "suffix": ".json",
        "content": base64.b64encode(gestures).decode(),
    }  # fmt: skip
    (tmp_path / "outputs" / "worn.json").write_text(json.dumps(saved))
    player.obey("load", (1, "worn"), 2.0)
    assert until("_failed")[0]
    player.obey("train", (), 2.0)
    until("_trained")


def test_an_action_that_cannot_be_kept_is_told_and_the_next_ones_are_kept(shop, tmp_path):
    player, made, _ = shop
    player.history.unwritten.append(("inputs", [b"\xff"]))
    wait(lambda: made.fault)
    assert "examples are not being kept" in made.fault
    player.obey("example", (), 3.0)
    wait(lambda: not made.fault)
    assert len((tmp_path / "a.journal").read_text().splitlines()) == 1 + 3 * 3


def learned(folder, said):
    player = Mapping(("x",), "teach", Random(1), outputs=["y"], fade=0.0)
    return player, Workshop(folder, "a", player, said.put)


def test_without_its_journal_it_plays_and_keeps_nothing(tmp_path, caplog):
    (tmp_path / "a.journal").mkdir()
    said = SimpleQueue()
    player, made = learned(tmp_path, said)
    made.open()
    assert "examples are not being kept" in made.fault
    assert "Is a directory" in made.fault
    player.x = (0.5,)
    player.obey("example", (), 1.0)
    assert not player.history.unwritten
    player.obey("train", (), 1.0)
    while said.get(timeout=30).verb != "_trained":
        pass
    made.close()
    assert made.fault
    assert caplog.text.count("playing on") == 1


def test_a_journal_that_cannot_be_mended_is_played_and_left_as_it_is(shop, tmp_path, monkeypatch):
    _, first, _ = shop
    first.close()
    with (tmp_path / "a.journal").open("a") as file:
        file.write('["ta')
    before = (tmp_path / "a.journal").read_bytes()

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(journal.os, "truncate", refuse)
    player, made = learned(tmp_path, SimpleQueue())
    made.open()
    assert "Read-only file system" in made.fault
    assert player.history.project.examples == 2
    player.obey("undo", (), 1.0)
    made.close()
    assert (tmp_path / "a.journal").read_bytes() == before
