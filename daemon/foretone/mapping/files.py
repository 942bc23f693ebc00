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

from foretone.errors import SettingError
from foretone.mapping import saved
from foretone.mapping.features import Features
from foretone.mapping.project import Project
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


def play(path: Path, out: Path, project: Project, features: Features, opened: Opened, rate: float) -> int:
    """Play a table of inputs, a frame a line, into a table of outputs; returns how many frames that were.

    Without smoothing, as the mapping itself plays them; features see them `rate` times a second.
    """
    voice = Voice([output.name for output in project.outputs])
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
