"""Files of sounds: each table is a voice, by the name that an instrument calls it.

[strings]
kind = "additive"               # a file in foretone/synth/voices
wave = "saw"                    # what the kind takes, and what every voice has: level, pan, reverb...
attack = 400
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from foretone import kinds
from foretone.errors import SoundError
from foretone.synth.voice import Sound

USUAL = ("player", "model")
"""The voices of an instrument that names none: those of the EMPI."""

SHIPPED = Path(__file__).with_name("sounds.toml")

RESERVED = ("rest", "volume", "?")
"""What is an address of its own."""


def load(path: Path) -> dict[str, Sound]:
    """The sounds of a file. SoundError with a sentence for one that cannot be read."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SoundError(f"the sounds {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SoundError(f"the sounds {path} are not TOML: {error}") from error
    sounds = {}
    for name, table in tables.items():
        if not isinstance(table, dict) or not isinstance(table.get("kind"), str):
            raise SoundError(f'{path}: write each sound as a table, [{name}] with a kind = "additive"')
        if "/" in name or not name.isascii() or not name.isprintable() or name in RESERVED:
            raise SoundError(f"{path}: a sound cannot be called {name!r}")
        settings = {key: value for key, value in table.items() if key != "kind"}
        sounds[name] = Sound(name, table["kind"], settings, path.parent)
    return sounds


def choose(names: Sequence[str], file: Path | None, controls: Sequence[str]) -> list[Sound]:
    """The sounds of these names, each once, from a builder's file and those that are shipped."""
    known = load(SHIPPED) | (load(file) if file is not None else {})
    chosen = {}
    for name in names:
        if name not in known:
            raise SoundError(
                f"there is no voice {name!r}{kinds.nearest(name, known)}; there are: {', '.join(known)}"
            )
        chosen[name] = replace(known[name], controls=tuple(controls))
    return list(chosen.values())
