"""Events as an export has them, whatever their texts are, and an archive that holds some."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from hypothesis import strategies as st

from liveinsight.exports.event_row import ExportedEvent
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from processors.record import Record
from query.columns import EVENTS, TEXTS
from runtime.objects.folder import FolderObjects
from schemas.event import Context, Event, EventType, Revenue
from tests.processors.stream import SITE

HOSTILE = (
    *(
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "'",
        "'=1",
        '"',
        ",",
        ";",
        "\n",
        "\r\n",
        "\0",
    ),
    *(
        "\\",
        "\\n",
        "\\u000a",
        "\\\\",
        "\uff1d1",
        " =1",
        "\u2028",
        "\x85",
        "{}",
        "[]",
        "null",
        "NaN",
    ),
    *("0012", "1e5", "2026-11-01", "true", "\u00fcn\u00efc\u00f6de", "\U0001f642"),
)
"""What bites in some format, or in whoever opens it."""

texts = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=8)
"""As Avro takes them: any but halves of pairs."""
moments = st.integers(0, 10**13)
integers = st.integers(0, 2**31 - 1)
events = st.builds(
    Event,
    event_id=st.binary(min_size=16, max_size=16),
    event_type=st.sampled_from(EventType),
    occurred_at=moments,
    props=st.dictionaries(texts, texts, max_size=3),
    revenue=st.none() | st.builds(Revenue, st.sampled_from(["1.50", "-3", "0"]), st.just("EUR")),
    engaged_ms=integers,
    scroll_depth=integers,
    screen_width=integers,
    **dict.fromkeys(TEXTS, texts),
)
exported_events = st.builds(
    ExportedEvent,
    day=st.dates(date(1970, 1, 1)),
    site_id=st.just(SITE),
    visitor_id=st.binary(min_size=8, max_size=8),
    received_at=moments,
    context=st.builds(Context, *[texts] * 7),
    event=events,
    arrived_at=moments,
    partition=st.integers(0, 1023),
    shard=st.just("shardId-000000000001"),
    sequence_number=st.integers(0, 10**55),
)

assert len(EVENTS.columns) == 38


def archived(folder: Path, records: Iterable[Record], size: int = 3) -> ObjectArchiveStore:
    """An archive that got these records, so many in each object."""
    store = ObjectArchiveStore(FolderObjects(folder))
    shards: dict[str, list[ArchivedRecord]] = {}
    for one in records:
        shards.setdefault(one.position.shard, []).append(
            ArchivedRecord(
                one.position.shard,
                one.position.sequence_number,
                one.partition_key,
                one.arrived_at,
                one.data,
            )
        )
    for shard, of_shard in shards.items():
        tail = BEGINNING
        for first in range(0, len(of_shard), size):
            tail = store.append(shard, tail, of_shard[first : first + size])
    return store
