"""How the box is, for a page: what `foretone doctor` finds, looked at in a worker thread."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from foretone import doctor
from foretone.doctor.machine import Machine

FRESH = 3.0
"""Seconds for which findings are told again, however many pages ask."""


class Health:
    """Answers for `/health`. One look at a time; `machine` makes what is looked at."""

    def __init__(self, machine: Callable[[], Machine]) -> None:
        self._machine = machine
        self._turn = asyncio.Lock()
        self._found: list[dict[str, Any]] = []
        self._until = 0.0

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the address."""
        router.add_get("/health", self._tell)

    async def _tell(self, _: web.Request) -> web.StreamResponse:
        async with self._turn:
            if time.monotonic() > self._until:
                found = await asyncio.to_thread(doctor.findings, self._machine())
                self._found = [dataclasses.asdict(finding) for finding in found]
                self._until = time.monotonic() + FRESH
        return web.json_response({"findings": self._found})
