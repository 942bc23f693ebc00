"""deploy/box.py against a box that is a folder: its commands run here, with their paths below that folder."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
MODEL = ROOT / "deploy/instruments/empi-s.tflite"
SSH = """#!/bin/sh
for command; do :; done
export PATH="BOX/bin:$PATH"
here='s#/var/#BOX/var/#g; s#/boot/#BOX/boot/#g; s#-C / #-C BOX #'
loop='s#/[$]one#BOX/$one#g; s#restoredBOX#restored#'
exec sh -c "$(printf %s "$command" | sed -e "$here" -e "$loop")"
"""
NOTE = '#!/bin/sh\necho "${0##*/} $*" >>BOX/asked\n'
"""A command of the system that only notes what it was asked."""
GUARD = '#!/bin/sh\nfor one; do case "$one" in -*|BOX/*) ;; *) exit 99; esac; done\nexec COMMAND "$@"\n'
"""A command that changes nothing outside of the folder, whatever the script says."""


@pytest.fixture
def box(tmp_path):
    """The folder. `tar` finds what it reads changed, as on a box that is being played."""
    box = tmp_path / "box"
    for folder in ("bin", "boot/firmware", "var/lib/foretone/sessions", "var/lib/box"):
        (box / folder).mkdir(parents=True)
    changed = f'#!/bin/sh\n{shutil.which("tar")} "$@" || exit\ncase "$*" in *-cf*) exit 1; esac\n'
    scripts = {"ssh": SSH, "tar": changed, "foretone": NOTE + 'echo "  player duet (mdrnn) <- lever"\n'}
    scripts |= dict.fromkeys(("systemctl", "hostname", "mount", "chown", "python3"), NOTE)
    scripts |= {name: GUARD.replace("COMMAND", shutil.which(name)) for name in ("rm", "mv", "cp", "mkdir")}
    for name, text in scripts.items():
        (box / "bin" / name).write_text(text.replace("BOX", str(box)))
        (box / "bin" / name).chmod(0o755)
    foretone = box / "var/opt/foretone/current/bin/foretone"
    foretone.parent.mkdir(parents=True)
    foretone.symlink_to(box / "bin/foretone")
    (box / "var/lib/box/foretone.env").write_text("INSTRUMENT=empi\n")
    (box / "var/lib/box/applied/songs").mkdir(parents=True)
    (box / "var/lib/box/applied/box.toml").write_text('hostname = "restored"\n')
    (box / "var/lib/box/applied/songs/one.mid").write_text("MThd")
    (box / "boot/firmware/box.toml").write_text('hostname = "of the card"\n')
    return box


@pytest.fixture
def desk(box, tmp_path):
    """Runs deploy/box.py."""

    def desk(command, *arguments, **environment):
        known = {**os.environ, "HOME": str(tmp_path), "FORETONE_SSH": str(box / "bin/ssh"), **environment}
        return subprocess.run(
            [sys.executable, ROOT / "deploy/box.py", command, "empi-1", *arguments],
            env=known, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return desk


def asked(box, name):
    """What that command of the system was asked."""
    return [line for line in (box / "asked").read_text().splitlines() if line.startswith(f"{name} ")]


def test_a_box_that_is_being_played_can_be_backed_up(box, desk, tmp_path):
    (box / "var/lib/foretone/sessions/a.csv").write_text("#")
    done = desk("backup", "box.tar.gz")
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "box.tar.gz") as archive:
        assert "var/lib/foretone/sessions/a.csv" in archive.getnames()
    assert (tmp_path / "box.tar.gz").stat().st_mode & 0o077 == 0
    shutil.rmtree(box / "var/lib/box")
    assert desk("backup", "other.tar.gz").returncode == 1, "but not without what it is"
    assert not (tmp_path / "other.tar.gz").exists()


def test_sessions_are_fetched_with_the_python_of_debian_12(box, desk, tmp_path):
    """3.11.2, whose tarfile knows no filters."""
    (tmp_path / "old/sitecustomize.py").parent.mkdir()
    (tmp_path / "old/sitecustomize.py").write_text(
        "import tarfile\n"
        "new = tarfile.TarFile.extractall\n"
        "tarfile.TarFile.extractall = lambda self, path='.', members=None: new(self, path, members)\n"
    )
    (box / "var/lib/foretone/sessions/a.csv").write_text("# played")
    (box / "var/lib/foretone/sessions/b.csv").write_text("# played too")
    done = desk("sessions", "here", PYTHONPATH=str(tmp_path / "old"))
    assert (done.returncode, done.stdout) == (0, "2 new of 2 sessions are in here.\n"), done.stderr
    (box / "var/lib/foretone/sessions/b.csv").write_text("# played too, and longer")
    assert desk("sessions", "here").stdout == "1 new of 2 sessions are in here.\n"
    there = {file.name: file.read_text() for file in (tmp_path / "here").iterdir()}
    assert there == {"a.csv": "# played", "b.csv": "# played too, and longer"}


@pytest.mark.parametrize("mounted", [True, False])
def test_a_restored_box_stays_it_at_the_next_start(box, desk, mounted):
    if not mounted:
        (box / "bin/mount").write_text((box / "bin/mount").read_text() + "exit 32\n")
    assert desk("backup", "my box.tar.gz").returncode == 0
    (box / "var/lib/box/applied/box.toml").write_text('hostname = "of the card"\n')
    done = desk("restore", "my box.tar.gz")
    assert done.returncode == 0, done.stderr
    for name in ("var/lib/box/applied/box.toml", "boot/firmware/box.toml"):
        assert (box / name).read_text() == 'hostname = "restored"\n'
    assert (box / "boot/firmware/songs/one.mid").read_text() == "MThd"
    assert {file.name for file in (box / "boot/firmware").iterdir()} == {"box.toml", "songs"}
    place = box / "boot/firmware"
    assert asked(box, "mount") == [f"mount -o remount,{how} {place}" for how in ("rw", "ro")]
    assert asked(box, "systemctl")[-1] == "systemctl start foretone.target"


@pytest.mark.parametrize("data", [gzip.compress(b"")[:10] + b"\xff" * 100, gzip.compress(b"text"), b"text"])
def test_a_damaged_backup_is_none(desk, tmp_path, data):
    (tmp_path / "bad.tar.gz").write_bytes(data)
    done = desk("restore", "bad.tar.gz")
    assert (done.returncode, done.stderr.startswith("bad.tar.gz is no backup: ")) == (1, True), done.stderr


def test_each_player_keeps_the_model_that_it_was_given(box, desk, tmp_path):
    changes = box / "var/lib/box/changes.env"
    changes.write_text("CHANGES=--set=teach.model=/var/lib/foretone/models/map.tflite\n")
    for name in ("one.tflite", "two.tflite"):
        shutil.copy(MODEL, tmp_path / name)
        done = desk("model", name)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"duet of empi-1 plays {name}.\n"
        assert (box / "var/lib/foretone/models" / name).read_bytes() == MODEL.read_bytes()
    there = "/var/lib/foretone/models"
    words = f"--set=teach.model={there}/map.tflite --set=duet.model={there}/two.tflite"
    assert changes.read_text() == f'CHANGES="{words}"\n'
    read = subprocess.run(
        ["sh", "-c", f'. {changes} && printf "%s\n" $CHANGES'], capture_output=True, check=True
    )
    assert read.stdout.decode().split("\n")[:-1] == words.split(), "a shell reads them as systemd does"
    assert asked(box, "foretone")[-1] == f"foretone check empi {words}".replace("/var/", f"{box}/var/")
    assert f'{{"model": ["duet", "{box}{there}/two.tflite"]}}' in (box / "asked").read_text()


@pytest.mark.parametrize("name", ["my model.tflite", "$HOME.tflite", "ä.tflite"])
def test_a_model_has_a_plain_name(box, desk, tmp_path, name):
    shutil.copy(MODEL, tmp_path / name)
    done = desk("model", name)
    assert (done.returncode, "give it a name of letters, digits" in done.stderr) == (1, True), done.stderr
    assert not (box / "asked").exists()


def test_the_name_of_a_backup_may_have_spaces():
    make = [
        "make",
        "--no-print-directory",
        "-n",
        "-o",
        "install",
    ]  # and within a make it would tell its folder
    command = [*make, "restore", "BOX=empi-1", "FILE=my backups/x.tar.gz"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 'box.py restore "empi-1" "my backups/x.tar.gz"' in done.stdout
    done = subprocess.run(command[:-1], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith('box.py restore "empi-1"'), "and no empty one"


def test_the_packages_of_the_card_are_locked_by_its_own_python_only(tmp_path):
    """Another one's list would lack what only 3.11 needs."""
    other, lock = tmp_path / "python3.13", ROOT / "deploy/image/wheels.lock"
    other.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = (3, 13); '\"$2\"\n"
    )
    other.chmod(0o755)
    before = lock.read_bytes()
    done = subprocess.run(
        [ROOT / "deploy/image/lock-wheels", other], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "is no Python 3.11" in done.stderr) == (1, True), done.stderr
    assert lock.read_bytes() == before


@pytest.mark.skipif(not PLAYBOOK.exists(), reason="there is no Ansible: pip install -e '.[fleet]'")
def test_a_fleet_gets_this_checkout_and_no_older_wheel(tmp_path):
    wheels = ROOT / "build/wheel"
    wheels.mkdir(parents=True, exist_ok=True)
    (wheels / "foretone-0.0.0-py3-none-any.whl").write_bytes(b"old")
    done = subprocess.run(
        [PLAYBOOK, "-i", "localhost,", ROOT / "deploy/fleet/deploy.yml"],
        env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(tmp_path)}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = wheels.iterdir()
    assert not wheel.name.startswith("foretone-0.0.0")
