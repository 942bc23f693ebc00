"""A mapping player of two inputs and two outputs, taught at once and in this thread."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest

from foretone.event import Event
from foretone.mapping.store import Store
from foretone.players.mapping import Mapping
from foretone_training import learn, lesson


class Now:
    """Trains when it is asked, before it returns; keeps nothing."""

    def __init__(self, folder, player):
        self.folder, self.player, self.waiting = folder, player, []

    def train(self, project, settings):
        rows = []
        for take in project.takes:
            features = self.player.features.fresh()
            if take.gesture:
                frames = [[frame.time, *features.hear(frame.time, frame.x)] for frame in take.frames]
                rows.append({"gesture": take.gesture, "frames": frames})
                continue
            for frame in take.frames:
                heard = features.hear(frame.time, frame.x)
                if frame.y is not None:
                    rows.append([heard, [float("nan") if value is None else value for value in frame.y]])
        head = {
            **settings,
            "hears": list(project.features),
            "outputs": [
                {"axis": axis, **dataclasses.asdict(output)}
                for axis, output in zip(self.player.names, project.outputs, strict=True)
            ],
        }
        result = learn.learn(lesson.read(head, rows), self.folder)
        told = {"scores": result.scores, "examples": len(rows)}
        opened = {path.stem: read(path) for path in result.files}
        self.waiting.append(("_trained", opened, told))

    def cancel(self):
        self.waiting.clear()

    def look(self):
        names = {
            name for output in self.player.history.project.outputs for name in (output.model, output.other)
        }
        opened = {path.stem: read(path) for path in self.folder.iterdir() if path.stem in names}
        self.waiting.append(("_opened", opened))

    def fetch(self, verb, words):
        raise AssertionError(verb)


def read(path):
    (opened,) = Store(path.parent).open([path]).values()
    return opened


class Teach:
    """Moves a player and its clock; `played` has what came out."""

    def __init__(self, folder, axes=("x", "y"), **settings):
        settings.setdefault("outputs", ["out-1", "out-2"])
        self.now = 10.0
        self.player = Mapping(axes, "teach", Random(1), **settings)
        self.helper = self.player.helper = Now(folder, self.player)
        self.events = []

    @property
    def project(self):
        return self.player.history.project

    @property
    def played(self):
        return [event.values for event in self.events]

    def hear(self, *values, after=0.02):
        self.move_on(after)
        self.events += self.player.hear(Event(self.now, "pad", tuple(map(float, values))))
        return self.events[-1].values if self.events else ()

    def do(self, verb, *words):
        answer, events = self.player.obey(verb, words, self.now)
        self.events += events
        while self.helper.waiting:
            self.do(*self.helper.waiting.pop(0))
        return answer

    def move_on(self, seconds):
        until = self.now + seconds
        while self.player.wake <= until:
            self.now = max(self.player.wake, self.now)
            self.events += self.player.tick(self.now)
        self.now = until

    def show(self, x, y):
        """One example."""
        self.do("set", *y)
        self.hear(*x)
        self.do("example")


@pytest.fixture
def make(tmp_path):
    """Makes players with other settings."""
    return lambda *arguments, **settings: Teach(tmp_path, *arguments, **settings)


@pytest.fixture
def teach(make):
    """A player of two inputs and two outputs."""
    return make()
