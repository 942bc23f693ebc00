"""What a mapping can be told to do: one set of verbs for the page, for OSC and for Wekinator's messages.

Outputs, inputs and gestures are numbered from 1 here, as people count. Every verb returns what to reply; a
SettingError says why nothing was done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from foretone import kinds
from foretone.errors import SettingError
from foretone.mapping import changes, learning, takes
from foretone.mapping.project import Project
from foretone.mapping.words import Answer

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
        """Do what needs files, such as `save` and `load`. Returns what to reply at once."""


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


def obey(player: Mapping, verb: str, words: Sequence[Any], now: float) -> Answer:
    """Do what `verb` says."""
    if (known := VERBS.get(verb)) is None:
        raise SettingError(f"there is no '{verb}'{kinds.nearest(verb, VERBS)}")
    return known(player, list(words), now)


def _swap(player: Mapping, verb: str, now: float) -> Answer:
    takes.stop(player, now)
    player.history.do(verb)
    player.helper.look()
    player.adopt(now)
    return state(player), player.show(now) if player.history.running else ()


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
        "chances": dict(player.voice.chances),
        "training": dict(player.training),
    }  # fmt: skip


def _fetch(verb: str) -> Callable[[Mapping, list[Any], float], Answer]:
    def fetch(player: Mapping, words: list[Any], now: float) -> Answer:
        takes.stop(player, now)
        return player.helper.fetch(verb, words), ()

    return fetch


VERBS: dict[str, Callable[[Mapping, list[Any], float], Answer]] = {
    # Those with a line in front are for the house alone; no door takes them from outside.
    "record": takes.do_record,
    "stop": takes.do_stop,
    "example": takes.example,
    "gesture": takes.gesture,
    "train": learning.train,
    "cancel": learning.cancel,
    "run": learning.run,
    "undo": lambda player, _, now: _swap(player, "undo", now),
    "redo": lambda player, _, now: _swap(player, "redo", now),
    "set": takes.do_set,
    "randomise": takes.randomise,
    "delete": takes.delete,
    "output": changes.output,
    "mask": changes.mask,
    "select": changes.select,
    "names": changes.names,
    "other": changes.other,
    "state": lambda player, _, __: (state(player), ()),
    "_watch": learning.watch,
    "_chances": learning.chances,
    "_progress": learning.progress,
    "_trained": learning.trained,
    "_opened": learning.opened,
    "_failed": learning.failed,
    "_loaded": learning.loaded,
    "_project": learning.project,
    "_imported": learning.imported,
    "_news": learning.news,
    **{verb: _fetch(verb) for verb in ("save", "load", "project", "frames", "export", "import")},
}
