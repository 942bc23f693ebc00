"""`box.toml`: who a box is. Checked whole, so that a card is not written with a mistake in it.

hostname = "empi-1"                  # empi-1.local
ssh_keys = ["ssh-ed25519 AAAA... me@desk"]
time_zone = "Europe/Vienna"
instrument = "empi"                  # a shipped one, or mine.toml beside this file
sound_card = "sndrpihifiberry"       # as `aplay -l` names it; left out: the first one
token = "..."                        # opens the page to the network for who knows it

[wifi]
country = "AT"                       # without it the radio stays off
network = "Studio"
password = "..."
"""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretone import instrument, kinds
from foretone.errors import BoxError, InstrumentError

KEY_TYPES = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip

COUNTRIES = Path("/usr/share/zoneinfo/iso3166.tab")
"""Debian's tzdata lists the countries of ISO 3166 here."""


@dataclass(frozen=True)
class Wifi:
    """One network. `country` is ISO 3166, `network` the name it shows, `password` WPA's: 8..63 characters, or
    the 64 of the key that is made of them.
    """

    country: str
    network: str
    password: str


@dataclass(frozen=True)
class Settings:
    """A checked box.toml. `sound_card` and `token` are empty, and `wifi` None, where the file has none."""

    hostname: str
    ssh_keys: tuple[str, ...]
    time_zone: str
    instrument: str
    sound_card: str = ""
    token: str = ""
    wifi: Wifi | None = None


def load(path: Path) -> Settings:
    """Read and check a box.toml. Raises BoxError with all its faults."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BoxError(path, [f"is not TOML: {error}"]) from error
    except (OSError, ValueError) as error:
        raise BoxError(path, [f"cannot be read: {getattr(error, 'strerror', None) or error}"]) from error
    faults = [*_keys("", table, CHECKS, REQUIRED), *_wifi(table.get("wifi"))]
    if isinstance(name := table.get("instrument"), str) and name:
        faults += _instrument(name, path.parent)
    if faults:
        raise BoxError(path, faults)
    wifi = Wifi(**table["wifi"]) if "wifi" in table else None
    return Settings(**{**table, "ssh_keys": tuple(table["ssh_keys"]), "wifi": wifi})


def _keys(
    place: str, table: dict[str, Any], checks: dict[str, Any], required: tuple[str, ...]
) -> Iterator[str]:
    """The faults of one table: keys that are not known, missing, or wrong."""
    for key in table:
        if key not in checks:
            yield f"{place}{key} is not known{kinds.nearest(key, checks)}; there are {', '.join(checks)}"
    for key, check in checks.items():
        if key in table:
            if check and (sentence := check(table[key])):
                yield f"{place}{key} {sentence}"
        elif key in required:
            yield f"{place}{key} is missing"


def _hostname(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        return ""
    return "must be 1 to 63 of a-z, 0-9 and -, and neither begin nor end with -"


def _ssh_keys(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return 'must be a list with a public key, ["ssh-ed25519 AAAA... me@desk"]: it is the only way in'
    return next((f"number {n}: {sentence}" for n, key in enumerate(value, 1) if (sentence := _key(key))), "")


def _key(value: Any) -> str:
    if not isinstance(value, str):
        return "must be a line of text"
    if "PRIVATE KEY" in value:
        return "this is the private key, which must never leave your machine; give the file that ends in .pub"
    kind, _, rest = value.strip().partition(" ")
    if kind not in KEY_TYPES or "\n" in value.strip():
        return f"must be the line of a .pub file; it begins with {KEY_TYPES[0]}"
    try:
        blob = base64.b64decode(rest.split(" ")[0], validate=True)
    except binascii.Error:
        blob = b""
    # RFC 4253, 6.6: the blob begins with the length and the name of its own type.
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()) or len(blob) < 40:
        return "is not whole; copy the line of the .pub file again"
    return ""


def _time_zone(value: Any) -> str:
    known = zoneinfo.available_timezones()
    if not isinstance(value, str) or value not in known:
        return f"must be a place as in 'Europe/Vienna'{kinds.nearest(value, known)}"
    return ""


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "must be a text in quotes"


def _instrument(name: str, folder: Path) -> list[str]:
    """What is wrong with a shipped instrument's name, or with a file beside box.toml."""
    if name.endswith(".toml") and ("/" in name or name == "box.toml"):
        return ["instrument must be the name of a shipped one, or of a .toml file beside box.toml"]
    try:
        instrument.load(folder / name if name.endswith(".toml") else instrument.find(name))
    except InstrumentError as error:
        return [f"instrument: {fault}" for fault in error.faults]
    return []


def _sound_card(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,15}", value):
        return ""
    return "must be a card's short name, as in `aplay -l`: card 1: sndrpihifiberry [...]"


def _token(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{16,}", value):
        return ""
    return "must be at least 16 of A-Z, a-z, 0-9, - and _"


def _wifi(table: Any) -> Iterator[str]:
    if isinstance(table, dict):
        yield from _keys("wifi.", table, WIFI, tuple(WIFI))
    elif table is not None:
        yield "wifi must be a table: [wifi], and below it country, network and password"


def _country(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2}", value):
        return 'must be two capital letters, as in "AT": without the right one the radio stays off'
    if COUNTRIES.exists() and not re.search(rf"^{value}\t", COUNTRIES.read_text(), re.M):
        return f"{value!r} is no country of ISO 3166"
    return ""


def _network(value: Any) -> str:
    return "" if isinstance(value, str) and 1 <= len(value.encode()) <= 32 else "must be 1 to 32 bytes long"


def _password(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[ -~]{8,63}|[0-9A-Fa-f]{64}", value):
        return ""
    return "must be 8 to 63 ordinary characters, as WPA demands, or the 64 of its key"


REQUIRED = ("hostname", "ssh_keys", "time_zone", "instrument")
CHECKS = {
    "hostname": _hostname,
    "ssh_keys": _ssh_keys,
    "time_zone": _time_zone,
    "instrument": _text,
    "sound_card": _sound_card,
    "token": _token,
    "wifi": None,
}
WIFI = {"country": _country, "network": _network, "password": _password}
