"""What a mapping can be told to do: one set of verbs for the page, for OSC and for Wekinator's messages.

Outputs, inputs and gestures are numbered from 1 here, as people count. Every verb returns what to reply; a
SettingError says why nothing was done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from foretone import kinds
from foretone.errors import SettingError
from foretone.event import Event
from foretone.lite import Mapping as Model
from foretone.mapping.project import Output, Project
from foretone.spotter import Spotter

if TYPE_CHECKING:
    from foretone.players.mapping import Mapping


class Helper(Protocol):
    """Keeps what is shown, and trains; it never lets the player wait."""

    def train(self, project: Project, settings: dict[str, Any]) -> None:
        """Train all outputs; `trained` or `failed` is told later, as a command."""

    def cancel(self) -> None:
        """Give the training up."""

    def look(self) -> None:
        """The project may play other mappings than those that are open: open them."""

    def fetch(self, verb: str, words: Sequence[Any]) -> str:
        """Do what needs files: `save`, `load`, `project` or `frames`. Returns what to reply at once."""


class Nobody:
    """No helper: nothing is kept, and nobody trains."""

    def train(self, _: Project, __: dict[str, Any]) -> None:
        """Refuse."""
        raise SettingError("nobody trains here")

    def cancel(self) -> None:
        """There is nothing to give up."""

    def look(self) -> None:
        """There is nothing to open."""

    def fetch(self, verb: str, _: Sequence[Any]) -> str:
        """Refuse."""
        raise SettingError(f"{verb} needs files, and there are none here")


Answer = tuple[Any, Sequence[Event]]


def obey(player: Mapping, verb: str, words: Sequence[Any], now: float) -> Answer:
    """Do what `verb` says."""
    if (known := VERBS.get(verb)) is None:
        raise SettingError(f"there is no '{verb}'{kinds.nearest(verb, VERBS)}")
    return known(player, list(words), now)


def tell(player: Mapping, **news: Any) -> None:
    """Tell whoever watches. One that cannot be told is forgotten."""
    for watcher in list(player.watchers):
        try:
            watcher(news)
        except OSError:
            player.watchers.remove(watcher)


def begin(player: Mapping, now: float) -> None:
    """A take begins now."""
    player.begins, player.ends = math.inf, now + player.limit if player.limit > 0.0 else math.inf
    history = player.history
    history.do("take", player.gesture)
    for time, x in player.features.frames:
        history.do("frame", time, x, None)
    tell(player, recording=True)


def record(player: Mapping, time: float, x: tuple[float, ...]) -> None:
    """One frame of the open take: an example, or a step of a gesture."""
    labels = zip(player.labels, player.history.project.outputs, strict=True)
    y = None if player.gesture else tuple(label if output.record else None for label, output in labels)
    try:
        player.history.do("frame", time, x, y)
    except SettingError as error:
        stop(player, time)
        tell(player, failed=str(error))


def stop(player: Mapping, now: float) -> None:
    """The take ends. A hand that was held still is one example."""
    player.begins = player.ends = math.inf
    if player.history.recording:
        if player.x is not None and not player.gesture and not player.history.recorded:
            record(player, round(now, 6), player.x)
        player.history.do("end")
        player.gesture = 0
        tell(player, recording=False)


def _record(player: Mapping, words: list[Any], now: float) -> Answer:
    """Begin a take, after the count-in."""
    _expect(words, 0)
    if not any(output.record for output in player.history.project.outputs):
        raise SettingError("no output is being recorded: switch one on first")
    stop(player, now)
    if player.count_in > 0.0:
        player.begins = now + player.count_in
        player.wake = min(player.wake, player.begins)
    else:
        begin(player, now)
        player.wake = min(player.wake, player.ends)
    return "recording", ()


def _stop(player: Mapping, words: list[Any], now: float) -> Answer:
    """End the take."""
    _expect(words, 0)
    stop(player, now)
    return f"{player.history.project.examples} examples", ()


def _gesture(player: Mapping, words: list[Any], now: float) -> Answer:
    """Begin a take of gesture N; `stop` ends it."""
    if not player.history.project.gestures:
        raise SettingError("no output is learned by dtw: set learn of one first")
    _expect(words, 1)
    (number,) = _numbers(words, player.history.project.gestures, "gesture")
    stop(player, now)
    player.gesture = number + 1
    begin(player, now)
    player.wake = min(player.wake, player.ends)
    return "recording", ()


def made(player: Mapping, gesture: int) -> None:
    """A gesture was made: whoever watches is told its number, and its name where it has an output."""
    names = [output.name for output in player.history.project.outputs if output.learn == "dtw"]
    tell(player, gesture=names[gesture - 1] if gesture <= len(names) else str(gesture))


def _example(player: Mapping, words: list[Any], now: float) -> Answer:
    """Keep where the hand is, and what should sound there, as one example."""
    if player.x is None:
        raise SettingError("nothing was heard yet: move something first")
    begin(player, now)
    return _stop(player, words, now)


def _train(player: Mapping, words: list[Any], now: float) -> Answer:
    """Learn all examples."""
    _expect(words, 0)
    stop(player, now)
    project = player.history.project
    if not project.takes:
        raise SettingError("there are no examples: record some first")
    asked = {key: getattr(player, key) for key in ("seed", "joint", "layers", "units", "deadline")}
    player.helper.train(project, asked)
    player.training = {"progress": 0.0}
    return "training", ()


def _cancel(player: Mapping, words: list[Any], _: float) -> Answer:
    """Give the training up."""
    _expect(words, 0)
    player.helper.cancel()
    player.training = {}
    return "cancelled", ()


def _progress(player: Mapping, words: list[Any], _: float) -> Answer:
    """The helper tells how far it is."""
    player.training = {**player.training, **words[0]}
    return None, ()


def _trained(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has opened a new mapping: play it from now on."""
    opened, told = words
    places = {place: [name, number] for name, model in opened.items() for number, place in _columns(model)}
    gestures = 0
    found = []
    for output, axis in zip(player.history.project.outputs, player.names, strict=True):
        gestures += output.learn == "dtw"
        column = f"{axis}=1" if output.width > 1 else axis
        if output.learn.endswith("dtw"):
            column = f"gesture {gestures if output.learn == 'dtw' else 1}"
        found.append(places.get(column))
    player.voice.open.update(opened)
    player.history.do("trained", found)
    player.training = told
    player.adopt(now)
    tell(player, trained=told)
    return None, player.show(now) if player.history.running else ()


def _opened(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has opened mappings that the project plays; those it does not play are closed."""
    player.voice.open = words[0]
    player.adopt(now)
    return None, player.show(now) if player.history.running else ()


def _loaded(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has read a saved output: play it, and keep its examples."""
    number, changes, opened, takes = words
    player.voice.open.update(opened)
    history = player.history
    history.do("output", number, changes)
    for frames in takes:
        history.do("take", 0)
        for time, x, y in frames:
            row = [None] * len(player.names)
            row[number] = y and y[0]
            history.do("frame", time, x, y and row)
        history.do("end")
    player.adopt(now)
    tell(player, loaded=player.names[number])
    return None, player.show(now) if history.running else ()


def _project(player: Mapping, words: list[Any], now: float) -> Answer:
    """The helper has opened another project: go on with it."""
    stop(player, now)
    player.history, player.voice.open = words
    player.training = {}
    player.adopt(now)
    tell(player, project=True)
    return None, ()


def _news(player: Mapping, words: list[Any], _: float) -> Answer:
    """The helper tells what it has done."""
    tell(player, **words[0])
    return None, ()


def _failed(player: Mapping, words: list[Any], _: float) -> Answer:
    """The helper could not train."""
    player.training = {"failed": words[0]}
    tell(player, failed=words[0])
    return None, ()


def _run(player: Mapping, words: list[Any], now: float) -> Answer:
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


def _swap(player: Mapping, verb: str, now: float) -> Answer:
    stop(player, now)
    player.history.do(verb)
    player.helper.look()
    player.adopt(now)
    return state(player), player.show(now) if player.history.running else ()


def _set(player: Mapping, words: list[Any], now: float) -> Answer:
    """What should sound: a number in 0..1 for each output, a class by its number. A wrong one is left out."""
    outputs = player.history.project.outputs
    if len(words) != len(outputs):
        raise SettingError(f"expected {len(outputs)} numbers, got {len(words)}")
    wrong = []
    for number, (output, word) in enumerate(zip(outputs, words, strict=True)):
        try:
            player.labels[number] = _label(output, word)
        except SettingError as error:
            wrong.append(str(error))
    events = player.show(now)
    if wrong:
        tell(player, failed="; ".join(wrong))
    return "; ".join(wrong) or "set", events


def _randomise(player: Mapping, words: list[Any], now: float) -> Answer:
    """Something that nobody thought of for every output, or for those that are named by number."""
    outputs = player.history.project.outputs
    for number in _numbers(words, len(outputs), "output") or range(len(outputs)):
        output = outputs[number]
        if output.width > 1:
            player.labels[number] = player.random.randint(1, output.classes) / output.classes
        else:
            player.labels[number] = player.random.uniform(output.low, output.high)
    return list(player.labels), player.show(now)


def _delete(player: Mapping, words: list[Any], now: float) -> Answer:
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


def _output(player: Mapping, words: list[Any], now: float) -> Answer:
    """Change output N: a key and its value, or a table of them."""
    match words:
        case [number, dict(changes)]:
            pass
        case [number, str(key), value]:
            changes = {key: value}
        case _:
            raise SettingError("say which output, which key and its value")
    (index,) = _numbers([number], len(player.names), "output")
    if not set(changes) <= CHANGEABLE.keys():
        wrong = next(key for key in changes if key not in CHANGEABLE)
        raise SettingError(f"an output has no '{wrong}'{kinds.nearest(wrong, CHANGEABLE)}")
    _change(player, {index: changes}, now)
    return "changed", player.show(now) if player.history.running else ()


def _mask(player: Mapping, words: list[Any], now: float) -> Answer:
    """Switch `record` or `run` on or off, for the outputs that are named by number."""
    match words:
        case [("record" | "run") as key, 0 | 1 as on, *numbers] if numbers:
            wanted = _numbers(numbers, len(player.names), "output")
            _change(player, {number: {key: bool(on)} for number in wanted}, now)
            return "changed", player.show(now) if player.history.running else ()
    raise SettingError("say record or run, 1 or 0, and the numbers of the outputs")


def _select(player: Mapping, words: list[Any], now: float) -> Answer:
    """What output N listens to: the numbers of its inputs, or their names."""
    if len(words) < 2:
        raise SettingError("say which output, and the inputs that it listens to")
    (index,) = _numbers(words[:1], len(player.names), "output")
    features = player.features.names
    if all(isinstance(word, str) for word in words[1:]):
        wanted = list(words[1:])
    else:
        axes = [player.heard[number] for number in _numbers(words[1:], len(player.heard), "input")]
        wanted = [name for name in features if name in axes or name.rpartition(".")[0] in axes]
    _change(player, {index: {"inputs": wanted}}, now)
    return wanted, ()


def _names(player: Mapping, words: list[Any], now: float) -> Answer:
    """What people call the `inputs` or the `outputs`: different names."""
    match words:
        case ["inputs", *names]:
            player.history.do("inputs", names)
        case ["outputs", *names] if len(names) == len(player.names) == len(set(names)):
            if not all(isinstance(name, str) and name for name in names):
                raise SettingError("a name is a text")
            _change(player, {number: {"name": name} for number, name in enumerate(names)}, now)
        case _:
            raise SettingError(f"say inputs or outputs and {len(player.names)} different names")
    return "changed", ()


def _other(player: Mapping, words: list[Any], now: float) -> Answer:
    """Morph to what plays now, from whatever is trained next: `here`; or to nothing: `none`."""
    match words:
        case ["here"]:
            outputs = player.history.project.outputs
            player.voice.other = [(out.model, out.column) if out.model else None for out in outputs]
        case ["none"]:
            player.voice.other = [None] * len(player.names)
        case _:
            raise SettingError("say here or none")
    player.adopt(now)
    return "changed", ()


def _watch(player: Mapping, words: list[Any], _: float) -> Answer:
    """Tell this function what happens."""
    player.watchers.append(words[0])
    return None, ()


def state(player: Mapping) -> dict[str, Any]:
    """All there is to know, for a page or a script."""
    history, project = player.history, player.history.project
    return {
        "inputs": list(project.inputs),
        "features": list(project.features),
        "outputs": [vars(output) for output in project.outputs],
        "labels": list(player.labels),
        "x": list(player.x or ()),
        "examples": project.examples,
        "takes": [{"number": take.number, "examples": take.examples, "gesture": take.gesture}
                  for take in project.takes],
        "undo": history.steps[0],
        "redo": history.steps[1],
        "recording": history.recording,
        "recorded": history.recorded,
        "running": history.running,
        "training": dict(player.training),
    }  # fmt: skip


def _columns(model: Model | Spotter) -> list[tuple[int, str]]:
    """The columns of a mapping, or its gestures, and their names."""
    if isinstance(model, Model):
        return list(enumerate(model.card.plays))
    return [(number, f"gesture {number + 1}") for number in range(len(model.gestures.thresholds))]


def _change(player: Mapping, changes: dict[int, dict[str, Any]], now: float) -> None:
    project = player.history.project
    for number, change in changes.items():
        project = project.with_output(number, change)
    for number, change in changes.items():
        player.history.do("output", number, change)
    player.helper.look()
    player.adopt(now)


def _label(output: Output, word: Any) -> float:
    if isinstance(word, bool) or not isinstance(word, int | float) or not math.isfinite(word):
        raise SettingError(f"{output.name} takes a number, not {word!r}")
    if output.width > 1:
        if word != int(word) or not 1 <= word <= output.classes:
            raise SettingError(f"{output.name} takes a class of 1 to {output.classes}, not {word:g}")
        return float(word) / output.classes
    if not 0.0 <= word <= 1.0:
        raise SettingError(f"{output.name} takes a number of 0 to 1, not {word:g}")
    return float(word)


def _numbers(words: Sequence[Any], count: int, what: str) -> list[int]:
    """Numbers from 0, of numbers from 1."""
    for word in words:
        if isinstance(word, bool) or not isinstance(word, int | float) or word not in range(1, count + 1):
            raise SettingError(f"there is no {what} {word}; there are {count}")
    return [int(word) - 1 for word in words]


def _expect(words: Sequence[Any], count: int) -> None:
    if len(words) != count:
        raise SettingError(f"expected {count or 'no'} words, got {len(words)}")


def _fetch(verb: str) -> Callable[[Mapping, list[Any], float], Answer]:
    def fetch(player: Mapping, words: list[Any], now: float) -> Answer:
        stop(player, now)
        return player.helper.fetch(verb, words), ()

    return fetch


CHANGEABLE = {key: known for key, known in kinds.settings(Output).items() if key not in ("model", "column")}

VERBS: dict[str, Callable[[Mapping, list[Any], float], Answer]] = {
    # Those with a line in front are for the house alone; no door takes them from outside.
    "record": _record,
    "stop": _stop,
    "example": _example,
    "gesture": _gesture,
    "train": _train,
    "cancel": _cancel,
    "run": _run,
    "undo": lambda player, _, now: _swap(player, "undo", now),
    "redo": lambda player, _, now: _swap(player, "redo", now),
    "set": _set,
    "randomise": _randomise,
    "delete": _delete,
    "output": _output,
    "mask": _mask,
    "select": _select,
    "names": _names,
    "other": _other,
    "state": lambda player, _, __: (state(player), ()),
    "_watch": _watch,
    "_progress": _progress,
    "_trained": _trained,
    "_opened": _opened,
    "_failed": _failed,
    "_loaded": _loaded,
    "_project": _project,
    "_news": _news,
    **{verb: _fetch(verb) for verb in ("save", "load", "project", "frames")},
}
