"""What a page fetches of a mapping: its takes, and its terrain. Drawn in a worker thread, one at a time."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from foretone.errors import ForetoneError
from foretone.panel import terrain
from foretone.panel.taught import Taught

About = Callable[[], dict[str, Any] | None]


class Teach:
    """Answers for the mappings' addresses. `about` gives what the instrument last said of itself."""

    def __init__(self, about: About) -> None:
        self._about = about
        self._turn = asyncio.Lock()
        self._known: dict[str, tuple[Any, Taught]] = {}

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/teach/{player}", self._takes)
        router.add_get("/teach/{player}/terrain", self._terrain)

    async def _takes(self, request: web.Request) -> web.StreamResponse:
        part, file = self._part(request.match_info["player"])

        def tell() -> dict[str, Any]:
            return self._taught(part, file).tell()

        return await self._answer(tell)

    async def _terrain(self, request: web.Request) -> web.StreamResponse:
        part, file = self._part(request.match_info["player"])
        settings = {knob["key"]: knob["value"] for knob in part.get("settings", ())}
        knobs = {key: settings[key] for key in ("guard", "sure", "morph") if key in settings}
        try:
            across, up, output = (int(request.query[key]) for key in ("across", "up", "output"))
            at = tuple(float(value) for value in request.query["at"].split(","))
        except (KeyError, ValueError) as error:
            raise web.HTTPBadRequest(reason="Ask for across, up, output and at.") from error

        def draw() -> dict[str, Any]:
            taught = self._taught(part, file)
            if len(at) != len(taught.axes) or not all(0.0 <= value <= 1.0 for value in at) or across == up:
                raise web.HTTPBadRequest(reason=f"Ask for {len(taught.axes)} axes in 0..1, and two of them.")
            begin = time.thread_time()
            view = terrain.View(across, up, output, at, **knobs)
            return {**terrain.draw(taught, view), "took": math.ceil(1000 * (time.thread_time() - begin))}

        return await self._answer(draw)

    def _part(self, player: str) -> tuple[dict[str, Any], Path]:
        about = self._about()
        for part in about.get("parts", ()) if about else ():
            if part.get("name") == player and "journal" in part and about and "file" in about:
                return part, Path(about["file"])
        raise web.HTTPNotFound

    def _taught(self, part: dict[str, Any], file: Path) -> Taught:
        """What is known of it, and what its journal has told since."""
        made_of = (file, file.stat().st_mtime_ns, part["journal"])
        known = self._known.get(part["name"])
        if known is None or known[0] != made_of:
            known = made_of, Taught(file, part["name"], Path(part["journal"]))
            self._known[part["name"]] = known
        known[1].follow()
        return known[1]

    async def _answer(self, work: Callable[[], dict[str, Any]]) -> web.StreamResponse:
        async with self._turn:
            try:
                return web.json_response(await asyncio.to_thread(work))
            except LookupError as error:
                raise web.HTTPNotFound from error
            except (ForetoneError, OSError) as error:
                return web.json_response({"fault": " ".join(str(error).split())})
