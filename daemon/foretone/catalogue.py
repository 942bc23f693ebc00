"""`foretone parts`: every kind there is, from the classes themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from foretone import kinds
from foretone.parts import Range


def text() -> str:
    """All kinds by role, each with its first line of documentation and its settings."""
    lines: list[str] = []
    for role in kinds.SHELVES:
        lines += [f"{role}s", ""]
        for kind, module in sorted(kinds.names(role).items()):
            try:
                maker = kinds.find(role, kind)
            except LookupError as error:
                if "cannot be" not in str(error):
                    lines += [f"  {kind}: {error.args[0]}", ""]
                continue
            told = _parameters(vars(maker)["PARAMETERS"]) if role == "voice" else _settings(maker, role)
            lines += [f"  {kind}: {_summary(maker, module)}", *told, ""]
    return "\n".join(lines)


def _summary(maker: type, module: str) -> str:
    return (inspect.getdoc(maker) or inspect.getdoc(inspect.getmodule(maker)) or module).partition("\n")[0]


def _parameters(parameters: Sequence[Any]) -> Iterator[str]:
    """What a voice may be told, in a file of sounds and while it sounds."""
    for parameter in parameters:
        allowed = ", ".join(parameter.choices) or f"{Range(parameter.low, parameter.high, parameter.unit)}"
        default = parameter.choices[int(parameter.default)] if parameter.choices else f"{parameter.default:g}"
        yield f"    {parameter.name:18} {allowed}; default {default}"


def _settings(maker: type, role: str) -> Iterator[str]:
    shared = kinds.polled_settings(maker) if role == "source" else {}
    for setting in [*kinds.settings(maker).values(), *shared.values()]:
        kind = "one of " + ", ".join(map(str, setting.choices)) if setting.choices else ""
        allowed = str(setting.range) if setting.range else kind
        default = "must be given" if setting.required else f"default {setting.default!r}"
        live = ", while playing" if setting.live else ""
        yield f"    {setting.key:18} {f'{allowed}; ' if allowed else ''}{default}{live}"
