"""The services as files: correct, and locked in."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from foretone.instrument import load

SYSTEMD = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICES = ["foretone.service", "foretone-synth.service", "foretone-panel.service"]

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")


def test_every_unit_is_one(tmp_path):
    """With nothing on stderr: an unknown key is only a warning to systemd."""
    for unit in SYSTEMD.iterdir():
        if unit.suffix in (".service", ".target", ".timer", ".mount"):
            text = unit.read_text().replace("/var/opt/foretone/current/bin/foretone", "/bin/true")
            (tmp_path / unit.name).write_text(text.replace("/opt/foretone/factory/bin/foretone", "/bin/true"))
    units = sorted(tmp_path.iterdir())
    assert len(units) == 11
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", SYSTEMD / name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", sorted(SYSTEMD.glob("*.service")), ids=lambda unit: unit.name)
def test_nothing_waits_for_time_to_pass_or_for_a_network(unit):
    text = unit.read_text()
    assert "sleep" not in text
    assert "network" not in text.lower().replace("foretone-name", "")
    assert "time-sync" not in text


def test_safe_mode_replaces_only_what_is_played():
    for unit in ("foretone", "foretone-synth"):
        lines = (SYSTEMD / "safe" / f"{unit}.service.d" / "safe.conf").read_text().splitlines()
        assert "ExecStart=" in lines
        assert "Environment=FORETONE_HOME=/run/foretone/safe" in lines
        assert "/opt/foretone/factory/bin/foretone" in lines[-1]
        assert " /opt/foretone/safe.toml " in lines[-1]


def test_the_safe_instrument_is_one_that_needs_no_model():
    instrument = load(SYSTEMD / "safe/safe.toml")
    assert instrument.of("player") == []
    assert [part.kind for part in instrument.of("sink")] == ["synth"]


@pytest.mark.parametrize(
    ("status", "result", "asked"),
    [
        (75, "success", ["reset-failed foretone.service", "reset-failed foretone-synth.service",
                         "--no-block restart foretone-synth.service"]),
        (0, "success", ["reset-failed foretone.service"]),
        (1, "exit-code", []),
    ],
)  # fmt: skip
def test_a_changed_file_is_read_by_the_voice_too(tmp_path, status, result, asked):
    (tmp_path / "systemctl").write_text('#!/bin/sh\necho "$*" >> "$ASKED"\n')
    (tmp_path / "systemctl").chmod(0o755)
    told = {"ASKED": str(tmp_path / "asked"), "EXIT_STATUS": str(status), "SERVICE_RESULT": result}
    environment = {**os.environ, **told, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    (tmp_path / "asked").touch()
    for line in (SYSTEMD / "foretone.service").read_text().splitlines():
        key, _, command = line.partition("=+")
        if key == "ExecStopPost":
            assert subprocess.run(shlex.split(command), env=environment, check=False).returncode == 0
    assert (tmp_path / "asked").read_text().splitlines() == asked
