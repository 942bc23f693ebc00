"""Writing a file whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft(path: Path, wait: bool = True) -> Iterator[Path]:
    """A file beside `path` to write into, which takes its place, on the disk, when the block ends well.

    Folders on the way are made. After an error nothing is left, and what `path` held before is untouched.
    Without `wait` it is not on the disk yet: `sync` it when nobody waits any more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(suffix=path.suffix, prefix=f".{path.stem}-", dir=path.parent)
    os.close(number)
    place = Path(name)
    try:
        yield place
        if wait:
            sync(place)
        place.chmod(0o644)
        place.replace(path)
    finally:
        place.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
