"""What a mapping does with files: one output saved and loaded, frames played from a table.

Files are named by doors that anyone may knock at: only their last part counts, and they lie in one folder.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from foretone import sheet
from foretone.errors import SessionError, SettingError
from foretone.mapping import saved
from foretone.mapping.features import Features
from foretone.mapping.project import Frame, Output, Project, label
from foretone.mapping.voice import Opened, Voice

MOST = 100_000
"""Rows of a table of frames."""

Find = Callable[[str], Path]
"""Where the mapping of this name is."""


def place(folder: Path, path: object, suffix: str = "") -> Path:
    """Where a file goes that somebody names; SettingError when that is no name."""
    name = Path(str(path)).name
    if not name or name.startswith(".") or not name.isprintable() or len(name.encode()) > 200:
        raise SettingError(f"{str(path)[:50]!r} does not name a file")
    return folder / (name if Path(name).suffix else name + suffix)


def save(path: Path, project: Project, number: int, find: Find) -> None:
    """Save output `number`, from 0. OSError when the disk does not take it."""
    model, content, suffix = project.outputs[number].model, b"", ""
    if model:
        file = find(model)
        content, suffix = file.read_bytes(), file.suffix
    draft = path.with_name(f".{path.name}.draft")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(saved.pack(project, number, content, suffix).to_bytes())
    draft.replace(path)


def load(path: Path, project: Project, models: Path) -> saved.Saved:
    """Read a saved output, and keep its mapping among the others. SettingError when it does not fit."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}") from error
    found = saved.unpack(data, path)
    if found.hears != project.features:
        raise SettingError(f"{path} hears {', '.join(found.hears)}, not {', '.join(project.features)}")
    if found.content:
        models.mkdir(parents=True, exist_ok=True)
        (models / f"{found.name}{found.suffix}").write_bytes(found.content)
    return found


def export(path: Path, project: Project) -> int:
    """Write all examples as a table, `sheet.py`; returns how many. Frames that led up to one are left out."""
    rows, takes, times = [], [], []
    for take in project.takes:
        for frame in take.frames:
            if frame.y is not None:
                values = zip(frame.y, project.outputs, strict=True)
                rows.append((frame.x, [_told(value, output) for value, output in values]))
                takes.append(take.number)
                times.append(frame.time)
    classes = [output.classes if output.width > 1 else 0 for output in project.outputs]
    names = [output.name for output in project.outputs]
    table = sheet.made(project.inputs, names, rows, takes, times, classes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sheet.write(table), encoding="utf-8")
    return len(rows)


def take_over(path: Path, project: Project) -> list[list[Frame]]:
    """The examples of a table, a list for each take. SettingError when they do not fit."""
    try:
        table = sheet.read(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, SessionError) as error:
        raise SettingError(f"{path} cannot be taken over: {error}") from error
    if len(table.inputs) != len(project.inputs) or len(table.outputs) != len(project.outputs):
        wanted = f"{len(project.inputs)} inputs and {len(project.outputs)} outputs"
        raise SettingError(f"{path} has {len(table.inputs)} and {len(table.outputs)}, expected {wanted}")
    takes: dict[int, list[Frame]] = {}
    for take, time, x, y in zip(table.takes, table.times, table.x, table.y, strict=True):
        values = zip(y, project.outputs, strict=True)
        labels = tuple(None if value is None else label(output, value) for value, output in values)
        if not all(0.0 <= value <= 1.0 for value in x):
            raise SettingError(f"{path} has inputs beyond 0 to 1: scale them first")
        takes.setdefault(take, []).append(Frame(time, x, labels))
    return list(takes.values())


def _told(value: float | None, output: Output) -> float | None:
    return value if value is None or output.width == 1 else float(round(value * output.classes))


def play(path: Path, out: Path, project: Project, features: Features, opened: Opened, rate: float) -> int:
    """Play a table of inputs, a frame a line, into a table of outputs; returns how many frames that were.

    Without smoothing, as the mapping itself plays them; features see them `rate` times a second.
    """
    voice = Voice()
    voice.open = opened
    outputs = tuple(replace(output, run=True) for output in project.outputs)
    try:
        rows = [list(map(float, row)) for row in csv.reader(path.read_text().splitlines()) if row]
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} is no table of numbers: {error}") from error
    width = len(project.inputs)
    if len(rows) > MOST or any(len(row) != width or not all(map(math.isfinite, row)) for row in rows):
        raise SettingError(f"{path} needs {width} finite numbers in each line, and at most {MOST} lines")
    with out.open("w", newline="") as file:
        table: Any = csv.writer(file)
        for number, row in enumerate(rows):
            goals = [0.0] * len(outputs)
            heard = features.hear(number / rate, tuple(row))
            voice.play(number / rate, heard, outputs, goals, 0.0, 0.0, 0.0)
            table.writerow([f"{goal:.6g}" for goal in goals])
    return len(rows)
