"""`foretone play`: the whole instrument with one command, its three processes kept alive.

The instrument itself, its voice and its page are processes of their own, so that none can make another
late. When the voice or the page dies it is started again; when the instrument ends, everything ends.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from foretone import kinds
from foretone.clock import WallClock
from foretone.errors import RENEWED, WRONG_FILE, SoundError
from foretone.instrument import Instrument
from foretone.parent import PARENT
from foretone.ring import Ring
from foretone.tape import Tape

AGAIN = 0.1
"""Seconds before a process that died is started again, doubled each time it lives less than 5 s."""

SIGNALLED = ""
"""Stands in the queue of those that ended for a signal to this process."""

PATIENCE = 5.0
"""Seconds that a process gets to come to rest before it is killed."""


@dataclass(frozen=True)
class Options:
    """How to play: what `foretone run` is told, where sessions are, whether with a page, what to write."""

    run: tuple[str, ...] = ()
    sessions: Path | None = None
    changes: tuple[str, ...] = ()
    page: bool = True
    open: bool = False
    port: int = 8700
    wav: Path | None = None
    report: Path | None = None


def play(find: Callable[[], Instrument], options: Options) -> int:
    """Play until the instrument ends or a person stops it. Returns the instrument's exit status.

    `find` reads and checks the instrument's file; it is called again when the file was changed in the page,
    which stays open meanwhile.
    """
    instrument = find()
    with (
        tempfile.TemporaryDirectory(prefix="foretone-", dir=_memory()) as place,
        contextlib.ExitStack() as mirror,
    ):
        ring, report = Path(place) / "sound.ring", Path(place) / "report.json"
        family = Family()
        mirror.callback(family.end)
        if options.page:
            page = ["panel", "--state", place, f"--port={options.port}"]
            page += [] if options.sessions is None else [f"--log={options.sessions}"]
            page += ["--open"] if options.open else []
            family.add("page", page, again=True)
        if options.wav is not None:
            mirror.callback(Tape(ring, options.wav).close)
        _add_instrument(family, instrument, place, options)
        if not any(
            argument.startswith("--seconds=") and argument != "--seconds=inf" for argument in options.run
        ):
            print("Ctrl-C ends it.", file=sys.stderr, flush=True)
        while (status := family.wait()) == RENEWED:
            family.dismiss("voice")
            _add_instrument(family, find(), place, options)
        if options.report is not None and report.exists():
            whole = {**json.loads(report.read_text()), **_sound(ring)}
            options.report.write_text(json.dumps(whole, indent=2) + "\n")
    for written in (options.wav, options.report):
        if written is not None and status == 0:
            print(f"Wrote {written}.", file=sys.stderr)
    return status


def _memory() -> str | None:
    """Where no disk holds up whoever writes sound; /tmp may be one."""
    place = "/dev/shm"
    return place if os.access(place, os.W_OK | os.X_OK) else None


def _add_instrument(family: Family, instrument: Instrument, place: str, options: Options) -> None:
    """Start the instrument, and its voice if it has one."""
    common = [str(instrument.path), "--state", place, *(f"--set={change}" for change in options.changes)]
    common += [f"--free={change}" for change in _free_ports(instrument)]
    if any(part.kind == "synth" for part in instrument.of("sink")):
        family.add("voice", ["synth", *common], again=True)
    family.add("instrument", ["run", *common, f"--report={place}/report.json", *options.run], again=False)


def _sound(ring: Path) -> dict[str, object]:
    """What the voice says of itself; xruns are null where there is none."""
    try:
        status = Ring.open(ring).status()
    except SoundError:
        return {"xruns": None}
    sound = status._asdict()
    for now in ("peak", "running", "heartbeat"):
        sound.pop(now)
    return {"xruns": status.xruns, "sound": sound}


def _free_ports(instrument: Instrument) -> list[str]:
    """Changes that keep this instrument's ports apart from those of others on this machine."""
    changes = []
    voice: dict[int, int] = {}
    for part in instrument.parts.values():
        to_voice = part.kind in ("synth", "clock") and part.role == "sink"
        if to_voice or (part.kind in ("osc", "wekinator") and part.role == "source"):
            usual = kinds.settings(part.maker)["port"].default
            port = int(part.settings.get("port", usual))
            free = voice.setdefault(port, _free_port(port)) if to_voice else _free_port(port)
            if free != port:
                changes.append(f"{part.name}.port={free}")
                if not to_voice:
                    print(
                        f"Port {port} is taken: {part.name} listens on {free}.", file=sys.stderr, flush=True
                    )
    return changes


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
        self._ended: SimpleQueue[tuple[str, subprocess.Popen[bytes] | None]] = SimpleQueue()
        self._pauses: dict[str, float] = {}
        self._ending = False
        self._handlers = {
            number: signal.signal(number, lambda *_: self._ended.put((SIGNALLED, None)))
            for number in (signal.SIGTERM, signal.SIGINT)
        }

    def add(self, name: str, arguments: Sequence[str], again: bool) -> None:
        """Start `foretone` with `arguments`; when it dies, start it `again` or end the family."""
        self._commands[name] = ([sys.executable, "-m", "foretone", *arguments], again)
        self._start(name)

    def wait(self) -> int:
        """Until the one that is not started again has ended; its exit status. Signals are passed on."""
        pausing: dict[str, float] = {}
        while True:
            name = self._next(min(pausing.values(), default=math.inf))
            for other in [one for one, until in pausing.items() if until <= time.monotonic()]:
                del pausing[other]
                if other in self._commands:
                    self._start(other)
            if name == SIGNALLED:
                self._ending = True
                pausing.clear()
                self._leader().send_signal(signal.SIGTERM)
            elif name is None or (self._ending and self._commands[name][1]):
                continue
            elif not self._commands[name][1]:
                return self._left(name, self._children[name].returncode)
            elif self._children[name].returncode == WRONG_FILE:
                print(f"Going on without the {name}.", file=sys.stderr, flush=True)
            else:
                print(f"The {name} ended unexpectedly and is started again.", file=sys.stderr, flush=True)
                pausing[name] = time.monotonic() + self._pauses[name]

    def _next(self, until: float) -> str | None:
        """Who has ended, or None when it is `until`, or when it was one that had been dismissed."""
        if (ended := WallClock.wait(self._ended, until)) is None:
            return None
        name, child = ended
        # By now another one may go by the name of one that was dismissed, and be well.
        return name if name == SIGNALLED or self._children.get(name) is child else None

    def _left(self, name: str, status: int) -> int:
        """The exit status of the one that everything depends on, and a sentence when it was killed."""
        if self._ending and status in (RENEWED, -signal.SIGTERM):
            return 0
        if status >= 0:
            return status
        print(
            f"The {name} was killed ({signal.Signals(-status).name}); everything ends.",
            file=sys.stderr,
            flush=True,
        )
        return 128 - status

    def dismiss(self, name: str) -> None:
        """End one that is not needed now, if there is one; it is not started again."""
        if self._commands.pop(name, None) is not None:
            child = self._children.pop(name)
            child.terminate()
            _see_off(child)

    def end(self) -> None:
        """Bring everyone to rest, the youngest first, and kill whoever does not come."""
        self._ending = True
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.terminate()
        for child in reversed(self._children.values()):
            _see_off(child)
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
            self._ended.put((name, child))

        threading.Thread(target=watch, name=f"watch {name}", daemon=True).start()


def _see_off(child: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was told to end, and kill it when it does not."""
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
