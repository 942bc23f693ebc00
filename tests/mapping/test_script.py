"""The examples of mapping/README.md for scripts run as they stand there; and what they do not show."""

import re
import select
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from foretone import kinds
from foretone.errors import ModelError, SettingError, SoundError
from foretone.mapping.changes import CHANGEABLE
from foretone.mapping.project import Learn
from foretone.mapping.verbs import VERBS
from foretone.players.mapping import Mapping as Player
from foretone.ring import Ring
from foretone.script import Mapping, Voice
from foretone_training import cli as train

README = Path(__file__).parents[2] / "daemon" / "foretone" / "mapping" / "README.md"


def examples():
    text = README.read_text()
    return re.findall(r"```python\n(.*?)```", text[text.index("## Mapping in a script") :], re.DOTALL)


@pytest.mark.parametrize("code", examples())
def test_what_the_readme_shows_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(README), "exec"), {})


def test_the_readme_has_every_verb_and_every_key():
    text = README.read_text()
    said = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| .*? \|", text, re.MULTILINE))))
    assert {verb for verb in VERBS if not verb.startswith("_")} <= said
    assert CHANGEABLE.keys() | kinds.settings(Player).keys() <= said
    assert all(f"`{way}`" in text for way in get_args(Learn))


def test_what_a_script_plays_is_heard():
    with Voice("glass", ["frequency from 110 to 880", "cutoff", "loudness"], pcm="null") as voice:
        ring, heard, end = Ring.open(voice.ring), 0, time.monotonic() + 30
        while heard < 1000:
            assert time.monotonic() < end
            voice.play([0.3, 0.5, 0.9], seconds=0.01)
            heard = np.abs(ring.read(0)[0].astype(int)).max(initial=0)


def test_a_voice_that_is_not_there_is_said(capfd):
    with pytest.raises(SoundError, match="nothing sounds here"):
        Voice("glas", ["cutoff"])
    assert "did you mean 'glass'" in capfd.readouterr().err


def test_show_train_play():
    with Mapping(1, 2) as mapping:
        mapping.show([0.0], [0.2, 0.8])
        mapping.show([1.0], [0.6, 0.4])
        scores = mapping.train()
        assert scores["error"] < 0.01
        assert mapping.play([1.0]) == pytest.approx((0.6, 0.4), abs=0.01)
        mapping.do("undo")
        assert mapping.do("state")["examples"] == 2


def test_it_is_kept_for_the_next_time(tmp_path):
    with Mapping(1, 1, tmp_path) as mapping:
        mapping.show([0.0], [0.2])
        mapping.show([1.0], [0.6])
        mapping.train()
        before = mapping.play([0.7])
    with Mapping(1, 1, tmp_path) as mapping:
        assert mapping.play([0.7]) == before


def test_examples_go_out_as_arff_and_come_back_the_same(tmp_path):
    """With takes, a class, and outputs that were not recorded."""

    def until(condition):
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end
            select.select([], [], [], 0.01)

    def examples(mapping):
        return [
            (take.number, [frame[1:] for frame in take.frames])
            for take in mapping._player.history.project.takes
        ]

    with Mapping(2, 2, tmp_path, output={"out-2": {"learn": "class-knn", "classes": 3}}) as mapping:
        mapping.show([0.1, 0.9], [0.3, 2])
        mapping.do("mask", "record", 0, 2)
        mapping.show([0.8, 0.2], [0.7, 2])
        mapping.do("mask", "record", 1, 2)
        mapping.show([1 / 3, 2 / 3], [1 / 7, 3])
        before = examples(mapping)
        table = Path(mapping.do("export", "out.csv"))
        until(table.exists)
        for names in (("out.csv", "out.arff"), ("out.arff", "back.csv")):
            source, out = (str(tmp_path / name) for name in names)
            assert train.main(["convert", source, "--out", out, "--outputs", "2"]) == 0
        mapping.do("project", "other")
        until(lambda: mapping.do("state")["examples"] == 0)
        mapping.do("import", "back.csv")
        until(lambda: mapping.do("state")["examples"] == 3)
        assert examples(mapping) == before


def test_what_is_wrong_is_said():
    with Mapping(2, 1, output={"out-1": {"learn": "class-dtw", "classes": 2}}) as mapping:
        with pytest.raises(SettingError, match="expected 2 numbers of 0 to 1"):
            mapping.play([0.5])
        with pytest.raises(SettingError, match="there are no examples"):
            mapping.train()
        mapping.do("gesture", 1)
        mapping.play([0.1, 0.2])
        mapping.play([0.3, 0.2])
        mapping.do("stop")
        with pytest.raises(ModelError, match="gesture 2 was never made"):
            mapping.train()
