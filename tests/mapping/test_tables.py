"""Examples as a file that other programs read, and back again."""

import subprocess
import sys

EXPORT = """
import sys
from pathlib import Path
from foretone.mapping import files
from foretone.mapping.project import Frame, Output, Project, Take
frame = Frame(0.5, (0.25,), (0.75,))
project = Project(("x",), (Output(name="H\\u00f6he"),), ("x",), (Take(1, (frame,)),))
assert files.export(Path(sys.argv[1]), project) == 1
assert files.take_over(Path(sys.argv[1]), project) == [[frame]]
"""


def test_names_of_any_letters_come_back_whatever_the_locale(tmp_path):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", EXPORT, tmp_path / "shown.csv"]
    subprocess.run(command, check=True, timeout=60, env=ascii_only)
    assert "out:H\u00f6he" in (tmp_path / "shown.csv").read_text(encoding="utf-8")
