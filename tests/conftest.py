"""Every test is at home nowhere: what this machine's owner keeps must neither be seen nor changed."""

import os
import tempfile

import pytest

os.environ["FORETONE_HOME"] = tempfile.mkdtemp(prefix="foretone-home-")


def pytest_collection_modifyitems(items):
    """Give a second try to what waits for processes or a browser in real time."""
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def usual():
    """What the kernel says of its latency while nobody keeps the processors awake."""
    from foretone.awake import LATENCY

    try:
        told = LATENCY.read_bytes()
    except OSError:
        pytest.skip(f"{LATENCY} is not ours to open")
    if told == bytes(4):
        pytest.skip("somebody else keeps the processors awake")
    return told
