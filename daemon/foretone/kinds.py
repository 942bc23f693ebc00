"""Finding the class of a kind, and what it may be told.

`kind = "ads1115"` is a module name: there is no registry to edit. The class is the one whose name is the
module's, whatever its capitals: `ads1115.ADS1115`. Its keyword arguments are the keys of its table.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import math
import pkgutil
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from foretone.parts import HOUSE, Live, Polled, Range

SHELVES = {
    "source": ("foretone.sources", "foretone_hardware"),
    "player": ("foretone.players",),
    "sink": ("foretone.sinks", "foretone_hardware"),
    "voice": ("foretone.synth.voices",),
}
NOT_DRIVERS = (
    "bitmap", "blocks", "control", "device", "fake", "glyphs", "imu", "message", "pi", "pulses", "sequencer",
    "surface",
)  # fmt: skip
MAKES = {"source": ("read", "receive"), "sink": ("write",)}
"""What a driver must be able to do to serve in a role, one of these."""
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Setting:
    """One keyword of a kind: its type, its range or choices, its default, and whether it may change live."""

    key: str
    type: Any
    default: Any = REQUIRED
    range: Range | None = None
    choices: tuple[Any, ...] = ()
    live: bool = False
    optional: bool = False

    @property
    def required(self) -> bool:
        """Whether the instrument file must give it."""
        return self.default is REQUIRED

    def refuses(self, value: object) -> str:
        """Why `value` cannot be taken, as the end of a sentence; empty when it can."""
        if value is None and self.optional:
            return ""
        if self.choices:
            if value in self.choices:
                return ""
            near = nearest(value, map(str, self.choices)) if isinstance(value, str) else ""
            return f"must be one of {', '.join(map(str, self.choices))}, not {value!r}{near}"
        if self.type is float or self.type is int:
            return self._refuses_number(value)
        if get_origin(self.type) is list:
            member = get_args(self.type)[0]
            if not isinstance(value, list) or not all(isinstance(item, member) for item in value):
                return f"must be a list of {member.__name__}, not {value!r}"
        elif not isinstance(value, get_origin(self.type) or self.type):
            return (
                f"must be {_WORDS.get(get_origin(self.type) or self.type, 'of another type')}, not {value!r}"
            )
        return ""

    def _refuses_number(self, value: object) -> str:
        whole = self.type is int
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return f"must be a {'whole ' if whole else ''}number, not {value!r}"
        if self.range and not self.range.low <= value <= self.range.high:
            return f"must be {self.range}, not {_short(value)}"
        return "" if isinstance(value, int) or math.isfinite(value) else "must be finite"


_WORDS = {str: "a text", bool: "true or false", dict: "a table"}


def names(role: str) -> dict[str, str]:
    """Every kind that exists for a role, and the module it lives in. Imports only drivers."""
    found = {}
    for shelf in SHELVES[role]:
        package = importlib.import_module(shelf)
        for module in pkgutil.iter_modules(package.__path__):
            if shelf != "foretone_hardware" or (module.name not in NOT_DRIVERS and not module.ispkg):
                found[module.name] = f"{shelf}.{module.name}"
    return found


def find(role: str, kind: object) -> type:
    """The class of a kind. LookupError with a sentence when there is none, or its library is missing."""
    known = names(role)
    if kind is None:
        raise LookupError(f'has no kind: write kind = "...", one of {", ".join(known)}')
    if not isinstance(kind, str) or kind not in known:
        raise LookupError(f"kind {kind!r} is not known{nearest(str(kind), known)}; foretone parts lists them")
    try:
        module = importlib.import_module(known[kind])
    except ImportError as error:
        raise LookupError(f"kind '{kind}' needs a library that is not installed: {error}") from error
    for name, maker in vars(module).items():
        if inspect.isclass(maker) and name.lower() == kind.replace("_", "").replace("-", "").lower():
            if known[kind].startswith("foretone_hardware") and not _can(maker, role):
                raise LookupError(f"'{kind}' cannot be a {role}: it does not {MAKES[role][0]}")
            return maker
    raise LookupError(f"module {known[kind]} has no class named after it")


def is_driver(maker: type) -> bool:
    """Whether a bus's thread owns what this makes."""
    return any(_can(maker, role) for role in MAKES)


def _can(maker: type, role: str) -> bool:
    return any(hasattr(maker, method) for method in MAKES[role])


def house(maker: type) -> list[str]:
    """What the house must give a kind: its positional arguments."""
    parameters = inspect.signature(maker).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in HOUSE]


def settings(maker: Any) -> dict[str, Setting]:
    """What a builder may tell a kind: its keyword-only arguments."""
    hints = get_type_hints(maker.__init__, include_extras=True)
    parameters = inspect.signature(maker).parameters.values()
    return {
        p.name: _setting(p.name, hints[p.name], p.default) for p in parameters if p.kind is p.KEYWORD_ONLY
    }


def polled_settings(maker: type) -> dict[str, Setting]:
    """The keys that every sensor shares, for a kind that is one."""
    return settings(Polled) if hasattr(maker, "read") else {}


def _setting(key: str, hint: Any, default: Any) -> Setting:
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    optional = False
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        optional, hint = len(members) < len(get_args(hint)), members[0]
    return Setting(
        key=key,
        type=hint,
        default=default,
        range=next((mark for mark in marks if isinstance(mark, Range)), None),
        choices=get_args(hint) if get_origin(hint) is Literal else (),
        live=any(isinstance(mark, Live) for mark in marks),
        optional=optional,
    )


def _short(value: float) -> str:
    """A number as a person wrote it, however large."""
    return f"{value:g}" if abs(value) < 1e300 else "a number that large"


def nearest(name: object, known: Iterable[str]) -> str:
    """`, did you mean 'silence'?` or nothing."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f", did you mean '{near[0]}'?" if near else ""
