"""Dead letters back on the stream: counted once, however often it is run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.log import SqliteEventLog
from liveinsight.replay.redrive import RedriveReport, redrive
from liveinsight.runtime.errors import UsageError
from processors.dead_letter import FileDeadLetterStore
from processors.record import Poison
from schemas.event import Context, EventBatch, encode_batch
from tests.processors.stream import SITE, record

GOOD = record(encode_batch(EventBatch(SITE, b"visitor1", 0, Context(), ())), 1)
BAD = record(b"\xf3\x89\x9a\xc2", 2)


@pytest.fixture
def letters(tmp_path: Path) -> FileDeadLetterStore:
    store = FileDeadLetterStore(tmp_path / "dead-letters")
    store.put([Poison(GOOD, "unknown site"), Poison(BAD, "undecodable")])
    return store


@pytest.fixture
def log(tmp_path: Path) -> SqliteEventLog:
    return SqliteEventLog(tmp_path / "stream.sqlite", lambda: datetime.now(UTC), shards=1)


def test_what_can_be_decoded_goes_back_once_with_its_key_and_bytes(
    letters: FileDeadLetterStore, log: SqliteEventLog
) -> None:
    assert redrive(letters, log, letters.names()) == RedriveReport(1, 0, 1)
    assert redrive(letters, log, letters.names()) == RedriveReport(0, 1, 1)
    (sent,) = log.read(0, after=0, limit=10)
    assert (sent.partition_key, sent.data) == (GOOD.partition_key, GOOD.data)


def test_a_letter_that_is_not_there_is_said(
    letters: FileDeadLetterStore, log: SqliteEventLog
) -> None:
    with pytest.raises(UsageError, match="dead-letters list"):
        redrive(letters, log, ["shardId-0/1"])
    assert log.read(0, after=0, limit=10) == []
