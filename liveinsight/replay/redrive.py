"""Redrive: put dead letters back on the stream, once what made them poison is mended."""

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.sink import EventSink, SinkRecord
from liveinsight.runtime.errors import UsageError
from processors.dead_letter import DeadLetter, DeadLetterStore
from processors.record import decode


@dataclass(frozen=True, slots=True)
class RedriveReport:
    """What became of the letters."""

    redriven: int
    redriven_before: int
    still_poison: int
    """They cannot be decoded today either, and stay where they are."""


def redrive(letters: DeadLetterStore, sink: EventSink, names: Iterable[str]) -> RedriveReport:
    """Put letters' records back on the stream, under the same partition key and event ids.

    Running it twice is harmless: a letter is marked after its record was acknowledged, and what a
    crash between the two sends twice is recognised by its event ids.

    Raises:
        UsageError: there is no letter of that name.
        RetryableError: some may be redriven and some not; running it again is safe.
    """
    redriven = before = poison = 0
    for name in names:
        letter = _letter(letters, name)
        if letter.redriven:
            before += 1
        elif decode([letter.record])[1]:
            poison += 1
        else:
            sink.put([SinkRecord(letter.record.partition_key, letter.record.data)])
            letters.mark_redriven(name)
            redriven += 1
    return RedriveReport(redriven, before, poison)


def _letter(letters: DeadLetterStore, name: str) -> DeadLetter:
    found = letters.get(name)
    if found is None:
        raise UsageError(
            f"there is no dead letter {name!r}: 'liveinsight dead-letters list' names them"
        )
    return found
