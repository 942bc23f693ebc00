"""Parts of the panel's tests: a control process, the panel as a process, and a page in a real browser."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


def _load(name):
    # Test folders are not packages, so what tests share is loaded by its place.
    spec = importlib.util.spec_from_file_location(f"panel_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


browser = _load("browser")
control_process = _load("control")
_load("visit")
shown_mapping = _load("shown")

PANEL = "import sys; from pathlib import Path; from foretone.panel.server import Panel, main; \
panel = Panel(Path(input()), port=int(input())); \
sys.exit(main(panel, lambda address, _: print(address, flush=True)))"


@pytest.fixture
def run_folder():
    """A run folder with a short name, as a Unix socket needs one."""
    folder = Path(tempfile.mkdtemp(prefix="foretone-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def control(run_folder):
    """A control process that is not started yet."""
    control = control_process.Control(run_folder)
    yield control
    control.stop()


@pytest.fixture
def shown(tmp_path):
    """A mapping that was shown nothing yet."""
    made = shown_mapping.Shown(tmp_path)
    yield made
    made.journal.close()


@pytest.fixture(scope="session")
def next_panel():
    """Gives panels as real processes that wait to be told their folder and port.

    Each began while the one before was tested: what it imports takes longer than most tests.
    """
    command = [sys.executable, "-c", PANEL]
    with contextlib.ExitStack() as ending:

        def begin():
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            ending.enter_context(process)
            ending.callback(process.kill)
            return process

        waiting = [begin()]

        def give():
            waiting.append(begin())
            return waiting.pop(0)

        yield give


@pytest.fixture
def start_panel(run_folder, next_panel):
    """Starts panels: `start_panel(port=0)` gives (process, address)."""
    with contextlib.ExitStack() as ending:

        def start(port=0):
            process = next_panel()
            ending.callback(process.kill)
            print(run_folder, port, sep="\n", file=process.stdin, flush=True)
            return process, process.stdout.readline().strip()

        yield start


@pytest.fixture(scope="session")
def chromium():
    """One headless Chromium for all tests; every page it opens is a new tab."""
    missing = browser.missing()
    if missing:
        pytest.skip(missing)
    driver = browser.start()
    yield driver
    driver.quit()


@pytest.fixture
def open_page(chromium):
    """Opens the page like a visitor: `open_page(address, phone=True)` gives a browser.Page."""
    with contextlib.ExitStack() as ending:

        def open_page(address, phone=False):
            page = browser.Page(chromium, address, phone)
            ending.callback(page.close)
            return page

        yield open_page
