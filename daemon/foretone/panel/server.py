"""The web process: one page, one WebSocket, and a door before both; `relay.py` is what passes through.

Everything here runs on one asyncio thread. The process may be killed at any time, and so may the ones it
shows: it owns nothing but a socket in the run folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from foretone.doctor.machine import Machine
from foretone.errors import ForetoneError, SettingError
from foretone.panel import house, wishes, workbench
from foretone.panel.door import COOKIE, Door
from foretone.panel.edit import Edit
from foretone.panel.fetch import Fetch
from foretone.panel.health import Health
from foretone.panel.library import Library
from foretone.panel.relay import Relay
from foretone.panel.teach import Teach
from foretone.panel.visitor import Visitor
from foretone.watch import Systemd

PORTS_TO_TRY = 5

MOST_PAGES = 32

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
        self._port = port
        self._assets = house.assets()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        """Open both sockets; return the page's address. Raises SettingError when one of them cannot be."""
        self._relay = relay = Relay(self._folder, self._library)
        application = web.Application(middlewares=[self._guard], client_max_size=workbench.LARGEST)
        application.router.add_get("/live", self._live)
        Fetch(self._library).add_to(application.router)
        Health(lambda: Machine(state=self._folder)).add_to(application.router)
        Teach(lambda: relay.about).add_to(application.router)
        Edit(
            self._door, lambda: relay.file, lambda: relay.changes, lambda: relay.link.send({"renew": True})
        ).add_to(application.router)
        application.router.add_get("/{name:.*}", self._asset)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        try:
            listener = _listen(self._door.host, self._port)
        except OSError as fault:
            relay.close()
            raise SettingError(f"The panel cannot listen at port {self._port} ({fault}).") from fault
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        asyncio.get_running_loop().add_reader(relay.link, relay.link.receive)
        tasks = (relay.greet(), relay.listen_along(), _live_on())
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
        return len(self._relay.visitors)

    async def stop(self) -> None:
        """Close every page, then both sockets."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._relay.end()
        await self._runner.cleanup()
        asyncio.get_running_loop().remove_reader(self._relay.link)
        self._relay.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nobody gets past the door, and whatever is answered carries the page's policy."""
        host = request.headers.get("Host")
        known = self._door.known_host(host)
        try:
            answer = self._refused(request, known) or await handler(request)
        except web.HTTPException as refusal:
            answer = web.Response(status=refusal.status, text=f"{refusal.reason}\n")
        if not answer.prepared:
            for name, value in house.headers(host if host and known else "localhost").items():
                answer.headers.setdefault(name, value)
        return answer

    def _refused(self, request: web.Request, known: bool) -> web.StreamResponse | None:
        """What a visitor is told at the door; None for one that comes in."""
        if not known:
            return web.Response(status=421, text="This page does not answer to that name.\n")
        if self._door.other_page(
            request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Mode")
        ):
            return web.Response(status=403, text="Only a page of this instrument may ask for that.\n")
        if (shown := request.query.get("key")) and self._door.fits(shown):
            # From now on the browser shows it by itself, and it stands in no address that could be passed on.
            welcome = web.Response(status=303, headers={"Location": "/"})
            welcome.set_cookie(COOKIE, shown, max_age=YEAR, httponly=True, samesite="Strict")
            return welcome
        if not self._door.lets_in(request.remote, request.cookies.get(COOKIE)):
            return web.Response(status=403, text=LOCKED)
        return None

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        asset = self._assets.get(request.path)
        if asset is None:
            raise web.HTTPNotFound
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if not self._door.own_page(request.headers.get("Origin"), request.headers.get("Host")):
            raise web.HTTPForbidden
        if self.pages >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(reason=f"There are {MOST_PAGES} pages open already.")
        page = web.WebSocketResponse(heartbeat=10.0, compress=False, max_msg_size=wishes.LARGEST)
        await page.prepare(request)
        visitor = Visitor(page)
        self._relay.welcome(visitor)
        post = asyncio.create_task(visitor.post())
        try:
            async for message in page:
                if message.type is WSMsgType.TEXT:
                    self._relay.wish(visitor, message.data)
        finally:
            self._relay.leave(visitor)
            post.cancel()
            await asyncio.gather(post, return_exceptions=True)
        return page


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
