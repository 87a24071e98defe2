"""Redrive: put what could not be taken or counted on the stream, once its fault is mended."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from ingest.hits.judge import Policy, Rejected, collect, parse_hit
from ingest.stream.sink import EventSink, SinkRecord
from processors.dead_letter import DeadLetter, DeadLetters
from processors.record import decode
from runtime.errors import UsageError
from runtime.sites.site import Site
from schemas.event import Event, EventBatch, encode_batch

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
    """Return a dead letter's record as it is, where it can be decoded today."""
    if decode([letter.record])[1]:
        return None
    return SinkRecord(letter.record.partition_key, letter.record.data)


def judged_again(sites: Callable[[str], Site | None]) -> Mend:
    """Return what makes events of the malformed hits that the collector kept.

    All of a letter's hits must pass the collector's checks of today, as at the time when they
    arrived. Each has an event id of its own, or one made of its place: the same each time.
    """

    def mend(letter: DeadLetter) -> SinkRecord | None:
        decoded, _ = decode([letter.record])
        site = sites(decoded[0].batch.site_id) if decoded else None
        if site is None:
            return None
        events = [
            _event(raw, decoded[0].batch, site, _event_id(letter, number))
            for number, raw in enumerate(_kept_hits(decoded[0].batch))
        ]
        good = tuple(event for event in events if isinstance(event, Event))
        if not good or len(good) < len(events):
            return None
        batch = replace(
            decoded[0].batch, events=good, received=len(good), duplicates=0, rejected=()
        )
        return SinkRecord(letter.record.partition_key, encode_batch(batch))

    return mend


def _kept_hits(batch: EventBatch) -> Iterator[object]:
    """Return the hits as JSON values; of a request that was kept whole, its hits."""
    for kept in batch.rejected:
        if kept.hit:
            try:
                raw = json.loads(kept.hit)
            except ValueError:
                raw = None
            hits = raw.get("events") if isinstance(raw, dict) else None
            yield from hits if isinstance(hits, list) else [raw]


def _event(raw: object, batch: EventBatch, site: Site, event_id: UUID) -> Event | Rejected:
    hit = parse_hit(raw)
    if isinstance(hit, Rejected):
        return hit
    return collect(
        hit,
        site=site,
        session_id=batch.session_id,
        policy=Policy(),
        event_id=event_id,
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
