"""A mapping is trained, and what was learned is played. The helper tells what it has done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foretone.errors import SettingError
from foretone.follower import Follower
from foretone.lite import Mapping as Model
from foretone.mapping import takes
from foretone.mapping.words import Answer, expect
from foretone.spotter import Spotter

if TYPE_CHECKING:
    from foretone.players.mapping import Mapping


def train(player: Mapping, words: list[Any], now: float) -> Answer:
    """Learn all examples."""
    expect(words, 0)
    takes.stop(player, now)
    project = player.history.project
    if not project.takes:
        raise SettingError("there are no examples: record some first")
    asked = {key: getattr(player, key) for key in ("seed", "joint", "layers", "units", "deadline")}
    player.helper.train(project, asked)
    player.training = {"progress": 0.0}
    return "training", ()


def cancel(player: Mapping, words: list[Any], _: float) -> Answer:
    """Give the training up."""
    expect(words, 0)
    player.helper.cancel()
    player.training = {}
    return "cancelled", ()


def run(player: Mapping, words: list[Any], now: float) -> Answer:
    """Play what was learned, or, with 0, what is set."""
    if len(words) > 1 or (words and words[0] not in (0, 1)):
        raise SettingError("run takes 1 or nothing to run, 0 to stop")
    wanted = not words or bool(words[0])
    if wanted and not any(output.model for output in player.history.project.outputs):
        raise SettingError("there is nothing to run: train first")
    if wanted != player.history.running:
        player.history.do("run", wanted)
        player.adopt(now)
    return "running" if wanted else "stopped", ()


def progress(player: Mapping, words: list[Any], _: float) -> Answer:
    """The helper tells how far it is."""
    player.training = {**player.training, **words[0]}
    return None, ()


def trained(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has opened a new mapping: play it from now on."""
    opened, told = words
    places = {place: [name, number] for name, model in opened.items() for number, place in _columns(model)}
    counts = {"dtw": 0, "follow": 0}
    found = []
    for output, axis in zip(player.history.project.outputs, player.names, strict=True):
        if output.learn in counts:
            counts[output.learn] += 1
        column = f"{axis}=1" if output.width > 1 else axis
        if output.over_time:
            column = f"{output.over_time} {counts.get(output.learn, 1)}"
        found.append(places.get(column))
    player.history.do("trained", found)
    player.voice.close_but({**player.voice.open, **opened}, player.history.project.outputs)
    player.training = told
    player.adopt(now)
    player.tell(trained=told)
    return None, player.show(now) if player.history.running else ()


def opened(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has opened mappings that the project plays; those it does not play are closed."""
    player.voice.open = words[0]
    player.adopt(now)
    return None, player.show(now) if player.history.running else ()


def loaded(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has read a saved output: play it, and keep its examples."""
    number, changes, opened, takes, actions = words
    player.voice.open.update(opened)
    history = player.history
    history.do("output", number, changes)
    history.add(takes, actions)
    player.adopt(now)
    player.tell(loaded=player.names[number])
    return None, player.show(now) if history.running else ()


def project(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has opened another project: go on with it."""
    takes.stop(player, now)
    player.history, player.voice.open = words
    player.training = {}
    player.adopt(now)
    player.tell(project=True)
    return None, ()


def imported(player: Mapping, words: list[Any], _: float) -> Answer:
    """The helper has read examples: keep them."""
    player.history.add(*words)
    player.tell(imported=player.history.project.examples)
    return None, ()


def news(player: Mapping, words: list[Any], _: float) -> Answer:
    """The helper tells what it has done."""
    player.tell(**words[0])
    return None, ()


def failed(player: Mapping, words: list[Any], _: float) -> Answer:
    """The helper could not train."""
    player.training = {"failed": words[0]}
    player.tell(failed=words[0])
    return None, ()


def watch(player: Mapping, words: list[Any], _: float) -> Answer:
    """Tell this function what happens."""
    player.watchers.append(words[0])
    return None, ()


def chances(player: Mapping, words: list[Any], _: float) -> Answer:
    """Tell this function with each frame how likely the classes are, by the names of their outputs."""
    player.doubters.append(words[0])
    return None, ()


def made(player: Mapping, gesture: int) -> None:
    """A gesture was made: whoever watches is told its number, and its name where it has an output."""
    names = [output.name for output in player.history.project.outputs if output.learn == "dtw"]
    player.tell(gesture=names[gesture - 1] if gesture <= len(names) else str(gesture))


def _columns(model: Model | Spotter | Follower) -> list[tuple[int, str]]:
    """The columns of a mapping, or its gestures, and their names."""
    if isinstance(model, Model):
        return list(enumerate(model.card.plays))
    word = "followed" if isinstance(model, Follower) else "spotted"
    return [(number, f"{word} {number + 1}") for number in range(len(model.gestures.thresholds))]
