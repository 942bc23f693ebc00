"""A Pi that is none: the card that `make image` built, in an emulated machine.

QEMU's `virt` board stands for a Pi: the same kernel, file systems and services, another disk and network.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "build/foretone.img.zst"
PATIENCE = 600.0
"""Seconds for a start under emulation, on a machine that may be busy."""


def missing() -> str:
    """Why no card can be booted here, or nothing."""
    if not IMAGE.exists():
        return "there is no card yet: sudo make image"
    absent = [name for name in ("qemu-system-aarch64", "mcopy", "zstd", "ssh") if shutil.which(name) is None]
    return f"there is no {', '.join(absent)} here" if absent else ""


class Pi:
    """A board without a Pi: `boot` gives it power, `pull` takes it."""

    def __init__(self, place: Path) -> None:
        self.place, self.card, self.key = place, place / "card.img", place / "key"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        (place / "box.toml").write_text(
            f'hostname = "card"\nssh_keys = ["{self.key.with_suffix(".pub").read_text().strip()}"]\n'
            'time_zone = "Europe/Vienna"\ninstrument = "empi"\n'
        )
        self.card.touch()
        flashed = [sys.executable, ROOT / "deploy/flash.py", self.card, place / "box.toml"]
        subprocess.run(flashed, check=True, stdin=subprocess.DEVNULL)
        for pattern, name in (("vmlinuz*", "kernel"), ("initrd*", "initrd")):
            subprocess.run(
                ["mcopy", "-n", "-i", f"{self.card}@@4M", f"::{pattern}", place / name], check=True
            )
        with self.card.open("r+b") as file:
            file.truncate(file.seek(0, os.SEEK_END) + (1 << 30))  # a card is larger than its image

    def boot(self) -> float:
        """Start, and return the seconds until SSH answers."""
        began = time.monotonic()
        self._machine = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2",
             "-m", "1024", "-accel", "tcg,thread=multi", "-nographic", "-nodefaults",
             "-serial", f"file:{self.place}/serial",
             "-kernel", self.place / "kernel", "-initrd", self.place / "initrd",
             "-append", "root=LABEL=foretone ro rootwait console=ttyAMA0 net.ifnames=0",
             "-drive", f"file={self.card},format=raw,if=none,id=card", "-device", "virtio-blk-pci,drive=card",
             "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-:22",
             "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci", "-no-reboot"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.until(lambda: self.run("true").returncode == 0)
        return time.monotonic() - began

    def pull(self) -> None:
        """Pull the plug."""
        self._machine.kill()
        self._machine.wait()

    def reach(self) -> list[str]:
        """How ssh reaches it."""
        options = {
            "UserKnownHostsFile": self.place / "known",
            "StrictHostKeyChecking": "accept-new",
            "ConnectTimeout": 20,
            "ServerAliveInterval": 10,
            "BatchMode": "yes",
        }
        said = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return ["ssh", "-F", "/dev/null", "-p", str(self.port), "-i", str(self.key), *said]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command as its root."""
        line = [*self.reach(), "root@127.0.0.1", *command]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def desk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """deploy/box.py for it."""
        return subprocess.run(
            [sys.executable, ROOT / "deploy/box.py", arguments[0], "root@127.0.0.1", *arguments[1:]],
            env={**os.environ, "FORETONE_SSH": " ".join(self.reach())}, cwd=self.place,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self._machine.poll() is None, (self.place / "serial").read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, (self.place / "serial").read_text(errors="replace")[-3000:]
            time.sleep(0.5)

    def plays(self) -> bool:
        """Whether the instrument says so."""
        shown = self.run(
            "systemctl show -p StatusText foretone.service; cat /run/foretone/sound.ring | head -c 1"
        )
        return "EMPI plays" in shown.stdout
