"""Generations of a site's rollups: beside the one that counts, one being built and one kept.

A rebuild folds the raw archive into a new generation, and then makes it the one that is read and
written; the one before is kept, so that it can be taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """A generation that is being built. Nobody reads it, and no consumer writes it."""

    generation: int
    timezone: str
    """IANA name: where its days begin."""
    started_at: int
    """Epoch seconds."""
    positions: Mapping[str, int] = field(default_factory=dict)
    """What is in, once it can be read: of each shard the highest sequence number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The generation that counted before the present one."""

    generation: int
    timezone: str
    replaced_at: int
    """Epoch seconds."""
    positions: Mapping[str, int]
    """What is in, at least: of each shard the highest sequence number."""
