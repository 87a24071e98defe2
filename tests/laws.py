"""How many examples a law is tried on: LAW_SHARE of what it asks for, where time is short."""

import os

SHARE = float(os.environ.get("LAW_SHARE", "1"))


def examples(number: int) -> int:
    """Return how many examples to try of a number that is wanted."""
    return max(5, round(number * SHARE))
