"""What every check in the guest needs: kernel modules, Foretone's processes, and patience."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE = 120.0
"""Seconds; the processor is emulated, on a machine that may have other things to do."""


def modprobe(*modules: str) -> None:
    subprocess.run(["modprobe", "-a", *modules], check=True)


def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Foretone:
    """One of Foretone's commands, in a process of its own."""

    def __init__(self, folder: Path, *command: object) -> None:
        self._said = folder / f"{command[0]}.log"
        with self._said.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "foretone", *map(str, command)], stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait for something to become true, while the process runs."""

        def alive() -> object:
            assert self.process.poll() is None, self.said
            return condition()

        try:
            until(alive, patience)
        except AssertionError:
            print(self.said)
            raise

    def stop(self) -> int:
        """As a person does who has heard enough; the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@pytest.fixture
def foretone(tmp_path: Path) -> Iterator[Callable[..., Foretone]]:
    """Starts `foretone ARGUMENTS`."""
    started: list[Foretone] = []

    def start(*command: object) -> Foretone:
        started.append(Foretone(tmp_path, *command))
        return started[-1]

    yield start
    for one in started:
        one.process.terminate()
        one.process.wait(PATIENCE)


@pytest.fixture
def instrument(tmp_path: Path) -> Callable[[str], Path]:
    """Writes an instrument file."""

    def write(text: str) -> Path:
        path = tmp_path / "instrument.toml"
        path.write_text(text)
        return path

    return write
