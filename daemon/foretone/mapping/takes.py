"""What a mapping is shown: takes begin and end, and what should sound is set."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from foretone.errors import SettingError
from foretone.mapping.project import label
from foretone.mapping.words import Answer, expect, numbers

if TYPE_CHECKING:
    from foretone.players.mapping import Mapping


def begin(player: Mapping, now: float) -> None:
    """A take begins now."""
    player.begins, player.ends = math.inf, now + player.limit if player.limit > 0.0 else math.inf
    history = player.history
    history.do("take", player.gesture)
    for time, x in player.features.frames:
        history.do("frame", time, x, None)
    player.tell(recording=True)


def record(player: Mapping, time: float, x: tuple[float, ...]) -> None:
    """One frame of the open take: an example, or a step of a gesture."""
    try:
        player.history.do("frame", time, x, None if player.gesture else _labels(player))
    except SettingError as error:
        stop(player, time)
        player.tell(failed=str(error))


def stop(player: Mapping, now: float) -> None:
    """The take ends. A hand that was held still is one example."""
    player.begins = player.ends = math.inf
    if player.history.recording:
        if player.x is not None and not player.gesture and not player.history.recorded:
            record(player, round(now, 6), player.x)
        player.history.do("end")
        player.gesture = 0
        player.tell(recording=False)


def do_record(player: Mapping, words: list[Any], now: float) -> Answer:
    """Begin a take, after the count-in."""
    expect(words, 0)
    _labels(player)
    stop(player, now)
    if player.count_in > 0.0:
        player.begins = now + player.count_in
        player.wake = min(player.wake, player.begins)
    else:
        begin(player, now)
        player.wake = min(player.wake, player.ends)
    return "recording", ()


def do_stop(player: Mapping, words: list[Any], now: float) -> Answer:
    """End the take."""
    expect(words, 0)
    stop(player, now)
    return f"{player.history.project.examples} examples", ()


def gesture(player: Mapping, words: list[Any], now: float) -> Answer:
    """Begin a take of gesture N; `stop` ends it."""
    if not player.history.project.gestures:
        raise SettingError("no output is learned by dtw or follow: set learn of one first")
    expect(words, 1)
    (number,) = numbers(words, player.history.project.gestures, "gesture")
    stop(player, now)
    player.gesture = number + 1
    begin(player, now)
    player.wake = min(player.wake, player.ends)
    return "recording", ()


def example(player: Mapping, words: list[Any], now: float) -> Answer:
    """Keep where the hand is, and what should sound there, as one example."""
    if player.x is None:
        raise SettingError("nothing was heard yet: move something first")
    _labels(player)
    begin(player, now)
    return do_stop(player, words, now)


def do_set(player: Mapping, words: list[Any], now: float) -> Answer:
    """What should sound: a number in 0..1 for each output, a class by its number. A wrong one is left out."""
    outputs = player.history.project.outputs
    if len(words) != len(outputs):
        raise SettingError(f"expected {len(outputs)} numbers, got {len(words)}")
    wrong = []
    for number, (output, word) in enumerate(zip(outputs, words, strict=True)):
        try:
            player.labels[number] = label(output, word)
        except SettingError as error:
            wrong.append(str(error))
    events = player.show(now)
    if wrong:
        player.tell(failed="; ".join(wrong))
    return "; ".join(wrong) or "set", events


def randomise(player: Mapping, words: list[Any], now: float) -> Answer:
    """Something that nobody thought of for every output, or for those that are named by number."""
    outputs = player.history.project.outputs
    for number in numbers(words, len(outputs), "output") or range(len(outputs)):
        output = outputs[number]
        if output.width > 1:
            player.labels[number] = player.random.randint(1, output.classes) / output.classes
        else:
            player.labels[number] = player.random.uniform(output.low, output.high)
    return list(player.labels), player.show(now)


def delete(player: Mapping, words: list[Any], now: float) -> Answer:
    """Delete `take N`, `example TAKE PLACE`, `output N` or `all`."""
    stop(player, now)
    match words:
        case ["output", int(number)]:
            player.history.do("delete", "output", number - 1)
        case ["take", int(number)]:
            player.history.do("delete", "take", number)
        case ["example", int(take), int(place)]:
            player.history.do("delete", "example", take, place)
        case ["all"]:
            player.history.do("delete", "all")
        case _:
            raise SettingError("delete what: take N, example TAKE PLACE, output N or all?")
    return f"{player.history.project.examples} examples", ()


def _labels(player: Mapping) -> tuple[float | None, ...]:
    """What is recorded with an example. A class that was never set is not. SettingError when nothing is."""
    outputs = player.history.project.outputs
    y = tuple(
        value if output.record and not (output.width > 1 and value == 0.0) else None
        for value, output in zip(player.labels, outputs, strict=True)
    )
    if all(value is None for value in y):
        raise SettingError("no output is being recorded: switch one on first, and set its class")
    return y
