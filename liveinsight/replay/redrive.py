"""Redrive: put what could not be taken or counted on the stream, once its fault is mended."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from ingest.accepted.port import Accepted
from ingest.collector import read_hit
from ingest.hits.judge import Policy, Rejected, collect, parse_hit
from ingest.request_body import parse_body, parse_collect_request
from ingest.stream.sink import EventSink, SinkRecord
from processors.dead_letter import DeadLetter, DeadLetters
from processors.record import UNWRITABLE, decode
from runtime.errors import UsageError
from runtime.problem import ProblemError
from runtime.sites.site import Site
from schemas.event import Event, EventBatch, RejectedHit, encode_batch
from schemas.hit import CollectRequest, Hit

Mend = Callable[[DeadLetter], SinkRecord | None]
"""Returns what to put on the stream for a letter, or None where it is still no use."""


@dataclass(frozen=True, slots=True)
class RedriveReport:
    """What became of the letters."""

    redriven: int
    redriven_before: int
    still_poison: int
    """They cannot be decoded, or are malformed, today as well, and stay where they are."""


def redrive(
    letters: DeadLetters, sink: EventSink, names: Iterable[str], mend: Mend
) -> RedriveReport:
    """Put letters' records back on the stream, under the same partition key and event ids.

    Running it twice is harmless: a letter is marked after its record was acknowledged, and what a
    crash between the two sends twice is recognised by its event ids.

    Args:
        letters: where they lie.
        sink: leads to the stream.
        names: which of them.
        mend: `decodable`, or what `judged_again` gives.

    Raises:
        UsageError: there is no letter of that name.
        RetryableError: some may be redriven and some not; running it again is safe.
    """
    redriven = before = poison = 0
    for name in names:
        letter = _letter(letters, name)
        if letter.redriven:
            before += 1
        elif (record := mend(letter)) is None:
            poison += 1
        else:
            sink.put([record])
            letters.mark_redriven(name)
            redriven += 1
    return RedriveReport(redriven, before, poison)


def decodable(letter: DeadLetter) -> SinkRecord | None:
    """Return a dead letter's record as it is, where it can be decoded today.

    One that no table took stays: a part of it may be counted, and its record is in the archive.
    """
    if letter.reason.startswith(UNWRITABLE) or decode([letter.record])[1]:
        return None
    return SinkRecord(letter.record.partition_key, letter.record.data)


def judged_again(sites: Callable[[str], Site | None]) -> Mend:
    """Return what makes events of the malformed hits that the collector kept.

    All of a letter's hits must pass the collector's checks of today, as at the time when they
    arrived; where a whole request was refused, the request must pass them too. Each has an event id
    of its own, or one made of its place: the same each time.
    """

    def mend(letter: DeadLetter) -> SinkRecord | None:
        decoded, _ = decode([letter.record])
        site = sites(decoded[0].batch.site_id) if decoded else None
        if site is None:
            return None
        try:
            hits = list(_kept_hits(decoded[0].batch))
        except (ProblemError, ValueError):
            return None
        events = [
            _event(hit, decoded[0].batch, site, _event_id(letter, number))
            for number, hit in enumerate(hits)
        ]
        good = tuple(event for event in events if isinstance(event, Event))
        if not good or len(good) < len(events):
            return None
        batch = replace(
            decoded[0].batch, events=good, received=len(good), duplicates=0, rejected=()
        )
        day = site.local_day(datetime.fromtimestamp(batch.received_at / 1000, UTC))
        accepted = Accepted(site.site_id, day, len(good))
        return SinkRecord(letter.record.partition_key, encode_batch(batch), accepted)

    return mend


def _kept_hits(batch: EventBatch) -> Iterator[Hit | Rejected]:
    """Return the hits; of a request that was kept whole, its hits.

    Raises:
        ProblemError: the collector does not take the request today.
        ValueError: what is kept is no JSON.
    """
    for kept in batch.rejected:
        if not kept.hit:
            continue
        if kept.field:
            yield parse_hit(json.loads(kept.hit))
            continue
        request = _request(kept)
        for raw in request.events:
            yield read_hit(raw, request.site_id)


def _request(kept: RejectedHit) -> CollectRequest:
    """Read a request that was refused as a whole, as today's collector does.

    Its media type is not known any more, and counts as one that is taken. A part of which only the
    shape is kept is wrong today as well.

    Raises:
        ProblemError: the collector does not take it.
    """
    return parse_collect_request(parse_body(kept.hit, is_base64=False, content_type=""))


def _event(hit: Hit | Rejected, batch: EventBatch, site: Site, event_id: UUID) -> Event | Rejected:
    if isinstance(hit, Rejected):
        return hit
    return collect(
        hit,
        site=site,
        session_id=batch.session_id,
        policy=Policy(),
        new_id=lambda: event_id,
        now=datetime.fromtimestamp(batch.received_at / 1000, UTC),
    )


def _event_id(letter: DeadLetter, number: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"liveinsight:redrive/{letter.name}/{number}")


def _letter(letters: DeadLetters, name: str) -> DeadLetter:
    found = letters.get(name)
    if found is None:
        raise UsageError(
            f"there is no dead letter {name!r}: 'liveinsight dead-letters list' names them"
        )
    return found
