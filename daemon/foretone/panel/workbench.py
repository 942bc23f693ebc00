"""The instrument's own file, as a page shows it, checks it, saves it and takes it back.

A shipped file is never changed: what is saved becomes this machine's own copy, which comes in its place. What
played before the last change is kept, and can be had again. Everything here reads the disk or starts a
process, so the server calls it in a worker thread.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
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
        "own": shelf.own(file) == file,
        "earlier": shelf.earlier(file).exists(),
    }


def check(file: Path, text: str, changes: Sequence[str] = ()) -> list[str]:
    """Every fault of a text that is to be this file, a sentence each.

    It is played with the `changes` that the instrument was started with, so they must fit it too; but what
    they cover must be right by itself.
    """
    try:
        for told in ((), changes):
            instrument.read(shelf.own(file), text, told)
    except InstrumentError as error:
        return error.faults
    return []


def save(file: Path, text: str, changes: Sequence[str] = ()) -> list[str]:
    """Put the text in the file's place, if it has no fault and can be rehearsed; returns the faults.

    What the file held is kept as the earlier one. OSError when the disk is full, or not ours.
    """
    return check(file, text, changes) or shelf.save(file, text, lambda draft: _rehearse(draft, changes))


def take_back(file: Path, changes: Sequence[str] = ()) -> list[str]:
    """Save the earlier one again; what stands there now becomes the earlier one. Returns as `save`."""
    return save(file, shelf.earlier(file).read_text(encoding="utf-8"), changes)


def _rehearse(draft: Path, changes: Sequence[str]) -> list[str]:
    """What `foretone check` finds beyond the file's own faults: chips and models that cannot be opened."""
    command = [
        sys.executable,
        "-m",
        "foretone",
        "check",
        str(draft),
        *(f"--set={change}" for change in changes),
    ]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return [f"it could not be rehearsed within {PATIENCE:.0f} s"]
    if ended.returncode == 0:
        return []
    said = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    return [line for line in said if str(draft) not in line] or said
