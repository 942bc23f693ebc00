"""What the audio process says of itself: every address, what it takes, and in what range.

One message for each address, to whoever sent `/foretone/synth/?`:

    /foretone/synth/?   s address, s types, f low, f high, f default, s unit or choices, comma-separated

and one more with an empty address at the end. What is no single number has 0 for low, high and default.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from foretone.packet import text
from foretone.synth.engine import Place
from foretone.synth.sequencer import NAME as CLOCK

ROOT = "/foretone/synth"
ASK = f"{ROOT}/?"


def answers(places: Mapping[str, Place]) -> list[bytes]:
    """The packets of an answer, in order."""
    return [_line(*line) for line in _lines(places)]


def _lines(places: Mapping[str, Place]) -> Iterator[tuple[str, str, float, float, float, str]]:
    yield f"{ROOT}/volume", "f", 0.0, 1.0, 0.8, ""
    yield f"{ROOT}/rest", "", 0.0, 0.0, 0.0, "every voice lets go"
    for voice, place in places.items():
        axes = ", ".join(parameter.name for parameter in place.controls)
        yield f"{ROOT}/{voice}", "df", 0.0, 0.0, 0.0, f"time, axes 0..1: {axes or 'its own'}"
        yield f"{ROOT}/{voice}/rest", "", 0.0, 0.0, 0.0, "it lets go"
        if voice == CLOCK:
            yield f"{ROOT}/{voice}/start", "", 0.0, 0.0, 0.0, "play, if it plays by itself"
            yield f"{ROOT}/{voice}/follow", "dd", 0.0, 0.0, 0.0, "time, beats: where another clock's song is"
        else:
            yield f"{ROOT}/{voice}/note", "dff", 0.0, 0.0, 0.0, "time, MIDI key, velocity 0..1"
        yield f"{ROOT}/{voice}/set", "sf", 0.0, 0.0, 0.0, "name and value, again and again"
        for p in place.parameters.values():
            unit = ", ".join(p.choices) or p.unit
            yield f"{ROOT}/{voice}/{p.name}", "f", p.low, p.high, p.default, unit
    yield "", "", 0.0, 0.0, 0.0, ""


def _line(address: str, types: str, low: float, high: float, default: float, unit: str) -> bytes:
    numbers = struct.pack(">fff", low, high, default)
    return text(ASK) + text(",ssfffs") + text(address) + text(types) + numbers + text(unit)
