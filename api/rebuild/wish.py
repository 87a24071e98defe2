"""What an owner may ask for: that a generation shall count, or that the one before shall again.

It is written down beside the generation that it is meant for, and done by who may stop the counting
for a moment (`liveinsight.replay.attendant`).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from api.problem import ReadProblem
from runtime.gateway import Request
from runtime.problem import ProblemError
from runtime.sites.site import Site

MOST_BODY = 1000
"""Characters."""


class Action(StrEnum):
    """What is asked for."""

    FLIP = "flip"
    """Let the generation count that was built."""
    ROLL_BACK = "roll_back"
    """Let the generation count again that did before."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An action, and the generation that counts then: who asks has seen it."""

    action: Action
    generation: int


def wish_in(request: Request) -> Wish:
    """Read what is asked for.

    Raises:
        ProblemError: the body is none.
    """
    try:
        body = {} if len(request.body) > MOST_BODY else json.loads(request.body)
    except (ValueError, RecursionError):
        body = {}
    given = body if isinstance(body, dict) else {}
    action, generation = given.get("action"), given.get("generation")
    if not isinstance(action, str) or action not in set(Action) or type(generation) is not int:
        raise ProblemError(
            422,
            ReadProblem.BAD_ACTION,
            'Send {"action": "flip", "generation": N} or {"action": "roll_back", "generation": N}.',
        )
    return Wish(Action(action), generation)


def granted(wish: Wish, now: datetime) -> Callable[[Site], Site]:
    """Return what writes a wish down in the settings of a site.

    It raises ProblemError where what was asked for is not there, or not any more.
    """
    at = int(now.timestamp())

    def flip(site: Site) -> Site:
        building = site.building
        if building is None or not building.is_ready:
            raise _refused(
                ReadProblem.NOTHING_READY,
                f"No generation of {site.site_id} is ready: 'liveinsight rebuild' builds one.",
            )
        _agree(wish, building.generation)
        return replace(site, building=replace(building, asked_at=at))

    def roll_back(site: Site) -> Site:
        if site.kept is None:
            raise _refused(
                ReadProblem.NOTHING_KEPT,
                f"No generation of {site.site_id} is kept: there was no rebuild, or its week is"
                " over.",
            )
        _agree(wish, site.kept.generation)
        return replace(site, kept=replace(site.kept, asked_at=at))

    return flip if wish.action is Action.FLIP else roll_back


def _agree(wish: Wish, generation: int) -> None:
    if wish.generation != generation:
        raise _refused(
            ReadProblem.REBUILD_CHANGED,
            f"That was asked for generation {wish.generation}, and now it would be {generation}:"
            " look again.",
        )


def _refused(code: ReadProblem, detail: str) -> ProblemError:
    return ProblemError(409, code, detail)
