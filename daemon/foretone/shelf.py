"""Where instruments and models are: this machine's own, and those that are shipped."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from foretone.errors import ModelError

HOME = Path(os.environ.get("FORETONE_HOME", Path.home() / ".local/share/foretone"))
"""This machine's own: its sessions, models and instruments."""

_HERE = Path(__file__).resolve()
SHIPPED = (_HERE.parent / "instruments", _HERE.parents[2] / "deploy" / "instruments")
"""In an installed package, and in a checkout."""


def shipped(pattern: str) -> list[Path]:
    """The shipped files of that pattern, by name."""
    return sorted(file for place in SHIPPED for file in place.glob(pattern))


def instruments() -> dict[str, Path]:
    """Instrument files by their names; this machine's own comes in place of a shipped one of that name."""
    own = sorted((HOME / "instruments").glob("[!.]*.toml"))
    return {file.stem: file for file in (*shipped("*.toml"), *own)}


def own(file: Path) -> Path:
    """Where a change to an instrument file goes: the file itself, or for a shipped one this machine's own."""
    return HOME / "instruments" / file.name if file.resolve().parent in SHIPPED else file


def earlier(file: Path) -> Path:
    """Where the one is kept that was played before the last change."""
    place = own(file)
    return place.with_name(f".{place.name}.earlier")


def save(file: Path, text: str, faults: Callable[[Path], list[str]] = lambda _: []) -> list[str]:
    """Put a text in an instrument file's place, whole or not at all; what it held is kept as the earlier one.

    `faults` looks at the draft first; what it finds is returned, and then nothing has changed. OSError when
    the disk is full, or not ours.
    """
    place = own(file)
    place.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{place.stem}-", suffix=".toml", dir=place.parent)
    draft = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        if found := faults(draft):
            return found
        earlier(file).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    return []


def model(folder: Path, name: str) -> Path:
    """Where a model is: beside the instrument file, else among this machine's own, else among the shipped.

    ModelError when it cannot be looked for, because of its name or of a folder that is not ours.
    """
    places = (folder, HOME / "models", *SHIPPED)
    try:
        return next((file for place in places if (file := place / name).exists()), folder / name)
    except OSError as error:
        raise ModelError(f"the model {error.filename} cannot be read: {error.strerror}") from error
