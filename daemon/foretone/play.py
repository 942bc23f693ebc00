"""`foretone play`: the whole instrument with one command, its three processes kept alive.

The instrument itself, its voice and its page are processes of their own, so that none can make another
late. When the voice or the page dies it is started again; when the instrument ends, everything ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from foretone.errors import SoundError
from foretone.instrument import Instrument
from foretone.parent import PARENT
from foretone.ring import Ring
from foretone.tape import Tape

WRONG = 78
"""The exit status of a process whose settings cannot work: starting it again would not help."""

AGAIN = 0.1
"""Seconds before a process that died is started again, doubled each time it lives less than 5 s."""

PATIENCE = 5.0
"""Seconds that a process gets to come to rest before it is killed."""


@dataclass(frozen=True)
class Options:
    """How to play: what `foretone run` is told, whether there is a page, and what to write at the end."""

    run: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    page: bool = True
    port: int = 8700
    wav: Path | None = None
    report: Path | None = None


def play(instrument: Instrument, options: Options) -> int:
    """Play until the instrument ends or a person stops it. Returns the instrument's exit status."""
    with tempfile.TemporaryDirectory(prefix="foretone-") as place, contextlib.ExitStack() as mirror:
        folder, ring = Path(place), Path(place) / "sound.ring"
        changes, voices = list(options.changes), [p for p in instrument.of("sink") if p.kind == "synth"]
        for voice in voices:
            changes.append(f"{voice.name}.port={_free_port(int(voice.settings.get('port', 7401)))}")
        common = [str(instrument.path), "--state", place, *(f"--set={change}" for change in changes)]
        family = Family()
        mirror.callback(family.end)
        if voices:
            family.add("voice", ["synth", *common], again=True)
        if options.page:
            family.add("page", ["panel", "--state", place, f"--port={options.port}"], again=True)
        if options.wav is not None and voices:
            mirror.callback(Tape(ring, options.wav).close)
        report = folder / "report.json"
        family.add("instrument", ["run", *common, f"--report={report}", *options.run], again=False)
        status = family.wait()
        if options.report is not None and report.exists():
            options.report.write_text(
                json.dumps({**json.loads(report.read_text()), **_sound(ring)}, indent=2) + "\n"
            )
    return status


def _sound(ring: Path) -> dict[str, object]:
    try:
        status = Ring.open(ring).status()
    except SoundError:
        return {"xruns": 0}
    return {"xruns": status.xruns, "sound": status._asdict()}


def _free_port(wanted: int) -> int:
    """`wanted` when no other instrument on this machine has it, else any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Family:
    """Processes that live and end together. The main thread calls every method."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[list[str], bool]] = {}
        self._ended: SimpleQueue[str | None] = SimpleQueue()
        self._pauses: dict[str, float] = {}
        self._ending = False
        self._handlers = {
            number: signal.signal(number, lambda *_: self._ended.put(None))
            for number in (signal.SIGTERM, signal.SIGINT)
        }

    def add(self, name: str, arguments: Sequence[str], again: bool) -> None:
        """Start `foretone` with `arguments`; when it dies, start it `again` or end the family."""
        self._commands[name] = ([sys.executable, "-m", "foretone", *arguments], again)
        self._start(name)

    def wait(self) -> int:
        """Until the one that is not started again has ended; its exit status. Signals are passed on."""
        while True:
            name = self._ended.get()
            if name is None:
                self._ending = True
                self._leader().send_signal(signal.SIGTERM)
            elif not self._commands[name][1]:
                return self._children[name].returncode
            elif self._children[name].returncode == WRONG:
                print(f"Going on without the {name}.", file=sys.stderr, flush=True)
            elif not self._ending:
                print(f"The {name} ended unexpectedly and is started again.", file=sys.stderr, flush=True)
                time.sleep(self._pauses[name])
                self._start(name)

    def end(self) -> None:
        """Bring everyone to rest, the youngest first, and kill whoever does not come."""
        self._ending = True
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.terminate()
        for child in reversed(self._children.values()):
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _leader(self) -> subprocess.Popen[bytes]:
        return next(child for name, child in self._children.items() if not self._commands[name][1])

    def _start(self, name: str) -> None:
        born = time.monotonic()
        # A terminal's Ctrl-C goes to the whole group; only this process should hear it, and tell the others.
        environment = {**os.environ, PARENT: str(os.getpid())}
        child = subprocess.Popen(self._commands[name][0], start_new_session=True, env=environment)
        self._children[name] = child

        def watch() -> None:
            child.wait()
            lived = time.monotonic() - born
            self._pauses[name] = AGAIN if lived > 5.0 else min(2 * self._pauses.get(name, AGAIN / 2), 5.0)
            self._ended.put(name)

        threading.Thread(target=watch, name=f"watch {name}", daemon=True).start()
