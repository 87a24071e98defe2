"""The bad path from end to end: kept once, the rest counted; after a fix redriven, counted once."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ingest.log import SqliteEventLog
from ingest.sink import SinkRecord
from schemas.event import Context, Event, EventBatch, EventType, encode_batch
from tests.pipeline.engine import liveinsight, stats

pytestmark = pytest.mark.pipeline

KNOWN, LATE = "known.example", "late.example"
UNDECODABLE = [
    b"",
    b'{"event": "page_view"}',
    b"\xf3\x89\x9a\xc2 a KPL aggregate",
    b"\xc3\x01unknown!",
    bytes(1024 * 1024),
]


def view(site_id: str) -> SinkRecord:
    now = int(datetime.now(UTC).timestamp() * 1000)
    event = Event(uuid4().bytes, EventType.PAGE_VIEW, now, "session-a", site_id, "/")
    batch = EventBatch(site_id, b"visitor1", now, Context(), (event,))
    return SinkRecord(f"{site_id}/0", encode_batch(batch))


def test_poison_is_kept_once_and_counted_once_after_a_fix(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return json.loads(liveinsight("dead-letters", *arguments, "--data", tmp_path, "--json"))

    liveinsight("site", "add", KNOWN, "--data", tmp_path)
    log = SqliteEventLog(tmp_path / "stream.sqlite", lambda: datetime.now(UTC))
    truncated = view(KNOWN).data[:-3]
    poison = [SinkRecord(f"{KNOWN}/0", data) for data in (*UNDECODABLE, truncated)]
    log.put([view(KNOWN), *poison, view(LATE), view(KNOWN)])
    assert run("redrive") == {"redriven": 0, "redriven_before": 0, "still_poison": 0}
    assert stats(KNOWN, tmp_path)["totals"]["pageviews"] == 2

    letters = run("list")["dead_letters"]
    assert len(letters) == len(poison) + 1
    (late,) = [one for one in letters if one["reason"] == f"unknown site {LATE!r}"]
    shown = json.loads(liveinsight("dead-letters", "show", late["name"], "--data", tmp_path))
    assert shown == late

    liveinsight("site", "add", LATE, "--data", tmp_path)
    assert run("redrive") == {"redriven": 1, "redriven_before": 0, "still_poison": len(poison)}
    assert run("redrive") == {"redriven": 0, "redriven_before": 1, "still_poison": len(poison)}
    assert stats(LATE, tmp_path)["totals"]["pageviews"] == 1
    assert len(run("list")["dead_letters"]) == len(letters)
