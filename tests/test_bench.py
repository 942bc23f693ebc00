"""The benches can be run: what they measure is still there. Their figures are not for tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "bench"


@pytest.mark.parametrize(
    "name", ["predict", "latency", "idle", "mapping", "train", "sound", "teach", "gestures", "page"]
)
def test_each_bench_finds_what_it_measures(name):
    code = f"import sys; sys.path.insert(0, {str(BENCH)!r}); import {name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_step_of_ours_is_timed(tmp_path):
    done = subprocess.run(
        [sys.executable, BENCH / "predict.py", "ours", "64", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    median, worst, invocation = map(float, done.stdout.split())
    assert 0 < median <= worst
    assert 0 < invocation < median


def test_rows_are_written_as_promised(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCH))
    import measure

    monkeypatch.setattr(measure, "BUILD", tmp_path)
    peer = {"p50": 10.0}
    measure.write(
        "x", [measure.against("a", "us", 5.0, peer, "p50"), measure.against("b", "us", 5.0, None, "p50")]
    )
    written = json.loads((tmp_path / "bench" / "x.json").read_text())
    assert set(written) == {"machine", "rows"}
    first, second = written["rows"]
    assert first == {"name": "a", "value": 0.5, "unit": "ratio", "ours": 5.0, "peer": 10.0,
                     "peer_name": "impsy==1.2.1 (us)"}  # fmt: skip
    assert second["peer"] is None
    assert "not installed" in second["peer_name"]
    assert "ratio" in capsys.readouterr().out
