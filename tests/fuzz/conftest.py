"""Fuzzing: each target is a test that calls `fuzz(check, *strategies)`, in a file of its own here.

The targets share the seconds in FUZZ_SECONDS: 20 in `make test`, ten minutes in `make fuzz`.
"""

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings

SECONDS = float(os.environ.get("FUZZ_SECONDS", "20"))


@pytest.fixture
def fuzz(request):
    """Calls `check` with examples until this target's share of the time is over, always other ones."""
    targets = [item for item in request.session.items if "fuzz" in item.fixturenames]
    share = SECONDS / len(targets)

    def run(check, *strategies):
        end = time.monotonic() + share
        runs = settings(
            max_examples=100,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        while time.monotonic() < end:
            runs(given(*strategies)(check))()

    return run
