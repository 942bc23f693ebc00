"""What was recorded and what was learned here, as pages list it, look at it and fetch it.

Nobody names a path: a page names a file among those that the folder has, and nothing else is opened.
Everything here reads the disk, so the server calls it in a worker thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foretone import session
from foretone.card import read_model
from foretone.errors import ModelError, SessionError

SHOWN = 3000
"""Events of a session that a page draws; of more than that, every second, third and so on."""


class Library:
    """The folders of sessions and models of one box; either may be absent."""

    def __init__(self, sessions: Path | None, models: Path | None) -> None:
        self.sessions, self.models = sessions, models
        self._known: dict[tuple[Path, int, int], dict[str, Any]] = {}

    def list_sessions(self) -> list[dict[str, Any]]:
        """Each session's name, instrument, start, length in seconds, events and bytes; newest first.

        One that cannot be read has `fault`, a sentence, in their place.
        """
        found = [self._remembered(path, _told_of_session) for path in _files(self.sessions, "*.csv")]
        return sorted(found, key=lambda told: str(told["name"]), reverse=True)

    def list_models(self) -> list[dict[str, Any]]:
        """Each model's name, axes, units, sessions and held-out score, and whether it has a report."""
        return [self._remembered(path, _told_of_model) for path in _files(self.models, "*.tflite")]

    def session(self, name: str) -> Path:
        """The file of a session in the list; LookupError when there is none."""
        return _named(self.sessions, "*.csv", name)

    def model(self, name: str) -> Path:
        """The file of a model in the list; LookupError when there is none."""
        return _named(self.models, "*.tflite", name)

    def report(self, name: str) -> Path:
        """The report beside a model in the list; LookupError when there is none."""
        return _named(self.models, "*.report.html", name)

    def look(self, name: str) -> dict[str, Any]:
        """A session to draw: `axes`, `players`, `length`, and `events` as [seconds, origin, values].

        LookupError, or SessionError when it cannot be read.
        """
        read = session.read(self.session(name))
        begin, end = (read.events[0].time, read.events[-1].time) if read.events else (0.0, 0.0)
        some = read.events[:: 1 + len(read.events) // SHOWN]
        return {
            "axes": read.header.axes,
            "players": read.header.players,
            "length": end - begin,
            "events": [[round(event.time - begin, 3), event.origin, event.values] for event in some],
        }

    def _remembered(self, path: Path, told: Any) -> dict[str, Any]:
        """What is told of a file, read again only when it has changed."""
        try:
            about = path.stat()
        except OSError as error:
            return {"name": path.name, "fault": error.strerror}
        key = (path, about.st_size, about.st_mtime_ns)
        if key not in self._known:
            self._known = {known: kept for known, kept in self._known.items() if known[0] != path}
            self._known[key] = {"name": path.name, "bytes": about.st_size, **told(path)}
        return self._known[key]


def _told_of_session(path: Path) -> dict[str, Any]:
    try:
        read = session.read(path)
    except SessionError as error:
        return {"fault": str(error).replace(f"{path.parent}/", "")}
    return {
        "instrument": read.header.instrument,
        "started": read.header.started,
        "length": read.events[-1].time - read.events[0].time if read.events else 0.0,
        "events": len(read.heard()),
    }


def _told_of_model(path: Path) -> dict[str, Any]:
    try:
        _, card = read_model(path)
    except ModelError as error:
        return {"fault": str(error).replace(f"{path.parent}/", "")}
    report = path.with_suffix(".report.html")
    return {
        "kind": card.kind,
        "plays": card.plays,
        "units": card.units,
        "sessions": len(card.trained_on),
        "held_out_nll": card.scores.get("held_out_nll"),
        "report": report.name if report.exists() else None,
    }


def _files(folder: Path | None, pattern: str) -> Iterator[Path]:
    if folder is not None:
        # A link would lead out of the folder.
        yield from sorted(path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink())


def _named(folder: Path | None, pattern: str, name: str) -> Path:
    for path in _files(folder, pattern):
        if path.name == name:
            return path
    raise LookupError(name)
