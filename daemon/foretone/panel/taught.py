"""What a mapping was shown and has learned, read beside it: the instrument is not asked, and does not wait.

Its journal only grows, so that what was read once is never read again.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from random import Random
from typing import Any

from foretone import instrument
from foretone.errors import SettingError
from foretone.mapping.store import Store
from foretone.mapping.voice import Opened
from foretone.players.mapping import Mapping


class Taught:
    """A mapping player of the instrument in `file`, as its journal tells. One thread at a time.

    InstrumentError when the file is none, LookupError when it has no such mapping.
    """

    def __init__(self, file: Path, name: str, journal: Path) -> None:
        part = instrument.load(file).parts[name]
        if part.kind != "mapping":
            raise LookupError(name)
        self.axes = part.heard or part.axes
        self.player: Mapping = part.maker(self.axes, name, Random(0), **part.settings)
        self._journal = journal
        self._store = Store(journal.parent / "mappings")
        self._read = 0
        self._identity: tuple[int, int] | None = None

    def follow(self) -> None:
        """Read on. A journal that is not there yet holds nothing; OSError when it cannot be read."""
        with contextlib.suppress(FileNotFoundError), self._journal.open("rb") as file:
            about = file.seek(0, 2), self._journal.stat().st_ino
            if self._identity is None or about[1] != self._identity[1] or about[0] < self._read:
                self.player.history = self.player.begin_again()
                self._read = 0
            self._identity = about
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
            lines = whole.split(b"\n") if whole else []
            # The first line of the file names what is heard and played.
            for line in lines if self._read else lines[1:]:
                with contextlib.suppress(SettingError, ValueError, TypeError, LookupError, RecursionError):
                    self.player.history.repeat(json.loads(line))
            self._read += len(whole) + 1 if whole else 0

    def opened(self) -> Opened:
        """The mappings that it plays; one that is lost is left out."""
        return self._store.wanted(self.player.history.project)

    def tell(self) -> dict[str, Any]:
        """For a page: what it hears and plays, how many movements it knows, its takes, the last one first."""
        project = self.player.history.project
        return {
            "inputs": list(project.inputs),
            "outputs": [
                {"name": output.name, "learn": output.learn, "classes": output.width > 1 and output.classes}
                for output in project.outputs
            ],
            "movements": project.gestures,
            "takes": [
                {"number": take.number, "examples": take.examples, "gesture": take.gesture}
                for take in reversed(project.takes)
            ],
        }
