"""A real audio process on a sound card that is not there (tests/rtnull)."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from foretone.ring import Ring
from foretone.sinks.synth import Synth

START = """
import json, pathlib, sys
from foretone.synth.process import main
ring = pathlib.Path(sys.argv[2])
sys.exit(main(json.loads(sys.argv[1]), ring, ring.parent))
"""
DEADLINE = 20.0


class Studio:
    """Starts audio processes with a private ALSA configuration, and waits for what they do."""

    def __init__(self, folder: Path, card: ModuleType, config: Path) -> None:
        self.folder, self.card = folder, card
        self.ring_path = folder / "sound.ring"
        self.port = free_port()
        self.environment = dict(os.environ, ALSA_CONFIG_PATH=str(config))
        self._running: list[subprocess.Popen[str]] = []
        self._sinks: list[Synth] = []
        self._wires: list[socket.socket] = []

    def launch(self, **settings: Any) -> subprocess.Popen[str]:
        """`foretone.synth.process.main` with these settings, in a process of its own."""
        wanted = json.dumps({"port": self.port, **settings})
        process = subprocess.Popen(
            [sys.executable, "-c", START, wanted, str(self.ring_path)],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def start(self, **settings: Any) -> tuple[subprocess.Popen[str], Ring]:
        """The process and its ring, once it plays."""
        self.ring_path.unlink(missing_ok=True)
        process = self.launch(**settings)
        self.until(process, self.ring_path.exists)
        ring = Ring.open(self.ring_path)
        self.until(process, lambda: ring.status().blocks > 2)
        return process, ring

    def sink(self) -> Synth:
        """The control process's side of it, for an EMPI."""
        sink = Synth(("lever",), port=self.port)
        sink.origins = ("lever", "duet")
        self._sinks.append(sink)
        return sink

    def sender(self) -> Callable[..., None]:
        """A way to send OSC messages to the process: an address and numbers, of which a float is a double."""
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.connect(("127.0.0.1", self.port))
        self._wires.append(wire)

        def send(address: str, *arguments: float) -> None:
            builder = OscMessageBuilder(address)
            for argument in arguments:
                builder.add_arg(argument, "d" if isinstance(argument, float) else None)
            wire.send(builder.build().dgram)

        return send

    def until(self, process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
        """Wait for something to become true, while the process runs."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            try:
                process.wait(0.005)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"the audio process ended with {process.returncode}: {process.communicate()[1]}")

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()
        for wire in self._wires:
            wire.close()
        for process in self._running:
            process.kill()
            process.communicate()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def load(name: str, path: Path) -> ModuleType:
    """A module by its place: test folders are not packages."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


load("synth_heard", Path(__file__).with_name("heard.py"))


@pytest.fixture(scope="session")
def card() -> ModuleType:
    """tests/rtnull/rtnull.py"""
    return load("rtnull", Path(__file__).parents[1] / "rtnull" / "rtnull.py")


@pytest.fixture(scope="session")
def plugin(card: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("alsaaudio", reason="needs pyalsaaudio")
    if reason := card.missing():
        pytest.skip(reason)
    path: Path = card.build(tmp_path_factory.mktemp("rtnull"))
    return path


@pytest.fixture
def studio(card: ModuleType, plugin: Path, tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path, card, card.configure(plugin, tmp_path))
    yield studio
    studio.close()
