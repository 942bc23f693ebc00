"""Builds rtnull, the sound card that is not there, and reads what it kept.

Set ALSA_CONFIG_PATH to what `configure` made; the PCMs are "default" and "rtnull", "mono" with one channel,
"hasty", which never waits, and, to record from sound.raw, "ear".
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt

SOURCE = Path(__file__).with_name("pcm_rtnull.c")
HEADER = Path("/usr/include/alsa/pcm_external.h")
SYSTEM = Path("/usr/share/alsa/alsa.conf")


def missing() -> str:
    """What this machine lacks to build it, as a reason to skip; "" for nothing."""
    if shutil.which("gcc") is None:
        return "needs gcc to build a sound card"
    if not (HEADER.exists() and SYSTEM.exists()):
        return "needs libasound2-dev to build a sound card"
    return ""


def build(folder: Path) -> Path:
    """Compile the plugin into `folder`; its path. Less than a second."""
    library = folder / "libasound_module_pcm_rtnull.so"
    subprocess.run(
        [
            "gcc",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-DPIC",
            "-o",
            library,
            SOURCE,
            "-lasound",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return library


def configure(library: Path, folder: Path) -> Path:
    """A whole ALSA configuration, whose card leaves frames.raw and stamps.bin in `folder`; its path."""
    path = folder / "asound.conf"
    path.write_text(
        f"""{SYSTEM.read_text()}
pcm_type.rtnull {{ lib "{library}" }}
pcm.rtnull {{
    type rtnull
    file "{folder}/frames.raw"
    stamps "{folder}/stamps.bin"
    hint {{ show on description "a card that is not there" }}
}}
pcm.!default "rtnull"
pcm.mono {{ type rtnull channels 1 }}
pcm.ear {{
    type rtnull
    infile "{folder}/sound.raw"
    channels 1
    hint {{ show on description "an ear that is not there" }}
}}
pcm.hasty {{ type file file "{folder}/hasty.raw" format raw slave.pcm {{ type null }} }}
"""
    )
    return path


def frames(folder: Path) -> npt.NDArray[np.int16]:
    """Every frame that the card was given, int16 [n, 2]; whole once the card is closed."""
    data = np.fromfile(folder / "frames.raw", "<i2")
    return data[: len(data) // 2 * 2].reshape(-1, 2)


def stamps(folder: Path) -> npt.NDArray[np.int64]:
    """A row for each write, int64 [n, 3]: CLOCK_MONOTONIC ns, frames given before, frames not played yet."""
    data = np.fromfile(folder / "stamps.bin", np.int64)
    return data[: len(data) // 3 * 3].reshape(-1, 3)


def leaves_at(folder: Path, frame: int, rate: int = 48000) -> tuple[float, float]:
    """When `frame` was handed to ALSA, and when it left the buffer: seconds of CLOCK_MONOTONIC."""
    table = stamps(folder)
    row = table[np.searchsorted(table[:, 1], frame, side="right") - 1]
    handed = float(row[0]) / 1e9
    return handed, handed + float(row[2] + frame - row[1]) / rate
