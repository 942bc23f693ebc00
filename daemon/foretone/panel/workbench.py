"""The instrument's own file, as a page shows it, checks it, saves it and takes it back.

A shipped file is never changed: what is saved becomes this machine's own copy, which comes in its place. What
played before the last change is kept, and can be had again. Everything here reads the disk or starts a
process, so the server calls it in a worker thread.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from foretone import instrument, shelf
from foretone.errors import InstrumentError

LARGEST = 64 * 1024
"""Bytes of the largest instrument file that a page may send; EMPI's has 2 KB."""

PATIENCE = 20.0
"""Seconds that a rehearsal may take, on the slowest Pi."""


def show(file: Path) -> dict[str, Any]:
    """The file's `name` and `text`, whether it is `own`, and whether there is an `earlier` one."""
    return {
        "name": file.name,
        "text": file.read_text(encoding="utf-8"),
        "own": _place(file) == file,
        "earlier": _earlier(file).exists(),
    }


def check(file: Path, text: str) -> list[str]:
    """Every fault of a text that is to be this file, a sentence each."""
    try:
        instrument.read(_place(file), text)
    except InstrumentError as error:
        return error.faults
    return []


def save(file: Path, text: str) -> list[str]:
    """Put the text in the file's place, if it has no fault and can be rehearsed; returns the faults.

    What the file held is kept as the earlier one. OSError when the disk is full, or not ours.
    """
    if faults := check(file, text):
        return faults
    place = _place(file)
    place.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{place.stem}-", suffix=".toml", dir=place.parent)
    draft = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        if faults := _rehearse(draft):
            return faults
        _earlier(file).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    return []


def take_back(file: Path) -> list[str]:
    """Save the earlier one again; what stands there now becomes the earlier one. Returns as `save`."""
    return save(file, _earlier(file).read_text(encoding="utf-8"))


def _place(file: Path) -> Path:
    """Where a changed file goes."""
    return shelf.HOME / "instruments" / file.name if file.parent in shelf.SHIPPED else file


def _earlier(file: Path) -> Path:
    place = _place(file)
    return place.with_name(f".{place.name}.earlier")


def _rehearse(draft: Path) -> list[str]:
    """What `foretone check` finds beyond the file's own faults: chips and models that cannot be opened."""
    command = [sys.executable, "-m", "foretone", "check", str(draft)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return [f"it could not be rehearsed within {PATIENCE:.0f} s"]
    if ended.returncode == 0:
        return []
    said = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    return [line for line in said if str(draft) not in line] or said
