"""What a page has the trainer do, in processes of their own: learn, and cut a session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foretone.parent import PARENT

LINES = 12
"""Lines of what the trainer says that a page shows: the last ones."""


class Training:
    """One trainer at a time. On the asyncio thread; `tell` is called whenever there is news.

    state
        `running`; `player` and `model`, what it will be; `done` and `planned` updates; `loss`, `held_out`
        and `best` in nats; `said`, its last lines; `ended`, whether it ended well.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self.state: dict[str, Any] = {"running": False, "said": []}
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, arguments: Sequence[str]) -> None:
        """Run `foretone train` with these arguments to its end; nothing if one runs already."""
        if self.state["running"]:
            return
        self.state = {"running": True, "said": []}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "foretone", "train", *arguments, "--progress"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, PARENT: str(os.getpid()), "PYTHONUNBUFFERED": "1"},
        )
        self._tell(self.state)
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._take(line.decode(errors="replace").strip())
            self._tell(self.state)
        status = await self._process.wait()
        self.state = {**self.state, "running": False, "ended": status == 0}
        self._tell(self.state)

    def stop(self) -> None:
        """Keep the best so far, as Ctrl-C would."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(2)

    def _take(self, line: str) -> None:
        told: Any = None
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                told = json.loads(line)
        if isinstance(told, dict):
            self.state = {**self.state, **told}
        elif line:
            self.state = {**self.state, "said": [*self.state["said"], line][-LINES:]}


async def trim(session: Path, begin: float, end: float) -> str:
    """Write what was played from `begin` to `end` seconds of a session as a session of its own, beside it.

    Returns why not, as the trainer says it, or nothing.
    """
    out = session.with_name(f"{session.stem}-{begin:.0f}-{end:.0f}.csv")
    cut = [str(session), f"--from={begin:.3f}", f"--to={end:.3f}", f"--out={out}"]
    trainer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "foretone_training", "data", "trim", *cut),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await trainer.communicate()
    except asyncio.CancelledError:
        trainer.kill()
        await trainer.communicate()
        raise
    if trainer.returncode == 0:
        return ""
    return said.decode(errors="replace").strip().replace(f"{session.parent}/", "")
