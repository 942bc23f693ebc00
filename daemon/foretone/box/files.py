"""Files that a power cut leaves as they were, or as they should be."""

from __future__ import annotations

import filecmp
import os
import tempfile
from pathlib import Path

DRAFT = ".draft-"
"""How the name of what is not finished begins. The next start removes it: deploy/systemd."""


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace `path` by `text`: after a power cut it is the old file or the new one, whole."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=DRAFT) as draft:
        file = Path(draft) / path.name
        file.touch(mode)
        file.write_text(text, encoding="utf-8")
        move(file, path)


def move(draft: Path, path: Path) -> None:
    """Give a finished file its name."""
    _sync(draft)
    draft.replace(path)
    _sync(path.parent)


def same(one: Path, other: Path) -> bool:
    """Whether both files are there, and hold the same."""
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    os.fsync(number)
    os.close(number)
