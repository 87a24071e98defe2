"""Columns answer what a plain merge of all rows answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.listing import Order, listed, rows_of
from aggregates.measure import MEASURES
from aggregates.rollup import ZERO, Counters, Dimension, Rollup, merge
from aggregates.table import Sum, table_of, tables_in
from aggregates.value import OTHER, label_of
from api.document import metrics
from tests.strategies import rollups

VALUES = st.sampled_from(["/", "/a", "/A/b", "/blog", "/é", OTHER, "(other)"])
COUNTERS = st.builds(Counters, *[st.integers(-2, 2)] * 7).filter(any)
TABLES = st.lists(st.dictionaries(VALUES, COUNTERS, min_size=1, max_size=6), max_size=5)


def plain(rows: list[dict[str, Counters]]) -> dict[str, Counters]:
    whole = merge(
        Rollup({(Dimension.PAGE, value): row for value, row in one.items()}) for one in rows
    )
    return dict(whole.table(Dimension.PAGE))


@pytest.mark.parametrize("most_known", [0, 2, 2000])
@given(
    TABLES,
    st.integers(0, 5),
    st.integers(1, 8),
    st.integers(0, 8),
    st.sampled_from(["", "a", "/B", "É", "(OTH"]),
)
def test_a_listing_is_that_of_all_rows_merged(
    most_known: int,
    rows: list[dict[str, Counters]],
    sealed: int,
    limit: int,
    offset: int,
    search: str,
) -> None:
    found = {
        value: row
        for value, row in plain(rows).items()
        if search.lower() in label_of(value).lower()
    }
    ranking = sorted(
        found.items(), key=lambda row: (-row[1].visitors, -row[1].pageviews, -row[1].events, row[0])
    )
    tables = list(map(table_of, rows))
    sums = [Sum(tables[:sealed])] if tables[:sealed] else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregates.table.MOST_KNOWN", most_known)
        for _ in ("first", "again"):
            listing = listed([*sums, *tables[sealed:]], limit, offset, search)
            assert listing.rows == ranking[offset : offset + limit]
            assert listing.values == len(ranking)
        assert dict(listed([*sums, *tables[sealed:]], None, 0, search).rows) == found


@given(
    TABLES,
    st.integers(0, 5),
    st.sampled_from(list(MEASURES)),
    st.booleans(),
    st.integers(1, 8),
    st.integers(0, 8),
)
def test_a_listing_is_ranked_by_any_measure(
    rows: list[dict[str, Counters]],
    sealed: int,
    sort: str,
    descending: bool,
    limit: int,
    offset: int,
) -> None:
    found = plain(rows)
    measured = {value: metrics(row)[sort] for value, row in found.items()}
    none = [value for value, number in measured.items() if number is None]
    tables = list(map(table_of, rows))
    sums = [Sum(tables[:sealed])] if tables[:sealed] else []
    order = Order(sort, descending)
    whole = listed([*sums, *tables[sealed:]], None, order=order)
    numbers = [measured[value] for value, _ in whole.rows]
    ranked = [number for number in numbers if number is not None]
    assert dict(whole.rows) == found
    assert ranked == sorted(ranked, reverse=descending)
    assert numbers == ranked + [None] * len(none)
    part = listed([*sums, *tables[sealed:]], limit, offset, order=order)
    assert part == (whole.rows[offset : offset + limit], len(found))


@given(TABLES, st.sets(VALUES))
def test_the_counters_of_named_values_are_found(
    rows: list[dict[str, Counters]], values: set[str]
) -> None:
    found = plain(rows)
    expected = {value: found.get(value, ZERO) for value in values}
    assert rows_of(map(table_of, rows), values) == expected


@given(rollups)
def test_rows_are_the_same_packed_and_unpacked(rollup: Rollup) -> None:
    tables = tables_in(rollup)
    rows = {
        (dimension, value): row
        for dimension, table in tables.items()
        for value, row in zip(table.values(), table.rows(), strict=True)
    }
    assert rows == rollup.rows


def test_nothing_is_listed_of_nothing() -> None:
    assert listed([], 10) == ([], 0)
