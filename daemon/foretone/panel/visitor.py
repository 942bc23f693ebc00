"""One open page, seen from the panel."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from foretone.panel.outbox import Outbox


class Visitor:
    """A page's socket, what waits to be sent to it, and what it has asked for. On the asyncio thread."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.outbox = Outbox()
        self.listens = False
        """Whether it plays the sound."""
        self.watches = False
        """Whether it shows the spectrum."""
        self.about: dict[str, Any] | None = None
        self.wake = asyncio.Event()

    async def post(self) -> None:
        """Send what the outbox hands out, for as long as the page is open."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            while (frame := self.outbox.take()) is not None:
                if isinstance(frame, bytes):
                    await self.socket.send_bytes(frame)
                else:
                    await self.socket.send_str(frame)
