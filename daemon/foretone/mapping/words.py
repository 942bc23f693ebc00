"""The words of a verb, looked at before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foretone.errors import SettingError
from foretone.event import Event

Answer = tuple[Any, Sequence[Event]]
"""What to reply, and what to play."""


def numbers(words: Sequence[Any], count: int, what: str) -> list[int]:
    """Numbers from 0, of numbers from 1."""
    for word in words:
        if isinstance(word, bool) or not isinstance(word, int | float) or word not in range(1, count + 1):
            raise SettingError(f"there is no {what} {word}; there are {count}")
    return [int(word) - 1 for word in words]


def expect(words: Sequence[Any], count: int) -> None:
    """SettingError unless there are as many words."""
    if len(words) != count:
        raise SettingError(f"expected {count or 'no'} words, got {len(words)}")
