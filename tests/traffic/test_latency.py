"""The latency histogram."""

from random import Random

import pytest

from liveinsight.traffic.latency import LatencyHistogram, merged


def test_percentiles_are_right_to_two_percent() -> None:
    rng = Random(1)
    latencies = [rng.lognormvariate(-5, 1) for _ in range(10_000)]
    histogram = LatencyHistogram()
    for latency in latencies:
        histogram.add(latency)
    for percent in (1, 50, 95, 99, 100):
        exact = sorted(latencies)[len(latencies) * percent // 100 - 1]
        assert histogram.percentile(percent) == pytest.approx(exact, rel=0.021)


def test_no_latencies_have_no_percentiles() -> None:
    assert LatencyHistogram().percentile(99) == 0


def test_no_time_at_all_is_a_latency() -> None:
    histogram = LatencyHistogram()
    histogram.add(0.0)
    assert histogram.percentile(50) == pytest.approx(1e-6, rel=0.02)


def test_merged_histograms_hold_all_latencies() -> None:
    fast, slow = LatencyHistogram(), LatencyHistogram()
    for _ in range(99):
        fast.add(0.001)
    slow.add(1.0)
    both = merged([fast, slow])
    assert both.percentile(99) == pytest.approx(0.001, rel=0.02)
    assert both.percentile(100) == pytest.approx(1.0, rel=0.02)
