"""The card for Raspberry Pi Imager, which asks for name, keys and Wi-Fi only where it knows how to pass them.

python manifest.py foretone.img foretone.img.zst [URL] >foretone.rpi-imager-manifest

URL is where the compressed image can be fetched; left out: where it lies on this machine. The format is
os-list-schema.json of raspberrypi/rpi-imager, and the boards' names are those of its own list.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import sys
from pathlib import Path

BOARDS = ("pi3-64bit", "pi4-64bit")
"""The Zero 2 W counts as a Pi 3."""


def manifest(image: Path, packed: Path, url: str = "") -> dict[str, object]:
    """A list of one system."""
    made = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.UTC)
    return {
        "os_list": [
            {
                "name": "Foretone",
                "description": "An instrument that learns how its player plays, and plays back",
                "icon": "icons/use_custom.png",
                "url": url or packed.resolve().as_uri(),
                "extract_size": image.stat().st_size,
                "extract_sha256": _digest(image),
                "image_download_size": packed.stat().st_size,
                "image_download_sha256": _digest(packed),
                "release_date": f"{made:%Y-%m-%d}",
                "init_format": "systemd",
                "devices": list(BOARDS),
                "architecture": "armv8",
            }
        ]
    }


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    image, packed, *place = sys.argv[1:4]
    print(json.dumps(manifest(Path(image), Path(packed), *place), indent=1))
