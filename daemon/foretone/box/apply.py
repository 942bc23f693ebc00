"""`foretone box apply`: make a machine the box that its box.toml describes, and say so in plain words.

The root file system is read-only, so everything decided here lies in /var/lib/box, and the system's own files
point there (deploy/systemd/lay). Nothing of a wrong file is applied: the box stays who it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from foretone.box import imager, parcel
from foretone.box.files import DRAFT, move, same, write
from foretone.box.settings import Settings, Wifi, load
from foretone.errors import BoxError

STATUS = "box-status.txt"
"""Where the boot partition says, to whoever puts the card into a computer, what the box did."""

NEW = "run/box.new"
"""Is there until a box with a new box.toml has said its address (foretone.box.address)."""

APPLIED = "applied"
"""The folder of box.toml and the instrument's files as they were taken from the boot partition: what differs
from them there is new.
"""

Run = Callable[[Sequence[str]], object]


def _run(command: Sequence[str]) -> object:
    return subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def apply(root: Path = Path("/"), run: Run = _run) -> int:
    """Apply /boot/firmware/box.toml below `root`, and write the status beside it. 0, or 78 for a wrong file.

    Raises OSError where a disk cannot be written.
    """
    boot, state = root / "boot/firmware", root / "var/lib/box"
    state.mkdir(parents=True, exist_ok=True)
    (root / NEW).parent.mkdir(exist_ok=True)
    if not (state / "ssh_host_ed25519_key").exists():
        _make_host_key(state, run)
    status, told = 0, imager.take(boot)
    try:
        settings = load(boot / "box.toml")
        own = settings.instrument.endswith(".toml")
        files = parcel.files(boot / settings.instrument) if own else []
        _bring(files, boot, state / APPLIED, root / "var/lib/foretone/instruments")
        done = _take(settings, state, root / "var/lib/foretone")
        _remember([Path("box.toml"), *files], boot, state / APPLIED)
        (root / NEW).touch()
    except BoxError as error:
        done = ["Nothing was changed, because", *(f"  {fault}" for fault in error.faults)]
        done.append("Correct box.toml and start the box again.")
        status = 78
    text = "\n".join([f"Foretone {version('foretone')}", *told, *done, ""])
    write(boot / STATUS, text)
    print(text, end="")
    return status


def _bring(files: Sequence[Path], boot: Path, applied: Path, place: Path) -> None:
    """Put the instrument's own files where it looks for them.

    One that is on the boot partition as it was stays there as it is: it may have been changed in the page.
    """
    for file in files:
        if (place / file).exists() and same(boot / file, applied / file):
            continue
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=DRAFT) as draft:
            move(Path(shutil.copyfile(boot / file, Path(draft) / file.name)), place / file)


def _remember(files: Sequence[Path], boot: Path, applied: Path) -> None:
    """Keep what was taken: all of it or, after a power cut, none, and then it is taken once more."""
    with tempfile.TemporaryDirectory(dir=applied.parent, prefix=DRAFT) as draft:
        new = Path(draft) / APPLIED
        new.mkdir(mode=0o700)
        parcel.copy(files, boot, new)
        os.sync()
        shutil.rmtree(applied, ignore_errors=True)
        new.rename(applied)


def _take(settings: Settings, state: Path, home: Path) -> list[str]:
    """Write what each setting decides; a sentence for each."""
    write(state / "hostname", settings.hostname + "\n")
    write(state / "authorized_keys", "".join(f"{key.strip()}\n" for key in settings.ssh_keys), 0o600)
    _link(state / "localtime", Path("/usr/share/zoneinfo") / settings.time_zone)
    _optional(state / "wpa_supplicant.conf", _supplicant(settings.wifi) if settings.wifi else "", 0o600)
    write(state / "asound.conf", _sound(settings.sound_card))
    (home / "instruments").mkdir(parents=True, exist_ok=True)
    _optional(home / "panel.key", settings.token, 0o600)
    name = settings.instrument.removesuffix(".toml")
    for place in [home, *home.glob("*"), *home.glob("instruments/**/*")]:
        # On a box; where nobody is called that, the one who runs this keeps it.
        with contextlib.suppress(LookupError, PermissionError):
            shutil.chown(place, "foretone", "foretone")
    chosen = state / "foretone.env"
    if not chosen.exists() or f"INSTRUMENT={name}" not in chosen.read_text().splitlines():
        # What `make model` wrote down is for the players of another instrument.
        (state / "changes.env").unlink(missing_ok=True)
    write(chosen, f"INSTRUMENT={name}\nPANEL={'--open' if settings.token else ''}\n")
    keys = "1 SSH key opens" if len(settings.ssh_keys) == 1 else f"{len(settings.ssh_keys)} SSH keys open"
    wifi, card = settings.wifi, settings.sound_card
    return [
        f"This box is {settings.hostname}.local; {keys} it: ssh root@{settings.hostname}.local",
        f"Its time zone is {settings.time_zone}.",
        f"It plays the instrument {settings.instrument} "
        + (f"on the card {card}." if card else "on the first sound card."),
        f"It looks for the Wi-Fi {wifi.network}, in {wifi.country}."
        if wifi
        else "It has no Wi-Fi, only cables.",
        "Its page is open to whoever knows the token."
        if settings.token
        else "Its page is reached through SSH only.",
    ]


def _supplicant(wifi: Wifi) -> str:
    """For wpa_supplicant.conf(5). Keeps no password: the key comes of it as in IEEE 802.11i, H.4."""
    if len(wifi.password) == 64:
        key = bytes.fromhex(wifi.password)
    else:
        key = hashlib.pbkdf2_hmac("sha1", wifi.password.encode(), wifi.network.encode(), 4096, 32)
    return (
        f"country={wifi.country}\n"
        f"network={{\n  ssid={wifi.network.encode().hex()}\n  scan_ssid=1\n"
        f"  key_mgmt=WPA-PSK WPA-PSK-SHA256\n  psk={key.hex()}\n}}\n"
    )


def _sound(card: str) -> str:
    """ALSA's default device is that card itself, or the first, with no mixer and its delay in between."""
    place, number = (f"CARD={card}", f'"{card}"') if card else ("0", "0")
    return f'pcm.!default {{ type plug slave.pcm "hw:{place}" }}\nctl.!default {{ type hw card {number} }}\n'


def _make_host_key(state: Path, run: Run) -> None:
    with tempfile.TemporaryDirectory(dir=state, prefix=DRAFT) as draft:
        key = Path(draft) / "key"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "foretone", "-f", str(key)])
        move(Path(f"{key}.pub"), state / "ssh_host_ed25519_key.pub")
        move(key, state / "ssh_host_ed25519_key")


def _optional(path: Path, text: str, mode: int = 0o644) -> None:
    if text:
        write(path, text, mode)
    else:
        path.unlink(missing_ok=True)


def _link(path: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=DRAFT) as draft:
        link = Path(draft) / path.name
        link.symlink_to(target)
        link.replace(path)
