"""For how long what is kept of a site is kept, and what has gone already."""

from dataclasses import dataclass, fields

from runtime.errors import UsageError

FOR_EVER = 0

LEAST = {"raw_events": 1, "states": 3, "rollups": 7, "archive": 7}
"""Days. A visitor id lives for 36 hours, and its events come up to 24 hours late: without a state
they would count twice. Days are closed for 48 hours before they are sealed. What is archived is to
be there when a consumer, or a rebuild, that stood still for as long as the stream keeps its records
comes back."""

MOST = {"raw_events": 90, "states": 90, "rollups": 36500, "archive": 36500}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days; FOR_EVER where there is no end.

    Raises:
        UsageError: it cannot be so few, or so many.
    """

    raw_events: int = 1
    """After arrival."""
    states: int = 3
    """Of visitors, after their last change."""
    rollups: int = FOR_EVER
    """After the day that they are of."""
    archive: int = FOR_EVER
    """After arrival, and of events, after they occurred."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for one in fields(self):
            days = getattr(self, one.name)
            may_stay = one.name in {"rollups", "archive"}
            if days == FOR_EVER and may_stay:
                continue
            if not LEAST[one.name] <= days <= MOST[one.name]:
                raise UsageError(
                    f"retention: {one.name.replace('_', ' ')} are kept for {LEAST[one.name]} to"
                    f" {MOST[one.name]} days{', or 0: for ever' if may_stay else ''}; not {days}"
                )


USUAL = Retention()
"""Of a new site."""
