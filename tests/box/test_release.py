"""Versions side by side, with a system that is a list of what was asked of it."""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def release():
    """deploy/release.py."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "deploy/release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class System:
    """Stands for systemctl: starts what it is asked to, unless the current version is a `bad` one."""

    def __init__(self, root):
        self.root, self.bad, self.asked = root, [], []

    def __call__(self, command, **_):
        self.asked.append(" ".join(map(str, command)))
        playing = (self.root / "var/opt/foretone/current").resolve().name
        text, failed = "", False
        if command[1] == "restart":
            failed = any(playing.startswith(name) for name in self.bad)
        elif command[1] == "show":
            text = "NRestarts=0\nActiveState=active\n"
        elif command[0] == "journalctl":
            text = f"{playing} says why"
        elif "check" in command:
            failed = "refused" in self.bad
        return subprocess.CompletedProcess(command, int(failed), text, "its words")


@pytest.fixture
def root(tmp_path):
    """A card with its factory version."""
    (tmp_path / "opt/foretone/base/lib/python3.11/site-packages").mkdir(parents=True)
    (tmp_path / "opt/foretone/factory").mkdir()
    (tmp_path / "var/opt/foretone/versions").mkdir(parents=True)
    (tmp_path / "var/opt/foretone/current").symlink_to(tmp_path / "opt/foretone/factory")
    return tmp_path


@pytest.fixture
def wheel(tmp_path):
    """Makes a small wheel of a version."""

    def wheel(version, text="def main():\n    print('played')\n"):
        place = tmp_path / f"foretone-{version}-py3-none-any.whl"
        with zipfile.ZipFile(place, "w") as archive:
            for package in ("foretone", "foretone_hardware"):
                archive.writestr(f"{package}/__init__.py", "")
            archive.writestr("foretone/cli.py", text)
            points = "[console_scripts]\nforetone = foretone.cli:main\n"
            archive.writestr(f"foretone-{version}.dist-info/entry_points.txt", points)
        return place

    return wheel


@pytest.fixture
def box(release, root, monkeypatch):
    """The box on that card, which watches for no longer than it must."""
    monkeypatch.setattr(release, "WATCHED", 0.0)
    system = System(root)
    box = release.Box(root / "var/opt/foretone", root / "opt/foretone/base", system)
    box.system = system
    return box


def test_a_version_is_an_environment_of_its_own_before_the_cards_packages(release, root, wheel):
    (root / "opt/foretone/base/lib/python3.11/site-packages/shared.py").write_text("x = 1")
    release.lay(wheel("1.0"), root / "opt/foretone/1.0", root / "opt/foretone/base", sys.executable)
    script = (root / "opt/foretone/1.0/bin/foretone").read_text()
    assert script.startswith("#!/opt/foretone/1.0/bin/python\n"), "as it will be on the card"
    packages = root / "opt/foretone/1.0/lib/python3.11/site-packages"
    assert (packages / "base.pth").read_text() == "/opt/foretone/base/lib/python3.11/site-packages\n"
    assert os.access(root / "opt/foretone/1.0/bin/foretone", os.X_OK)
    assert not list((root / "opt/foretone").glob(".*")), "no draft stays"


def test_a_good_version_plays_and_the_old_one_is_kept(box, root, wheel):
    assert box.install(wheel("1.0")).startswith("1.0-")
    assert box.current.resolve().name.startswith("1.0-")
    assert box.previous.resolve().name == "factory"
    assert box.rollback() == "factory"
    assert box.previous.resolve().name.startswith("1.0-"), "and forward again"


def test_one_that_does_not_start_here_is_never_switched_to(release, box, wheel):
    box.system.bad = ["refused"]
    with pytest.raises(release.NotGoodError, match="the old one plays on"):
        box.install(wheel("1.0"))
    assert box.current.resolve().name == "factory"
    assert not any("restart" in command for command in box.system.asked)


def test_one_that_fails_is_taken_back_with_its_last_words(release, box, wheel):
    box.system.bad = ["1.0-"]
    with pytest.raises(release.NotGoodError, match=r"says why\nfactory was put back and plays"):
        box.install(wheel("1.0"))
    assert box.current.resolve().name == "factory"
    assert sum("restart" in command for command in box.system.asked) == 2


def test_the_first_rollback_says_that_there_is_nothing_to_go_back_to(release, box):
    with pytest.raises(release.NotGoodError, match="no other version"):
        box.rollback()


def test_old_versions_go_but_never_one_that_is_named(box, root, wheel):
    for number in range(6):
        box.install(wheel(f"1.{number}"))
    there = {name.split("-")[0].strip("* ") for name in box.names()}
    assert there == {"factory", "1.3", "1.4", "1.5"}
    assert next(name for name in box.names() if name.startswith("*")).startswith("* 1.5-")


def test_too_little_room_is_said_before_anything_is_written(release, box, wheel, monkeypatch):
    monkeypatch.setattr(release, "ROOM", 1 << 62)
    with pytest.raises(release.NotGoodError, match="less than 50 MB"):
        box.install(wheel("1.0"))
    assert box.system.asked == []
