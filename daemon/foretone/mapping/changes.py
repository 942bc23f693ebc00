"""What can be changed of the outputs and inputs of a mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foretone import kinds
from foretone.errors import SettingError
from foretone.mapping.project import Output
from foretone.mapping.words import Answer, numbers

if TYPE_CHECKING:
    from foretone.players.mapping import Mapping


PLACES = ("model", "column", "other", "other_column")

CHANGEABLE = {key: known for key, known in kinds.settings(Output).items() if key not in PLACES}
"""What a door may change of an output."""


def output(player: Mapping, words: list[Any], now: float) -> Answer:
    """Change output N: a key and its value, or a table of them."""
    match words:
        case [number, dict(changes)]:
            pass
        case [number, str(key), value]:
            changes = {key: value}
        case _:
            raise SettingError("say which output, which key and its value")
    (index,) = numbers([number], len(player.names), "output")
    if not set(changes) <= CHANGEABLE.keys():
        wrong = next(key for key in changes if key not in CHANGEABLE)
        raise SettingError(f"an output has no '{wrong}'{kinds.nearest(wrong, CHANGEABLE)}")
    _change(player, {index: changes}, now)
    return "changed", player.show(now) if player.history.running else ()


def mask(player: Mapping, words: list[Any], now: float) -> Answer:
    """Switch `record` or `run` on or off, for the outputs that are named by number."""
    match words:
        case [("record" | "run") as key, 0 | 1 as on, *outputs] if outputs:
            wanted = numbers(outputs, len(player.names), "output")
            _change(player, {number: {key: bool(on)} for number in wanted}, now)
            return "changed", player.show(now) if player.history.running else ()
    raise SettingError("say record or run, 1 or 0, and the numbers of the outputs")


def select(player: Mapping, words: list[Any], now: float) -> Answer:
    """What output N listens to: the numbers of its inputs, or their names."""
    if len(words) < 2:
        raise SettingError("say which output, and the inputs that it listens to")
    (index,) = numbers(words[:1], len(player.names), "output")
    features = player.features.names
    if all(isinstance(word, str) for word in words[1:]):
        wanted = list(words[1:])
    else:
        axes = [player.heard[number] for number in numbers(words[1:], len(player.heard), "input")]
        wanted = [name for name in features if name in axes or name.rpartition(".")[0] in axes]
    _change(player, {index: {"inputs": wanted}}, now)
    return wanted, ()


def names(player: Mapping, words: list[Any], now: float) -> Answer:
    """What people call the `inputs` or the `outputs`: different names."""
    match words:
        case ["inputs" | "outputs", *names] if not all(isinstance(name, str) and name for name in names):
            raise SettingError("a name is a text")
        case ["inputs", *names]:
            player.history.do("inputs", names)
        case ["outputs", *names] if len(names) == len(player.names) == len(set(names)):
            _change(player, {number: {"name": name} for number, name in enumerate(names)}, now)
        case _:
            raise SettingError(f"say inputs or outputs and {len(player.names)} different names")
    return "changed", ()


def other(player: Mapping, words: list[Any], now: float) -> Answer:
    """Morph to what plays now, from whatever is trained next: `here`; or to nothing: `none`."""
    match words:
        case ["here"]:
            player.history.do("other", True)
        case ["none"]:
            player.history.do("other", False)
        case _:
            raise SettingError("say here or none")
    player.adopt(now)
    return "changed", ()


def _change(player: Mapping, changes: dict[int, dict[str, Any]], now: float) -> None:
    project = player.history.project
    for number, change in changes.items():
        project = project.with_output(number, change)
    for number, change in changes.items():
        player.history.do("output", number, change)
    player.helper.look()
    player.adopt(now)
