"""Who may import whom: the arrows of daemon/README.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = {
    "foretone.event",
    "foretone.errors",
    "foretone.session",
    "foretone.card",
    "foretone.lite",
    "foretone.sheet",
    "foretone.gestures",
    "foretone.spotter",
}
PART = SHARED | {
    "foretone.clock",
    "foretone.parts",
    "foretone.datagrams",
    "foretone.hearing.heard",
    "foretone.packet",
    "foretone.shelf",
    "foretone_hardware.device",
    "foretone_hardware.imu",
}


def ours(path):
    """The modules of ours that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module in ("foretone", "foretone_hardware", "foretone_training"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name for name in names if name.startswith("foretone")}
    return found


def test_the_layers_and_the_independence_of_parts():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", ["sources", "players", "sinks"])
def test_parts_import_only_what_flows(folder):
    for path in (ROOT / "daemon" / "foretone" / folder).glob("*.py"):
        assert {name for name in ours(path) if not name.startswith("foretone.mapping")} <= PART, path


def test_training_meets_the_daemon_in_two_file_formats():
    for path in (ROOT / "training").rglob("*.py"):
        foreign = {name for name in ours(path) if not name.startswith("foretone_training")}
        assert foreign <= SHARED, path


def test_nothing_named_after_a_folder_can_be_imported():
    for name in ("daemon", "hardware", "training"):
        done = subprocess.run([sys.executable, "-Ic", f"import {name}"], capture_output=True, check=False)
        assert b"ModuleNotFoundError" in done.stderr


def test_the_daemon_runs_without_a_training_framework():
    unwanted = ("tensorflow", "torch", "jax", "keras", "foretone_training")
    code = "import foretone.run, foretone.players.mdrnn, sys; "
    code += f"print([name for name in sys.modules if name.split('.')[0] in {unwanted}])"
    done = subprocess.run([sys.executable, "-Ic", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
