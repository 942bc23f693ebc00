"""What Raspberry Pi Imager was told, as a box.toml.

Imager writes its answers as a script for Raspberry Pi OS, firstrun.sh, and makes the kernel's command line
run it once and start again ("init_format": "systemd"; version 1 does so with every image it does not know). A
box runs no such script: it reads in it what a box knows too, and leaves an empty one in its place.
Source: customization_generator.cpp of raspberrypi/rpi-imager.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foretone.box.files import write

SCRIPT, COMMAND_LINE = "firstrun.sh", "cmdline.txt"
OTHERS = {"user-data": "cloud-init", "custom.toml": "custom.toml"}
"""What Imager may leave for other systems, and what it calls that."""

RUN = re.compile(r" systemd\.(run\S*|unit=kernel-command-line\.target)")
GIVEN: dict[str, Any] = {"hostname": "foretone", "time_zone": "UTC", "instrument": "empi"}
"""What a box is where Imager was not told."""


def take(boot: Path) -> list[str]:
    """Make a box.toml of what Imager left on the boot partition; a sentence for all that comes of it.

    A box.toml that is there already stays. Raises OSError where the card cannot be written.
    """
    script, box = boot / SCRIPT, boot / "box.toml"
    said: list[str] = []
    text = script.read_text(encoding="utf-8", errors="replace") if script.exists() else ""
    if "systemd.run" in text:
        if box.exists():
            said.append("Imager's answers were left alone, because there is a box.toml.")
        else:
            table, said = understand(text)
            write(box, toml(table), 0o600)
            said.insert(0, "Its box.toml was made of the answers that Raspberry Pi Imager was given.")
        # The script is still to be run in this start, and the next one must be an ordinary one.
        line = boot / COMMAND_LINE
        if line.exists():
            write(line, RUN.sub("", line.read_text()))
        write(script, "#!/bin/sh\n", 0o755)
    for name, kind in OTHERS.items():
        if (boot / name).exists() and not box.exists():
            said.append(
                f"Imager wrote {name}, for {kind}, which a box does not read:"
                " write the card again, and choose it by foretone.rpi-imager-manifest."
            )
    return said


def understand(script: str) -> tuple[dict[str, Any], list[str]]:
    """The settings that a script holds, and a sentence for each of its answers that a box has no use for."""
    table, said = dict(GIVEN), []
    for words in _commands(script):
        match words:
            case ["imager_custom", "set_hostname", name]:
                table["hostname"] = name.lower()
            case ["imager_custom", "enable_ssh", "-k", *keys]:
                table["ssh_keys"] = keys
            case ["imager_custom", "enable_ssh"]:
                said.append("A password does not open a box. Give Imager a public key, or box.toml one.")
            case ["imager_custom", "set_wlan", *options, network, password, country]:
                table["wifi"] = {"country": country.upper(), "network": network, "password": password}
                said += [] if options in ([], ["-h"]) else [f"Wi-Fi: {' '.join(options)} was left out."]
            case ["imager_custom", "set_timezone", place]:
                table["time_zone"] = place
            case ["imager_custom", "set_keymap", _]:
                said.append("The keyboard was left out: a box has none.")
            case ["userconf", user, *_]:
                said.append(f"There is no user {user} on a box: the key opens it as root.")
    return table, said


def toml(table: dict[str, Any]) -> str:
    """That table as a box.toml."""
    lines = ["# Made of what Raspberry Pi Imager was told. The box reads it when it starts."]
    lines += [f"{key} = {_value(value)}" for key, value in table.items() if key != "wifi"]
    if "wifi" in table:
        lines += ["", "[wifi]", *(f"{key} = {_value(value)}" for key, value in table["wifi"].items())]
    return "\n".join(lines) + "\n"


def _value(value: str | list[str]) -> str:
    # TOML's strings and lists are JSON's.
    return json.dumps(value, ensure_ascii=False)


def _commands(script: str) -> Iterator[list[str]]:
    """The commands of Raspberry Pi OS that it calls; what follows `else` does the same by other means."""
    for line in script.splitlines():
        if not line.lstrip().startswith("/usr/lib/"):
            continue
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        yield [words[0].rpartition("/")[2], *words[1:]]
