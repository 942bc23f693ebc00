"""What a page does with the instrument's file, over HTTP: read it, check it, save it, take it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from foretone import catalogue
from foretone.panel import workbench
from foretone.panel.door import Door


class Edit:
    """Answers for the instrument's addresses.

    `file` tells which instrument plays, or None while none does, and `changes` what it was told to change of
    it; `renew` has it play its new file, and is False when nobody took that. Only a page of ours may change
    anything.
    """

    def __init__(
        self,
        door: Door,
        file: Callable[[], str | None],
        changes: Callable[[], list[str]],
        renew: Callable[[], bool],
    ) -> None:
        self._door, self._file, self._changes, self._renew = door, file, changes, renew
        self._turn = asyncio.Lock()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/instrument", self._show)
        router.add_get("/parts", self._parts)
        router.add_post("/instrument/check", self._check)
        router.add_post("/instrument/save", self._save)
        router.add_post("/instrument/earlier", self._take_back)

    async def _show(self, _: web.Request) -> web.StreamResponse:
        if self._file() is None:
            return web.json_response(None)  # it will be there in a moment, and the page asks again
        return await _answer(workbench.show, self._playing())

    async def _parts(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=await asyncio.to_thread(catalogue.text))

    async def _check(self, request: web.Request) -> web.StreamResponse:
        text = await self._text(request)
        async with self._turn:
            return await _answer(workbench.check, self._playing(), text, self._changes())

    async def _save(self, request: web.Request) -> web.StreamResponse:
        text = await self._text(request)
        return await self._renewed(workbench.save, self._playing(), text, self._changes())

    async def _take_back(self, request: web.Request) -> web.StreamResponse:
        await self._text(request)
        return await self._renewed(workbench.take_back, self._playing(), self._changes())

    async def _renewed(self, change: Callable[..., list[str]], *given: Any) -> web.StreamResponse:
        """Change the file, one page after the other; where that went well, have the instrument play it."""
        async with self._turn:
            answer = await _answer(change, *given)
        if answer.text == "[]" and not self._renew():
            return web.json_response(["it is saved, but the instrument did not hear of it: start it again"])
        return answer

    def _playing(self) -> Path:
        if (file := self._file()) is None:
            raise web.HTTPServiceUnavailable(reason="The instrument is not running.")
        return Path(file)

    async def _text(self, request: web.Request) -> str:
        if not self._door.own_page(request.headers.get("Origin"), request.headers.get("Host")):
            raise web.HTTPForbidden
        try:
            return (await request.read()).decode()
        except UnicodeDecodeError as error:
            raise web.HTTPBadRequest(reason="The file is not text.") from error


async def _answer(work: Callable[..., Any], *given: Any) -> web.Response:
    """What a worker thread makes of it, as JSON; a disk that says no is a fault like others."""
    try:
        return web.json_response(await asyncio.to_thread(work, *given))
    except OSError as error:
        return web.json_response([f"{error.strerror}: {Path(error.filename or '').name}"])
