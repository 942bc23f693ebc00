"""Power cuts at random moments of a box that records, saves or starts: what was saved is there."""

import os
import random
import select
import subprocess
import time

import pytest

pytestmark = pytest.mark.powercut
CUTS = int(os.environ.get("CUTS", "50"))
HOME = "/var/lib/foretone"
PYTHON = "/opt/foretone/factory/bin/python"
SAVE = f"""
import itertools, pathlib, sys, time
from foretone.box.files import write
home, seen = pathlib.Path("{HOME}"), [(0.0, "none", 0)]
for number in itertools.count(int(sys.argv[1])):
    write(home / "saved", f"{{number}}\\n" * 500)
    session = max(home.glob("sessions/*.csv"), key=lambda file: file.stat().st_mtime)
    seen.append((time.monotonic(), session.name, session.stat().st_size))
    while seen[1][0] < time.monotonic() - 10.0:
        del seen[0]
    print(number, *seen[0][1:], flush=True)
"""
"""Saves numbers, and says each that is saved, and how long the session was 10 s ago, which is on the disk."""
READ = f"""
import pathlib
from foretone.errors import UnplayedError
from foretone.session import read
whole = empty = events = torn = 0
for file in pathlib.Path("{HOME}/sessions").glob("*.csv"):
    try:
        session = read(file)
    except UnplayedError:
        empty += 1
    else:
        whole, events, torn = whole + 1, events + len(session.events), torn + session.torn
print(f"{{whole}} sessions with {{events}} events and {{torn}} torn lines, {{empty}} empty ones")
"""


MOST = 60
"""Writes of blocks of which a random one is the last."""


def save_until(pi, first, moment, writes):
    """Let the box save numbers from `first` on until then and a few writes more; what it said last."""
    line = [*pi.reach(), "root@127.0.0.1", f"{PYTHON} -c '{SAVE}' {first}"]
    told = b""
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as saving:
        while (left := moment - time.monotonic()) > 0:
            if select.select([saving.stdout], [], [], left)[0]:
                told += os.read(saving.stdout.fileno(), 4096)
        lost = pi.pull(writes)
        saving.kill()
        told += saving.stdout.read()
    *lines, _ = told.split(b"\n")
    number, session, size = lines[-1].split() if lines else (first - 1, b"none", 0)
    return int(number), os.fsdecode(session), int(size), lost


def cut_the_start(pi, chance):
    """Give it power, and take it away before it plays."""
    pi.power()
    moment = time.monotonic() + chance.uniform(20.0, 80.0)
    pi.until(lambda: time.monotonic() > moment)
    return pi.pull(chance.randint(1, MOST))


def test_every_cut_is_survived(new_pi):
    pi, chance = new_pi, random.Random(2)
    print("its first start is cut:", cut_the_start(pi, chance))
    pi.boot()
    pi.simulate()
    pi.until(pi.plays)
    there = 0
    for cut in range(1, CUTS + 1):
        moment, writes = time.monotonic() + chance.uniform(15.0, 60.0), chance.randint(1, MOST)
        saved, session, size, lost = save_until(pi, there + 1, moment, writes)
        if cut % 5 == 0:
            lost += ", and while it started " + cut_the_start(pi, chance)
        took = pi.boot()
        pi.until(pi.plays)
        numbers = pi.run(f"cat {HOME}/saved").stdout.split()
        assert len(numbers) in (0, 500), "one save, whole"
        assert len(set(numbers)) <= 1, "one save, whole"
        there = int(numbers[0]) if numbers else 0
        assert there >= saved, f"cut {cut}: {saved} was saved, and {there} is there"
        if size:
            kept = int(pi.run(f"stat -c %s {HOME}/sessions/{session}").stdout)
            assert kept >= size, f"cut {cut}: of {size} bytes of {session} {kept} are there"
        assert pi.run("hostname").stdout == "card\n"
        assert pi.run(f"ls -d {HOME}/.draft-*").stdout == "", "nothing half is left"
        read = pi.run(f"{PYTHON} -c '{READ}'")
        assert read.returncode == 0, read.stderr
        print(f"cut {cut}: {lost}; {there} saved; {read.stdout.strip()}; SSH after {took:.0f} s", flush=True)
