"""`foretone-train serve`: waits for lessons on its standard input, so that a training costs no start.

A lesson is a line of JSON, then a line `[x, y]` for each example, with null for an output that was not
recorded, or `{"gesture": 1, "frames": [[seconds, x...], ...]}` for each gesture, then a line `null`:

    {"lesson": 1, "folder": "models", "hears": ["x"], "outputs": [{"axis": "cutoff"}], "seed": 1}
    [[0.1], [0.3]]
    [[0.8], [0.7]]
    null

Answers are lines of JSON on its standard output: `{"lesson": 1, "progress": 0.5, "loss": 0.03}`, the root
mean square of what is still missed; then either `{"lesson": 1, "done": [PATH, ...], "scores": {...},
"losses": [0.2, ...]}` and, when there is time for it, `{"lesson": 1, "held_out": {...}}`, or `{"lesson": 1,
"failed": "..."}`. It ends with its input.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NICE = 10
"""Behind everything that sounds; in front of what only waits to be done some day."""

HURRY = 0.25
"""Seconds of computing in which a lesson runs before ordinary processes, and still behind what sounds, where
that is allowed: somebody waits for it, with a machine that does other things too. Whoever sends it says so.
"""

STEPS = 0.05
"""The share of a training between two lines of progress."""


def run() -> None:
    """Answer lessons until the input ends."""
    os.nice(NICE)
    _hurry(False)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        # Whoever computes longer than this has no hurry any more.
        resource.setrlimit(resource.RLIMIT_RTTIME, (round(1e6 * HURRY), resource.RLIM_INFINITY))
        signal.signal(signal.SIGXCPU, lambda *_: _hurry(False))
    # What takes long to import is there before the first lesson comes.
    from foretone_training import files, learn, lesson

    _warm_up()
    gc.freeze()
    lines = _Lines(sys.stdin.fileno())
    print(json.dumps({"ready": True}), flush=True)
    for head in lines:
        told = json.loads(head)
        number = told["lesson"]
        _hurry(True)

        def say(number: Any = number, **news: Any) -> None:
            print(json.dumps({"lesson": number, **news}, separators=(",", ":")), flush=True)

        rows = list(iter(lambda: json.loads(next(lines)), None))
        try:
            learned = lesson.read(told, rows)
            losses: list[float] = []
            result = learn.learn(learned, Path(told["folder"]), _steps(say, losses))
            done = [str(path) for path in result.files]
            say(done=done, scores=result.scores, examples=len(rows), losses=losses)
            _hurry(False)
            # It plays by now, and a disk may take longer than all of the training.
            for path in result.files:
                files.sync(path)
            # Nobody waits for it: with another lesson there, this one has been told enough.
            if result.mapping and len(rows) >= learn.FOLDS and not lines.waiting():
                with contextlib.suppress(_WantedError):
                    say(held_out=learn.held_out(learned, lambda *_: _unless_wanted(lines)))
        except (ValueError, OSError, ArithmeticError) as error:
            _hurry(False)
            say(failed=str(error))


def _hurry(wanted: bool) -> None:
    """Run before ordinary processes, at the lowest of such priorities, or as one of them."""
    policy, priority = (os.SCHED_RR, 1) if wanted else (os.SCHED_OTHER, 0)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, policy, os.sched_param(priority))


def _warm_up() -> None:
    """Learn something, because the first lesson takes the longest."""
    from foretone_training import learn, lesson

    told = {"hears": ["x"], "outputs": [{"axis": "y"}]}
    rows = [[[number / 4], [number / 4]] for number in range(4)]
    with tempfile.TemporaryDirectory(prefix="foretone-") as folder:
        learn.learn(lesson.read(told, rows), Path(folder))


def _steps(say: Callable[..., None], losses: list[float]) -> Callable[[float, float], None]:
    """Says now and then how it goes, and remembers it."""
    said = 0.0

    def report(done: float, loss: float) -> None:
        nonlocal said
        if done >= said + STEPS:
            said = done
            losses.append(round(loss, 4))
            say(progress=round(done, 3), loss=losses[-1])

    return report


class _WantedError(Exception):
    """Another lesson waits."""


def _unless_wanted(lines: _Lines) -> None:
    if lines.waiting():
        raise _WantedError


class _Lines:
    """The lines of a file, and whether more of them wait."""

    def __init__(self, file: int) -> None:
        self._file, self._held = file, b""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while b"\n" not in self._held:
            more = os.read(self._file, 1 << 16)
            if not more:
                raise StopIteration
            self._held += more
        line, _, self._held = self._held.partition(b"\n")
        return line

    def waiting(self) -> bool:
        """Whether there is anything to read."""
        return bool(self._held) or bool(select.select([self._file], [], [], 0)[0])
