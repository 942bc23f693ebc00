"""The process that trains: kept warm, killed and started again, and never in the way."""

import os
import signal
import time
from pathlib import Path
from queue import SimpleQueue
from random import Random

import pytest

from foretone.event import Command
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
