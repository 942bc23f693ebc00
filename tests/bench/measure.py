"""What every bench shares: rows, the table, the machine, and peers in environments of their own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
IMPSY = "impsy==1.2.1"
SKLEARN = "scikit-learn==1.7.2"
DTW = "dtaidistance==2.3.13"
PEERS = {
    "impsy": (IMPSY, "2 GB, some minutes"),
    "sklearn": (SKLEARN, "0.3 GB"),
    "dtw": (DTW, "0.1 GB"),
}


@dataclass(frozen=True)
class Row:
    """One figure. `value` is `ours`, or its ratio to `peer`; `peer_name` says who, or why there is none."""

    name: str
    value: float
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""


def write(name: str, rows: Sequence[Row]) -> None:
    """Print the table and write build/bench/NAME.json."""
    place = BUILD / "bench" / f"{name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(
        json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}, indent=2) + "\n"
    )
    print(f"\n{name}  ({machine()})")
    for row in rows:
        peer = "" if row.peer is None else f"{row.peer:.4g}"
        figures = f"{row.value:10.4g} {row.unit:6} ours {row.ours:10.4g}  peer {peer:>10}"
        print(f"  {row.name:44} {figures}  {row.peer_name}")


def machine() -> str:
    """Processor, cores, load and Python, for whoever compares two runs."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of them do not exceed."""
    return float(np.quantile(np.asarray(values), share)) if len(values) else float("nan")


def peer_python(peer: str = "impsy") -> Path | None:
    """The Python of a peer's own environment, made at the first use; None where it cannot be had."""
    package, size = PEERS[peer]
    home = BUILD / "peers" / peer
    python, done = home / "bin" / "python", home / f"{package}.installed"
    if not done.exists():
        print(f"Installing {package} in {home} ({size})", file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", home], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        done.touch()
    return python


def ask_peer(*arguments: str, peer: str = "impsy") -> dict[str, float] | None:
    """Run peers/PEER_bench.py in the peer's environment; its JSON, or None where there is none."""
    python = peer_python(peer)
    if python is None:
        return None
    script = Path(__file__).parent / "peers" / f"{peer}_bench.py"
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [python, script, *arguments], capture_output=True, text=True, env=quiet, check=False
    )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    answer: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def against(name: str, unit: str, ours: float, peer: dict[str, float] | None, key: str) -> Row:
    """A row with the ratio of ours to IMPSY's; ours alone where IMPSY is not installed."""
    if peer is None:
        return Row(name, ours, unit, ours, None, f"{IMPSY} is not installed: no ratio")
    return Row(name, ours / peer[key], "ratio", ours, peer[key], f"{IMPSY} ({unit})")
