"""The instrument's file, read, checked, saved and taken back through the panel."""

import pytest
from panel_visit import until, visit, with_panel

from foretone import shelf
from foretone.instrument import find
from foretone.panel import workbench


@pytest.fixture
def file(tmp_path):
    """An instrument of the test's own, with its model beside it."""
    path = tmp_path / "mine.toml"
    path.write_text(find("empi").read_text().replace('title = "EMPI"', 'title = "Mine"'))
    (tmp_path / "empi-s.tflite").write_bytes((find("empi").parent / "empi-s.tflite").read_bytes())
    return path


def test_a_file_is_saved_whole_and_what_played_before_can_be_had_again(file):
    first = file.read_text()
    second = first.replace("silence = 0.8", "silence = 1.5")
    assert workbench.show(file) == {"name": "mine.toml", "text": first, "own": True, "earlier": False}
    assert workbench.save(file, second) == []
    assert file.read_text() == second
    assert workbench.show(file)["earlier"]
    assert workbench.take_back(file) == []
    assert file.read_text() == first
    assert workbench.take_back(file) == [], "and forth again"
    assert file.read_text() == second
    assert [path.name for path in file.parent.glob(".mine*")] == [".mine.toml.earlier"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('kind = "ads1115"', 'kind = "ads1116"'), "did you mean 'ads1115'"),
        (("silence = 0.8", "silence = 800"), "silence must be 0.05 to 30 s"),
        (("[player.duet]", "[player.duet"), "is not TOML"),
        (('model = "empi-s.tflite"', 'model = "none.tflite"'), "there is no model at"),
        (("pin = 17", "pin = 99"), "pin"),
    ],
)
def test_a_faulty_file_is_told_and_not_saved(file, change, fault):
    first = file.read_text()
    assert change[0] in first
    faults = workbench.save(file, first.replace(*change))
    assert any(fault in told for told in faults), faults
    assert not any(".mine" in told for told in faults), "a draft is nobody's business"
    assert file.read_text() == first
    assert [path.name for path in file.parent.glob(".mine*")] == []


def test_what_the_instrument_is_started_with_must_fit_the_file_too(file):
    """It is started again with it, and a fault then is the end of the whole show."""
    first, changes = file.read_text(), ["duet.mode=battle"]
    renamed = first.replace("duet", "duo")
    assert workbench.save(file, renamed) == []
    assert workbench.take_back(file, changes) == []
    (fault,) = workbench.save(file, renamed, changes)
    assert "--set duet.mode=battle" in fault
    covered = first.replace("silence = 0.8", "silence = 900")
    (fault,) = workbench.save(file, covered, ["duet.silence=1"])
    assert "silence must be" in fault
    assert file.read_text() == first


def test_two_lights_on_one_pin_are_found_by_a_rehearsal(file):
    clash = file.read_text() + '\n[sink.other]\nkind = "pwmled"\nplays = ["duet"]\npin = 17\n'
    assert workbench.check(file, clash) == []
    assert any("17" in told for told in workbench.save(file, clash))


@pytest.mark.parametrize("path", ["empi", "instruments/empi.toml", "../deploy/instruments/empi.toml"])
def test_a_shipped_file_is_never_changed(monkeypatch, tmp_path, path):
    monkeypatch.setattr(shelf, "HOME", tmp_path)
    monkeypatch.chdir(find("empi").parent.parent)
    shipped = find(path)
    before = shipped.read_text()
    assert workbench.show(shipped)["own"] is False
    assert workbench.save(shipped, before.replace("silence = 0.8", "silence = 1.5")) == []
    assert shipped.read_text() == before
    own = tmp_path / "instruments" / "empi.toml"
    assert find("empi") == own, "this machine's own comes in its place"
    assert "silence = 1.5" in own.read_text()
    assert workbench.take_back(own) == []
    assert own.read_text() == before


def test_over_http_a_page_of_ours_edits_and_the_instrument_is_renewed(run_folder, control, file):
    control.about = {**control.about, "file": str(file), "changes": ["duet.mode=battle"]}
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        ours = {"Origin": address.rstrip("/")}
        shown = await (await session.get(f"{address}instrument")).json()
        changed = shown["text"].replace("silence = 0.8", "silence = 1.5")
        faults = await session.post(f"{address}instrument/check", data="nonsense", headers=ours)
        assert "is not TOML" in (await faults.json())[0]
        renamed = shown["text"].replace("duet", "duo")
        for how in ("check", "save"):
            faults = await session.post(f"{address}instrument/{how}", data=renamed, headers=ours)
            assert "--set duet.mode=battle" in (await faults.json())[0]
        saved = await session.post(f"{address}instrument/save", data=changed, headers=ours)
        assert await saved.json() == []
        await until(lambda: control.asked("renew") == [True], "the instrument to be told")
        assert "silence = 1.5" in file.read_text()
        back = await session.post(f"{address}instrument/earlier", headers=ours)
        assert await back.json() == []
        assert file.read_text() == shown["text"]
        assert "ads1115" in await (await session.get(f"{address}parts")).text()

    with_panel(run_folder, story)


@pytest.mark.parametrize("origin", [None, "null", "http://rebound.example"])
def test_no_other_page_may_change_it(run_folder, control, file, origin):
    control.about = {**control.about, "file": str(file)}
    control.start()
    before = file.read_text()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        headers = {} if origin is None else {"Origin": origin}
        for how in ("check", "save", "earlier"):
            answer = await session.post(f"{address}instrument/{how}", data=before, headers=headers)
            assert answer.status == 403
        assert control.asked("renew") == []

    with_panel(run_folder, story)


def test_what_is_too_large_or_no_text_is_refused(run_folder, control, file):
    control.about = {**control.about, "file": str(file)}
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        ours = {"Origin": address.rstrip("/")}
        large = await session.post(
            f"{address}instrument/save", data="#" * (workbench.LARGEST + 1), headers=ours
        )
        assert large.status == 413
        binary = await session.post(f"{address}instrument/save", data=b"\xff\xfe", headers=ours)
        assert binary.status == 400

    with_panel(run_folder, story)


def test_without_an_instrument_there_is_nothing_to_edit(run_folder):
    async def story(panel, address, session):
        assert await (await session.get(f"{address}instrument")).json() is None
        ours = {"Origin": address.rstrip("/")}
        assert (await session.post(f"{address}instrument/save", data="x", headers=ours)).status == 503

    with_panel(run_folder, story)
