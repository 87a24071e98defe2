from collections.abc import Iterable

from hypothesis import assume, given
from hypothesis import strategies as st

from aggregates.ledger import Account, Ledger, reconcile, stated
from aggregates.progress import Position
from aggregates.rollup import Dimension, Rollup, merge
from aggregates.visitor import NEW, VisitorState
from schemas.event import Context, EventBatch, RejectedHit
from tests.aggregates.folding import fold_alone
from tests.strategies import streams


def ledger(rollups: Iterable[Rollup]) -> Ledger:
    return {name: row.events for name, row in merge(rollups).table(Dimension.INTAKE)}


def counting(stream: list[EventBatch]) -> Ledger:
    states: dict[bytes, VisitorState] = {}
    deltas: list[Rollup] = []
    for number, batch in enumerate(stream, 1):
        folded = fold_alone(states.get(batch.visitor_id, NEW), batch, Position("s", number))
        states[batch.visitor_id] = folded.state
        deltas += folded.deltas.values()
    return ledger(deltas)


def archiving(stream: list[EventBatch]) -> Ledger:
    return ledger(Rollup(stated(batch)) for batch in stream)


@given(streams)
def test_what_both_consumers_saw_balances(stream: list[EventBatch]) -> None:
    account = reconcile(counting(stream), archiving(stream))
    assert account.balanced
    distinct = {(batch.visitor_id, event.event_id) for batch in stream for event in batch.events}
    assert account.counted == account.archived == account.accepted == len(distinct)
    assert account.received == sum(batch.hits for batch in stream)


@given(streams, st.data())
def test_a_record_that_the_archive_misses_is_missing_from_the_balance(
    stream: list[EventBatch], data: st.DataObject
) -> None:
    assume(any(batch.events for batch in stream))
    lost = data.draw(st.sampled_from([n for n, batch in enumerate(stream) if batch.events]))
    account = reconcile(counting(stream), archiving(stream[:lost] + stream[lost + 1 :]))
    assert not account.balanced
    assert account.unarchived == len(stream[lost].events)
    assert (account.unaccounted, account.uncounted) == (0, 0)


@given(streams)
def test_what_nobody_counted_is_uncounted(stream: list[EventBatch]) -> None:
    account = reconcile({}, archiving(stream))
    assert account.uncounted == sum(len(batch.events) for batch in stream)
    assert (account.unaccounted, account.unarchived) == (0, 0)


def test_a_collector_that_forgets_a_hit_is_found_out() -> None:
    refused = (RejectedHit("bot"), RejectedHit("bot"), RejectedHit("invalid_url", "page_url"))
    good = EventBatch("my.site", b"visitor1", 0, Context(), (), received=4, rejected=refused)
    account = reconcile(counting([good]), archiving([good]))
    assert account == Account(received=4, rejected={"bot": 2, "invalid_url": 1})
    assert account.unaccounted == 1
    assert not account.balanced


def test_nothing_balances() -> None:
    assert reconcile({}, {}) == Account()
    assert Account().balanced
