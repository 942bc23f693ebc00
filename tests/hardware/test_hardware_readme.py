"""Every example in hardware/README.md is typed in, and must answer as it says."""

import doctest
import re
from pathlib import Path

from foretone_hardware import ads1115

README = Path(__file__).parents[2] / "hardware" / "README.md"


def test_the_examples_answer_as_they_say():
    examples = "\n".join(re.findall(r"```pycon\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, "README", str(README), 0)
    assert len(test.examples) > 30
    result = doctest.DocTestRunner(verbose=False).run(test)
    assert result.failed == 0


def test_the_guide_shows_the_driver_as_it_is():
    """The constructor in "A new chip" is copied from ads1115.py."""
    [shown] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    source = Path(ads1115.__file__).read_text(encoding="utf-8")
    wanted = re.sub(r"\s+", " ", shown).strip()
    assert wanted in re.sub(r"\s+", " ", source)
