"""Real recordings, where they are there: `FORETONE_DATA`, or the folder beside the project."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

GESTURES = Path(os.environ.get("FORETONE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "gesture"

needed = pytest.mark.skipif(not GESTURES.exists(), reason="the real recordings are not here")


def grt_series(name):
    """A time-series file of the Gesture Recognition Toolkit: kinds and frames, the seconds in front."""
    lines = (GESTURES / name).read_text().splitlines()
    takes = []
    for number, line in enumerate(lines):
        if line.startswith("ClassID:"):
            count = int(lines[number + 1].split(":")[1])
            rows = np.array([list(map(float, row.split())) for row in lines[number + 3 : number + 3 + count]])
            takes.append((int(line.split(":")[1]), np.column_stack([0.01 * np.arange(count), rows])))
    return takes


def grt_frames(name):
    """A classification file of the same: kinds [n] and frames [n, inputs]."""
    lines = (GESTURES / name).read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("LabelledTrainingData"))
    table = np.array([list(map(float, line.split())) for line in lines[begin + 1 :] if line.strip()])
    return table[:, 0].astype(int), table[:, 1:]


def lightpad():
    """dt in seconds and x, y, pressure, as somebody played a LightPad; or a hand like it."""
    if (GESTURES / "imps_lightpad_4d_12k.npz").exists():
        with np.load(GESTURES / "imps_lightpad_4d_12k.npz") as held:
            return iter(held["events"].tolist())
    steps = np.random.default_rng(1).normal(size=(2000, 3)).cumsum(axis=0) * 0.03
    return iter([[0.018, *row] for row in (0.5 + 0.5 * np.sin(steps)).tolist()])


def watch(fold):
    """Seven exercises heard by a watch: x and y to learn from, and x and y of the subjects of a fold of 5.

    A row has the mean, smallest, largest and root mean square of each of six channels in a window of 2 s.
    """
    made = []
    for takes in watch_windows(fold):
        parts = [frames[:, 1:] for _, frames in takes]
        rows = [[*x.mean(0), *x.min(0), *x.max(0), *np.sqrt(np.square(x).mean(0))] for x in parts]
        made += [np.array(rows), np.array([kind for kind, _ in takes])]
    return made


def watch_windows(fold, window=100):
    """The same windows as they are: kinds and frames of those to learn from, and of the fold's subjects."""
    with np.load(GESTURES / "seglearn_watch_imu6_50hz.npz") as held:
        frames, lengths, kinds, subjects = (held[name] for name in ("X", "lengths", "y", "subject"))
    known, new = [], []
    for end, length, kind, subject in zip(np.cumsum(lengths), lengths, kinds, subjects, strict=True):
        for begin in range(end - length, end - window + 1, window):
            part = frames[begin : begin + window].astype(float)
            takes = new if subject % 5 == fold else known
            takes.append((int(kind) + 1, np.column_stack([np.arange(window) / 50.0, part])))
    return known, new
