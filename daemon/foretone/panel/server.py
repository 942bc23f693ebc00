"""The web process: one page, one WebSocket, and the way between a page and the control process.

Everything here runs on one asyncio thread. The process may be killed at any time, and so may the ones it
shows: it owns nothing but a socket in the run folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from foretone.errors import ForetoneError, PacketError, SettingError
from foretone.panel import house, wishes, workbench
from foretone.panel.control import ControlLink
from foretone.panel.door import COOKIE, Door
from foretone.panel.edit import Edit
from foretone.panel.errands import Errands
from foretone.panel.fetch import Fetch
from foretone.panel.library import Library
from foretone.panel.sound import BLOCK, Sound
from foretone.panel.visitor import Visitor
from foretone.watch import Systemd

HELLO = 1.0
"""Seconds between two hellos; the control process forgets a panel after 3."""

SILENT = 1.5
"""Seconds without a word from the control process after which pages are told that it is gone."""

PORTS_TO_TRY = 5

YEAR = 365 * 24 * 3600
LOCKED = "This instrument is locked: scan the code that it shows where its panel was started with --open.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Panel:
    """The server: `start` it and `stop` it on the same asyncio loop."""

    def __init__(
        self,
        run_folder: Path,
        door: Door | None = None,
        port: int = 8700,
        library: Library | None = None,
    ) -> None:
        self._folder = run_folder
        self._door = door or Door()
        self._library = library or Library(None, None)
        self._errands = Errands(self._library, self._tell)
        self._port = port
        self._assets = house.assets()
        self._sound = Sound(run_folder / "sound.ring")
        self._visitors: set[Visitor] = set()
        self._about: dict[str, Any] | None = None
        self._last_word = -math.inf
        self._tasks: list[asyncio.Task[None]] = []
        self._someone = asyncio.Event()

    async def start(self) -> str:
        """Open both sockets; return the page's address. Raises SettingError when one of them cannot be."""
        self._link = ControlLink(self._folder, self._heard)
        application = web.Application(middlewares=[self._guard], client_max_size=workbench.LARGEST)
        application.router.add_get("/live", self._live)
        Fetch(self._library).add_to(application.router)
        Edit(self._door, self._file, lambda: self._link.send({"renew": True})).add_to(application.router)
        application.router.add_get("/{name:.*}", self._asset)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        try:
            listener = _listen(self._door.host, self._port)
        except OSError as fault:
            self._link.close()
            raise SettingError(f"The panel cannot listen at port {self._port} ({fault}).") from fault
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        asyncio.get_running_loop().add_reader(self._link, self._link.receive)
        tasks = (self._greet(), self._listen_along(), _live_on())
        self._tasks = [asyncio.create_task(task) for task in tasks]
        host = self._door.host if self._door.host not in ("0.0.0.0", "::") else "localhost"
        self.port: int = listener.getsockname()[1]
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    async def last_until(self, ended: asyncio.Event) -> None:
        """Wait for `ended`. Raises what one of the panel's own tasks raised, if that comes first."""
        waiting = asyncio.create_task(ended.wait())
        done, _ = await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in done:
            task.result()

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._visitors)

    async def stop(self) -> None:
        """Close every page, then both sockets."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._errands.end()
        for visitor in list(self._visitors):
            await visitor.socket.close(code=1001, message=b"the panel ends")
        await self._runner.cleanup()
        asyncio.get_running_loop().remove_reader(self._link)
        self._link.close()
        self._sound.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if host is None or not self._door.known_host(host):
            return web.Response(status=421, text="This page does not answer to that name.\n")
        if (shown := request.query.get("key")) and self._door.fits(shown):
            # From now on the browser shows it by itself, and it stands in no address that could be passed on.
            welcome = web.Response(status=303, headers={"Location": "/"})
            welcome.set_cookie(COOKIE, shown, max_age=YEAR, httponly=True, samesite="Strict")
            return welcome
        if not self._door.lets_in(request.remote, request.cookies.get(COOKIE)):
            return web.Response(status=403, text=LOCKED)
        try:
            answer = await handler(request)
        except web.HTTPException as refusal:
            answer = web.Response(status=refusal.status, text=f"{refusal.reason}\n")
        if not answer.prepared:
            for name, value in house.headers(host).items():
                answer.headers.setdefault(name, value)
        return answer

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        asset = self._assets.get(request.path)
        if asset is None:
            raise web.HTTPNotFound
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if not self._door.own_page(request.headers.get("Origin"), request.headers.get("Host")):
            raise web.HTTPForbidden
        page = web.WebSocketResponse(heartbeat=10.0, compress=False, max_msg_size=wishes.LARGEST)
        await page.prepare(request)
        visitor = Visitor(page)
        self._visitors.add(visitor)
        self._someone.set()
        post = asyncio.create_task(visitor.post())
        self._hello(silent=len(self._visitors) == 1)
        self._report(visitor)
        visitor.outbox.put("training", self._errands.training)
        try:
            async for message in page:
                if message.type is WSMsgType.TEXT:
                    self._wish(visitor, message.data)
        finally:
            self._visitors.discard(visitor)
            if not self._visitors:
                self._someone.clear()
            post.cancel()
            await asyncio.gather(post, return_exceptions=True)
        return page

    def _wish(self, visitor: Visitor, text: str) -> None:
        try:
            self._grant(visitor, *wishes.understood(text))
        except PacketError as refusal:
            visitor.outbox.put("refused", str(refusal))
        visitor.wake.set()

    def _grant(self, visitor: Visitor, name: str, value: Any) -> None:
        """Do what a page wishes, or pass it on to the instrument. PacketError says why not."""
        if name == "seen":
            visitor.outbox.seen(value)
        elif name == "listen":
            if value and not any(other.listens for other in self._visitors):
                self._sound.skip()
            visitor.listens = value
            visitor.outbox.silence()
        elif name == "train":
            self._errands.train(self._file()) if value else self._errands.stop()
        elif name == "trim":
            self._errands.trim(*value)
        elif not self._link.send({name: self._errands.placed(name, value)}):
            raise PacketError("The instrument did not take that; try again.")

    def _tell(self, kind: str, value: Any) -> None:
        """Tell every page."""
        for visitor in self._visitors:
            visitor.outbox.put(kind, value)
            visitor.wake.set()

    def _heard(self, message: dict[str, Any]) -> None:
        """From the control process: an about, or a state."""
        back = not self._control_answers()
        self._last_word = time.monotonic()
        about, state, refused = (message.get(kind) for kind in ("about", "state", "refused"))
        if isinstance(about, dict):
            self._about = about
        for visitor in self._visitors:
            self._tell_about(visitor)
            if back:
                visitor.outbox.put("control", True)
            if isinstance(state, dict):
                visitor.outbox.put_state(state)
            if refused:
                # What a mapping would not do comes with the number of what was asked.
                visitor.outbox.put("refused", refused if isinstance(refused, str) else str(refused[-1]))
            visitor.wake.set()

    def _tell_about(self, visitor: Visitor) -> None:
        # It is told again every second; a page rebuilds itself only when it has changed.
        if self._about is not None and visitor.about != self._about:
            visitor.about = self._about
            visitor.outbox.put("about", self._about)

    def _file(self) -> str | None:
        """The file of the instrument that plays, or None while it does not answer."""
        return self._about.get("file") if self._about and self._control_answers() else None

    def _control_answers(self) -> bool:
        return time.monotonic() - self._last_word < SILENT

    def _hello(self, *, silent: bool) -> None:
        # With no page open nobody said hello, so silence means nothing until there was time to answer.
        if not self._link.send({"hello": True}):
            self._last_word = -math.inf
        elif silent:
            self._last_word = time.monotonic()

    def _report(self, visitor: Visitor) -> None:
        """Tell a page which of the other processes are there."""
        self._tell_about(visitor)
        visitor.outbox.put("control", self._control_answers())
        visitor.outbox.put("sound", self._sound.look(time.monotonic())._asdict())
        visitor.wake.set()

    async def _greet(self) -> None:
        """Once a second while a page is open: say hello, and report. Without a page, nothing."""
        while True:
            await self._someone.wait()
            self._hello(silent=False)
            for visitor in self._visitors:
                self._report(visitor)
            await asyncio.sleep(HELLO)

    async def _listen_along(self) -> None:
        """Hand each new block of sound to the pages that asked for it."""
        while True:
            await self._someone.wait()
            listeners = [visitor for visitor in self._visitors if visitor.listens]
            if listeners and (block := self._sound.block()):
                for visitor in listeners:
                    visitor.outbox.put_sound(block)
                    visitor.wake.set()
            await asyncio.sleep(BLOCK if listeners else 10 * BLOCK)


async def _live_on() -> None:
    """Feed systemd's watchdog, for as long as the loop turns."""
    systemd = Systemd()
    systemd.ready("shows the page")
    while True:
        systemd.step(time.monotonic())
        await asyncio.sleep(min(systemd.interval, 3600.0))


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket at `port`, at one of the next few when it is taken, or else at any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in [*range(port, min(port + PORTS_TO_TRY, 65536)), 0] if port else [0]:
        try:
            return socket.create_server((host, candidate), family=family)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or candidate == 0:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free")


async def _serve(panel: Panel, ready: Callable[[str, int], None]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    address = await panel.start()
    try:
        ready(address, panel.port)
        # A fault in one of the panel's own tasks ends the process: whoever started it starts it again.
        await panel.last_until(ended)
    finally:
        await panel.stop()


def main(panel: Panel, ready: Callable[[str, int], None]) -> int:
    """`foretone panel`: serve the page until SIGINT or SIGTERM. Main thread only.

    `ready` gets the page's address and port once it can be opened; the port may not be the one asked for,
    when that was taken. 0 when it was ended from outside, 1 when it could not begin.
    """
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(panel, ready))
    except ForetoneError as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0
