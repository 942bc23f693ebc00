"""The bundle for whoever helps: how a box is, without what is secret."""

from __future__ import annotations

import io
import json
import re
import tarfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from foretone.box.parcel import strings

SETTINGS, SYSTEM = "box.toml", "system.log"
"""The texts that may hold what only box.toml can tell to be secret."""


def bundle(file: Path, name: str, texts: Mapping[str, bytes]) -> str:
    """Pack what the box `name` says into a .tar.gz; a sentence about what is in it.

    The text called box.toml says what is hidden from all of them. OSError where `file` cannot be written.
    """
    told = f"{file} says how {name} is; it holds no password, key, token or name of a network."
    try:
        hidden = secrets(texts[SETTINGS].decode())
    except ValueError:
        hidden = []
        texts = {key: text for key, text in texts.items() if key not in (SETTINGS, SYSTEM)}
        told = (
            f"{file} says how {name} is, without its box.toml and its system's log: that box.toml cannot be"
            " read, so nobody knows what in it is secret. Look at the rest before you give it away."
        )
    with tarfile.open(file, "w:gz") as archive:
        for key, text in texts.items():
            data = redacted(text.decode(errors="replace"), hidden).encode()
            member = tarfile.TarInfo(f"{name}/{key}")
            member.size, member.mtime = len(data), int(time.time())
            archive.addfile(member, io.BytesIO(data))
    return told


def secrets(text: str) -> list[str]:
    """What a box.toml says that no log, report or bundle may show, also as TOML and JSON write it.

    Nothing of it needs to be right. Of Wi-Fi the country may be shown: its two letters are in many words.
    ValueError when it is no TOML.
    """
    table = tomllib.loads(text)
    wifi = table.get("wifi")
    if isinstance(wifi, dict):
        wifi = [value for key, value in wifi.items() if key != "country"]
    told = [one.strip() for one in strings([table.get("token"), table.get("ssh_keys"), wifi])]
    escaped = [json.dumps(one, ensure_ascii=ascii)[1:-1] for one in told for ascii in (False, True)]
    return [secret for secret in dict.fromkeys([*told, *escaped]) if secret]


def redacted(text: str, hidden: Sequence[str]) -> str:
    """`text` without what is `hidden`, addresses of radios and anything that calls itself a secret."""
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, "[hidden]")
    text = re.sub(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "[hidden]", text, flags=re.I)
    text = re.sub(r"(?i)\b(password|psk|token|secret)(\W{0,3}[=:]\W{0,2})[^\s\"']+", r"\1\2[hidden]", text)
    return re.sub(r"\b(ssh-\w+|ecdsa-\S+|sk-\S+) AAAA\S+", r"\1 [hidden]", text)
