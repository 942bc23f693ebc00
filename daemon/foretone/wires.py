"""Who hears whom: the wires of an instrument, checked, and the axes that travel along them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from foretone import kinds

ROLES = {"source": None, "player": "hears", "sink": "plays"}
"""What a table may be, and the key that names its wires."""
Fault = Callable[[str, str, str], None]
"""Takes a table, a key in it (or nothing) and what is wrong there."""


@dataclass(frozen=True)
class Part:
    """One table of the file: `maker(**house, **settings)` makes it.

    `wires` are the parts whose events reach it, and `heard` their axes; `axes` name what it gives or, for a
    sink, gets. `picks` are the places of a sink's axes among those of what it plays, when it does not get
    them all. `polled` has the rate (Hz) and deadband of a sensor, and is empty for everything else.
    """

    name: str
    role: str
    kind: str
    maker: type
    axes: tuple[str, ...]
    wires: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    polled: dict[str, float] = field(default_factory=dict)
    picks: tuple[int, ...] = ()
    heard: tuple[str, ...] = ()
    places: dict[str, tuple[int, ...]] = field(default_factory=dict)


def check(parts: dict[str, Part], broken: Iterable[str], folder: Path, fault: Fault) -> None:
    """Look at every wire, and give each part the axes that reach it, and a player those that it plays.

    `broken` are the names of parts that have a fault already, so that a wire to one is not another.
    """
    givers = [name for name, part in parts.items() if part.role != "sink"]
    for part in parts.values():
        key, here = ROLES[part.role], f"{part.role}.{part.name}"
        if key is None:
            continue
        if not part.wires:
            fault(here, "", f"{key} nothing: add {key} = [...] with one of {', '.join(givers)}")
        for wire in part.wires:
            if wire not in givers and wire not in broken:
                fault(here, key, f"{key} '{wire}', which is not here{kinds.nearest(wire, givers)}")
        if len(set(part.wires)) < len(part.wires):
            fault(here, key, f"{key} the same part twice")
        if part.role == "player" and part.name in _upstream(part.name, parts):
            fault(here, key, "hears itself in a ring; feedback lives inside a player")
            return
    for name in sorted(parts, key=lambda name: len(_upstream(name, parts))):
        parts[name] = _fitted(parts[name], parts, folder, fault)


def _fitted(part: Part, parts: dict[str, Part], folder: Path, fault: Fault) -> Part:
    """The part with the axes of what reaches it, which must fit it."""
    key, here = ROLES[part.role], f"{part.role}.{part.name}"
    givers = {wire: parts[wire].axes for wire in part.wires if wire in parts}
    reaching = sorted(set(givers.values())) or [part.axes]
    if len(reaching) > 1 and getattr(part.maker, "gathers", False):
        every = tuple(dict.fromkeys(axis for axes in givers.values() for axis in axes))
        places = {wire: tuple(map(every.index, axes)) for wire, axes in givers.items() if axes != every}
        part, reaching = replace(part, places=places), [every]
    if len(reaching) > 1:
        fault(here, key or "", f"what it {key} has different axes: {' and '.join(map(', '.join, reaching))}")
        return part
    axes = reaching[0]
    picks: tuple[int, ...] = ()
    if part.role == "sink" and part.axes and any(wire in parts for wire in part.wires):
        axes, picks = _picked(part, axes, fault)
    given = getattr(part.maker, "axes", None)
    given = given if isinstance(given, tuple) else None
    fits = getattr(part.maker, "takes", None) if part.role == "player" else given
    if fits is not None and len(fits) != len(axes):
        names = ", ".join(axes)
        gives = "gives" if part.role == "source" else "takes"
        fault(here, "axes", f"{part.kind} {gives} {len(fits)} axes, but here are {len(axes)}: {names}")
    look = getattr(part.maker, "check", None)
    for sentence in look(axes, folder, part.settings) if look else ():
        fault(here, next((key for key in ("model", "session") if key in part.settings), ""), sentence)
    if part.role == "player":
        plays = getattr(part.maker, "plays", lambda axes, _: given or axes)
        return replace(part, axes=plays(axes, part.settings), heard=axes)
    return replace(part, axes=axes, picks=picks)


def _picked(part: Part, axes: tuple[str, ...], fault: Fault) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The axes that a sink chose of those that reach it, and their places among them."""
    for axis in part.axes:
        if axis not in axes:
            sentence = f"axes '{axis}' is none of what it plays{kinds.nearest(axis, axes)}"
            fault(f"sink.{part.name}", "axes", f"{sentence}; it plays {', '.join(axes)}")
            return axes, ()
    return part.axes, tuple(map(axes.index, part.axes))


def _upstream(name: str, parts: dict[str, Part]) -> set[str]:
    seen: set[str] = set()
    waiting = list(parts[name].wires)
    while waiting:
        wire = waiting.pop()
        if wire in parts and wire not in seen:
            seen.add(wire)
            waiting += parts[wire].wires
    return seen
