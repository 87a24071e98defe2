"""Every format is exact, and CSV does nothing in a spreadsheet that shows it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveinsight.exports.event_row import ExportedEvent, RowError, event_of, row_of
from liveinsight.exports.formats import CsvWriter, Format, NdjsonWriter, cell_of, text_of
from liveinsight.exports.parquet import ParquetWriter
from liveinsight.imports.export_source import rows_in
from query.columns import EVENTS, Kind, Row
from runtime.errors import UsageError
from tests.exports.exported import exported_events, texts


def written(folder: Path, format_: Format, events: list[ExportedEvent]) -> Path:
    path = folder / f"events.{format_}"
    if format_ is Format.PARQUET:
        writer = ParquetWriter(path, EVENTS, folder)
        for event in events:
            writer.write(row_of(event))
        writer.close()
        return path
    with path.open("wb") as file:
        kind = NdjsonWriter if format_ is Format.NDJSON else CsvWriter
        text = kind(file, EVENTS)
        for event in events:
            text.write(row_of(event))
        text.close()
    return path


def good() -> Row:
    return {
        "day": "2026-11-01",
        "occurred_at": "2026-11-01T10:00:00.000Z",
        "site_id": "my.site",
        "event_id": "0" * 32,
        "event_type": "page_view",
        "visitor_id": "0" * 16,
        "engaged_ms": 0,
        "scroll_depth": 0,
        "screen_width": 0,
        "partition": 0,
        "shard": "s",
        "received_at": "2026-11-01T10:00:00.000Z",
        "arrived_at": "2026-11-01T10:00:00.000Z",
        "sequence_number": "1",
    }


@given(exported_events)
def test_a_row_is_its_event(event: ExportedEvent) -> None:
    row = row_of(event)
    assert set(row) <= set(EVENTS.names)
    assert {one.name for one in EVENTS.columns if one.required} <= set(row)
    assert event_of(row) == event


@pytest.mark.parametrize("format_", Format)
@settings(max_examples=25)
@given(events=st.lists(exported_events, min_size=1, max_size=4))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, format_: Format, events: list[ExportedEvent]
) -> None:
    path = written(tmp_path_factory.mktemp("exact"), format_, events)
    assert [event_of(row) for row in rows_in(path)] == events


def test_parquet_keeps_the_order_of_several_lots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveinsight.exports.parquet.LOT_ROWS", 7)
    writer = ParquetWriter(tmp_path / "one.parquet", EVENTS, tmp_path)
    for number in range(100):
        writer.write({**good(), "partition": number})
    writer.close()
    assert [row["partition"] for row in rows_in(tmp_path / "one.parquet")] == list(range(100))
    assert [path.suffix for path in tmp_path.iterdir() if path.name.startswith("lot-")] == []


@given(texts)
def test_a_cell_is_its_text_and_never_a_formula(text: str) -> None:
    cell = cell_of(text)
    assert text_of(cell) == text
    assert not cell.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in cell)
    assert len(cell.splitlines()) <= 1


@given(exported_events)
def test_csv_has_no_cell_that_begins_a_formula(event: ExportedEvent) -> None:
    file = io.BytesIO()
    writer = CsvWriter(file, EVENTS)
    writer.write(row_of(event))
    writer.close()
    kinds = [column.kind for column in EVENTS.columns]
    (cells,) = list(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))[1:]
    for cell, kind in zip(cells, kinds, strict=True):
        assert kind is Kind.INTEGER or not cell.startswith(tuple("=+-@"))


WRONG = (
    *({name: None} for name in good()),
    *({"day": "soon"}, {"occurred_at": "2026-11-01T10:00:00"}, {"occurred_at": 5}),
    *({"event_id": "x"}, {"event_type": "click"}, {"visitor_id": "00"}, {"engaged_ms": -1}),
    *({"engaged_ms": 2**31}, {"engaged_ms": True}, {"partition": 1024}, {"sequence_number": "-1"}),
    *({"props": {"a": 1}}, {"props": "{}"}, {"revenue_amount": "1"}, {"page": 7}),
)


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_a_row_that_is_none_is_refused(change: dict[str, object]) -> None:
    event_of(good())
    row = {name: value for name, value in {**good(), **change}.items() if value is not None}
    with pytest.raises(RowError):
        event_of(row)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content", [b"{\n", b"{} x\n", b"[1]\n", b"a,b\n1,2\n", b"", b"PAR1", b"\xff\xfe"]
)
def test_a_file_that_is_no_export_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises((UsageError, RowError)) as refused:
        [event_of(row) for row in rows_in(path)]
    assert str(refused.value)


def test_csv_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, Format.CSV, [])
    path.write_bytes(path.read_bytes() + b"2026-11-01,2026")
    with pytest.raises(UsageError, match="has 2 cells, not 38"):
        list(rows_in(path))
