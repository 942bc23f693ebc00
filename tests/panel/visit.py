"""A page without a browser: one WebSocket beside a panel."""

import asyncio
import contextlib
import json
import time

import aiohttp

from foretone.panel.server import Panel

DEADLINE = 8.0


class Visit:
    """One WebSocket, as a page opens it. A frozen one never says that it has seen a frame."""

    def __init__(self, socket, frozen=False):
        self.socket = socket
        self.frozen = frozen
        self.frames = []
        self.sound = b""
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.sound += message.data
            else:
                self.frames.append(json.loads(message.data))
            if not self.frozen:
                with contextlib.suppress(aiohttp.ClientConnectionResetError):  # it was just closed
                    await self.ask({"seen": 1})

    def told(self, kind):
        return [frame[kind] for frame in self.frames if kind in frame]

    async def ask(self, message):
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))


async def until(condition, what):
    """Poll until `condition()` is true, and return what it gave."""
    deadline = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.01)
    return value


def with_panel(folder, story, **options):
    """Run `story(panel, address, session)` beside a panel."""

    async def run():
        panel = Panel(folder, **{"port": 0, **options})
        address = await panel.start()
        try:
            async with aiohttp.ClientSession() as session:
                await story(panel, address, session)
        finally:
            await panel.stop()

    asyncio.run(run())


async def visit(session, address, frozen=False):
    headers = {"Origin": address.rstrip("/")}
    return Visit(await session.ws_connect(f"{address}live", headers=headers), frozen)
