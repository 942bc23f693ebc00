"""Versions of Foretone side by side on a box, and one symlink that says which of them plays.

    python3 release.py install WHEEL    lay it out, try it, switch to it, watch it; go back if it fails
    python3 release.py rollback         the version that played before
    python3 release.py list             what there is

The desk sends this file along each time (to /run, which forgets it), so the updater is never a part
of what it replaces. It needs nothing but Python and systemd. Each version is a virtual environment whose
packages are those of the card (/opt/foretone/base), with one wheel in front of them:

    /opt/foretone/factory               the version that the card came with; read-only
    /var/opt/foretone/versions/0.1.0-1f3a
    /var/opt/foretone/current           -> one of them
    /var/opt/foretone/previous          -> the one before
"""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

BASE = Path("/opt/foretone/base")
HOME = Path("/var/opt/foretone")
UNITS = ("foretone-synth.service", "foretone.service", "foretone-panel.service")
PACKAGES = ("foretone", "foretone_hardware")
WATCHED = 2.0
"""Seconds that a new version must play without a fault; one that has played before, a quarter of that."""
STATE = Path("/var/lib/foretone")
"""A box's own sessions, models and instruments, also for commands that are typed."""
CHOSEN = Path("/var/lib/box/foretone.env")
"""What box.toml says to the services."""
ROOM = 50_000_000
"""Bytes that must be free."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class NotGoodError(Exception):
    """A version cannot play here; the message says why."""


def lay(wheel: Path, folder: Path, base: Path = BASE, python: str = "/usr/bin/python3") -> None:
    """Make the virtual environment `folder` of one wheel in front of the packages of `base`.

    All of it or nothing: it gets its name when everything is on the disk. Both may lie in a root file system
    that is yet to be booted.
    """
    root = base.parents[2]
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    (packages,) = base.glob("lib/python3.*/site-packages")
    place = draft / packages.relative_to(base)
    place.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    (place / "base.pth").write_text(f"/{packages.relative_to(root)}\n")
    (draft / "bin").mkdir()
    (draft / "bin" / "python").symlink_to(python)
    (draft / "pyvenv.cfg").write_text(f"home = {Path(python).parent}\ninclude-system-site-packages = false\n")
    scripts = configparser.ConfigParser()
    scripts.read(next(place.glob("*.dist-info/entry_points.txt")))
    for name, target in scripts["console_scripts"].items():
        module, _, function = target.partition(":")
        script = draft / "bin" / name
        script.write_text(
            f"#!/{folder.relative_to(root)}/bin/python\n"
            f"import os, sys\nos.environ.setdefault('FORETONE_HOME', '{STATE}')\n"
            f"from {module} import {function}\nsys.exit({function}())\n"
        )
        script.chmod(0o755)
    os.sync()
    draft.rename(folder)


class Box:
    """The versions below `home`, and the services that play the current one."""

    def __init__(self, home: Path = HOME, base: Path = BASE, run: Run = subprocess.run) -> None:
        self.current, self.previous = home / "current", home / "previous"
        self._versions, self._base, self._run = home / "versions", base, run

    def install(self, wheel: Path) -> str:
        """Play the version in `wheel` from here on. Raises NotGoodError, and then the old one plays."""
        if shutil.disk_usage(self._versions).free < ROOM:
            raise NotGoodError("the box has less than 50 MB free; remove old sessions, then try again")
        version = wheel.name.split("-")[1]
        name = f"{version}-{hashlib.sha256(wheel.read_bytes()).hexdigest()[:8]}"
        folder = self._versions / name
        if not folder.exists():
            lay(wheel, folder, self._base)
        self._try(folder)
        self._play(folder, WATCHED)
        self._tidy()
        return name

    def rollback(self) -> str:
        """Play the version that played before. Raises NotGoodError."""
        if not self.previous.exists():
            raise NotGoodError("no other version has played on this box yet")
        self._play(self.previous.resolve())
        return self.current.resolve().name

    def names(self) -> list[str]:
        """Every version that is there, and which one plays."""
        there = sorted(self._versions.iterdir(), key=lambda folder: folder.stat().st_mtime)
        now = self.current.resolve()
        return [
            f"{'*' if one == now else ' '} {one.name}" for one in [self._base.with_name("factory"), *there]
        ]

    def _try(self, folder: Path) -> None:
        """Let it import everything and read the instrument, while the old version plays on."""
        daemon = [str(*folder.glob(f"lib/python3.*/site-packages/{name}")) for name in PACKAGES]
        self._quietly(str(folder / "bin/python"), "-m", "compileall", "-q", *daemon)
        tried = self._quietly(str(folder / "bin/foretone"), "check", _instrument())
        if tried.returncode != 0:
            raise NotGoodError(
                f"the new version does not start on this box; the old one plays on.\n{tried.stderr}"
            )

    def _play(self, folder: Path, watched: float = WATCHED / 4) -> None:
        old = self.current.resolve()
        _point(self.current, folder)
        if fault := self._restart(watched):
            _point(self.current, old)
            again = self._restart(watched)
            raise NotGoodError(
                f"{folder.name} failed: {fault}\n{old.name} "
                + (f"was put back and failed too: {again}" if again else "was put back and plays.")
            )
        if folder != old:
            _point(self.previous, old)

    def _restart(self, watched: float) -> str:
        """Start everything anew and watch it; what went wrong, or nothing."""
        self._quietly("systemctl", "stop", "foretone-safe.service")
        self._quietly("systemctl", "reset-failed", *UNITS)
        started = self._quietly("systemctl", "restart", *UNITS)
        until = time.monotonic() + watched
        while started.returncode == 0 and time.monotonic() < until:
            time.sleep(0.2)
            if self._restarts():
                return self._last_words()
        return "" if started.returncode == 0 else self._last_words()

    def _restarts(self) -> bool:
        """Whether any of the services had to be started again."""
        shown = self._quietly("systemctl", "show", "--property=NRestarts,ActiveState", *UNITS).stdout.split()
        return any(line not in ("NRestarts=0", "ActiveState=active") for line in shown)

    def _last_words(self) -> str:
        units = [f"--unit={unit}" for unit in UNITS]
        return self._quietly("journalctl", "--output=cat", "--lines=15", "--no-pager", *units).stdout.strip()

    def _tidy(self) -> None:
        """Remove every version that no symlink names, but for the newest of them."""
        named = {self.current.resolve(), self.previous.resolve()}
        others = [folder for folder in self._versions.iterdir() if folder not in named]
        for folder in sorted(others, key=lambda folder: folder.stat().st_mtime)[:-1]:
            shutil.rmtree(folder)

    def _quietly(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self._run(command, capture_output=True, text=True, check=False)


def _instrument() -> str:
    """The instrument that the services play."""
    lines = CHOSEN.read_text().splitlines() if CHOSEN.exists() else []
    return next((line.partition("=")[2] for line in lines if line.startswith("INSTRUMENT=")), "empi")


def _point(link: Path, target: Path) -> None:
    """Make `link` a symlink to `target`, in one step that a power cut cannot halve."""
    draft = link.with_name(f".{link.name}.draft")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.rename(link)
    folder = os.open(link.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def main(arguments: Sequence[str]) -> int:
    """One command; the exit status."""
    began = time.monotonic()
    try:
        match arguments:
            case ["install", wheel]:
                done = f"{Box().install(Path(wheel))} plays"
            case ["rollback"]:
                done = f"{Box().rollback()} plays"
            case ["list"]:
                print("\n".join(Box().names()))
                return 0
            case ["lay", wheel, folder, base]:
                lay(Path(wheel), Path(folder), Path(base))
                return 0
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except NotGoodError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{done}; it took {time.monotonic() - began:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
