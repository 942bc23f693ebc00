"""Every example in hardware/README.md is typed in, and must answer as it says."""

import contextlib
import doctest
import re
from pathlib import Path

from foretone import kinds
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


def test_every_driver_is_in_the_table_with_all_its_settings():
    text = README.read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| [^|]+ \| `(\w+)` \|(.*)\|$", text, re.MULTILINE))
    drivers = {}
    for role in ("source", "sink"):
        for name, module in kinds.names(role).items():
            with contextlib.suppress(LookupError):  # it only serves in the other role
                driver = kinds.find(role, name)
                if module.startswith("foretone_hardware") and "midi" not in kinds.house(driver):
                    drivers[name] = driver
    assert set(table) == set(drivers)
    for name, driver in drivers.items():
        told = set(re.findall(r"`(\w+)`", table[name].rpartition("|")[2]))
        assert told == set(kinds.settings(driver)), name
