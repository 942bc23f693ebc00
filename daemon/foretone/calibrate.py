"""`foretone calibrate`: a lever learns where its ends are, and the instrument file is told.

The file keeps its comments and its order. A shipped file stays as it is: a copy in the builder's own folder
is told instead, and is found first from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from foretone import kinds, shelf
from foretone.clock import Clock
from foretone.errors import CalibrationError
from foretone.instrument import Instrument, Part
from foretone.parts import BUSES, Board, Range

PERIOD = 0.01
"""Seconds between two readings."""
LEAST = 0.1
"""The part of its range that a lever must move through: less is a resting hand, or a loose wire."""
SPIKES = 3
"""Readings at each end that are not believed: a worn track, a bad contact."""
MARGIN = 0.01
"""The part of its travel that is given away at each end, so that both are reached another day too."""


def calibrate(
    instrument: Instrument,
    name: str | None,
    board: Board,
    clock: Clock,
    seconds: float,
    say: Callable[[str], None],
) -> Path:
    """Watch a lever, or one lever after the other, while a person moves it from end to end.

    `say` is told what to do and what was learned. Returns the file that was written. Raises CalibrationError,
    with nothing written, when there is no such lever or it moved too little; OSError when its chip does not
    answer, or the file cannot be written.
    """
    learned = {}
    for part in levers(instrument, name):
        say(f"Move '{part.name}' from one end to the other and back, slowly, for {seconds:g} seconds.")
        learned[part.name] = _ends(part, watch(part, board, clock, seconds))
        low, high = learned[part.name]
        say(f"{part.name}: 0 is at {low:g} {_unit(part)}, 1 at {high:g} {_unit(part)}.")
    ends = {name: {"low": low, "high": high} for name, (low, high) in learned.items()}
    return write(instrument.path, "source", ends)


def levers(instrument: Instrument, name: str | None) -> list[Part]:
    """The parts that have ends to learn, or the one of that name. CalibrationError when there is none."""
    found = [
        part
        for part in instrument.of("source")
        if hasattr(part.maker, "read") and {"low", "high"} <= set(kinds.settings(part.maker))
    ]
    if not found:
        raise CalibrationError(f"{instrument.title} has no lever whose ends could be learned")
    chosen = [part for part in found if name in (None, part.name)]
    if not chosen:
        names = [part.name for part in found]
        near = kinds.nearest(name, names)
        raise CalibrationError(f"'{name}' is no lever of {instrument.title}{near}; it has {', '.join(names)}")
    return chosen


def watch(part: Part, board: Board, clock: Clock, seconds: float) -> list[float]:
    """Its raw readings for so many seconds, 100 a second."""
    board.fit(part.name, part.maker, part.settings)
    wanted = kinds.house(part.maker)
    given: dict[str, Any] = {"clock": clock}
    given.update({wire: getattr(board, wire) for wire in BUSES if wire in wanted})
    driver = part.maker(*(given[each] for each in wanted), **part.settings)
    nobody: SimpleQueue[None] = SimpleQueue()
    readings = []
    try:
        start = clock.now()
        for number in range(1, round(seconds / PERIOD) + 1):
            clock.wait(nobody, start + number * PERIOD)
            driver.read()
            readings.append(float(driver.raw))
    finally:
        driver.close()
    return readings


def _ends(part: Part, readings: Sequence[float]) -> tuple[float, float]:
    """Where 0 and 1 are. A lever that was the wrong way round stays so."""
    known = kinds.settings(part.maker)
    spans = known["high"].range or Range(0.0, 1.0)
    ordered = sorted(readings)[SPIKES:-SPIKES] or [0.0]
    first, last = ordered[0], ordered[-1]
    if last - first < LEAST * (spans.high - spans.low):
        raise CalibrationError(
            f"'{part.name}' moved from {first:.2f} to {last:.2f} {_unit(part)} only: move it from end to end,"
            " and check that its wiper is on the input that the file says; nothing was written"
        )
    spare = MARGIN * (last - first)
    low, high = round(first + spare, 3), round(last - spare, 3)
    low_before, high_before = (part.settings.get(key, known[key].default) for key in ("low", "high"))
    return (high, low) if low_before > high_before else (low, high)


def _unit(part: Part) -> str:
    spans = kinds.settings(part.maker)["low"].range
    return spans.unit if spans else ""


def write(file: Path, role: str, learned: Mapping[str, Mapping[str, float]]) -> Path:
    """Write an instrument file with these settings of its parts to where its changes go; returns where."""
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
    except TOMLKitError as error:
        raise CalibrationError(f"{file} cannot be rewritten: {error}") from error
    for name, settings in learned.items():
        table: Any = document[role]
        table[name].update(settings)
    shelf.save(file, tomlkit.dumps(document))
    return shelf.own(file)
