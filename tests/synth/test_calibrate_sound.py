"""`foretone calibrate --sound`, on a card that keeps time."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from foretone.synth.fit import SHAPES

if TYPE_CHECKING:
    from conftest import Studio

pytestmark = pytest.mark.live

FILE = """# mine
title = "Mine"
axes = ["x"]
[source.osc]
kind = "osc"
[sink.voice]
kind = "synth"
plays = ["osc"]
voices = ["strings", "drums"]   # two
pcm = "%s"
"""


def calibrate(studio: Studio, pcm: str) -> subprocess.CompletedProcess[str]:
    (studio.folder / "mine.toml").write_text(FILE % pcm)
    command = [
        sys.executable,
        "-m",
        "foretone",
        "calibrate",
        studio.folder / "mine.toml",
        "--sound",
        "--seconds=0.3",
    ]
    return subprocess.run(
        command, env=studio.environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_it_measures_and_writes_the_shape_that_is_safe(studio: Studio) -> None:
    done = calibrate(studio, "rtnull")
    assert "additive, 4 x 12 of 16" in done.stdout
    tried = [line.split()[0] for line in done.stdout.splitlines() if " underruns, " in line]
    assert tried[0] == "64"
    text = (studio.folder / "mine.toml").read_text()
    written = tomllib.loads(text)["sink"]["voice"]
    if done.returncode == 0:
        assert (written["period"], written["periods"]) in SHAPES
        assert tried[-1] == str(written["period"])
        assert "# two" in text
    else:  # a machine that is busy with other things may have none
        assert "no period is safe here" in done.stderr
        assert "period" not in written


def test_a_wrong_pcm_is_told(studio: Studio) -> None:
    done = calibrate(studio, "hifi")
    assert done.returncode == 1
    assert "no PCM 'hifi'" in done.stderr
    assert "Traceback" not in done.stderr
