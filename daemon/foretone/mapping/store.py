"""Where trained mappings are kept, each under the SHA-256 of its file, and those that were opened last."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from foretone import gestures
from foretone.errors import ForetoneError
from foretone.follower import Follower
from foretone.lite import Mapping
from foretone.mapping.project import Project
from foretone.mapping.voice import Opened
from foretone.spotter import Spotter

log = logging.getLogger("foretone")

KEPT_OPEN = 8
"""Mappings that stay open after they played, so that an undo is quick."""


class Store:
    """One folder. Threads may use it at the same time; opening one takes a millisecond or a few."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: Opened = {}

    def path(self, name: str) -> Path:
        """The file of a mapping, or of gestures."""
        path = self.folder / f"{name}.tflite"
        return path if path.exists() else path.with_suffix(".json")

    def open(self, paths: Iterable[Path]) -> Opened:
        """Open what has just been written; ModelError when it is damaged."""
        opened = {path.stem: _read(path) for path in paths}
        self._keep(opened)
        return opened

    def wanted(self, project: Project, fresh: bool = False) -> Opened:
        """The mappings that a project plays or morphs to; one that is lost is named, and left out.

        `fresh` ones are nobody else's.
        """
        found: Opened = {}
        names = {name for output in project.outputs for name in (output.model, output.other)}
        for name in names - {""}:
            model = None if fresh else self._open.get(name)
            if model is None:
                try:
                    model = _read(self.path(name))
                except ForetoneError as error:
                    log.warning("%s", error)
                    continue
                heard = model.card.hears if isinstance(model, Mapping) else model.gestures.hears
                if heard != project.features:
                    log.warning("%s was trained with other features: train again", self.path(name))
                    continue
            found[name] = model
        if not fresh:
            self._keep(found)
        return found

    def _keep(self, opened: Opened) -> None:
        kept = {**{name: model for name, model in self._open.items() if name not in opened}, **opened}
        self._open = dict(list(kept.items())[-max(KEPT_OPEN, len(opened)) :])


def _read(path: Path) -> Mapping | Spotter | Follower:
    if path.suffix != ".json":
        return Mapping(path)
    made = gestures.read(path)
    return Follower(made) if made.near else Spotter(made)
