"""Realtime items that are remembered are those that stand in the table."""

from pathlib import Path
from random import Random

import pytest

from aggregates.minute import LiveVisitor, Minute
from aggregates.progress import Progress
from aggregates.stores.cache import VersionCache
from aggregates.stores.ports import MinuteKey, StoredMinute, Versioned
from aggregates.stores.sqlite import SqliteMinuteStore, tables
from schemas import codec

MINUTE = 60_000


def stored(rng: Random) -> StoredMinute:
    visitors = {
        rng.randbytes(8): LiveVisitor(rng.randrange(9), "/", 0, "", "DE")
        for _ in range(rng.randrange(4))
    }
    return StoredMinute(Minute(rng.randrange(3), 0, visitors, {"/": 1}), Progress({}, 1, 2))


@pytest.mark.parametrize("room", [0, 4000, 2**20])
def test_after_any_write_what_is_remembered_is_what_stands_there(tmp_path: Path, room: int) -> None:
    rng, path = Random(room), tmp_path / "tables.sqlite"
    remembering = SqliteMinuteStore(tables(path), VersionCache(room))
    writer = SqliteMinuteStore(tables(path))
    for _ in range(150):
        key = MinuteKey("my.site", MINUTE * rng.randrange(5), rng.randrange(2))
        known = writer.load([key])[key]
        writer.save({key: Versioned(stored(rng), known.version)})
        asked = "my.site", 0, 5 * MINUTE
        assert remembering.minutes(*asked) == writer.minutes(*asked)


def test_a_minute_that_is_as_it_was_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteMinuteStore(tables(tmp_path / "tables.sqlite"), VersionCache(2**20))
    rng = Random(1)
    keys = [MinuteKey("my.site", MINUTE * number, 0) for number in range(3)]
    store.save({key: Versioned(stored(rng), 0) for key in keys})
    decoded: list[int] = []
    codec_decode = codec.decode

    def decode(name: str, body: bytes) -> object:
        decoded.append(len(body))
        return codec_decode(name, body)

    monkeypatch.setattr(codec, "decode", decode)
    store.minutes("my.site", 0, 2 * MINUTE)
    store.minutes("my.site", 0, 2 * MINUTE)
    assert len(decoded) == 3
    store.save({keys[1]: Versioned(stored(rng), 1)})
    store.minutes("my.site", 0, 2 * MINUTE)
    assert len(decoded) == 4
