"""Keeps what a mapping was shown, and has it trained: with files and a process that its player must not own.

One thread writes the journal twice a second and does nothing else, another one talks to the trainer and reads
files; what they have to say to the player goes through the conductor's queue as commands.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from foretone import punctual
from foretone.clock import WallClock
from foretone.errors import ForetoneError, SessionError, SettingError
from foretone.event import Command
from foretone.mapping import files
from foretone.mapping.files import place
from foretone.mapping.history import gathered
from foretone.mapping.journal import Journal
from foretone.mapping.project import Project
from foretone.mapping.saved import Saved
from foretone.mapping.store import Store
from foretone.parts import Emit
from foretone.players.mapping import Mapping
from foretone.trainer import Trainer

log = logging.getLogger("foretone")

EVERY = 0.5
"""Seconds between writes to the disk; a power cut loses at most this and the write itself."""


RATE = 100.0
"""Frames a second, in a table of them that tells no times."""

LONGEST = 3000
"""Frames of a gesture that are learned from, a minute at 50 Hz."""


class Workshop:
    """Serves one mapping player. `folder` gets its journal and its mappings.

    `open` before the conductor runs, from its thread; `train`, `cancel`, `look` and `fetch` are called by
    the player, and only hand on what is to be done.
    """

    def __init__(self, folder: Path, stem: str, player: Mapping, emit: Emit) -> None:
        self.folder = folder
        self._store = Store(folder / "mappings")
        self._player, self._emit = player, emit
        self._trainer = Trainer(self._told)
        self._asked: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        self._kept = [(self._journal(stem), player.history)]
        self._lesson = 0
        self._until = 0.0
        self._next: tuple[Any, ...] | None = None
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=f"{what} {player.name}", daemon=True)
            for what, run in (("journal", self._keep), ("workshop", self._run))
        ]

    @property
    def fault(self) -> str:
        """What is out of order just now; empty when nothing is."""
        return next((journal.fault for journal, _ in self._kept if journal.fault), "")

    @property
    def trainer(self) -> int | None:
        """The trainer's process number, while there is one."""
        return self._trainer.pid

    @property
    def journal(self) -> Path | None:
        """The file that keeps what is being shown just now."""
        shown = self._player.history
        return next((journal.path for journal, history in list(self._kept) if history is shown), None)

    def open(self) -> None:
        """Bring back what the journal holds, and start the trainer.

        Where the journal cannot be read, or not mended, nothing is kept.
        """
        journal, history = self._kept[0]
        try:
            journal.load(history)
        except SessionError as error:
            # Nobody will take them, and what was appended to half a journal could not be read again.
            history.unwritten = deque(maxlen=0)
            journal.tell(f"examples are not being kept: {error}")
        self._player.voice.open = self._store.wanted(history.project)
        self._player.helper = self
        self._player.restore()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Write what is left, and end the trainer."""
        self._closing.set()
        self._asked.put(("end",))
        self._trainer.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=5.0)
        self._write()
        for journal, _ in self._kept:
            journal.close()

    def train(self, project: Project, settings: dict[str, Any]) -> None:
        """Train all outputs of the project as it is."""
        self._asked.put(("train", project, settings))

    def cancel(self) -> None:
        """Give the training up."""
        self._asked.put(("cancel",))

    def look(self) -> None:
        """Open the mappings that the project plays."""
        self._asked.put(("look", self._player.history.project))

    def fetch(self, verb: str, words: Sequence[Any]) -> str:
        """Save or load an output or the examples, go on with another project, play a table of frames."""
        project = self._player.history.project
        match verb, *words:
            case ["save" | "load", int(number), str(path), *more] if 1 <= number <= len(project.outputs):
                file = place(self.folder / "outputs", path, ".json")
                self._asked.put((verb, project, number - 1, file, *more))
            case ["project", str(path), *_]:
                file = place(self.folder, Path(path).stem)
                self._asked.put((verb, file.name))
            case ["export" | "import", str(path)]:
                file = place(self.folder, path, ".csv")
                self._asked.put((verb, project, file))
            case ["frames", str(path)]:
                file = place(self.folder, path)
                self._asked.put((verb, project, file))
            case _:
                raise SettingError(
                    f"{verb} needs the name of a file, and save and load the number of an output"
                )
        return str(file)

    def _keep(self) -> None:
        punctual.step_back()
        while not self._closing.wait(EVERY):
            self._write()

    def _write(self) -> None:
        for journal, history in list(self._kept):
            try:
                journal.write(history)
            except Exception as error:  # noqa: BLE001 -- what one action does must not cost the next ones
                journal.tell(f"examples are not being kept: {error}")

    def _run(self) -> None:
        # The trainer too is started from here, and must not run before what sounds.
        punctual.step_back()
        while not self._closing.is_set():
            try:
                self._trainer.start()
                if asked := WallClock.wait(self._asked, time.monotonic() + EVERY):
                    self._do(asked)
            except BrokenPipeError:
                self._until = 0.0
                self._fail("the trainer is not there just now; train again")
            except Exception as error:  # noqa: BLE001 -- one thing that cannot be done must not stop the next
                self._fail(str(error) or type(error).__name__)
            if self._until and time.monotonic() > self._until:
                self._give_up("the training took longer than its deadline; train again with a later one")

    def _do(self, asked: tuple[Any, ...]) -> None:
        match asked:
            case ("train", *_) if self._until:
                # The one that is being learned is played first; then the newest one is begun.
                self._next = asked
            case ("train", Project() as project, dict(settings)):
                self._next = None
                self._lesson += 1
                self._until = time.monotonic() + settings["deadline"]
                self._trainer.send(self._lines(project, settings))
            case ("done",) if self._next is not None:
                self._do(self._next)
            case ("cancel",):
                self._give_up("")
            case ("look", Project() as project):
                self._say("_opened", self._store.wanted(project))
            case ("save", Project() as project, int(number), Path() as file):
                files.save(file, project, number, self._store.path)
                self._say("_news", {"saved": str(file)})
            case ("load", Project() as project, int(number), Path() as file, *data):
                self._load(files.load(file, project, self._store.folder), project, number, data != [False])
            case ("export", Project() as project, Path() as file):
                self._say("_news", {"exported": str(file), "examples": files.export(file, project)})
            case ("import", Project() as project, Path() as file):
                self._say("_imported", *gathered(project, files.take_over(file, project)))
            case ("project", str(stem)):
                self._begin(stem)
            case ("frames", Project() as project, Path() as file):
                features, opened = self._player.features.fresh(), self._store.wanted(project, fresh=True)
                out = file.with_name(f"{file.stem}-outputs.csv")
                files.play(file, out, project, features, opened, RATE)
                self._say("_news", {"frames": str(out)})

    def _journal(self, stem: str) -> Journal:
        return Journal(self.folder / f"{stem}.journal", self._player.heard, self._player.names)

    def _begin(self, stem: str) -> None:
        journal, history = self._journal(stem), self._player.begin_again()
        for kept, known in self._kept:
            if kept.path == journal.path:
                history = known
                break
        else:
            journal.load(history)
            self._kept.append((journal, history))
        self._say("_project", history, self._store.wanted(history.project))

    def _load(self, found: Saved, project: Project, number: int, data: bool) -> None:
        kept = ("name", "other", "other_column")
        changes = {key: value for key, value in found.output.items() if key not in kept}
        changes["model"] = found.name if found.content else ""
        opened = self._store.open([self._store.path(found.name)] if found.content else [])
        takes = found.spread(number, len(project.outputs)) if data else ()
        self._say("_loaded", number, changes, opened, *gathered(project, takes))

    def _give_up(self, sentence: str) -> None:
        self._lesson += 1
        self._until, self._next = 0.0, None
        self._trainer.stop()
        if sentence:
            self._fail(sentence)

    def _lines(self, project: Project, settings: dict[str, Any]) -> Iterator[Any]:
        """The lesson, a line at a time, so that the conductor waits for none of it."""
        keys = ("learn", "classes", "inputs", "neighbours", "degree")
        yield {
            **settings,
            "lesson": self._lesson,
            "folder": str(self._store.folder),
            "hears": list(project.features),
            "outputs": [
                {"axis": axis, **{key: getattr(output, key) for key in keys}}
                for axis, output in zip(self._player.names, project.outputs, strict=True)
            ],
        }
        for take in project.takes:
            features = self._player.features.fresh()
            if take.gesture:
                frames = [
                    [frame.time, *features.hear(frame.time, frame.x)] for frame in take.frames[:LONGEST]
                ]
                yield {"gesture": take.gesture, "frames": frames}
                continue
            for frame in take.frames:
                heard = features.hear(frame.time, frame.x)
                if frame.y is not None:
                    yield [heard, frame.y]
        yield None

    def _told(self, news: dict[str, Any] | None) -> None:
        """The trainer says something; from the thread that reads it."""
        if news is None:
            if self._until:
                self._until, self._next = 0.0, None
                self._fail("the trainer died; train again")
            return
        if news.get("lesson") != self._lesson:
            return
        if "done" in news:
            self._done()
            self._opened([Path(path) for path in news["done"]], news)
        elif "failed" in news:
            self._done()
            self._fail(news["failed"])
        else:
            self._say("_progress", {key: value for key, value in news.items() if key != "lesson"})

    def _done(self) -> None:
        self._until = 0.0
        self._asked.put(("done",))

    def _opened(self, paths: list[Path], news: dict[str, Any]) -> None:
        try:
            opened = self._store.open(paths)
        except ForetoneError as error:
            self._fail(str(error))
            return
        self._say("_trained", opened, {key: news.get(key) for key in ("scores", "examples", "losses")})

    def _fail(self, sentence: str) -> None:
        self._say("_failed", sentence)

    def _say(self, verb: str, *words: Any) -> None:
        self._emit(Command(self._player.name, verb, words))
