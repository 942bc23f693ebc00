"""Compiles the voice's inner loops for each processor that there is a compiler for: a part of every build.

    python3 deploy/kernel.py            after a change of kernel*.c, and by hand

One wheel serves all machines. Where nothing was compiled, numpy does the same, and takes some longer; a Pi's
library needs gcc-aarch64-linux-gnu on the machine that builds the wheel.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "daemon/foretone/synth"
MACHINES = ("x86_64", "aarch64")
FLAGS = (
    "-std=c99", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math",
    "-freciprocal-math", "-shared", "-fPIC", "-s", "-Wall", "-Wextra", "-Werror", "-Wl,--build-id=none",
)  # fmt: skip
"""Not -ffast-math, which would change how the whole process counts, numpy included."""


def build() -> list[Path]:
    """The libraries that could be made, beside their source."""
    made = []
    sources = sorted(FOLDER.glob("kernel*.[ch]"))
    crc = zlib.crc32(b"".join(path.read_bytes() for path in sources))
    units = [path for path in sources if path.suffix == ".c"]
    for machine in MACHINES:
        names = [f"{machine}-linux-gnu-gcc", *(["gcc"] if machine == platform.machine() else [])]
        compiler = next(filter(shutil.which, names), None)
        if compiler is None:
            continue
        library = FOLDER / f"kernel-{machine}.so"
        draft = library.with_suffix(f".{os.getpid()}")
        told = (f"-ffile-prefix-map={FOLDER}=.", f"-DSOURCE={crc}u")
        done = subprocess.run([compiler, *FLAGS, *told, *units, "-o", draft, "-lm"], check=False)
        if done.returncode == 0:
            # A process that plays goes on with the old one.
            draft.replace(library)
            made.append(library)
    return made


with contextlib.suppress(ImportError):
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class Kernel(BuildHookInterface):  # type: ignore[type-arg, unused-ignore]
        """hatchling's door."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
            """Before a wheel is made, or an editable installation."""
            build()


if __name__ == "__main__":
    libraries = build()
    print("\n".join(map(str, libraries)) or "There is no C compiler: numpy will do it.", file=sys.stderr)
