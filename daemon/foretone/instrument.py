"""An instrument file, read and checked whole before anything opens.

Every fault is told at once, with its line, its table, what is allowed and the nearest name. What may stand
in a part's table is what the class of its kind takes by keyword: nothing is listed twice.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretone import kinds, shelf, wires
from foretone.errors import InstrumentError
from foretone.wires import ROLES, Part

__all__ = ["Instrument", "Part", "find", "load"]

TOP = ("title", "axes", "seed", *ROLES)


@dataclass(frozen=True)
class Instrument:
    """A checked instrument file. Parts are in the order of the file: sources, players, sinks.

    `changes` are what a person, or a box, changes of whatever stands in the file, as `load` takes them.
    """

    path: Path
    title: str
    axes: tuple[str, ...]
    seed: int
    parts: dict[str, Part]
    changes: tuple[str, ...] = ()

    def of(self, role: str) -> list[Part]:
        """The parts of one role: source, player or sink."""
        return [part for part in self.parts.values() if part.role == role]


def find(name: str) -> Path:
    """The file of an instrument given by path, or by the name of one of this machine's own or the shipped."""
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    known = shelf.instruments()
    if name in known:
        return known[name]
    there_are = f"there are {', '.join(known)}, or give a .toml file"
    raise InstrumentError(name, [f"no instrument has that name{kinds.nearest(name, known)}; {there_are}"])


def load(path: Path, changes: Sequence[str] = (), roles: Sequence[str] = tuple(ROLES)) -> Instrument:
    """Read and check an instrument; `changes` are `part.key=value` in TOML, as if the file said so.

    With fewer `roles` the file's other parts are left out, unchecked. Raises InstrumentError with all its
    faults. Opens no device, but reads the cards of its models.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InstrumentError(
            path, [f"cannot be read: {getattr(error, 'strerror', None) or error}"]
        ) from error
    return read(path, text, changes, roles)


def read(
    path: Path, text: str, changes: Sequence[str] = (), roles: Sequence[str] = tuple(ROLES)
) -> Instrument:
    """As `load`, for a text that is not in its file yet."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InstrumentError(path, [f"is not TOML: {error}"]) from error
    except (ValueError, RecursionError) as error:
        raise InstrumentError(path, [f"cannot be read: {error}"]) from error
    check = _Check(
        path, {key: table for key, table in tables.items() if key not in ROLES or key in roles}, _lines(text)
    )
    for change in changes:
        check.change(change)
    instrument = check.instrument()
    if check.faults:
        raise InstrumentError(path, [fault for _, fault in sorted(check.faults, key=lambda pair: pair[0])])
    return instrument


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Where each table and each key stands, for the sentences. Keys of multi-line values do no harm."""
    places: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("["):
            table = bare.strip("[] ").partition("#")[0].strip(" ]").replace('"', "")
            places.setdefault((table, ""), number)
        elif "=" in bare and not bare.startswith("#"):
            places.setdefault((table, bare.partition("=")[0].strip().strip('"')), number)
    return places


class _Check:
    """Collects the faults of one file; each method looks at one thing."""

    def __init__(self, path: Path, tables: dict[str, Any], lines: Mapping[tuple[str, str], int]) -> None:
        self.path = path
        self.tables = tables
        self.lines = lines
        self.changed: dict[tuple[str, str], str] = {}
        self.broken: set[str] = set()
        self.faults: list[tuple[int, str]] = []

    def fault(self, table: str, key: str, sentence: str) -> None:
        if (table, key) in self.changed:
            self.faults.append((0, f"--set {self.changed[table, key]}: {sentence}"))
            return
        line = self.lines.get((table, key)) or self.lines.get((table, "")) or 0
        place = f"line {line}, " if line else ""
        self.faults.append((line, f"{place}{f'[{table}] ' if table else ''}{sentence}"))

    def change(self, change: str) -> None:
        """Take one `--set`; its faults are told as its own, not as those of a line in the file."""
        place, equals, value = change.partition("=")
        name, _, key = place.strip().partition(".")
        for role in ROLES:
            tables = self.tables.get(role)
            if equals and key and isinstance(tables, dict) and isinstance(tables.get(name), dict):
                tables[name][key] = _value(value.strip())
                self.changed[f"{role}.{name}", key] = change
                return
        self.fault("", "", f"--set {change}: write part.key=value, with a part of this file")

    def instrument(self) -> Instrument:
        top = self.tables
        for key in top:
            if key not in TOP:
                self.fault("", key, f"'{key}' is not known here{kinds.nearest(key, TOP)}")
        title, axes, seed = top.get("title", self.path.stem), top.get("axes"), top.get("seed", 0)
        if not isinstance(title, str) or not title.strip():
            self.fault("", "title", "title must be a text")
        if not isinstance(axes, list) or not axes or not _is_names(axes):
            self.fault("", "axes", 'axes must name each thing that moves: axes = ["lever"]')
            axes = []
        elif len(set(axes)) < len(axes) or not all(map(_is_plain, axes)):
            self.fault("", "axes", "each axis needs a name of its own, of letters, digits, - and _ only")
            axes = []
        if not isinstance(seed, int) or isinstance(seed, bool):
            self.fault("", "seed", "seed must be a whole number")
            seed = 0
        parts: dict[str, Part] = {}
        for role, name, table in self._tables():
            if name in parts:
                self.fault(f"{role}.{name}", "", f"there is already a {parts[name].role} called '{name}'")
            elif (part := self._part(role, name, table, tuple(axes))) is not None:
                parts[name] = part
        if not any(part.role == "source" for part in parts.values()) and not self.faults:
            self.fault("", "", "has no source, so it can hear nothing: add a [source.NAME] table")
        wires.check(parts, self.broken, self.path.parent, self.fault)
        return Instrument(self.path, str(title), tuple(axes), seed, parts)

    def _tables(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for role in ROLES:
            named = self.tables.get(role, {})
            if not isinstance(named, dict) or not all(isinstance(table, dict) for table in named.values()):
                self.fault("", role, f"write each {role} as a table of its own: [{role}.NAME]")
                continue
            for name, table in named.items():
                if not _is_plain(name):
                    self.fault(
                        f"{role}.{name}", "", f"the name '{name}' may have letters, digits, - and _ only"
                    )
                yield role, name, dict(table)

    def _part(self, role: str, name: str, table: dict[str, Any], axes: tuple[str, ...]) -> Part | None:
        here = f"{role}.{name}"
        kind, wires, wire_key = table.pop("kind", None), (), ROLES[role]
        if wire_key:
            wires = table.pop(wire_key, ())
            if not _is_names(wires):
                self.fault(
                    here, wire_key, f'{wire_key} must name the parts it {wire_key}: {wire_key} = ["lever"]'
                )
                wires = ()
        if role == "source":
            chosen = table.pop("axes", list(axes))
            if not _is_names(chosen) or not set(chosen) <= set(axes):
                self.fault(here, "axes", f"axes must be some of the instrument's: {', '.join(axes)}")
                chosen = axes
            axes = tuple(chosen)
        elif role == "sink":
            axes = table.pop("axes", ())
            if not _is_names(axes):
                self.fault(here, "axes", 'axes must name what it takes of what it plays: axes = ["lever"]')
                axes = ()
            axes = tuple(axes)
        try:
            maker = kinds.find(role, kind)
        except LookupError as error:
            self.fault(here, "kind", str(error.args[0]))
            self.broken.add(name)
            return None
        allowed = kinds.settings(maker)
        polled = kinds.polled_settings(maker) if role == "source" else {}
        for key, value in table.items():
            setting = allowed.get(key) or polled.get(key)
            if setting is None:
                shared = {"source": ["axes"], "player": ["hears"], "sink": ["plays", "axes"]}[role]
                known = [*allowed, *polled, "kind", *shared]
                self.fault(here, key, f"'{key}' is not a setting of {kind}{kinds.nearest(key, known)}")
            elif sentence := setting.refuses(value):
                self.fault(here, key, f"{key} {sentence}")
        for key, setting in allowed.items():
            if setting.required and key not in table:
                self.fault(here, "", f"'{key}' is missing: {kind} needs it")
        return Part(
            name, role, str(kind), maker, axes, tuple(wires),
            settings={key: value for key, value in table.items() if key in allowed},
            polled={key: table.get(key, setting.default) for key, setting in polled.items()},
        )  # fmt: skip


def _is_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)


def _is_plain(name: str) -> bool:
    """Whether a name can stand in a session log, an OSC address and a file name as it is."""
    return len(name) <= 64 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
