"""The desk's half of keeping a box alive. Everything goes through SSH, as root, with the key of box.toml.

    python deploy/box.py deploy empi-1            or, shorter, make deploy BOX=empi-1

A box is a name (empi-1 is root@empi-1.local), or what ssh takes (root@10.0.0.7). What runs on it is sent
along or is Debian's own, so a broken version can be repaired.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from pathlib import Path, PurePosixPath

from foretone.box.files import move
from foretone.box.support import bundle
from foretone.card import read_model
from foretone.errors import ModelError

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"
CURRENT = "/var/opt/foretone/current"
FORETONE = f"{CURRENT}/bin/foretone"
RELEASE = "/run/foretone-release.py"
HOME, SETTINGS = "var/lib/foretone", "var/lib/box"
CHANGES, BOOT = f"{SETTINGS}/changes.env", "/boot/firmware"
SHARED = ("-o", "ControlMaster=auto", "-o", "ControlPath=~/.ssh/foretone-%C", "-o", "ControlPersist=60")
"""One connection for all the commands of a minute."""


class DeskError(Exception):
    """Something did not work; the message says what to do."""


class Box:
    """A box that can be reached. `ssh` is the command that reaches it."""

    def __init__(self, name: str) -> None:
        if not name or name.startswith("-"):
            raise DeskError("name a box: BOX=empi-1")
        self.name = name.rpartition("@")[2].removesuffix(".local")
        self._address = name if re.search("[@.:]", name) else f"root@{name}.local"
        self._ssh = shlex.split(os.environ.get("FORETONE_SSH", "ssh"))
        Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)

    def start(self, *command: str) -> list[str]:
        """The command line that runs `command` on the box."""
        options = [*SHARED, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]
        return [*self._ssh, *options, self._address, shlex.join(command)]

    def ask(self, *command: str, given: bytes = b"", may_fail: bool = False) -> bytes:
        """What a command on the box says, when it is `given` that. Raises DeskError when it fails."""
        done = subprocess.run(self.start(*command), input=given, capture_output=True, check=False)
        if done.returncode and not may_fail:
            said = done.stderr.decode(errors="replace").strip()
            raise DeskError(said or f"{command[0]} failed on {self.name}")
        return done.stdout

    def show(self, *command: str) -> int:
        """Run a command on the box with its words on this screen; its exit status."""
        return subprocess.run(self.start(*command), stdin=subprocess.DEVNULL, check=False).returncode

    def send(self, data: bytes, there: str) -> None:
        """Lay a file on the box: all of it, or none. Raises DeskError."""
        name, draft = shlex.quote(there), shlex.quote(f"{there}.draft")
        script = (
            f'cat >{draft} && [ "$(stat -c %s {draft})" = {len(data)} ] && sync {draft} && mv {draft} {name}'
        )
        self.ask("sh", "-c", script, given=data)

    def release(self, *arguments: str) -> int:
        """Run deploy/release.py there, as a service: it finishes even when this connection does not."""
        # A file, because Python that is given nothing to run by a broken pipe has nothing to complain of.
        self.send((HERE / "release.py").read_bytes(), RELEASE)
        service = ("systemd-run", "--quiet", "--collect", "--pipe", "--wait")
        return self.show(*service, "python3", RELEASE, *arguments)


def deploy(box: Box, _: argparse.Namespace) -> int:
    """Build this checkout and play it on the box; the box goes back by itself when it fails."""
    wheels = BUILD / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    done = subprocess.run(build, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeskError(f"this checkout cannot be built; the box was not touched.\n{done.stderr}")
    (wheel,) = wheels.glob("foretone-*.whl")
    data, there = wheel.read_bytes(), f"/var/opt/foretone/{wheel.name}"
    box.send(data, there)
    if status := box.release("install", there):
        return status
    if not box.ask("readlink", CURRENT).decode().strip().endswith(hashlib.sha256(data).hexdigest()[:8]):
        raise DeskError(f"{box.name} did not take the new version, nor say why; try again, and see make logs")
    return 0


def rollback(box: Box, _: argparse.Namespace) -> int:
    """Play the version that played before."""
    return box.release("rollback")


def doctor(box: Box, options: argparse.Namespace) -> int:
    """What is wrong with the box, and its cure."""
    return box.show(FORETONE, "doctor", *(["--json"] if options.json else []))


def logs(box: Box, _: argparse.Namespace) -> int:
    """What the box says, as it says it, until Ctrl-C."""
    return box.show("journalctl", "--follow", "--lines=100", "--output=short-precise", "--unit=foretone*")


def backup(box: Box, options: argparse.Namespace) -> int:
    """Everything that is this box, in one file: what was played, models, instruments, and who it is."""
    name = f"{box.name}-{time.strftime('%Y-%m-%dT%H-%M-%S')}.tar.gz"
    file = options.file or Path("backups") / name
    file.parent.mkdir(parents=True, exist_ok=True)
    data = _packed(box, "/", HOME, SETTINGS)
    members = len(_checked(data))
    _keep(file, gzip.compress(data, mtime=0))
    print(f"{file} holds {members} files and folders of {box.name}; keep it as safe as a key.")
    return 0


def restore(box: Box, options: argparse.Namespace) -> int:
    """Make the box the one that a backup was taken of."""
    if options.file is None:
        raise DeskError("name the backup: FILE=backups/empi-1-....tar.gz")
    try:
        data = gzip.decompress(options.file.read_bytes())
        members = len(_checked(data))
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DeskError(f"{options.file} is no backup: {error}") from error
    script = f"""set -e
        rm -rf /var/lib/.restored; mkdir /var/lib/.restored
        tar -C /var/lib/.restored --numeric-owner -xpf -
        sync
        systemctl stop foretone-panel foretone foretone-synth
        for one in {HOME} {SETTINGS}; do
            rm -rf /$one.old; mv /$one /$one.old; mv /var/lib/.restored/$one /$one
        done
        sync
        rm -rf /var/lib/.restored /{HOME}.old /{SETTINGS}.old
        hostname --file /{SETTINGS}/hostname
        systemctl start foretone.target
        # Or the card's own box.toml would be applied at the next start. It goes there last.
        if [ -d /{SETTINGS}/applied ]; then
            trap 'mount -o remount,ro {BOOT} || true' EXIT
            mount -o remount,rw {BOOT} || true
            rm -rf {BOOT}/draft; cp -r /{SETTINGS}/applied {BOOT}/draft
            mv {BOOT}/draft/box.toml {BOOT}/box.toml.draft
            cp -r {BOOT}/draft/. {BOOT}
            sync; mv {BOOT}/box.toml.draft {BOOT}/box.toml; rm -r {BOOT}/draft; sync
        fi"""
    box.ask("sh", "-c", script, given=data)
    print(f"{members} files and folders are back on {box.name}; it plays.")
    return 0


def support(box: Box, options: argparse.Namespace) -> int:
    """What somebody who helps needs to see, in one file, without what is secret."""
    journal = ("journalctl", "--boot", "--no-pager", "--output=short-precise")
    texts = {
        "doctor.json": box.ask(FORETONE, "doctor", "--json", may_fail=True),
        "versions.txt": box.ask(
            "python3", "-", "list", given=(HERE / "release.py").read_bytes(), may_fail=True
        ),
        "foretone.log": box.ask(*journal, "--unit=foretone*", "--lines=5000"),
        "system.log": box.ask(*journal, "--priority=warning", "--lines=2000"),
        "status.txt": box.ask("cat", "/boot/firmware/box-status.txt", may_fail=True),
        "box.toml": box.ask("cat", f"/{SETTINGS}/applied/box.toml", may_fail=True),
        "services.txt": box.ask("systemctl", "--no-pager", "status", "foretone*", may_fail=True),
        "own.txt": box.ask("sh", "-c", f"tail -n +1 /{HOME}/instruments/*.toml", may_fail=True),
    }
    print(bundle(options.file or Path(f"{box.name}-support.tar.gz"), box.name, texts))
    return 0


def sessions(box: Box, options: argparse.Namespace) -> int:
    """Fetch what was played on the box and is not here yet."""
    folder = options.file or Path("sessions") / box.name
    folder.mkdir(parents=True, exist_ok=True)
    listed = box.ask("find", f"/{HOME}/sessions", "-name", "*.csv", "-printf", "%s %f\\n", may_fail=True)
    there = [line.split(" ", 1) for line in listed.decode().splitlines()]
    new = [name for size, name in there if not _has(folder / name, int(size))]
    if new:
        data = _packed(box, f"/{HOME}/sessions", *new)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if member.isfile() and (content := archive.extractfile(member)):
                    _keep(folder / Path(member.name).name, content.read())
    print(f"{len(new)} new of {len(there)} sessions are in {folder}.")
    return 0


def model(box: Box, options: argparse.Namespace) -> int:
    """Let a player on the box go on with another model, without a gap, and play it from then on."""
    if options.file is None:
        raise DeskError("name the model: MODEL=mine.tflite")
    try:
        _, card = read_model(options.file)
    except (ModelError, OSError) as error:
        raise DeskError(str(error)) from error
    if not re.fullmatch(r"[\w.-]+", options.file.name, re.ASCII):
        raise DeskError(f"{options.file.name}: give it a name of letters, digits, ., - and _ only")
    there = f"/{HOME}/models/{options.file.name}"
    played = box.ask("sh", "-c", f". /{SETTINGS}/foretone.env && {FORETONE} check $INSTRUMENT").decode()
    players = re.findall(rf"^  player +(\S+) \({card.kind}\)", played, re.M)
    if not players:
        raise DeskError(f"{options.file} is a {card.kind} model, and no player of {box.name} plays those")
    change = f"--set={players[0]}.model="
    noted = box.ask("cat", f"/{CHANGES}", may_fail=True).decode()
    others = [word for word in re.findall(r"--set=[^\s\"]+", noted) if not word.startswith(change)]
    changes = " ".join([*others, change + there])
    box.ask("mkdir", "-p", f"/{HOME}/models")
    box.send(options.file.read_bytes(), there)
    script = f"""set -e
        chown -R foretone: /{HOME}/models
        . /{SETTINGS}/foretone.env
        {FORETONE} check $INSTRUMENT {changes} >/dev/null"""
    box.ask("sh", "-c", script)
    # In quotes both systemd and a shell read it as one variable.
    box.send(f'CHANGES="{changes}"\n'.encode(), f"/{CHANGES}")
    script = """import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), "/run/foretone/control.sock")"""
    box.ask("python3", "-c", script, json.dumps({"model": [players[0], there]}))
    print(f"{players[0]} of {box.name} plays {options.file.name}.")
    return 0


def _packed(box: Box, folder: str, *names: str) -> bytes:
    """What lies there on the box, as tar. Of a file that is being written, what is written of it."""
    command = ["tar", "-C", folder, "--numeric-owner", "-cf", "-", "--", *names]
    return box.ask("sh", "-c", f"{shlex.join(command)} || [ $? = 1 ]")


def _keep(file: Path, data: bytes) -> None:
    """Write a file of the desk, all of it or none, and for its owner only: keys may be in it."""
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as draft:
        draft.write(data)
    move(Path(draft.name), file)


def _checked(data: bytes) -> list[str]:
    """The names in an archive of a box; DeskError when one has no business there."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
    for name in names:
        path = PurePosixPath(name)
        if ".." in path.parts or not any(path.is_relative_to(place) for place in (HOME, SETTINGS)):
            raise DeskError(f"{name} is nothing of a box; this is no backup")
    return names


def _has(file: Path, size: int) -> bool:
    return file.exists() and file.stat().st_size == size


COMMANDS = {
    command.__name__: command
    for command in (deploy, rollback, doctor, logs, backup, restore, support, sessions, model)
}


def main() -> int:
    """One command on one box."""
    parser = argparse.ArgumentParser(description="Keep a box alive over SSH.")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("box")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        return COMMANDS[options.command](Box(options.box), options)
    except DeskError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
