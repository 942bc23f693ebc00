"""Several boxes at once, with a real Ansible: the canary first, and partial failure shown per box."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
pytestmark = [
    pytest.mark.box,
    pytest.mark.skipif(not PLAYBOOK.exists(), reason="there is no Ansible: pip install -e '.[fleet]'"),
]


@pytest.fixture
def ansible(box, tmp_path):
    """Runs a playbook on these boxes; one that is `gone` listens nowhere."""

    def ansible(playbook, *names, gone=()):
        ssh = tmp_path / "ssh"
        reach = " ".join(box.inside("-n"))
        ssh.write_text(f'#!/bin/sh\nexec {reach} ssh -F /dev/null -o ControlPath=none "$@"\n')
        ssh.chmod(0o755)
        hosts = "".join(
            f"    {name}: {{ansible_host: 127.0.0.1, ansible_port: {2 if name in gone else 22}}}\n"
            for name in names
        )
        (tmp_path / "boxes.yml").write_text(f"boxes:\n  hosts:\n{hosts}")
        options = f"-i {box.key} -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
        settings = {
            "ANSIBLE_SSH_EXECUTABLE": str(ssh), "ANSIBLE_SSH_ARGS": options, "ANSIBLE_HOST_KEY_CHECKING": "0",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path), "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
        }  # fmt: skip
        done = subprocess.run(
            [PLAYBOOK, "-i", tmp_path / "boxes.yml", ROOT / "deploy/fleet" / playbook],
            env={**os.environ, **settings}, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        recap = re.findall(r"^(\S+)\s+: ok=(\d+).*unreachable=(\d+)\s+failed=(\d+)", done.stdout, re.M)
        return done, {name: tuple(map(int, counts)) for name, *counts in recap if name != "localhost"}

    return ansible


def test_the_canary_is_first_and_then_the_others(box, ansible, house):
    done, recap = ansible("deploy.yml", "canary", "second")
    assert done.returncode == 0, done.stdout
    assert recap == {"canary": (2, 0, 0), "second": (2, 0, 0)}
    plays = [match.start() for match in re.finditer(r"changed: \[(canary|second)\]", done.stdout)]
    assert done.stdout.index("[canary]") < done.stdout.index("[second]")
    assert len(plays) >= 3
    assert "0.1.0-" in box.run("readlink", "/var/opt/foretone/current").stdout
    house.until(box.sounds)
    box.run("ln", "-sfn", "/opt/foretone/factory", "/var/opt/foretone/current")


def test_when_the_canary_is_gone_no_other_box_is_touched(box, ansible):
    before = box.show("foretone-synth.service", "MainPID")
    done, recap = ansible("deploy.yml", "canary", "second", gone=["canary"])
    assert done.returncode != 0
    assert recap["canary"] == (0, 1, 0)
    assert "second" not in recap
    assert box.show("foretone-synth.service", "MainPID") == before


def test_a_box_that_is_gone_is_named_and_the_others_are_asked(ansible):
    done, recap = ansible("doctor.yml", "here", "gone", gone=["gone"])
    assert done.returncode != 0
    assert recap["gone"] == (0, 1, 0)
    assert "EMPI plays" in done.stdout
