"""What a page can fetch of sessions and models, and that it can fetch nothing else."""

import asyncio

import pytest
from panel_visit import with_panel

from foretone.event import Event
from foretone.instrument import find
from foretone.panel.library import SHOWN, Library
from foretone.session import Header, row


def record(path, count=100, started="2026-11-21T20:00:00+00:00"):
    header = Header("EMPI", ("lever",), ("lever",), ("duet",), started)
    rows = [row(Event(1.0 + 0.1 * n, "lever", (n % 10 / 10,)), [0], 1, 0.0) for n in range(count)]
    path.write_text(header.text() + "".join(rows))


@pytest.fixture
def library(tmp_path):
    """Two sessions, one of them damaged; one model with its report; and a secret beside them."""
    sessions, models = tmp_path / "sessions", tmp_path / "models"
    sessions.mkdir()
    models.mkdir()
    record(sessions / "2026-11-21T20-00-00Z-empi.csv")
    (sessions / "2026-11-20T20-00-00Z-empi.csv").write_text("not a session\n")
    (models / "mine.tflite").write_bytes((find("empi").parent / "empi-s.tflite").read_bytes())
    (models / "mine.report.html").write_text("<style>p { color: red }</style><p>what it learned</p>")
    (models / "bad.tflite").write_bytes(b"no model")
    (tmp_path / "secret.csv").write_text("secret")
    return Library(sessions, models)


def test_sessions_are_listed_newest_first_and_a_damaged_one_says_so(library):
    good, bad = library.list_sessions()
    assert good == {
        "name": "2026-11-21T20-00-00Z-empi.csv", "bytes": good["bytes"], "instrument": "EMPI",
        "started": "2026-11-21T20:00:00+00:00", "length": pytest.approx(9.9), "events": 100,
    }  # fmt: skip
    assert "is not a session" in bad["fault"]
    assert str(library.sessions) not in bad["fault"], "where it lies is nobody's business"


def test_a_session_that_grew_is_read_again(library):
    before = library.list_sessions()[0]
    assert library.list_sessions()[0] is before, "nothing is read twice"
    record(library.sessions / before["name"], count=150)
    assert library.list_sessions()[0]["events"] == 150


def test_models_are_listed_with_what_their_cards_say(library):
    bad, mine = library.list_models()
    assert "fault" in bad
    assert (mine["name"], mine["kind"], mine["plays"]) == ("mine.tflite", "mdrnn", ("lever",))
    assert mine["report"] == "mine.report.html"
    assert mine["held_out_nll"] < 0


def test_a_long_session_is_thinned_for_the_picture(library):
    record(library.sessions / "long.csv", count=10 * SHOWN)
    seen = library.look("long.csv")
    assert SHOWN / 2 < len(seen["events"]) <= SHOWN
    assert seen["events"][0] == [0.0, "lever", (0.0,)]
    assert seen["length"] == pytest.approx(0.1 * (10 * SHOWN - 1), rel=1e-3)


def test_a_box_without_folders_has_nothing():
    library = Library(None, None)
    assert library.list_sessions() == library.list_models() == []
    with pytest.raises(LookupError):
        library.session("2026.csv")


@pytest.mark.parametrize("name", ["../secret.csv", "secret.csv", "", ".", "2026-11-21T20-00-00Z-empi.csv/.."])
def test_only_names_in_the_list_are_opened(library, name):
    with pytest.raises(LookupError):
        library.session(name)


def test_everything_is_fetched_over_http(run_folder, library):
    async def story(panel, address, session):
        here = address.rstrip("/")
        listed = await (await session.get(f"{here}/sessions")).json()
        assert [told["name"][:10] for told in listed] == ["2026-11-21", "2026-11-20"]
        assert {told["name"] for told in await (await session.get(f"{here}/models")).json()} == {
            "bad.tflite", "mine.tflite"}  # fmt: skip
        name = listed[0]["name"]
        seen = await (await session.get(f"{here}/sessions/{name}/look")).json()
        assert len(seen["events"]) == 100
        answer = await session.get(f"{here}/sessions/{name}")
        assert answer.headers["Content-Disposition"] == "attachment"
        assert await answer.text() == (library.sessions / name).read_text()
        damaged = await (await session.get(f"{here}/sessions/{listed[1]['name']}/look")).json()
        assert "is not a session" in damaged["fault"]
        model = await session.get(f"{here}/models/mine.tflite")
        assert await model.read() == (library.models / "mine.tflite").read_bytes()

    with_panel(run_folder, story, library=library)


def test_a_report_may_be_looked_at_but_run_nothing(run_folder, library):
    async def story(panel, address, session):
        answer = await session.get(f"{address}models/mine.report.html")
        assert answer.content_type == "text/html"
        assert "what it learned" in await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox; default-src 'none'")
        assert "script" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    with_panel(run_folder, story, library=library)


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/..%2fsecret.csv", "/sessions/../secret.csv", "/sessions/%2e%2e/secret.csv/look",
        "/models/..%2f..%2fetc%2fpasswd", "/models/mine.toml", "/sessions/secret.csv", "/models/%00.html",
    ],
)  # fmt: skip
def test_no_path_leaves_the_folders(run_folder, library, path):
    async def story(panel, address, session):
        raw = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.split(":")[2].rstrip("/")))
        writer.write(raw.encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
        assert b"\r\n\r\nsecret" not in answer

    with_panel(run_folder, story, library=library)


def test_another_page_cannot_read_them(run_folder, library):
    async def story(panel, address, session):
        answer = await session.get(f"{address}sessions", headers={"Host": "rebound.example"})
        assert answer.status == 421
        answer = await session.get(f"{address}sessions")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"

    with_panel(run_folder, story, library=library)
