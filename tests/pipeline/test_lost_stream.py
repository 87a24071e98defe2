"""The stream's file is lost, emptied or put back, and what comes then is counted, once.

Before the log's identity was a part of its shards' names, all of it was taken for what had been
counted before, and vanished.
"""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.pipeline.engine import Engine, eventually, liveinsight, running

pytestmark = pytest.mark.pipeline

SITE = "demo.example"
BESIDE = ("", "-wal", "-shm")
EVENTS = 60
TOGETHER = 20


def visit(engine: Engine) -> None:
    """Send EVENTS page views; each must be accepted."""
    for _ in range(EVENTS // TOGETHER):
        session = uuid4().hex
        views = [
            {"event_type": "page_view", "page_url": f"https://{SITE}/", "event_id": str(uuid4())}
            for _ in range(TOGETHER)
        ]
        token = engine.token(SITE, session)
        answer = engine.post(
            "/api/events", {"csrf_token": token, "session_id": session, "events": views}
        )
        assert answer.document().get("accepted") == TOGETHER, answer.content


def wait_until_counted(engine: Engine, events: int) -> None:
    def counted() -> int:
        return int(engine.get("/api/stats", site_id=SITE)["totals"]["pageviews"])

    def archived() -> int:
        return int(engine.get("/api/reconciliation", site_id=SITE)["archived"])

    eventually(lambda: counted() >= events and archived() >= events, within=120)
    assert (counted(), archived()) == (events, events)


def stream(data: Path) -> list[Path]:
    return [data / f"stream.sqlite{suffix}" for suffix in BESIDE]


def lose(data: Path) -> None:
    for path in stream(data):
        path.unlink(missing_ok=True)


def lose_file_alone(data: Path) -> None:
    stream(data)[0].unlink()


def empty(data: Path) -> None:
    lose(data)
    stream(data)[0].touch()


def restore(data: Path) -> None:
    lose(data)
    (data / "backup").replace(stream(data)[0])


def lose_wal(data: Path) -> None:
    lose(data)
    (data / "without-wal").replace(stream(data)[0])


def back_up(data: Path) -> None:
    with (
        closing(sqlite3.connect(stream(data)[0])) as found,
        closing(sqlite3.connect(data / "backup")) as kept,
    ):
        found.backup(kept)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    liveinsight("site", "add", SITE, "--public", "--data", tmp_path)
    return tmp_path


def balanced(data: Path) -> None:
    """What the proofs say at the end."""
    assert "balanced" in liveinsight("reconcile", "--site", SITE, "--data", data)
    lines = liveinsight("archive", "verify", "--data", data).splitlines()
    assert lines
    assert all(line.endswith(": whole") for line in lines), lines


@pytest.mark.parametrize("happens", [lose, empty, restore, lose_wal])
def test_what_comes_after_a_start_is_counted(data: Path, happens: Callable[[Path], None]) -> None:
    with running(data) as engine:
        visit(engine)
        back_up(data)
        visit(engine)
        wait_until_counted(engine, 2 * EVENTS)
        shutil.copy(stream(data)[0], data / "without-wal")
    happens(data)
    with running(data) as engine:
        visit(engine)
        wait_until_counted(engine, 3 * EVENTS)
    balanced(data)


@pytest.mark.parametrize("happens", [lose, lose_file_alone, restore])
def test_what_comes_while_the_engine_goes_on_is_counted(
    data: Path, happens: Callable[[Path], None]
) -> None:
    with running(data) as engine:
        visit(engine)
        back_up(data)
        visit(engine)
        wait_until_counted(engine, 2 * EVENTS)
        happens(data)
        visit(engine)
        wait_until_counted(engine, 3 * EVENTS)
    balanced(data)


def test_what_was_spilled_is_counted_once_the_broken_stream_is_moved_away(data: Path) -> None:
    """Nobody starts the engine again meanwhile. The consumer may, which cannot read the stream."""
    with running(data) as engine:
        visit(engine)
        wait_until_counted(engine, EVENTS)
        size = stream(data)[0].stat().st_size
        for path in stream(data)[1:]:
            path.unlink()
        broken = data / "broken"
        broken.write_bytes(stream(data)[0].read_bytes()[:100] + b"\xff" * (size - 100))
        broken.replace(stream(data)[0])
        visit(engine)
        assert list((data / "spill").glob("*.json"))
        lose(data)
        eventually(lambda: not list((data / "spill").glob("*.json")), within=60)
        wait_until_counted(engine, 2 * EVENTS)
    balanced(data)
