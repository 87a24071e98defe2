"""The limits in docs/scale.md: they are those that the figures give."""

import json

import pytest

from benchmarks.cost import RESULTS
from benchmarks.scale import BEGIN, DOCUMENT, END, limits, table
from processors.growth import BUSY_PER_SECOND

UNITS = json.loads(RESULTS.read_text())


def test_the_document_shows_the_limits_of_the_kept_figures() -> None:
    shown = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    assert shown == table(UNITS), "run: python -m benchmarks.scale --write"


def test_a_limit_by_hand() -> None:
    """40 us on 0.57 of a core, and a call for each event, eight at a time: 1,320 us an event."""
    units = {
        **UNITS,
        "stats consumer, 500 records a batch": 40,
        "flash crowd, stats: requests": 1000,
    }
    limit = next(one for one in limits(units) if "another visitor" in one.what)
    assert limit.events_per_second == pytest.approx(1 / (40e-6 * 1.769 + 0.010 / 8), rel=1e-3)


def test_a_site_grows_long_before_a_partition_is_full() -> None:
    assert min(one.events_per_second for one in limits(UNITS)) > 5 * BUSY_PER_SECOND
