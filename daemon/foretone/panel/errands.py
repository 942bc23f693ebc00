"""What a page has done with sessions and models: learn, cut, play. On the asyncio thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from foretone.errors import PacketError
from foretone.panel.library import Library
from foretone.panel.training import Training, trim

Tell = Callable[[str, Any], None]

MOST = 3
"""Errands at a time; each is a process."""


class Errands:
    """Runs what takes its time without waiting for it; `tell(kind, value)` reaches every page."""

    def __init__(self, library: Library, tell: Tell) -> None:
        self._library, self._tell = library, tell
        self._training = Training(lambda state: tell("training", state))
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def training(self) -> dict[str, Any]:
        """How the learning goes."""
        return self._training.state

    def train(self, instrument: str | None) -> None:
        """Learn for the instrument in that file, from what was played on it here."""
        log, out = self._library.sessions, self._library.models
        if log is None or out is None or not instrument:
            self._tell("refused", "Nothing is recorded here, so there is nothing to learn from.")
            return
        self._start(self._training.run([instrument, "--here", "--log", str(log), "--out", str(out)]))

    def stop(self) -> None:
        """End the learning, and keep the best so far."""
        self._training.stop()

    def trim(self, name: str, begin: float, end: float) -> None:
        """Copy a part of a session, from and to in seconds; PacketError while too much else is done."""
        if len(self._tasks) >= MOST:
            raise PacketError("Other parts are being cut just now; try again in a moment.")
        self._start(self._trim(name, begin, end))

    def placed(self, wish: str, value: Any) -> Any:
        """A wish's value as the instrument needs it: a file that a page named has a path there.

        PacketError when the library does not have it.
        """
        try:
            if wish == "model":
                return [value[0], str(self._library.model(value[1]))]
            return str(self._library.session(value)) if wish == "playback" and value else value
        except LookupError as error:
            raise PacketError(f"{error} is not here any more.") from error

    async def end(self) -> None:
        """Nothing is left running."""
        self._training.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _trim(self, name: str, begin: float, end: float) -> None:
        try:
            sentence = await trim(self._library.session(name), begin, end)
        except LookupError as error:
            sentence = f"{error} is not here any more."
        self._tell("refused", sentence) if sentence else self._tell("shelf", True)

    def _start(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
