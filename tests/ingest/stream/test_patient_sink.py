"""Long work does not end because the stream is busy for a moment."""

from collections.abc import Sequence

import pytest

from ingest.stream.patient import PatientEventSink
from ingest.stream.sink import SinkRecord
from runtime import patience
from runtime.backoff import Backoff
from runtime.errors import PermanentError, RetryableError
from tests.imports.recording_sink import RecordingSink

RECORDS = [SinkRecord("key", b"data")]


class BusySink(RecordingSink):
    def __init__(self, failures: int, error: type[Exception] = RetryableError) -> None:
        super().__init__()
        self.failures, self.error = failures, error

    def put(self, records: Sequence[SinkRecord]) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error("busy")
        super().put(records)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backoff, "wait", lambda *_, **__: False)


def test_records_are_put_until_the_stream_takes_them() -> None:
    sink = BusySink(patience.LONG_WORK_FAILURES - 1)
    PatientEventSink(sink).put(RECORDS)
    assert sink.failures == -1


def test_it_gives_up_after_minutes() -> None:
    with pytest.raises(RetryableError):
        PatientEventSink(BusySink(patience.LONG_WORK_FAILURES)).put(RECORDS)


def test_what_can_never_be_put_is_not_tried_again() -> None:
    sink = BusySink(2, PermanentError)
    with pytest.raises(PermanentError):
        PatientEventSink(sink).put(RECORDS)
    assert sink.failures == 1
