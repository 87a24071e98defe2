"""The four scenarios of a demonstration, told and checked step by step on a running system.

An event on its way to the numbers, the live view and its cache, the numbers of the day, and tokens.
Each step says what happens before it does, so that it can be read aloud.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

from liveinsight.caller import REALTIME_PATH
from liveinsight.operations.smoke import SmokeTest, made
from liveinsight.operations.verdict import (
    Check,
    FailedCheck,
    SkippedCheck,
    document,
    problem,
    shown,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        told: what happens, for the audience.
        check: does it, and says what came.
    """

    told: str
    check: Callable[[SmokeTest], str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Some steps that show one thing."""

    title: str
    steps: tuple[Step, ...]


def _answers_unchanged(test: SmokeTest) -> str:
    """The same live view, asked for with its ETag, is not sent again."""
    for _ in range(3):  # it may change between the two
        first = test.caller.get(REALTIME_PATH, site_id=test.caller.site_id)
        document(first)
        known = replace(test.caller, sent={"If-None-Match": first.header("ETag")})
        again = known.get(REALTIME_PATH, site_id=test.caller.site_id)
        if again.status == HTTPStatus.NOT_MODIFIED and not again.content:
            return f"304 without a body, instead of {len(first.content):,} bytes"
    raise FailedCheck(f"asked with its ETag, {REALTIME_PATH} gave {shown(again)}")


def _asks_twice(test: SmokeTest) -> str:
    """What two dashboards that ask at once wait for."""
    times = []
    for _ in range(2):
        answer = test.caller.get(REALTIME_PATH, site_id=test.caller.site_id)
        document(answer)
        times.append(f"{answer.seconds * 1000:.0f} ms")
    return f"{times[0]}, and once more {times[1]} ({answer.header('X-Cache') or 'no edge'})"


def _refuses_a_forged_token(test: SmokeTest) -> str:
    """One character of a good token is another: it opens nothing."""
    token = _token(test)
    forged = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    return problem(test.caller.send(test.session_id, forged, [_view(test)]))


def _refuses_another_session(test: SmokeTest) -> str:
    """A token is of the session that asked for it: stolen, it opens nothing."""
    return problem(test.caller.send(f"{test.session_id[:40]}-thief", _token(test), [_view(test)]))


def _knows_a_repeat(test: SmokeTest) -> str:
    """The same event, sent again by a browser that heard no answer, is taken and not counted."""
    again = {"event_id": str(test.event_id), **_view(test)}
    receipt = document(test.caller.send(test.session_id, _token(test), [again]))
    if receipt.get("rejected") != []:
        raise FailedCheck(f"the repeat was refused: {receipt}")
    return "taken, with the same event id"


def _is_counted_once(test: SmokeTest) -> str:
    """After a while the page still has one view."""
    if not test.is_sent:
        raise SkippedCheck("no event was accepted")
    time.sleep(2 * test.patience.pause.total_seconds())
    views = test.views_of_the_page()
    if views != 1:
        raise FailedCheck(f"{test.page} has {views} views instead of one")
    return f"one view of {test.page}"


def _token(test: SmokeTest) -> str:
    if not test.token:
        raise SkippedCheck("there is no token")
    return test.token


def _view(test: SmokeTest) -> dict[str, object]:
    return {"event_type": "page_view", "page_url": f"https://{test.caller.site_id}{test.page}"}


SCENARIOS = (
    Scenario(
        "1. An event on its way to the numbers",
        (
            Step("A page is opened, and its browser asks for a token.", SmokeTest.issues_a_token),
            Step("We write down what is counted so far.", SmokeTest.answers_stats),
            Step("The live view before the event.", SmokeTest.answers_realtime),
            Step(
                "The browser sends a page view. 200 means that it is on the stream.",
                SmokeTest.accepts_an_event,
            ),
            Step("It heard no answer, say, and sends the same once more.", _knows_a_repeat),
            Step("One consumer has it: the live view shows it.", SmokeTest.shows_the_event),
            Step("Another has it: it is in the rollups of the day.", SmokeTest.counts_the_event),
        ),
    ),
    Scenario(
        "2. The live view and its cache",
        (
            Step("Two dashboards ask for the live view at once.", _asks_twice),
            Step("The answer says how long it may be kept.", SmokeTest.allows_caching),
            Step("Nothing has changed, so nothing is sent.", _answers_unchanged),
        ),
    ),
    Scenario(
        "3. The numbers of the day",
        (
            Step("The page view was sent twice, and is counted once.", _is_counted_once),
            Step("A question that makes no sense gets a reason.", SmokeTest.refuses_a_bad_query),
            Step("Accepted, archived and counted agree.", SmokeTest.answers_reconciliation),
        ),
    ),
    Scenario(
        "4. Nobody else sends events",
        (
            Step("An event without a token.", SmokeTest.refuses_a_missing_token),
            Step("An event with a forged one.", _refuses_a_forged_token),
            Step("An event with somebody else's.", _refuses_another_session),
            Step("A body that is no JSON.", SmokeTest.refuses_a_bad_body),
        ),
    ),
)


def play(scenario: Scenario, test: SmokeTest) -> Iterator[tuple[Step, Check]]:
    """Play a scenario; yield each step with what came of it, as soon as it is there."""
    for step in scenario.steps:
        yield step, made(step.told, step.check, test)
