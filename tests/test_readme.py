"""What the README says to type is typed here, as it stands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
TYPED = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S) for line in block.splitlines() if line]
OURS = [line for line in TYPED if line.startswith(".venv/bin/")]
FOR_EVER = ("--set duet.mode=battle", "--set duet.model=")
"""Lines that play until somebody stops them: here for two seconds, and without a page."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of one's own, in which the lines are typed one after another."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize("line", OURS)
def test_every_line_works(line, home):
    line = line.partition("#")[0].strip()
    if any(sign in line for sign in FOR_EVER):
        line += " --seconds 2 --headless"
    program = Path(sys.executable).with_name(line.split()[0].rpartition("/")[2])
    line = f"{program} {line.partition(' ')[2]}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=home, env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_what_they_left_is_there(home):
    report = json.loads((home / "report.json").read_text())
    assert report["predictions"] > 0
    assert report["servo_writes"] > 0
    assert all(report["latency_ms"][name]["n"] > 0 for name in ("input_to_prediction", "input_to_servo"))
    assert (home / "out.wav").stat().st_size > 8 * 48000 * 4
    assert (home / "mine.tflite").exists()


def test_every_make_target_that_is_named_exists():
    named = set(re.findall(r"make ([a-z]+)", TEXT))
    assert {"play", "test", "bench", "model"} <= named
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in named:
        assert f"make {target}" in told


def test_every_link_leads_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert link.startswith("https://") or (ROOT / link).exists(), link
