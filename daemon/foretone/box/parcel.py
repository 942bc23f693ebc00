"""What travels together from the desk to a box: an instrument file, and every file that it needs."""

from __future__ import annotations

import contextlib
import shutil
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any


def files(instrument: Path) -> list[Path]:
    """The file itself, what it names, what that names, and the models beside it: paths in its folder.

    Any text of a TOML file that is the path of a file below its folder names one: sounds, a song, a sample,
    a session. What cannot be read names nothing; whoever loads the instrument says so.
    """
    folder = instrument.parent
    found = dict.fromkeys([Path(instrument.name)])
    waiting = [*found]
    while waiting:
        named = [file for file in _named(folder, waiting.pop()) if file not in found]
        found.update(dict.fromkeys(named))
        waiting += named
    found.update(dict.fromkeys(Path(model.name) for model in sorted(folder.glob("*.tflite"))))
    return [*found]


def copy(names: Iterable[Path], here: Path, there: Path) -> None:
    """Copy files, by their paths in `here`, to the same places of `there`, for their owner alone to read."""
    for name in names:
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).touch(0o600)
        shutil.copyfile(here / name, there / name)


def strings(value: Any) -> Iterator[str]:
    """Every text in what TOML says, keys apart."""
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from strings(one)
        case list():
            for one in value:
                yield from strings(one)


def _named(folder: Path, file: Path) -> Iterator[Path]:
    """The files, as paths in `folder`, that a TOML file there names by their paths from its own folder."""
    if file.suffix != ".toml":
        return
    try:
        table = tomllib.loads((folder / file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    for text in strings(table):
        path = PurePath(text)
        # A text that is longer than a file's name may be.
        with contextlib.suppress(OSError):
            if not path.is_absolute() and ".." not in path.parts and (folder / file.parent / path).is_file():
                yield file.parent / path
