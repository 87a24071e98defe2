"""Which versions traffic moves between, and what is known about it. Values and decisions only."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from runtime.errors import UsageError


class Kind(StrEnum):
    """Why traffic moves."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Function:
    """A function that can be released.

    Attributes:
        role: its name in the architecture, such as `stats-api`.
        name: its deployed name.
        alias: what receives the traffic.
        group: its deployment group in CodeDeploy.
    """

    role: str
    name: str
    alias: str
    group: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the traffic of a function goes.

    Attributes:
        present: the version of the alias.
        newest: the newest version that is published.
        moving_to: a version that has a part of the traffic; None: nothing moves.
    """

    present: int
    newest: int
    moving_to: int | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """Traffic of a function moves from one version to another.

    Attributes:
        release: what moves together has the same; later ones sort behind earlier ones.
    """

    function: Function
    kind: Kind
    release: str
    source: int
    target: int

    def reversed(self) -> "Shift":
        """Return the way back."""
        return Shift(self.function, Kind.ROLLBACK, self.release, self.target, self.source)

    def description(self) -> str:
        """Return what CodeDeploy keeps of it: the memory from which a roll-back is found."""
        return (
            f"LiveInsight {self.kind} {self.release}: {self.function.name}"
            f" from {self.source} to {self.target}"
        )


DESCRIPTION = re.compile(
    r"LiveInsight (?P<kind>deploy|rollback) (?P<release>\S+): (?P<name>\S+)"
    r" from (?P<source>\d+) to (?P<target>\d+)"
)


def described(function: Function, description: str) -> Shift | None:
    """Return the shift that a deployment's description tells of; None: somebody else's."""
    found = DESCRIPTION.fullmatch(description)
    if found is None or found["name"] != function.name:
        return None
    kind, release = Kind(found["kind"]), found["release"]
    return Shift(function, kind, release, int(found["source"]), int(found["target"]))


def deploys(standings: Mapping[Function, Standing], release: str) -> list[Shift]:
    """Return how traffic moves to the newest versions, as a release of this name.

    Raises:
        UsageError: traffic is moving already.
    """
    _refuse_moving(standings)
    return [
        Shift(function, Kind.DEPLOY, release, standing.present, standing.newest)
        for function, standing in standings.items()
        if standing.newest != standing.present
    ]


def rollbacks(
    standings: Mapping[Function, Standing], histories: Mapping[Function, Iterable[Shift]]
) -> list[Shift]:
    """Return how traffic moves back to where it was before the last release that still stands.

    Functions that this release did not touch stay where they are. Rolled back once more, the
    release before it is undone: it never goes forth again.

    Args:
        standings: where the traffic is.
        histories: the shifts that succeeded, newest first.

    Raises:
        UsageError: traffic is moving already.
    """
    _refuse_moving(standings)
    arrivals = [
        arrival
        for function, standing in standings.items()
        if (arrival := _arrival(standing.present, histories[function])) is not None
    ]
    last = max((arrival.release for arrival in arrivals), default="")
    return [arrival.reversed() for arrival in arrivals if arrival.release == last]


def _arrival(present: int, history: Iterable[Shift]) -> Shift | None:
    """Return the deploy that brought the present version; None: it was the first."""
    deployed = (shift for shift in history if shift.kind is Kind.DEPLOY)
    return next((shift for shift in deployed if shift.target == present), None)


def _refuse_moving(standings: Mapping[Function, Standing]) -> None:
    moving = sorted(f.name for f, standing in standings.items() if standing.moving_to is not None)
    if moving:
        raise UsageError(
            f"traffic of {', '.join(moving)} is moving now: wait for that release, or stop it in"
            " CodeDeploy"
        )
