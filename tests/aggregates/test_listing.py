"""Columns answer what a plain merge of all rows answers."""

from hypothesis import given
from hypothesis import strategies as st

from aggregates.listing import listed
from aggregates.rollup import Counters, Dimension, Rollup, merge
from aggregates.table import added_up, table_of, tables_in
from aggregates.value import OTHER, label_of
from tests.strategies import rollups

VALUES = st.sampled_from(["/", "/a", "/A/b", "/blog", "/é", OTHER, "(other)"])
COUNTERS = st.builds(Counters, *[st.integers(-2, 2)] * 7).filter(any)
TABLES = st.lists(st.dictionaries(VALUES, COUNTERS, min_size=1, max_size=6), max_size=5)


def plain(rows: list[dict[str, Counters]]) -> dict[str, Counters]:
    whole = merge(
        Rollup({(Dimension.PAGE, value): row for value, row in one.items()}) for one in rows
    )
    return dict(whole.table(Dimension.PAGE))


@given(TABLES, st.integers(1, 8), st.integers(0, 8), st.sampled_from(["", "a", "/B", "É", "(OTH"]))
def test_a_listing_is_that_of_all_rows_merged(
    rows: list[dict[str, Counters]], limit: int, offset: int, search: str
) -> None:
    found = {
        value: row
        for value, row in plain(rows).items()
        if search.lower() in label_of(value).lower()
    }
    ranking = sorted(
        found.items(), key=lambda row: (-row[1].visitors, -row[1].pageviews, -row[1].events, row[0])
    )
    listing = listed(map(table_of, rows), limit, offset, search)
    assert listing.rows == ranking[offset : offset + limit]
    assert listing.values == len(ranking)


@given(TABLES.filter(bool))
def test_tables_add_up_to_what_their_rows_do(rows: list[dict[str, Counters]]) -> None:
    whole = added_up([table_of(one) for one in rows])
    found = dict(zip(whole.values(), whole.rows(), strict=True)) if whole else {}
    assert found == plain(rows)


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
