"""What waits to be sent to one page."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

ROOM = 24
"""Frames that may be on their way to a page before it says that it has taken them in."""

MOST_EVENTS = 512
"""Events that one state may carry after a page was slow; the oldest go first."""

MOST_SOUND = 6
"""Sound blocks that may wait: a quarter of a second at 40 ms each."""


class Outbox:
    """Never more than one state, one notice of each kind and a quarter second of sound.

    A newer state takes the place of a waiting one, and its events follow the waiting ones, so a slow page
    misses positions but no notes. The page counts the frames it has taken in; a frozen tab or a phone in a
    pocket stops counting, and then nothing is handed out at all: not even the kernel's buffers fill.
    """

    def __init__(self) -> None:
        self._notices: dict[str, Any] = {}
        self._state: dict[str, Any] | None = None
        self._sound: deque[bytes] = deque(maxlen=MOST_SOUND)
        self._under_way = 0
        self.dropped_events = 0

    def put(self, kind: str, value: Any) -> None:
        """A notice of some kind: the newest one wins."""
        self._notices[kind] = value

    def put_state(self, state: dict[str, Any]) -> None:
        """The newest state; the events of one that still waits are put before its own."""
        events = list(state.get("events") or ())
        if self._state is not None:
            events = self._state["events"] + events
        self.dropped_events += max(0, len(events) - MOST_EVENTS)
        self._state = {**state, "events": events[-MOST_EVENTS:]}

    def put_sound(self, block: bytes) -> None:
        """One block of samples, int16 stereo; the oldest block goes when there are too many."""
        self._sound.append(block)

    def silence(self) -> None:
        """The page stopped listening."""
        self._sound.clear()

    def seen(self, frames: int) -> None:
        """The page has taken in so many more frames."""
        self._under_way = max(0, self._under_way - frames)

    def take(self) -> str | bytes | None:
        """The next frame to send, or None when there is nothing, or the page has enough to do."""
        if self._under_way >= ROOM:
            return None
        frame = self._next()
        if frame is not None:
            self._under_way += 1
        return frame

    def _next(self) -> str | bytes | None:
        # Sound first: it is the only thing here that anyone notices when it is 30 ms late.
        if self._sound:
            return self._sound.popleft()
        if self._notices:
            kind = next(iter(self._notices))
            return json.dumps({kind: self._notices.pop(kind)})
        if self._state is not None:
            state, self._state = self._state, None
            return json.dumps({"state": state})
        return None
