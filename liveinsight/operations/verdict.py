"""What a check can come to, and what it expects of an answer."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from liveinsight.caller import Answer
from runtime.problem import CONTENT_TYPE


class Outcome(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    outcome: Outcome
    seconds: float
    detail: str


class FailedCheck(Exception):  # noqa: N818 - a verdict
    """The system does not do what it must; the message says what it did instead."""


class SkippedCheck(Exception):  # noqa: N818 - a verdict
    """The check says nothing about this system."""


def document(answer: Answer) -> dict[str, Any]:
    """Return the JSON of a good answer."""
    content_type = answer.header("Content-Type")
    if answer.status != 200 or not content_type.startswith("application/json"):  # noqa: PLR2004
        raise FailedCheck(f"expected 200 with JSON, got {shown(answer)}")
    return answer.document()


def problem(answer: Answer) -> str:
    """Return the code of the problem document that a bad request must give."""
    code = answer.document().get("code")
    is_problem = answer.header("Content-Type").startswith(CONTENT_TYPE) and isinstance(code, str)
    if not (400 <= answer.status < 500 and is_problem):  # noqa: PLR2004 - problems of the caller
        raise FailedCheck(f"expected 4xx with a problem document, got {shown(answer)}")
    return f"{answer.status} {code}"


def take(found_in: dict[str, Any], name: str, kind: type) -> Any:
    """Return a field of an answer, if it is of this kind."""
    found = found_in.get(name)
    if not isinstance(found, kind):
        raise FailedCheck(f"the answer has no usable {name!r}: it is {found!r:.80}")
    return found


def shown(answer: Answer) -> str:
    """Return the beginning of an answer, for a message."""
    text = " ".join(answer.content[:160].decode(errors="replace").split())
    return f"{answer.status} {answer.header('Content-Type') or 'without a type'}: {text}"
