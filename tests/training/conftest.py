"""Playing that a test can learn from, and one small model of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foretone import session
from foretone.event import Event
from foretone_training.dataset import Stream, load
from foretone_training.mdrnn import Settings, Trained, train


def make_strokes(count: int, seed: int = 0, axes: int = 1) -> np.ndarray:
    """Rows [count, 1 + axes]: slow and quick strokes of 40 events, a look up to 1, and a breath."""
    random = np.random.default_rng(seed)
    rows, phase = [], 0.0
    for number in range(count):
        dt = 0.6 + 0.05 * random.random() if number % 40 == 0 else 0.02 + 0.002 * random.random()
        phase += 0.15 * (1 + number // 40 % 2)
        end = number % 40 == 39
        rows.append([dt, *(1.0 if end else 0.5 + 0.4 * math.sin(phase + axis) for axis in range(axes))])
    values = np.array(rows, np.float32)
    values[:, 1:] = np.round(values[:, 1:] * 127) / 127
    return values


def make_stream(rows: np.ndarray, name: str = "made.csv") -> Stream:
    """A stream as if it had been read from a file."""
    axes = tuple(f"axis{number}" for number in range(1, rows.shape[1]))
    return Stream(name, "0" * 64, axes, rows, 0, False)


def write(path: Path, rows: np.ndarray, axes: tuple[str, ...] = ("lever",)) -> Path:
    """The rows as a session log that a lever wrote."""
    header = session.Header("test", axes, ("lever",), ("duet",))
    lines = [header.text()]
    for time, values in zip(np.cumsum(rows[:, 0]), rows[:, 1:], strict=True):
        event = Event(float(time), "lever", tuple(map(float, values)))
        lines.append(session.row(event, range(len(axes)), len(axes), 0.0))
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="session")
def strokes() -> Callable[..., np.ndarray]:
    """See `make_strokes`."""
    return make_strokes


@pytest.fixture(scope="session")
def stream_of() -> Callable[..., Stream]:
    """See `make_stream`."""
    return make_stream


@pytest.fixture(scope="session")
def write_session() -> Callable[..., Path]:
    """See `write`."""
    return write


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sessions of a lever, and one of their answers in between."""
    folder = tmp_path_factory.mktemp("sessions")
    write(folder / "one.csv", make_strokes(500, seed=1))
    write(folder / "two.csv", make_strokes(400, seed=2))
    return folder


@pytest.fixture(scope="session")
def learned(sessions: Path) -> tuple[list[Stream], Settings, Trained]:
    """A network of 16 units that has learned from the two sessions for a second."""
    streams, settings = load([sessions]), Settings(units=16, mixtures=3, updates=400)
    return streams, settings, train(streams, settings)
