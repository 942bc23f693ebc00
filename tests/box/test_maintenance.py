"""Keeping a box alive over a real SSH, with the commands that a builder types."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.box


@pytest.fixture
def ssh(box):
    """How this machine reaches the box: from inside its network, with the key of its box.toml."""
    reach = ["ssh", "-F", "/dev/null", "-i", str(box.key), "-o", f"UserKnownHostsFile={box.place}/known"]
    yield [*box.inside("-n"), *reach]
    subprocess.run([*box.inside("-n"), "pkill", "-f", f"{box.place}/known"], check=False)


@pytest.fixture
def desk(ssh, tmp_path):
    """Runs deploy/box.py of this checkout, or of another."""

    def desk(command, *arguments, checkout=ROOT):
        return subprocess.run(
            [sys.executable, checkout / "deploy/box.py", command, "root@127.0.0.1", *arguments],
            env={**os.environ, "FORETONE_SSH": " ".join(ssh)}, cwd=tmp_path,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return desk


@pytest.fixture
def checkout(tmp_path):
    """A checkout of one's own, with a line of the daemon replaced."""

    def checkout(file, old, new):
        place = tmp_path / "checkout"
        # lgpio leaves a pipe, .lgd-, wherever it runs.
        skip = shutil.ignore_patterns(".venv*", "build", ".git", "tests", ".*_cache", ".lgd-*")
        shutil.copytree(ROOT, place, ignore=skip)
        text = (place / file).read_text()
        assert old in text
        (place / file).write_text(text.replace(old, new))
        return place

    return checkout


def version(box):
    """The name of the version that plays."""
    return Path(box.run("readlink", "/var/opt/foretone/current").stdout.strip()).name


def test_a_key_opens_it_and_nothing_else(box, ssh):
    quietly = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]
    done = subprocess.run(
        [*ssh, *quietly, "root@127.0.0.1", "id"], capture_output=True, text=True, check=False
    )
    assert "uid=0" in done.stdout, done.stderr
    keyless = [word for word in ssh if word not in ("-i", str(box.key))]
    done = subprocess.run(
        [*keyless, "-v", *quietly, "root@127.0.0.1", "id"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 255
    assert "Authentications that can continue: publickey\n" in done.stderr


def test_deploy_is_quick_and_rollback_quicker(box, desk, house):
    def seconds(command, name):
        """Until the version of that name sounds; the watching that follows is not counted."""
        began = time.monotonic()
        old = ("0", box.show("foretone-synth.service", "MainPID"))
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(desk, command)
            house.until(lambda: box.show("foretone-synth.service", "MainPID") not in old and box.sounds(), 60)
            took = time.monotonic() - began
        assert version(box).startswith(name)
        assert done.result().returncode == 0, done.result().stderr
        assert f"{version(box)} plays" in done.result().stdout
        return took

    assert version(box) == "factory"
    deployed, returned = seconds("deploy", "0.1.0-"), seconds("rollback", "factory")
    print(f"deploy {deployed:.1f} s, rollback {returned:.1f} s")
    assert deployed < 10.0
    assert returned < 5.0


def test_a_version_that_cannot_be_imported_never_plays(box, desk, checkout):
    before = version(box), box.show("foretone-synth.service", "MainPID")
    broken = checkout("daemon/foretone/stage.py", "from foretone.", "from foretonne.")
    done = desk("deploy", checkout=broken)
    assert done.returncode == 1
    assert "the old one plays on" in done.stderr
    assert (version(box), box.show("foretone-synth.service", "MainPID")) == before


def test_a_version_that_fails_while_playing_returns_by_itself(box, desk, checkout, house):
    before = version(box)
    broken = checkout("daemon/foretone/run.py", "        stage.open()\n", "        raise MemoryError\n")
    done = desk("deploy", checkout=broken)
    assert done.returncode == 1
    assert f"{before} was put back and plays" in done.stderr
    assert "MemoryError" in done.stderr
    assert version(box) == before
    house.until(box.sounds)
    assert box.show("foretone.service", "StatusText") == "EMPI plays"


def test_a_restored_box_is_the_one_that_was_backed_up(box, desk, house, tmp_path):
    box.run(
        "sh", "-c", "mkdir -p /var/lib/foretone/models; echo mine >/var/lib/foretone/models/mine", check=True
    )
    done = desk("backup", tmp_path / "box.tar.gz")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "box.tar.gz").stat().st_mode & 0o077 == 0
    key = box.run("cat", "/var/lib/box/ssh_host_ed25519_key").stdout
    box.run("sh", "-c", "rm -r /var/lib/foretone/models; echo other >/var/lib/box/hostname", check=True)
    box.run("sh", "-c", "echo '# of another card' >>/boot/firmware/box.toml", check=True)
    done = desk("restore", tmp_path / "box.tar.gz")
    assert done.returncode == 0, done.stderr
    assert box.run("cat", "/var/lib/foretone/models/mine").stdout == "mine\n"
    assert box.run("hostname").stdout == "empi-1\n"
    assert box.run("cmp", "/boot/firmware/box.toml", "/var/lib/box/applied/box.toml").returncode == 0
    assert box.run("cat", "/var/lib/box/ssh_host_ed25519_key").stdout == key
    house.until(box.sounds)


def test_what_is_no_backup_is_not_restored(box, desk, tmp_path):
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "LICENSE", "var/lib/box/../../../etc/passwd")
    done = desk("restore", tmp_path / "evil.tar.gz")
    assert (done.returncode, done.stderr.count("this is no backup")) == (1, 1)
    (tmp_path / "text").write_bytes(gzip.compress(b"text"))
    assert "is no backup" in desk("restore", tmp_path / "text").stderr
    assert box.sounds()


def test_sessions_come_home_once(box, desk, tmp_path, house):
    house.until(lambda: box.run("sh", "-c", "ls /var/lib/foretone/sessions").stdout)
    assert "new of" in desk("sessions", tmp_path / "here").stdout
    first = {file.name for file in (tmp_path / "here").iterdir()}
    assert first
    finished = sorted(first)[0]
    assert (tmp_path / "here" / finished).read_text().startswith("#")


def test_the_bundle_for_a_helper_has_no_secret(box, desk, tmp_path):
    box.run("logger", "-t", "foretone", "the password: lever-lever and token=abcdefgh", check=True)
    done = desk("support", tmp_path / "help.tar.gz")
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "help.tar.gz") as bundle:
        texts = {Path(name).name: bundle.extractfile(name).read().decode() for name in bundle.getnames()}
    assert '"findings"' in texts["doctor.json"]
    assert "EMPI plays" in texts["foretone.log"]
    assert "* factory" in texts["versions.txt"]
    assert 'hostname = "empi-1"' in texts["box.toml"]
    key = box.key.with_suffix(".pub").read_text().split()[1]
    for secret in (key, "lever-lever", "abcdefgh"):
        assert not [name for name, text in texts.items() if secret in text]


def test_a_model_of_ones_own_plays_without_a_gap_and_from_then_on(box, desk, house, tmp_path):
    mine = tmp_path / "mine.tflite"
    shutil.copy(ROOT / "deploy/instruments/empi-s.tflite", mine)
    units = ("foretone-synth.service", "foretone.service")
    before = [box.show(unit, "MainPID") for unit in units]
    done = desk("model", mine)
    assert done.returncode == 0, done.stderr
    assert "duet of 127.0.0.1 plays mine.tflite" in done.stdout
    assert [box.show(unit, "MainPID") for unit in units] == before
    box.run("systemctl", "restart", "foretone.service", check=True)
    command = box.run("cat", f"/proc/{box.show('foretone.service', 'MainPID')}/cmdline").stdout
    assert "--set=duet.model=/var/lib/foretone/models/mine.tflite" in command
    mine.write_bytes(b"no model")
    assert desk("model", mine).returncode == 1


def test_the_doctor_looks_the_box_over(box, desk):
    done = desk("doctor", "--json")
    assert '"says": "EMPI plays;' in done.stdout
    assert '"says": "foretone-synth runs"' in done.stdout
    assert done.returncode == 1, "a box without a sound card is not well"
