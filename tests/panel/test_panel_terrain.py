"""A mapping from above: what the page draws of it, and where it asks for one more example."""

import math

import numpy as np
import pytest
from panel_control import ABOUT
from panel_shown import CORNERS, TEXT, plane
from panel_visit import until, visit, with_panel

from foretone.panel import pointer, terrain
from foretone.panel.taught import Taught
from foretone_training import committee, mapping


def test_the_journal_is_followed_while_it_grows(shown):
    taught = Taught(shown.file, "teach", shown.path)
    taught.follow()
    assert taught.tell() == {
        "inputs": ["x", "y", "z"],
        "outputs": [{"name": name, "learn": "mlp", "classes": False} for name in ("cutoff", "level")],
        "movements": 0,
        "takes": [],
    }
    for count in (1, 2, 3):
        shown.show(CORNERS[count])
        shown.write()
        taught.follow()
        assert taught.player.history.project == shown.player.history.project
        assert [take["number"] for take in taught.tell()["takes"]] == list(range(count, 0, -1))
    shown.player.history.do("undo")
    shown.write()
    with shown.path.open("ab") as torn:
        torn.write(b'["take", 0]\n["fra')
    taught.follow()
    taught.follow()
    assert taught.player.history.project.examples == 2


def test_another_journal_in_its_place_is_read_from_its_beginning(shown):
    shown.show(*CORNERS)
    shown.write()
    taught = Taught(shown.file, "teach", shown.path)
    taught.follow()
    assert taught.player.history.project.examples == 4
    lines = shown.path.read_bytes().split(b"\n")
    shown.path.unlink()
    shown.path.write_bytes(b"\n".join(lines[:4]) + b"\n")
    taught.follow()
    assert taught.player.history.project.examples == 1


def test_the_terrain_is_what_sounds_for_a_hand_that_rests_there(shown):
    shown.show(*CORNERS, [[0.5, 0.5, 0.5], plane([0.5, 0.5])])
    shown.train()
    shown.write()
    taught = Taught(shown.file, "teach", shown.path)
    taught.follow()
    side = terrain.SIDE
    drawn = terrain.draw(taught, terrain.View(0, 1, 0, (0.3, 0.3, 0.5)))
    ground = np.array(drawn["ground"]).reshape(side, side)
    wanted = 0.1 + 0.8 * np.linspace(0, 1, side)
    assert ground == pytest.approx(np.tile(wanted, (side, 1)), abs=0.02), "across is the first input"
    outside = np.array(drawn["outside"]).reshape(side, side)
    assert outside[side // 2, side // 2] == 0.0
    assert min(outside[0, 0], outside[-1, -1]) > 0.05, "its corners lie outside of the examples"
    level = terrain.draw(taught, terrain.View(0, 1, 1, (0.3, 0.3, 0.5)))["ground"]
    assert (min(level), max(level)) == (0.2, 0.6), "within its limits"
    turned = terrain.draw(taught, terrain.View(1, 0, 0, (0.3, 0.3, 0.5)))["ground"]
    assert np.array(turned).reshape(side, side) == pytest.approx(ground.T, abs=1e-9)


def test_examples_are_drawn_with_their_way_from_the_cut(shown):
    shown.show([[0.2, 0.7, 0.5], [0.3, None]], [[0.4, 0.1, 0.9], [0.8, 0.5]], [[0.5, 0.5, 0.5], [None, 0.5]])
    shown.write()
    taught = Taught(shown.file, "teach", shown.path)
    taught.follow()
    drawn = terrain.draw(taught, terrain.View(0, 1, 0, (0.0, 0.0, 0.5)))
    assert drawn["examples"] == [[0.2, 0.7, 0.3, 0.0], [0.4, 0.1, 0.8, 0.4]]
    assert drawn["taught"] == 3
    assert (drawn["ground"], drawn["note"]) == (None, "cutoff was not trained yet.")
    assert drawn["wanted"] is not None, "it asks before anything was trained"


@pytest.mark.parametrize("view", [(0, 3, 0), (-1, 1, 0), (0, 1, 2), (0, 1, -1)])
def test_what_is_not_there_is_not_drawn(shown, view):
    taught = Taught(shown.file, "teach", shown.path)
    with pytest.raises(LookupError):
        terrain.draw(taught, terrain.View(*view, (0.5, 0.5, 0.5)))


def test_the_pointer_asks_where_no_example_is_and_not_at_the_rim():
    steps = (np.arange(16) + 0.5) / 16
    places = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    middle, doubt = pointer.point(places, np.zeros((0, 2)))
    assert places[middle] == pytest.approx([0.5, 0.5], abs=0.05), "the first one in the middle"
    assert doubt == pytest.approx(1.0)
    known = np.array([[0.2, 0.2], [0.2, 0.5], [0.2, 0.8], [0.5, 0.2], [0.5, 0.5], [0.5, 0.8]])
    place, less = pointer.point(places, known)
    assert 0.7 < places[place][0] < 0.97
    assert less < doubt / 2


def test_an_example_where_it_points_helps_more_than_one_anywhere():
    steps = (np.arange(12) + 0.5) / 12
    places = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    better = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        first, shift, second = (
            random.normal(size=(2, 24)),
            random.normal(size=24),
            random.normal(size=(24, 3)),
        )

        def play(x, first=first, shift=shift, second=second):
            return 1.0 / (1.0 + np.exp(-0.4 * np.tanh((x - 0.5) @ (3.5 * first) + shift) @ second))

        def missed(x, play=play):
            learned = committee.fit(x, play(x), mapping.Settings())
            return math.sqrt(np.square(learned.play(places) - play(places)).mean())

        shown = random.random((4, 2))
        asked = places[pointer.point(places, shown)[0]]
        anywhere = np.median([missed(np.vstack([shown, [place]])) for place in random.random((5, 2))])
        better.append(missed(np.vstack([shown, [asked]])) / anywhere)
    assert np.median(better) < 0.95


def test_over_http_takes_and_terrain_are_fetched_and_nothing_else(run_folder, control, shown):
    shown.show(*CORNERS)
    shown.train()
    shown.write()
    control.about = {**ABOUT, "file": str(shown.file), "parts": [*ABOUT["parts"], shown.about()]}
    control.settings["teach"] = {"guard": 0.0, "count_in": 0.0}
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        takes = await (await session.get(f"{address}teach/teach")).json()
        assert [take["number"] for take in takes["takes"]] == [4, 3, 2, 1]
        asked = f"{address}teach/teach/terrain?across=0&up=1&output=0"
        drawn = await (await session.get(f"{asked}&at=0.5,0.5,0.5")).json()
        assert len(drawn["ground"]) == terrain.SIDE**2
        for wrong in ("", "&at=0.5", "&at=0.5,0.5,nan", "&at=0.5,0.5,2", "&at=x", "&at=" + "0.5," * 200):
            assert (await session.get(asked + wrong)).status == 400, wrong
        for path in (
            "teach/duet",
            "teach/nobody",
            "teach/..%2fteach",
            "teach/duet/terrain?across=0&up=1&output=0&at=1",
        ):
            assert (await session.get(address + path)).status == 404, path
        same = f"{address}teach/teach/terrain?across=0&up=0&output=0&at=0.5,0.5,0.5"
        assert (await session.get(same)).status == 400

    with_panel(run_folder, story)


def test_a_journal_of_another_instrument_is_a_sentence(run_folder, control, shown, tmp_path):
    shown.file.write_text(TEXT.replace('kind = "mapping"', 'kind = "mappings"'))
    part = {"name": "teach", "role": "player", "kind": "mapping", "journal": str(shown.path), "axes": []}
    control.about = {**ABOUT, "file": str(shown.file), "parts": [part]}
    control.settings = {}
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        told = await (await session.get(f"{address}teach/teach")).json()
        assert "did you mean 'mapping'" in told["fault"]

    with_panel(run_folder, story)
