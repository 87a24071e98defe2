"""The sink that spills, on streams that really fail."""

import resource
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from ingest.stream.breaker import PAUSES, Breaker
from ingest.stream.kinesis import KinesisEventSink
from ingest.stream.sink import EventSink, SinkRecord
from ingest.stream.spill import Spill, SpillingEventSink, Tally
from runtime.backoff import Backoff
from runtime.errors import PermanentError, RetryableError
from runtime.objects.folder import FolderObjects
from tests.aws import Aws, hooked, json_answer
from tests.ingest.spilled import (
    NOTHING_FITS,
    SPILL_FITS,
    event_log,
    ids,
    locked,
    names,
    on_stream,
    record,
    writing_at_most,
)


class Setup:
    """A sink with its parts, and a clock that the test moves."""

    def __init__(self, stream: EventSink, spill: Spill) -> None:
        self.now = 0.0
        self.spill = spill
        self.tally = Tally()
        breaker = Breaker(lambda: self.now)
        self.sink = SpillingEventSink(stream, spill, names(), self.tally, breaker)

    def spilled(self) -> list[SinkRecord]:
        return [one for name in self.spill.names() for one in self.spill.get(name) or ()]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(event_log(tmp_path), Spill(FolderObjects(tmp_path / "spill")))


def test_what_the_stream_takes_is_not_spilled(setup: Setup, tmp_path: Path) -> None:
    records = [record(n) for n in range(3)]
    for one in records:
        setup.sink.put([one])
    assert ids(*on_stream(event_log(tmp_path))) == ids(*records)
    assert setup.spilled() == []
    assert setup.tally.take() == 0


def test_what_a_locked_stream_does_not_take_is_spilled(setup: Setup, tmp_path: Path) -> None:
    before, during, after = record(1), record(2), record(3)
    setup.sink.put([before])
    with locked(tmp_path):
        setup.sink.put([during])
    setup.now += PAUSES.first
    setup.sink.put([after])
    assert ids(*on_stream(event_log(tmp_path))) == ids(before, after)
    assert setup.spilled() == [during]
    assert setup.tally.take() == 1
    assert setup.tally.take() == 0


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit is Linux's")
def test_a_disk_that_is_full_for_a_while_is_a_stream_that_is_down(
    setup: Setup, tmp_path: Path
) -> None:
    setup.sink.put([record()])
    with writing_at_most(SPILL_FITS):
        setup.sink.put([record()])
    assert setup.tally.take() == 1
    setup.now += PAUSES.first
    with writing_at_most(NOTHING_FITS), pytest.raises(RetryableError):
        setup.sink.put([record()])
    setup.now += 2 * PAUSES.first
    setup.sink.put([record()])
    assert setup.tally.take() == 0
    assert len(on_stream(event_log(tmp_path))) == 2


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def _another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE records (note TEXT)")


def _a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("damage", [_garbage, _another_program, _a_folder])
def test_a_broken_stream_file_is_a_stream_that_is_down(
    damage: Callable[[Path], None], setup: Setup, tmp_path: Path
) -> None:
    damage(tmp_path / "stream.sqlite")
    spilled = record()
    setup.sink.put([spilled])
    assert setup.spilled() == [spilled]


def test_a_stream_that_is_mended_takes_records_again(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "stream.sqlite").mkdir()
    setup.sink.put([record()])
    (tmp_path / "stream.sqlite").rmdir()
    setup.now += PAUSES.first
    setup.sink.put([record()])
    assert len(on_stream(event_log(tmp_path))) == 1
    assert len(setup.spilled()) == 1


def test_a_stream_that_is_down_is_left_alone_and_tried_again(setup: Setup, tmp_path: Path) -> None:
    setup.sink.put([record()])
    with locked(tmp_path):
        setup.sink.put([record()])
    setup.sink.put([record()])
    assert setup.tally.take() == 2, "the stream is back, but nobody has tried it yet"
    setup.now += PAUSES.first
    setup.sink.put([record()])
    setup.sink.put([record()])
    assert setup.tally.take() == 0
    assert len(on_stream(event_log(tmp_path))) == 3


def test_with_both_down_the_caller_hears_of_both(setup: Setup, tmp_path: Path) -> None:
    setup.sink.put([record()])
    (tmp_path / "spill").touch()
    with locked(tmp_path):
        for _ in range(2):
            with pytest.raises(RetryableError, match=r"neither.*spill.*was not written"):
                setup.sink.put([record()])
    assert setup.tally.take() == 0


def test_nothing_is_put_nowhere(setup: Setup, tmp_path: Path) -> None:
    event_log(tmp_path).put([])
    with locked(tmp_path):
        setup.sink.put([])
    assert setup.spilled() == []


def test_threads_lose_nothing_while_the_stream_comes_and_goes(setup: Setup, tmp_path: Path) -> None:
    records = [record(n) for n in range(160)]

    def put(number: int) -> None:
        if number % 20 == 0:
            with locked(tmp_path):
                setup.sink.put([records[number]])
            setup.now += PAUSES.first
        else:
            setup.sink.put([records[number]])

    event_log(tmp_path).put([])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(len(records))))
    spilled, taken = setup.spilled(), on_stream(event_log(tmp_path))
    assert ids(*spilled, *taken) == ids(*records)
    assert setup.tally.take() == len(spilled) > 0
    assert len(taken) > 0


def test_what_the_stream_will_never_take_is_not_spilled(aws: Aws) -> None:
    setup = Setup(KinesisEventSink(aws.kinesis, "stream"), Spill(aws.bucket("archive", "spill/")))
    with pytest.raises(PermanentError):
        setup.sink.put([SinkRecord("my.site/0", b"x" * 2**20)])
    assert setup.spilled() == []


class ImpatientClock:
    """Each look at it is a second later, so that a test need not wait out the sink's patience."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def on_aws(aws: Aws) -> Setup:
    backoff, clock = Backoff(sleep=lambda _: None), ImpatientClock()
    stream = KinesisEventSink(aws.kinesis, "stream", aws.meter, backoff, clock)
    return Setup(stream, Spill(aws.bucket("archive", "spill/")))


def throttled(request: Any, **_: Any) -> Any:
    """Refuse a record as Kinesis does under load."""
    refused = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}
    return json_answer(request, 200, {"FailedRecordCount": 1, "Records": [refused]})


def unanswered(**_: Any) -> None:
    raise ReadTimeoutError(endpoint_url="kinesis")


@pytest.mark.parametrize("fault", [throttled, unanswered])
def test_what_kinesis_does_not_take_goes_to_s3(
    fault: Callable[..., Any], on_aws: Setup, aws: Aws
) -> None:
    first, second, third = record(1), record(2), record(3)
    requests: list[Any] = []

    def counted(request: Any, **named: Any) -> Any:
        requests.append(request)
        return fault(request=request, **named)

    with hooked(aws.kinesis, counted, "PutRecords"):
        on_aws.sink.put([first])
        tried = len(requests)
        on_aws.sink.put([second])
    assert len(requests) == tried > 0, "the second must not wait for a stream that is down"
    on_aws.now += PAUSES.first
    on_aws.sink.put([third])
    assert on_aws.spilled() == [first, second]
    assert on_aws.tally.take() == 2


def test_with_kinesis_and_s3_down_the_caller_is_told(on_aws: Setup, aws: Aws) -> None:
    with (
        hooked(aws.kinesis, throttled, "PutRecords"),
        hooked(aws.s3, lambda request, **_: json_answer(request, 503, {})),
        pytest.raises(RetryableError, match=r"neither.*s3://archive/spill/"),
    ):
        on_aws.sink.put([record()])
