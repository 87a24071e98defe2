"""Carries out a release: all of it, or none.

Functions read what others write, and half a release is a state that nobody has tried. When one
function fails, those that still move are stopped and go back by themselves, and those that have
arrived are sent back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from infra.release.codedeploy import CodeDeploy, Deployment, State
from infra.release.shift import Shift
from runtime.errors import RetryableError

Wait = Callable[[Mapping[Shift, State]], None]
"""Lets some time pass; is told where the shifts are. Raises to give up."""

LOOKS_BACK = 30
"""How often to look whether traffic is back: for five minutes in all."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a release came to.

    Attributes:
        arrived: the shifts that hold.
        failed: those that failed, with the reason.
        undone: all whose traffic moved, and is back where it was.
        stuck: those whose traffic is not back.
    """

    arrived: list[Shift] = field(default_factory=list)
    failed: dict[Shift, str] = field(default_factory=dict)
    undone: list[Shift] = field(default_factory=list)
    stuck: list[Shift] = field(default_factory=list)


def carry_out(account: CodeDeploy, shifts: Sequence[Shift], wait: Wait) -> Report:
    """Move traffic, and wait until it has arrived or is back.

    Raises:
        RetryableError: AWS does not answer. What has begun goes on without us.
    """
    begun, failed = _begin(account, shifts)
    stopped: set[Shift] = set()
    while True:
        found = _look(account, begun)
        moving = {shift for shift, one in found.items() if one.state is State.MOVING}
        for shift, one in found.items():
            if one.state is State.FAILED and shift not in stopped:
                failed.setdefault(shift, one.why)
        if not moving:
            break
        if failed and not moving <= stopped:
            account.stop(begun[shift] for shift in moving - stopped)
            stopped |= moving
        wait({shift: one.state for shift, one in found.items()})
    arrived = [shift for shift, one in found.items() if one.state is State.SUCCEEDED]
    if not failed:
        return Report(arrived)
    stuck = _send_back(account, arrived, begun, wait)
    undone = [shift for shift in begun if shift not in stuck]
    return Report([], failed, undone, stuck)


def _begin(
    account: CodeDeploy, shifts: Iterable[Shift]
) -> tuple[dict[Shift, str], dict[Shift, str]]:
    """Begin the shifts, up to the first that cannot; return deployment ids, and why not."""
    begun: dict[Shift, str] = {}
    for shift in shifts:
        try:
            begun[shift] = account.begin(shift)
        except RetryableError as error:
            return begun, {shift: str(error)}
    return begun, {}


def _look(account: CodeDeploy, begun: Mapping[Shift, str]) -> dict[Shift, Deployment]:
    found = account.deployments(list(begun.values()))
    return {shift: found[name] for shift, name in begun.items()}


def _send_back(
    account: CodeDeploy, arrived: Iterable[Shift], begun: Iterable[Shift], wait: Wait
) -> list[Shift]:
    """Send back what has arrived; return what is not back where it was in the end."""
    _begin(account, [shift.reversed() for shift in arrived])
    away = list(begun)
    for _ in range(LOOKS_BACK):
        away = [shift for shift in away if not _is_back(account, shift)]
        if not away:
            break
        wait(dict.fromkeys(away, State.MOVING))
    return away


def _is_back(account: CodeDeploy, shift: Shift) -> bool:
    standing = account.standing(shift.function)
    return standing.present == shift.source and standing.moving_to is None
