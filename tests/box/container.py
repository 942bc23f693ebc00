"""A box without a Pi: Debian with its own systemd in a container (systemd-nspawn), and Foretone laid into it.

What takes long is kept below build/box: the root file system (half a minute) and the Python packages. Each
boot gets both through an overlay in memory, so that nothing it does stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from foretone.errors import SoundError
from foretone.ring import Ring, Status

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build/box"
PACKAGES = (
    "systemd systemd-sysv dbus udev openssh-server python3 libasound2 iproute2 avahi-daemon tzdata hostname"
)
SUITE = {(3, 11): "bookworm", (3, 13): "trixie"}.get(sys.version_info[:2])
"""The Debian that has this Python, so that the packages fit."""


def missing() -> str:
    """Why no box can be booted here, or nothing."""
    if os.geteuid() != 0:
        return "only root can boot a container: sudo make test-box"
    if SUITE is None:
        return "no Debian has this Python: make test-box PYTHON=python3.11"
    for program, package in (
        ("systemd-nspawn", "systemd-container"),
        ("mmdebstrap", "mmdebstrap"),
        ("ssh", "openssh-client"),
    ):
        if shutil.which(program) is None:
            return f"there is no {program} here: apt-get install {package}"
    return ""


def root_file_system() -> Path:
    """Debian of the machine's own archive, made once."""
    folder = BUILD / f"{SUITE}-{hashlib.sha256(PACKAGES.encode()).hexdigest()[:8]}"
    if not folder.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
            archive = Path(place) / "root.tar"
            subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES.replace(' ', ',')}",
                 '--aptopt=Acquire::Languages "none"', "--dpkgopt=path-exclude=/usr/share/doc/*",
                 "--dpkgopt=path-exclude=/usr/share/locale/*", SUITE, str(archive)],
                env={**os.environ, "TMPDIR": place}, check=True,
            )  # fmt: skip
            draft = folder.with_suffix(".draft")
            draft.mkdir()
            subprocess.run(["tar", "-xf", archive, "-C", draft, "--numeric-owner"], check=True)
            draft.rename(folder)
    return folder


def packages() -> Path:
    """What the wheel needs, as the card has it in /opt/foretone/base."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["pi"]]
    key = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:8]
    folder = BUILD / f"base-{SUITE}-{key}"
    if not folder.exists():
        place = (
            folder.with_suffix(".draft")
            / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        )
        shutil.rmtree(folder.with_suffix(".draft"), ignore_errors=True)
        command = ["pip", "install", "-q", "--no-warn-conflicts", "--target", str(place), *wanted]
        subprocess.run([sys.executable, "-m", *command], check=True)
        folder.with_suffix(".draft").rename(folder)
    return folder


def wheel(folder: Path) -> Path:
    """The wheel of this repository."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("foretone-*.whl"))


def until(condition: Callable[[], object], seconds: float = 20.0) -> float:
    """Wait for something to become true; how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - began


class Container:
    """A booted box. `run` is its root shell; `inside` prefixes a command of this machine with its network."""

    def __init__(self, place: Path, key: Path) -> None:
        self.place, self.key = place, key
        self.root = place / "root"
        self.pid = 0

    def boot(self) -> None:
        """Start its systemd, and wait until that has started everything."""
        with (self.place / "console").open("wb") as console:
            machine = subprocess.Popen(
                ["systemd-nspawn", "-q", "-D", self.root, "--register=no", "--keep-unit", "--console=pipe",
                 "--private-network", "--timezone=off",
                 "-b", "fstab=no"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._machine = machine
        children = Path(f"/proc/{machine.pid}/task/{machine.pid}/children")
        until(lambda: any(self._init(child) for child in children.read_text().split()))
        until(
            lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"), 60
        )

    def _init(self, pid: str) -> bool:
        """Whether that process is the box's systemd."""
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                self.pid = int(pid)
                return True
        return False

    def inside(self, *spaces: str) -> list[str]:
        """The beginning of a command line that runs in the box's name spaces, `net` or all."""
        return ["nsenter", "-t", str(self.pid), *(spaces or ("-a",)), "--"]

    def run(self, *command: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """A command as the box's root."""
        return subprocess.run([*self.inside(), *command], capture_output=True, text=True, check=check)

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def ring(self) -> Status:
        """What the voice says of itself, seen from here."""
        return Ring.open(Path(f"/proc/{self.pid}/root/run/foretone/sound.ring")).status()

    def sounds(self) -> bool:
        """Whether a new block was drawn a moment ago."""
        try:
            status = self.ring()
        except (SoundError, OSError):
            return False
        return status.running and status.blocks > 2 and time.monotonic() - status.heartbeat < 0.1

    def stop(self) -> None:
        """Pull the plug."""
        if self.pid:
            os.kill(self.pid, 9)
            self._machine.wait(20)
            self.pid = 0


@contextlib.contextmanager
def box(settings: str) -> Iterator[Container]:
    """A box that is not booted yet, with that box.toml (KEY stands for the key that opens it)."""
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm", prefix="foretone-box-") as name,
        contextlib.ExitStack() as after,
    ):
        place = Path(name)
        for folder in ("upper", "work", "root", "wheel"):
            (place / folder).mkdir()
        layers = f"lowerdir={root_file_system()},upperdir={place}/upper,workdir={place}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(place / "root")], check=True)
        after.callback(subprocess.run, ["umount", "-R", str(place / "root")], check=True)
        # The state partition: small enough to be filled.
        shutil.rmtree(place / "root/var/lib/apt")
        shutil.rmtree(place / "root/var/cache")
        shutil.copytree(place / "root/var", place / "state", symlinks=True)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "tmpfs", str(place / "root/var")], check=True
        )
        shutil.copytree(place / "state", place / "root/var", symlinks=True, dirs_exist_ok=True)
        base = place / "root/opt/foretone/base"
        base.mkdir(parents=True)
        subprocess.run(["mount", "--bind", "-o", "ro", str(packages()), str(base)], check=True)
        subprocess.run([ROOT / "deploy/systemd/lay", place / "root", wheel(place / "wheel")], check=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / "key"], check=True)
        key = (place / "key.pub").read_text().strip()
        (place / "root/boot/firmware/box.toml").write_text(settings.replace("KEY", key))
        container = Container(place, place / "key")
        after.callback(container.stop)
        yield container
