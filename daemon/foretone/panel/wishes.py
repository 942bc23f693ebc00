"""What a page may ask for, and the only place where a page's words are believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from foretone.errors import PacketError

LARGEST = 2048
"""Bytes in the longest message a page may send; a hold of 64 axes is about 700."""

MOST_AXES = 64
LONGEST_WORD = 64
LONGEST_NAME = 255
LARGEST_NUMBER = 1e9


def _word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_WORD and value.isprintable()


def _number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    # Comparing refuses NaN, the infinities, and integers too long for a float, in one go.
    return -LARGEST_NUMBER <= value <= LARGEST_NUMBER


def _position(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _set(value: object) -> bool:
    match value:
        case [part, key, wanted]:
            return (
                _word(part) and _word(key) and (_word(wanted) or isinstance(wanted, bool) or _number(wanted))
            )
    return False


def _hold(value: object) -> bool:
    match value:
        case [source, [*values]]:
            return _word(source) and 0 < len(values) <= MOST_AXES and all(map(_position, values))
    return False


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _frames_seen(value: object) -> bool:
    return type(value) is int and 0 < value <= 1000


def _file_or_none(value: object) -> bool:
    return value == "" or _file(value)


def _file(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def _taking(value: object) -> bool:
    match value:
        case [player, name]:
            return _word(player) and _file(name)
    return False


def _trimming(value: object) -> bool:
    match value:
        case [name, int() | float() as begin, int() | float() as end]:
            return _file(name) and _number(begin) and _number(end) and 0 <= begin < end
    return False


VERBS = (
    "record",
    "stop",
    "example",
    "gesture",
    "train",
    "cancel",
    "run",
    "undo",
    "redo",
    "set",
    "randomise",
    "delete",
    "mask",
)
"""What a page may tell a mapping to do: nothing that names a file."""


def _doing(value: object) -> bool:
    match value:
        case [part, verb, *words]:
            return _word(part) and verb in VERBS and all(_word(word) or _number(word) for word in words)
    return False


_WISHES: dict[str, tuple[Callable[[object], bool], str]] = {
    "set": (_set, "[part, key, value], the value a word, a number, true or false"),
    "hold": (_hold, "[source, [numbers in 0..1]]"),
    "ghost": (_flag, "true or false"),
    "listen": (_flag, "true or false"),
    "watch": (_flag, "true or false"),
    "playback": (_file_or_none, "the name of a session, or nothing"),
    "model": (_taking, "[player, the name of a model]"),
    "train": (_flag, "true or false"),
    "do": (_doing, f"[player, one of {', '.join(VERBS)}, words or numbers]"),
    "trim": (_trimming, "[the name of a session, from, to], both in seconds, the first smaller"),
    "seen": (_frames_seen, "how many frames the page has taken in, 1 to 1000"),
}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def understood(text: str) -> tuple[str, Any]:
    """The one wish in a page's message, as its name and its value, both checked.

    Raises PacketError with a sentence when it is too long, not JSON, none that is known, or has a value of
    the wrong shape.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise PacketError(f"A message has more than {LARGEST} bytes; send less at a time.")
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise PacketError("A message is not JSON; send one object like {'ghost': true}.") from fault
    if not isinstance(message, dict) or len(message) != 1:
        raise PacketError("A message is not one wish; send one object with one key.")
    ((name, value),) = message.items()
    if name not in _WISHES:
        raise PacketError(f"A message asks for something unknown; ask for one of {', '.join(_WISHES)}.")
    fits, shape = _WISHES[name]
    if not fits(value):
        raise PacketError(f"'{name}' takes {shape}.")
    return name, value
