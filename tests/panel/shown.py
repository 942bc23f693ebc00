"""A mapping that was shown something, as an instrument leaves it: a file, a journal, what was learned."""

from __future__ import annotations

from foretone.mapping.journal import Journal
from foretone.panel.taught import Taught
from foretone_training import learn, lesson

TEXT = """
title = "Taught"
axes = ["x", "y", "z"]
[source.pad]
kind = "pad"
[player.teach]
kind = "mapping"
hears = ["pad"]
outputs = ["cutoff", "level"]
[player.teach.output.level]
low = 0.2
high = 0.6
[sink.out]
kind = "osc"
plays = ["teach"]
"""


def plane(x):
    return [0.1 + 0.8 * x[0], x[1]]


class Shown:
    """A mapping that was shown some examples; `write` keeps them as an instrument would."""

    def __init__(self, folder):
        self.file = folder / "taught.toml"
        self.file.write_text(TEXT)
        self.path = folder / "examples" / "taught-teach.journal"
        self.player = Taught(self.file, "teach", self.path).player
        self.journal = Journal(self.path, self.player.heard, self.player.names)

    def show(self, *rows):
        for x, y in rows:
            self.player.history.do("take", 0)
            self.player.history.do("frame", 0.0, x, y)
            self.player.history.do("end")

    def train(self):
        rows = [[frame.x, frame.y] for take in self.player.history.project.takes for frame in take.frames]
        told = {
            "hears": list(self.player.heard),
            "outputs": [{"axis": "cutoff", "learn": "linear"}, {"axis": "level"}],
        }
        folder = self.path.parent / "mappings"
        folder.mkdir(parents=True, exist_ok=True)
        made = learn.learn(lesson.read(told, rows), folder).mapping.stem
        self.player.history.do("trained", [[made, 0], [made, 1]])

    def write(self):
        assert self.journal.write(self.player.history)

    def about(self):
        """The player, as the instrument tells of it."""
        knobs = [("guard", 0, 1, ""), ("count_in", 0, 60, "s")]
        return {
            "name": "teach",
            "role": "player",
            "kind": "mapping",
            "journal": str(self.path),
            "hears": ["pad"],
            "axes": ["cutoff", "level"],
            "settings": [
                {"key": key, "value": 0.0, "low": low, "high": high, "unit": unit}
                for key, low, high, unit in knobs
            ],
        }

    def glance(self, x=(0.3, 0.6, 0.5)):
        """What it shows all the time."""
        return {**self.player.glance(), "x": list(x)}


CORNERS = [[[x, y, 0.5], plane([x, y])] for x in (0.1, 0.9) for y in (0.1, 0.9)]
