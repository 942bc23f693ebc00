"""A Pi that is none: the card that `make image` built, in an emulated machine.

QEMU's `virt` board stands for a Pi: the same kernel, file systems and services, another disk and network.
Lever and servo are those of the fake board, on which a ghost plays; a clock takes the sound.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import plug

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "build/foretone.img.zst"
UNREACHED = 255
"""What ssh ends with when it is ssh that failed."""
PATIENCE_AT_WRITE = 30.0
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
        self._disk = plug.Card(self.card, place / "disk", random.Random(1))

    def boot(self) -> float:
        """Start, and return the seconds until SSH answers."""
        began = time.monotonic()
        self.power()
        self.until(lambda: self.run("true").returncode == 0)
        return time.monotonic() - began

    def power(self) -> None:
        """Start."""
        self._disk.serve()
        self._machine = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2",
             "-m", "1024", "-accel", "tcg,thread=multi", "-nographic", "-nodefaults",
             "-serial", f"file:{self.place}/serial",
             "-kernel", self.place / "kernel", "-initrd", self.place / "initrd",
             # The servo's library does not know QEMU's board, and must not ask for it; and one that is too
             # slow to play in time must still answer SSH.
             "-append", "root=LABEL=foretone ro rootwait console=ttyAMA0 net.ifnames=0 "
             "systemd.setenv=BLINKA_FORCEBOARD=GENERIC_LINUX_PC systemd.setenv=BLINKA_FORCECHIP=GENERIC_X86 "
             "sysctl.kernel.sched_rt_runtime_us=500000",
             "-drive", f"file=nbd:unix:{self._disk.address},format=raw,if=none,id=card",
             "-device", "virtio-blk-pci,drive=card",
             "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-:22",
             "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci", "-no-reboot"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def pull(self, writes: int = 0) -> str:
        """Pull the plug, at so many writes from here on where there are as many; what the card forgot."""
        if writes:
            self._disk.stop_at(writes)
            self._disk.cut.wait(PATIENCE_AT_WRITE)
        self._machine.kill()
        self._machine.wait()
        lost, written = self._disk.lose()
        return f"{lost} of {written} unflushed sectors lost"

    def scrap(self) -> None:
        """Be no board again."""
        self.pull()
        self._disk.close()

    def reach(self) -> list[str]:
        """How ssh reaches it."""
        options = {
            "UserKnownHostsFile": self.place / "known",
            "StrictHostKeyChecking": "accept-new",
            "ConnectTimeout": 60,
            "ServerAliveInterval": 10,
            "BatchMode": "yes",
        }
        said = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return ["ssh", "-F", "/dev/null", "-p", str(self.port), "-i", str(self.key), *said]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command as its root. An emulated board that plays may answer ssh late, and is asked again."""
        line = [*self.reach(), "root@127.0.0.1", *command]
        for _ in range(5):
            done = subprocess.run(line, capture_output=True, text=True, check=False)
            if done.returncode != UNREACHED:
                break
        return done

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
        """Whether the instrument and its voice say so."""
        said = self.run("systemctl show --value -p StatusText foretone foretone-synth").stdout
        return "EMPI plays" in said and "sounds on" in said

    def simulate(self) -> None:
        """Let the ghost play on a simulated lever and servo from here on."""
        self.run(
            "echo 'RUN=--board=fake --ghost' >/var/lib/box/changes.env; sync; systemctl restart foretone"
        )
