"""Power cuts at random moments while the box records and saves: it starts again, with what was saved."""

import os
import random
import select
import subprocess
import time

import pytest

pytestmark = pytest.mark.powercut
CUTS = int(os.environ.get("CUTS", "50"))
SAVE = """
import itertools, pathlib, sys
from foretone.box.apply import write
for number in itertools.count(int(sys.argv[1])):
    write(pathlib.Path("/var/lib/foretone/saved"), f"{number}\\n" * 500)
    print(number, flush=True)
"""
READ = """
import pathlib
from foretone.session import read
for file in pathlib.Path("/var/lib/foretone/sessions").glob("*.csv"):
    if file.stat().st_size:
        read(file)
"""
PYTHON = "/var/opt/foretone/current/bin/python"


def save_until(pi, first, moment):
    """Let the box save numbers from `first` on until then; the last one that it said was saved."""
    line = [*pi.reach(), "root@127.0.0.1", f"{PYTHON} -c '{SAVE}' {first}"]
    saved = first - 1
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as saving:
        told = b""
        while (left := moment - time.monotonic()) > 0:
            if select.select([saving.stdout], [], [], left)[0]:
                told += os.read(saving.stdout.fileno(), 4096)
                *lines, told = told.split(b"\n")
                saved = int(lines[-1]) if lines else saved
        pi.pull()
        saving.kill()
    return saved


def test_every_cut_is_survived(pi):
    chance = random.Random(1)
    pi.until(pi.plays)
    pi.run("echo 'RUN=--board=fake --ghost' >/var/lib/box/changes.env; sync; systemctl restart foretone")
    saved = 0
    for cut in range(CUTS):
        saved = save_until(pi, saved + 1, time.monotonic() + chance.uniform(5.0, 40.0))
        took = pi.boot()
        pi.until(pi.plays)
        numbers = set(pi.run("cat /var/lib/foretone/saved").stdout.split())
        assert len(numbers) <= 1, "one save, whole"
        there = int(numbers.pop()) if numbers else 0
        assert there >= saved, f"cut {cut}: {saved} was saved, and {there} is there"
        assert pi.run("hostname").stdout == "card\n"
        read = pi.run(f"{PYTHON} -c '{READ}'")
        assert read.returncode == 0, read.stderr
        print(f"cut {cut + 1}: {there} saved, SSH after {took:.0f} s")
        saved = there
