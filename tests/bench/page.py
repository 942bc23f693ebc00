"""What a page that is open costs the panel's process: Play, the sound too, Teach with its terrain, Health."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from instruments import cpu_seconds, free_port, megabytes, started
from measure import Row, write

WATCHED = 10.0
SEEN_EVERY = 8
SHARE = 200  # as terrain.js: this many times what a drawing took is how long the panel is left alone

Play = Callable[[aiohttp.ClientSession, str, "Page"], Awaitable[None]]


class Page:
    """One WebSocket that takes in what comes, as `live.js` does."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames = self.states = self.bytes = 0
        self.about: dict[str, Any] = {}

    async def read(self) -> None:
        async for message in self.socket:
            self.frames += 1
            self.bytes += len(message.data)
            if message.type is aiohttp.WSMsgType.TEXT:
                told = json.loads(message.data)
                self.states += "state" in told
                self.about = told.get("about", self.about)
            if self.frames % SEEN_EVERY == 0:
                await self.ask({"seen": SEEN_EVERY})

    async def ask(self, message: dict[str, Any]) -> None:
        await self.socket.send_json(message)


def main() -> None:
    """The EMPI with its ghost playing, and the instrument that is taught."""
    shown = watch("empi", ("osc", "voice", "patch"), show)
    heard = watch("empi", ("osc", "voice", "patch"), listen)
    looked = watch("empi", ("osc", "voice", "patch"), look)
    taught = watch("teach", ("wekinator", "patch"), teach)
    budget = "of a core, budget 3 %"
    rows = [
        Row("page_play_cpu", shown["cpu"], "%", shown["cpu"], None, f"with the spectrum; {budget}"),
        Row("page_play_frames", shown["frames"], "/s", shown["frames"], None, "on the WebSocket; at most 60"),
        Row("page_play_kilobytes", shown["bytes"] / 1e3, "kB/s", shown["bytes"] / 1e3),
        Row("page_listen_cpu", heard["cpu"], "%", heard["cpu"], None, f"and plays the sound; {budget}"),
        Row("page_health_cpu", looked["cpu"], "%", looked["cpu"], None, f"a look each 10 s; {budget}"),
        Row(
            "page_teach_cpu",
            taught["cpu"],
            "%",
            taught["cpu"],
            None,
            f"an input that is held moves; {budget}",
        ),
        Row("page_memory", taught["memory"], "MB", taught["memory"]),
    ]
    write("page", rows)


async def show(_: aiohttp.ClientSession, __: str, page: Page) -> None:
    """Play is seen."""
    await page.ask({"watch": True})
    await asyncio.sleep(WATCHED)


async def listen(_: aiohttp.ClientSession, __: str, page: Page) -> None:
    """Play is seen, and its sound is played by the browser."""
    await page.ask({"watch": True})
    await page.ask({"listen": True})
    await asyncio.sleep(WATCHED)


async def look(session: aiohttp.ClientSession, address: str, _: Page) -> None:
    """Health is seen."""
    await (await session.get(f"{address}health")).read()
    await asyncio.sleep(WATCHED)


async def teach(session: aiohttp.ClientSession, address: str, page: Page) -> None:
    """Teach is seen; the terrain is always another one, because an input beside it moves."""
    until = time.monotonic() + WATCHED
    while (left := until - time.monotonic()) > 0:
        at = f"0.5,0.5,{left / WATCHED:.3f},0.5,0.5"
        asked = f"{address}teach/teach/terrain?across=0&up=1&output=0&at={at}"
        told = await (await session.get(asked)).json()
        assert told["ground"], told["note"]
        await asyncio.sleep(max(0.3, SHARE * told["took"] / 1000))


async def prepare(page: Page) -> None:
    """Show a mapping something, and let it learn."""
    for number in range(30):
        await page.ask({"do": ["teach", "randomise"]})
        await page.ask({"hold": ["pad", [number * k * 0.137 % 1 for k in range(1, 6)]]})
        await asyncio.sleep(0.05)
        await page.ask({"do": ["teach", "example"]})
    await page.ask({"do": ["teach", "train"]})
    await asyncio.sleep(3)


def watch(instrument: str, listening: tuple[str, ...], play: Play) -> dict[str, float]:
    """Processor time of the panel in % of a core, frames and bytes a second, memory in MB."""
    with tempfile.TemporaryDirectory() as place:
        ports = [f"--set={name}.port={free_port()}" for name in listening]
        ghost = ["--ghost"] if instrument == "empi" else []
        options = [*ghost, "--no-log", "--port=0", f"--examples={place}/examples", *ports]
        command = [sys.executable, "-m", "foretone", "play", instrument, *options]
        with started(command, "\n", Path(place)) as (process, _):
            return asyncio.run(_watch(process.pid, play))


async def _watch(parent: int, play: Play) -> dict[str, float]:
    panel, address = await _panel(parent)
    async with aiohttp.ClientSession() as session:
        page = Page(await session.ws_connect(f"{address}live", headers={"Origin": address.rstrip("/")}))
        reading = asyncio.create_task(page.read())
        if play is teach:
            await prepare(page)
        await asyncio.sleep(1.0)
        before, begin = cpu_seconds(panel), time.monotonic()
        frames, size = page.frames, page.bytes
        await play(session, address, page)
        seconds = time.monotonic() - begin
        told = {
            "cpu": 100 * (cpu_seconds(panel) - before) / seconds,
            "frames": (page.frames - frames) / seconds,
            "bytes": (page.bytes - size) / seconds,
            "memory": megabytes(panel),
        }
        assert page.states > 10 * WATCHED
        reading.cancel()
        await page.socket.close()
    return told


async def _panel(parent: int) -> tuple[int, str]:
    """The panel among the processes of an instrument, and its address."""
    while True:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
                said = (stat.parent / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if int(fields[1]) == parent and b"panel" in said and (port := _port(int(stat.parent.name))):
                return int(stat.parent.name), f"http://127.0.0.1:{port}/"
        await asyncio.sleep(0.1)


def _port(pid: int) -> int:
    """Where a process listens; 0 while it does not."""
    sockets = {
        found[1]
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if (found := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())))
    }
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in sockets:
            return int(fields[1].partition(":")[2], 16)
    return 0


if __name__ == "__main__":
    main()
