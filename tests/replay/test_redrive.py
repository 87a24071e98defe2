"""Dead letters back on the stream: counted once, however often it is run."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.hits.client import Client
from ingest.hits.shape import kept_of
from ingest.stream.sqlite import SqliteEventLog
from liveinsight.replay.redrive import RedriveReport, decodable, judged_again, redrive
from processors.dead_letter import DeadLetters
from processors.record import UNWRITABLE, Poison
from runtime.errors import UsageError
from runtime.objects.folder import FolderObjects
from runtime.sites.site import Site
from schemas.event import Context, EventBatch, RejectedHit, decode_batch, encode_batch
from schemas.hit import MAX_BODY_BYTES, MAX_HITS
from tests.processors.stream import SITE, record

GOOD = record(encode_batch(EventBatch(SITE, b"visitor1", 0, Context(), ())), 1)
BAD = record(b"\xf3\x89\x9a\xc2", 2)


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    store = DeadLetters(FolderObjects(tmp_path / "dead-letters"))
    store.put([Poison(GOOD, "unknown site"), Poison(BAD, "undecodable")])
    return store


@pytest.fixture
def log(tmp_path: Path) -> SqliteEventLog:
    return SqliteEventLog(tmp_path / "stream.sqlite", lambda: datetime.now(UTC), shards=1)


def test_what_can_be_decoded_goes_back_once_with_its_key_and_bytes(
    letters: DeadLetters, log: SqliteEventLog
) -> None:
    assert redrive(letters, log, letters.names(), decodable) == RedriveReport(1, 0, 1)
    assert redrive(letters, log, letters.names(), decodable) == RedriveReport(0, 1, 1)
    (sent,) = log.read(log.shards()[0], after=0, limit=10)
    assert (sent.partition_key, sent.data) == (GOOD.partition_key, GOOD.data)


def test_what_no_table_took_stays_because_a_part_of_it_may_be_counted(
    tmp_path: Path, log: SqliteEventLog
) -> None:
    store = DeadLetters(FolderObjects(tmp_path / "refused"))
    store.put([Poison(GOOD, f"{UNWRITABLE}: the item takes 500,000 bytes")])
    assert redrive(store, log, store.names(), decodable) == RedriveReport(0, 0, 1)
    assert log.read(log.shards()[0], after=0, limit=10) == []


def test_a_letter_that_is_not_there_is_said(letters: DeadLetters, log: SqliteEventLog) -> None:
    with pytest.raises(UsageError, match="dead-letters list"):
        redrive(letters, log, ["shardId-0/1"], decodable)
    assert log.read(log.shards()[0], after=0, limit=10) == []


HIT = {"event_type": "page_view", "page_url": f"https://{SITE}/"}
RECEIVED = 1_777_000_000_000


def of_hit(hit: str) -> RejectedHit:
    return RejectedHit("invalid_field", "name", hit)


def of_request(code: str, body: str) -> RejectedHit:
    return RejectedHit(code, "", body)


def malformed(*hits: str) -> Poison:
    return refused(*map(of_hit, ("", *hits)))


def refused(*rejected: RejectedHit) -> Poison:
    batch = EventBatch(
        site_id=SITE,
        visitor_id=b"visitor1",
        received_at=RECEIVED,
        context=Context(country="DE"),
        events=(),
        received=len(rejected),
        rejected=rejected,
        session_id="session-1",
    )
    return Poison(record(encode_batch(batch), 3), "invalid_field name")


@pytest.fixture
def kept(tmp_path: Path) -> DeadLetters:
    return DeadLetters(FolderObjects(tmp_path / "malformed"))


MEND = judged_again({SITE: Site(site_id=SITE)}.get)


def test_malformed_hits_become_events_of_their_own_time_once_the_checks_pass(
    kept: DeadLetters, log: SqliteEventLog
) -> None:
    whole = json.dumps({"events": [HIT, {**HIT, "page_url": f"https://{SITE}/b"}]})
    rejected = [of_hit(""), of_hit(json.dumps(HIT)), of_request("invalid_field", whole)]
    kept.put([refused(*rejected)])
    assert redrive(kept, log, kept.names(), MEND) == RedriveReport(1, 0, 0)
    assert redrive(kept, log, kept.names(), MEND) == RedriveReport(0, 1, 0)
    (sent,) = log.read(log.shards()[0], after=0, limit=10)
    batch = decode_batch(sent.data)
    assert [event.page for event in batch.events] == ["/", "/", "/b"]
    assert {event.session_id for event in batch.events} == {"session-1"}
    assert {event.occurred_at for event in batch.events} == {RECEIVED}
    assert (batch.visitor_id, batch.received, batch.rejected) == (b"visitor1", 3, ())
    assert (batch.received_at, batch.context.country) == (RECEIVED, "DE")


def test_the_same_letter_gives_the_same_event_ids(kept: DeadLetters) -> None:
    """A crash before the mark sends it twice; the consumers know the ids."""
    kept.put([malformed(json.dumps(HIT))])
    (letter,) = [kept.get(name) for name in kept.names()]
    assert letter is not None
    assert MEND(letter) == MEND(letter)


@pytest.mark.parametrize("hit", ["{", "5", "{}", json.dumps({**HIT, "page_url": "https://other/"})])
def test_what_is_still_malformed_stays_with_all_of_its_request(
    hit: str, kept: DeadLetters, log: SqliteEventLog
) -> None:
    kept.put([malformed(json.dumps(HIT), hit)])
    assert redrive(kept, log, kept.names(), MEND) == RedriveReport(0, 0, 1)
    assert log.read(log.shards()[0], after=0, limit=10) == []


def test_hits_of_a_site_that_is_gone_stay(kept: DeadLetters, log: SqliteEventLog) -> None:
    kept.put([malformed(json.dumps(HIT))])
    gone = judged_again(lambda _: None)
    assert redrive(kept, log, kept.names(), gone) == RedriveReport(0, 0, 1)


def body(events: int, **more: object) -> str:
    return json.dumps(
        {"csrf_token": "", "session_id": "session-1", "events": [HIT] * events, **more}
    )


WHOLE = (
    "unsupported_media_type",
    "too_many_events",
    "invalid_json",
    "invalid_field",
    "missing_field",
)


@pytest.mark.parametrize("code", WHOLE)
@pytest.mark.parametrize("text", [body(1), body(MAX_HITS), json.dumps(HIT)])
def test_a_request_that_is_taken_today_is_taken(
    code: str, text: str, kept: DeadLetters, log: SqliteEventLog
) -> None:
    kept.put([refused(of_request(code, text))])
    assert redrive(kept, log, kept.names(), MEND) == RedriveReport(1, 0, 0)


@pytest.mark.parametrize("code", WHOLE)
@pytest.mark.parametrize(
    "text",
    [
        body(MAX_HITS + 1),
        body(1, padding="x" * MAX_BODY_BYTES),
        body(1, padding="ü" * (MAX_BODY_BYTES // 2)).replace("\\u00fc", "ü"),
        body(1)[:-1],
        body(1, session_id=5),
        body(1, site_id="other.example"),
        body(0),
        json.dumps({"events": {}}),
        json.dumps({"events": [{"events": [HIT]}]}),
        json.dumps([HIT]),
        '{"events": [NaN]}',
        "[" * 100_000,
    ],
    ids=range(12),
)
def test_a_request_that_is_refused_today_stays(
    code: str, text: str, kept: DeadLetters, log: SqliteEventLog
) -> None:
    kept.put([refused(of_request(code, text))])
    assert redrive(kept, log, kept.names(), MEND) == RedriveReport(0, 0, 1)
    assert log.read(log.shards()[0], after=0, limit=10) == []


CLIENT = Client("203.0.113.9", "Mozilla/5.0")


@pytest.mark.parametrize(
    ("raw", "redriven"),
    [
        ({"events": [HIT, {**HIT, "title": "write to jane@mail.example"}], "csrf_token": "t"}, 1),
        ({**HIT, "unknown": "x"}, 1),
        ({"events": [HIT] * (MAX_HITS + 1)}, 0),
        ({"events": [{**HIT, "event_type": "Purchase"}]}, 0),
        ({"events": [{**HIT, "props": {"k": ["x"]}}]}, 0),
        ({"events": [HIT, "x"]}, 0),
        ({"events": [HIT], "csrf_token": 5}, 0),
        ({"events": {"a": HIT}}, 0),
        ({"events": [HIT], "site_id": "No Site"}, 0),
        ("name=value", 0),
        ("x" * (MAX_BODY_BYTES + 1), 0),
    ],
)
def test_what_is_kept_is_redriven_where_all_of_it_is_in_order(
    raw: object, redriven: int, kept: DeadLetters, log: SqliteEventLog
) -> None:
    """As the collector keeps it: a part of which only the shape is known is never counted."""
    kept.put([refused(of_request("invalid_json", kept_of(raw, CLIENT)))])
    assert redrive(kept, log, kept.names(), MEND) == RedriveReport(redriven, 0, 1 - redriven)


def test_a_hit_with_hits_in_it_is_one_hit(kept: DeadLetters, log: SqliteEventLog) -> None:
    kept.put([malformed(json.dumps({"events": [HIT] * 60}))])
    assert redrive(kept, log, kept.names(), MEND) == RedriveReport(0, 0, 1)
