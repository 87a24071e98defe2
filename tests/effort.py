"""How much is tried: in minutes by `make test`, all of it by `make test-all`, which sets TEST_ALL.

Where time is short, laws are tried on fewer examples, fewer schedules are simulated, processes are
killed at fewer steps, and of the tests that take long one in LONG_SHARE is run, each day others.
"""

import os

ALL = bool(os.environ.get("TEST_ALL"))

LAW_SHARE = 1 if ALL else 0.2
SCHEDULES = int(os.environ.get("SIM_SEEDS") or (2000 if ALL else 100))
CROWDED_SCHEDULES = 100 if ALL else 50
STEPS_APART = 61 if ALL else 181
LONG_SHARE = 1 if ALL else 8

LONG = (
    "tests/api/test_400_days",
    "tests/erasure",
    "tests/exports",
    "tests/ingest/test_hostile_text",
    "tests/operations/test_bench",
    "tests/operations/test_smoke",
    "tests/pipeline",
    "tests/processors/test_bounds",
    "tests/processors/test_columns",
    "tests/processors/test_compaction",
    "tests/processors/test_crash_at_every_call",
    "tests/processors/test_lost_archive_files",
    "tests/query/test_filters",
    "tests/simulation/test_simulation.py::test_a_broken_variant",
)
"""What takes seconds a test."""


def examples(number: int) -> int:
    """Return how many examples to try of a number that is wanted."""
    return max(5, round(number * LAW_SHARE))
