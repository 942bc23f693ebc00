"""`foretone parts`: every kind there is, from the classes themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from foretone import kinds


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
            lines += [f"  {kind}: {_summary(maker, module)}", *_settings(maker, role), ""]
    return "\n".join(lines)


def _summary(maker: type, module: str) -> str:
    return (inspect.getdoc(maker) or inspect.getdoc(inspect.getmodule(maker)) or module).partition("\n")[0]


def _settings(maker: type, role: str) -> Iterator[str]:
    shared = kinds.polled_settings(maker) if role == "source" else {}
    for setting in [*kinds.settings(maker).values(), *shared.values()]:
        kind = "one of " + ", ".join(map(str, setting.choices)) if setting.choices else ""
        allowed = str(setting.range) if setting.range else kind
        default = "must be given" if setting.required else f"default {setting.default!r}"
        live = ", while playing" if setting.live else ""
        yield f"    {setting.key:18} {f'{allowed}; ' if allowed else ''}{default}{live}"
