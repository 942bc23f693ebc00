"""Between the pages that are open and the processes that they show: what passes which way, and to whom.

A page's wishes go to the instrument, what the instrument tells goes to every page, and the synth's sound to
those that asked for it. On the asyncio thread.
"""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path
from typing import Any

from foretone.errors import PacketError
from foretone.panel import wishes
from foretone.panel.control import ControlLink
from foretone.panel.errands import Errands
from foretone.panel.library import Library
from foretone.panel.sound import BLOCK, Sound
from foretone.panel.visitor import Visitor

HELLO = 1.0
"""Seconds between two hellos; the control process forgets a panel after 3."""

SILENT = 1.5
"""Seconds without a word from the control process after which pages are told that it is gone."""


class Relay:
    """Knows the open pages, and what the instrument last said of itself.

    `run_folder` has the control socket and the ring of sound. SettingError when no socket can be made there.
    """

    def __init__(self, run_folder: Path, library: Library) -> None:
        self.link = ControlLink(run_folder, self._heard)
        self.errands = Errands(library, self._tell)
        self.visitors: set[Visitor] = set()
        self.about: dict[str, Any] | None = None
        self._sound = Sound(run_folder / "sound.ring")
        self._last_word = -math.inf
        self._someone = asyncio.Event()

    def welcome(self, visitor: Visitor) -> None:
        """A page was opened."""
        self.visitors.add(visitor)
        self._someone.set()
        self._hello(silent=len(self.visitors) == 1)
        self._report(visitor)
        visitor.outbox.put("training", self.errands.training)

    def leave(self, visitor: Visitor) -> None:
        """A page was closed."""
        self.visitors.discard(visitor)
        if not self.visitors:
            self._someone.clear()

    def wish(self, visitor: Visitor, text: str) -> None:
        """A page asks for something; what cannot be had is told to it alone."""
        try:
            self._grant(visitor, *wishes.understood(text))
        except PacketError as refusal:
            visitor.outbox.put("refused", str(refusal))
        visitor.wake.set()

    @property
    def file(self) -> str | None:
        """The file of the instrument that plays, or None while it does not answer."""
        return self.about.get("file") if self.about and self._control_answers() else None

    @property
    def changes(self) -> list[str]:
        """What the instrument was told to change of its file, `--set`."""
        return self.about.get("changes", []) if self.about else []

    async def greet(self) -> None:
        """Once a second while a page is open: say hello, and report. Without a page, nothing."""
        while True:
            await self._someone.wait()
            self._hello(silent=False)
            for visitor in self.visitors:
                self._report(visitor)
            await asyncio.sleep(HELLO)

    async def listen_along(self) -> None:
        """Hand each new block of sound to the pages that asked for it."""
        while True:
            await self._someone.wait()
            listeners = [visitor for visitor in self.visitors if visitor.listens]
            if listeners and (block := self._sound.block()):
                for visitor in listeners:
                    visitor.outbox.put_sound(block)
                    visitor.wake.set()
            await asyncio.sleep(BLOCK if listeners else 5 * BLOCK)

    async def end(self) -> None:
        """Nothing is left running, and no page open."""
        await self.errands.end()
        for visitor in list(self.visitors):
            await visitor.socket.close(code=1001, message=b"the panel ends")

    def close(self) -> None:
        """Let the socket and the ring go."""
        self.link.close()
        self._sound.close()

    def _grant(self, visitor: Visitor, name: str, value: Any) -> None:
        """Do what a page wishes, or pass it on to the instrument. PacketError says why not."""
        if name == "seen":
            visitor.outbox.seen(value)
        elif name == "listen":
            if value and not any(other.listens for other in self.visitors):
                self._sound.skip()
            visitor.listens = value
            visitor.outbox.silence()
        elif name == "watch":
            visitor.watches = value
        elif name == "train":
            self.errands.train(self.file) if value else self.errands.stop()
        elif name == "trim":
            self.errands.trim(*value)
        elif not self.link.send({name: self.errands.placed(name, value)}):
            raise PacketError("The instrument did not take that; try again.")

    def _tell(self, kind: str, value: Any) -> None:
        """Tell every page."""
        for visitor in self.visitors:
            visitor.outbox.put(kind, value)
            visitor.wake.set()

    def _heard(self, message: dict[str, Any]) -> None:
        """From the control process: an about, or a state."""
        back = not self._control_answers()
        self._last_word = time.monotonic()
        about, state, refused = (message.get(kind) for kind in ("about", "state", "refused"))
        if isinstance(about, dict):
            self.about = about
        spectrum = self._spectrum(self._last_word) if isinstance(state, dict) else None
        for visitor in self.visitors:
            self._tell_about(visitor)
            if back:
                visitor.outbox.put("control", True)
            if isinstance(state, dict):
                # With the state, so that a page is not woken twice.
                more = {"spectrum": spectrum} if visitor.watches and spectrum is not None else {}
                visitor.outbox.put_state({**state, **more})
            if refused:
                # What a mapping would not do comes with the number of what was asked.
                visitor.outbox.put("refused", refused if isinstance(refused, str) else str(refused[-1]))
            visitor.wake.set()

    def _spectrum(self, now: float) -> list[int] | None:
        """What sounds, where a page shows it."""
        if not any(visitor.watches for visitor in self.visitors):
            return None
        return self._sound.spectrum(now)

    def _tell_about(self, visitor: Visitor) -> None:
        # It is told again every second; a page rebuilds itself only when it has changed.
        if self.about is not None and visitor.about != self.about:
            visitor.about = self.about
            visitor.outbox.put("about", self.about)

    def _control_answers(self) -> bool:
        return time.monotonic() - self._last_word < SILENT

    def _hello(self, *, silent: bool) -> None:
        # With no page open nobody said hello, so silence means nothing until there was time to answer.
        if not self.link.send({"hello": True}):
            self._last_word = -math.inf
        elif silent:
            self._last_word = time.monotonic()

    def _report(self, visitor: Visitor) -> None:
        """Tell a page which of the other processes are there."""
        self._tell_about(visitor)
        visitor.outbox.put("control", self._control_answers())
        visitor.outbox.put("sound", self._sound.look(time.monotonic())._asdict())
        visitor.wake.set()
