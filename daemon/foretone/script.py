"""Mapping by example for a script: show, train, play, in a handful of lines."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from queue import SimpleQueue
from random import Random
from types import TracebackType
from typing import Any

from foretone.aloud import Voice
from foretone.clock import WallClock
from foretone.errors import ModelError, SettingError
from foretone.event import Command, Event, Message
from foretone.players.mapping import Mapping as Player
from foretone.workshop import Workshop

__all__ = ["Mapping", "Voice"]


class Mapping:
    """A mapping that a script shows, trains and plays; one thread uses it.

        with Mapping(["x", "y"], ["cutoff", "gain"]) as mapping:
            mapping.show([0.1, 0.9], [0.3, 0.8])
            mapping.show([0.8, 0.2], [0.7, 0.5])
            mapping.train()
            cutoff, gain = mapping.play([0.4, 0.5])

    inputs, outputs
        Their names, or how many there are.
    folder
        Where examples and mappings are kept, and found again the next time; None keeps them until the end.
    settings
        Those of the player, `players/mapping.py`; a script hears a new mapping at once, without a fade.
    """

    def __init__(
        self,
        inputs: Sequence[str] | int,
        outputs: Sequence[str] | int,
        folder: Path | str | None = None,
        **settings: Any,
    ) -> None:
        heard, played = _named(inputs, "in"), _named(outputs, "out")
        settings.setdefault("fade", 0.0)
        self._player = Player(
            tuple(heard), "mapping", Random(settings.get("seed", 1)), outputs=played, **settings
        )
        self._scratch = tempfile.TemporaryDirectory(prefix="foretone-") if folder is None else None
        place = Path(self._scratch.name) if self._scratch else Path(str(folder))
        self._said: SimpleQueue[Message] = SimpleQueue()
        self._workshop = Workshop(place, "script", self._player, self._said.put)
        self._failed: list[str] = []
        self._now = time.monotonic()
        self._player.watchers.append(self._watch)
        self._workshop.open()

    def __enter__(self) -> Mapping:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def show(self, x: Sequence[float], y: Sequence[float]) -> None:
        """One example: where the hand is, 0..1, and what should sound there; a class by its number."""
        self.do("set", *y)
        self._hear(x)
        self.do("example")

    def train(self, patience: float = 60.0) -> dict[str, Any]:
        """Learn what was shown, and play it from now on; returns the errors of the outputs, and `error`.

        ModelError when it cannot be learned, or not within `patience` seconds.
        """
        self.do("train")
        until = time.monotonic() + patience
        self._failed.clear()
        while "scores" not in self._player.training:
            if (said := WallClock.wait(self._said, until)) is None:
                raise ModelError(f"nothing was learned within {patience:g} s")
            self._take(said)
            if self._failed:
                raise ModelError(self._failed[0])
        self.do("run")
        return dict(self._player.training["scores"])

    def play(self, x: Sequence[float], after: float | None = None) -> tuple[float, ...]:
        """What sounds where the hand is, 0..1: the outputs in their order, and the distance if asked for.

        The hand is there now, or `after` so many seconds of a movement that is not played in its own time.
        """
        return self._hear(x, after)

    def gesture(self, number: int, path: Iterable[Sequence[float]], rate: float = 50.0) -> None:
        """One take of gesture `number`, from 1: where the hand is, `rate` times a second."""
        self.do("gesture", number)
        for x in path:
            self._hear(x, 1.0 / rate)
        self.do("stop")

    def do(self, verb: str, *words: Any) -> Any:
        """Any other verb of `mapping/verbs.py`: undo, delete, output, select, state... SettingError."""
        answer, _ = self._player.obey(verb, words, self._moment(0.0))
        self._take_waiting()
        return answer

    def close(self) -> None:
        """Write what is left, and end the trainer."""
        self._workshop.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def _moment(self, after: float | None) -> float:
        """Now; the clock of movements that are not played in their own time runs ahead."""
        self._now = max(time.monotonic(), self._now) if after is None else self._now + after
        return self._now

    def _hear(self, x: Sequence[float], after: float | None = None) -> tuple[float, ...]:
        values = tuple(map(float, x))
        if len(values) != len(self._player.heard) or not all(0.0 <= value <= 1.0 for value in values):
            raise SettingError(f"expected {len(self._player.heard)} numbers of 0 to 1, got {list(x)}")
        self._take_waiting()
        now = self._moment(after)
        self._player.hear(Event(now, "script", values))
        (event,) = self._player.show(now)
        return event.values

    def _take_waiting(self) -> None:
        while not self._said.empty():
            self._take(self._said.get())

    def _take(self, message: Message) -> None:
        if isinstance(message, Command):
            self._player.obey(message.verb, message.words, self._now)

    def _watch(self, news: dict[str, Any]) -> None:
        if "failed" in news:
            self._failed.append(news["failed"])


def _named(names: Sequence[str] | int, word: str) -> list[str]:
    return [f"{word}-{number}" for number in range(1, names + 1)] if isinstance(names, int) else list(names)
