"""Writes a card, reads it back, and makes it the box of a box.toml.

python deploy/flash.py /dev/sdX box.toml            or make flash DEV=/dev/sdX BOX=box.toml
python deploy/flash.py card.img box.toml            into a file, for QEMU or another writer
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tqdm import tqdm

from foretone.box import parcel
from foretone.box.settings import Settings, load
from foretone.errors import BoxError

IMAGE = Path(__file__).parents[1] / "build" / "foretone.img.zst"
BOOT = 4 << 20
"""Bytes before the boot partition (deploy/image/partitions)."""
BLOCK = 4 << 20
PARTITION = re.compile(r"(/dev/(?:[sv]d[a-z]+|(?:mmcblk\d+|nvme\d+n\d+|loop\d+)(?=p)))p?\d+")
"""A partition by its name, and the whole disk in it."""


class FlashError(Exception):
    """The card was not written; the message says what to do."""


def refusal(device: Path, mounts: str, swaps: str = "") -> str:
    """Why `device` must not be written, seeing /proc/mounts and /proc/swaps; nothing when it may be."""
    name = os.path.realpath(device)
    used = [
        line.split()[0] for line in [*mounts.splitlines(), *swaps.splitlines()] if line.startswith("/dev/")
    ]
    for place in map(os.path.realpath, used):
        if re.fullmatch(rf"{re.escape(name)}p?\d*", place):
            return f"{place} is in use on this machine; be sure that it is the card, then: umount {place}"
    if part := PARTITION.fullmatch(name):
        return f"{device} is a partition; name the whole card, {part[1]}"
    return ""


def _below(device: Path) -> str:
    """Why not, when a file system lies on the disk through encryption, a volume group or a RAID."""
    shown = subprocess.run(
        ["lsblk", "-nro", "MOUNTPOINTS", device], capture_output=True, text=True, check=False
    )
    places = shown.stdout.split()
    return f"{device} holds {', '.join(places)} of this machine; name another disk" if places else ""


def write(image: Path, device: Path) -> None:
    """Write an image (.img or .img.zst) and read it back. Raises FlashError."""
    with _opened(image) as source, device.open("r+b", buffering=0) as target:
        room = target.seek(0, os.SEEK_END)
        is_file = stat.S_ISREG(os.fstat(target.fileno()).st_mode)
        target.seek(0)
        written, digest = 0, hashlib.sha256()
        with tqdm(unit="B", unit_scale=True, mininterval=0.5, desc="writing") as bar:
            while block := source.read(BLOCK):
                if not is_file and written + len(block) > room:
                    raise FlashError(f"{device} is too small; it has {room / 1e9:.1f} GB")
                _write_all(target, block)
                digest.update(block)
                written += len(block)
                bar.update(len(block))
        if not written:
            raise FlashError(f"{image} is empty or damaged; make image makes it")
        os.fsync(target.fileno())
        # What the card gives back must come from the card.
        os.posix_fadvise(target.fileno(), 0, written, os.POSIX_FADV_DONTNEED)
        target.seek(0)
        again = hashlib.sha256()
        with tqdm(total=written, unit="B", unit_scale=True, mininterval=0.5, desc="reading back") as bar:
            while written and (block := target.read(min(BLOCK, written))):
                again.update(block)
                written -= len(block)
                bar.update(len(block))
    if again.digest() != digest.digest():
        raise FlashError(f"{device} does not give back what was written; the card is worn out or counterfeit")


def lay_out(box: Path, settings: Settings, folder: Path) -> None:
    """Make `folder` what the boot partition gets: box.toml and, where it names one, the instrument's files.

    Raises FlashError when something would be missing there.
    """
    shutil.copyfile(box, folder / "box.toml")
    if settings.instrument.endswith(".toml"):
        parcel.copy(parcel.files(box.parent / settings.instrument), box.parent, folder)
    # As the box will, which has nothing of this machine's own.
    check = [sys.executable, "-Im", "foretone", "box", "check", str(folder / "box.toml")]
    bare = {**os.environ, "FORETONE_HOME": "/nonexistent"}
    done = subprocess.run(check, env=bare, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().replace(f"{folder}/", "")
        raise FlashError(
            f"put all that the instrument names into its folder, beside box.toml; the card's {said}"
        )


def settle(device: Path, folder: Path) -> None:
    """Put all that `folder` holds on the boot partition."""
    command = ["mcopy", "-o", "-s", "-i", f"{device}@@{BOOT}", *map(str, sorted(folder.iterdir())), "::"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FlashError(f"box.toml and its files do not fit on the boot partition: {done.stderr.strip()}")
    with device.open("rb") as target:
        os.fsync(target.fileno())


@contextlib.contextmanager
def _opened(image: Path) -> Iterator[IO[bytes]]:
    if image.suffix != ".zst":
        with image.open("rb") as file:
            yield file
        return
    with subprocess.Popen(["zstd", "-dcq", str(image)], stdout=subprocess.PIPE) as unpacked:
        assert unpacked.stdout is not None
        yield unpacked.stdout
        if unpacked.wait():
            raise FlashError(f"{image} is damaged; make image makes it again")


def _write_all(target: IO[bytes], block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[target.write(rest) :]


def _sure(device: Path) -> bool:
    """Whether the person at the screen means this disk; a file needs no asking."""
    if device.is_file() or not sys.stdin.isatty():
        return True
    shown = subprocess.run(
        ["lsblk", "-dno", "SIZE,VENDOR,MODEL", device], capture_output=True, text=True, check=False
    )
    answer = input(f"Everything on {device} ({' '.join(shown.stdout.split())}) is lost. Write it? yes/no: ")
    return answer.strip() == "yes"


def _check(device: Path, image: Path) -> None:
    """Whether one may be written to the other, and is meant to be. Raises FlashError."""
    for tool in ("mcopy", "zstd"):
        if shutil.which(tool) is None:
            raise FlashError("this needs: apt-get install mtools zstd")
    if not device.exists():
        raise FlashError(f"there is no {device}; lsblk shows the disks")
    if not image.exists():
        raise FlashError(f"there is no {image}; make image makes it")
    mounts, swaps = Path("/proc/mounts").read_text(), Path("/proc/swaps").read_text()
    if sentence := refusal(device, mounts, swaps) or _below(device):
        raise FlashError(sentence)
    if not _sure(device):
        raise FlashError("nothing was written")


def main() -> int:
    """Check, write, read back, settle."""
    parser = argparse.ArgumentParser(description="Write a card.")
    parser.add_argument("device", type=Path)
    parser.add_argument("box", type=Path)
    parser.add_argument("--image", type=Path, default=IMAGE)
    options = parser.parse_args()
    try:
        settings = load(options.box)
        with tempfile.TemporaryDirectory() as place:
            lay_out(options.box, settings, Path(place))
            _check(options.device, options.image)
            write(options.image, options.device)
            settle(options.device, Path(place))
    except (BoxError, FlashError) as error:
        print(error, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename} may be written by root only: sudo make flash ...", file=sys.stderr)
        return 1
    except OSError as error:
        place = error.filename or options.device
        print(f"{place}: {error.strerror or error}; put the card in again, or take another", file=sys.stderr)
        return 1
    print(
        f"{options.device} is {settings.hostname}; in a Pi it answers to: ssh root@{settings.hostname}.local"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
