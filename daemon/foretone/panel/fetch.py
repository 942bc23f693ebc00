"""What a page fetches of the library, over HTTP: lists, pictures' numbers, whole files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from foretone.errors import SessionError
from foretone.panel.library import Library

REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""For a model's report: one file with its styles and pictures inside, that may run and load nothing."""


class Fetch:
    """Answers for the library's addresses. A name that the library does not have is not found."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/sessions", self._sessions)
        router.add_get("/models", self._models)
        router.add_get("/sessions/{name}", self._session)
        router.add_get("/sessions/{name}/look", self._look)
        router.add_get("/models/{name}", self._model)

    async def _sessions(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(await asyncio.to_thread(self._library.list_sessions))

    async def _models(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(await asyncio.to_thread(self._library.list_models))

    async def _session(self, request: web.Request) -> web.StreamResponse:
        return _attached(self._found(self._library.session, request), "text/csv")

    async def _look(self, request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await asyncio.to_thread(self._library.look, request.match_info["name"]))
        except LookupError as error:
            raise web.HTTPNotFound from error
        except SessionError as error:
            return web.json_response({"fault": str(error)})

    async def _model(self, request: web.Request) -> web.StreamResponse:
        if not request.match_info["name"].endswith(".html"):
            return _attached(self._found(self._library.model, request), "application/octet-stream")
        path = self._found(self._library.report, request)
        return web.FileResponse(path, headers={"Content-Security-Policy": REPORT_POLICY})

    def _found(self, find: Callable[[str], Path], request: web.Request) -> Path:
        try:
            return find(request.match_info["name"])
        except LookupError as error:
            raise web.HTTPNotFound from error


def _attached(path: Path, content_type: str) -> web.StreamResponse:
    # The browser takes the name from the address; here it could not stand unescaped.
    return web.FileResponse(path, headers={"Content-Type": content_type, "Content-Disposition": "attachment"})
