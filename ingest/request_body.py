"""HTTP body -> request models."""

import json
import re
from base64 import b64decode
from contextlib import suppress
from http import HTTPStatus
from typing import TypeVar

from pydantic import ValidationError

from ingest.hits.judge import first_rejection
from ingest.hits.rejection import RejectionCode
from ingest.refusal import CollectorProblem
from runtime.problem import ProblemError
from schemas.hit import MAX_BODY_BYTES, MAX_HITS, CollectRequest, HitModel, TokenRequest
from schemas.text import repaired

CONTENT_TYPES = ("application/json", "text/plain")
"""text/plain is what a browser sends to another host without asking first."""

PLAIN = ("", "identity")
"""Content codings that are none."""

REQUEST_FIELDS = ("csrf_token", "session_id", "site_id")

MAX_NESTING = 32
"""Levels of arrays and objects that are read; a hit with its properties has four."""
MAX_DIGITS = 400
"""A longer integer is read as a float: Python refuses to, and no field takes one as large."""

BYTE_ORDER_MARK = "\ufeff"
"""Some programs write it before a text in UTF-8."""

STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]++|[\]}]++', re.DOTALL)

SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")

JsonObject = dict[str, object]
Request = TypeVar("Request", bound=HitModel)


def parse_body(
    body: str, *, is_base64: bool, content_type: str, content_encoding: str = ""
) -> JsonObject:
    """Read a body as one JSON object.

    Args:
        body: as API Gateway gives it.
        is_base64: whether API Gateway encoded it.
        content_type: the header's value; empty counts as text/plain.
        content_encoding: the header's value. Whoever carries the request may have undone it, as API
            Gateway does; so it matters only where the body cannot be read.

    Raises:
        ProblemError: it is something else, or too large.
    """
    _check_media_type(content_type)
    try:
        raw = b64decode(body, validate=True) if is_base64 else body.encode()
        if len(raw) > MAX_BODY_BYTES:
            raise _too_large()
        parsed = _load(raw.decode(errors="replace"))
    except ValueError as error:
        if content_encoding.strip().lower() not in PLAIN:
            raise _compressed() from error
        detail = "The body is not JSON in UTF-8."
        raise ProblemError(HTTPStatus.BAD_REQUEST, CollectorProblem.INVALID_JSON, detail) from error
    if not isinstance(parsed, dict):
        detail = "The body is JSON, but not an object."
        raise ProblemError(HTTPStatus.BAD_REQUEST, RejectionCode.NOT_AN_OBJECT, detail)
    return parsed


def unparsed(body: str, *, is_base64: bool) -> tuple[object, dict[str, str]]:
    """Return a body that was refused, and those of its fields that are strings.

    The body is the JSON object that it is, or else its text.
    """
    text = repaired(body)
    if is_base64:
        with suppress(ValueError):
            text = b64decode(body).decode(errors="replace")
    loaded: object = None
    if len(text) <= MAX_BODY_BYTES:
        with suppress(ValueError):
            loaded = _load(text)
    if not isinstance(loaded, dict):
        return text, {}
    return loaded, {name: value for name, value in loaded.items() if isinstance(value, str)}


def parse_token_request(body: JsonObject) -> TokenRequest:
    """Read the body of `POST /api/csrf-token`.

    Raises:
        ProblemError: a field is missing or wrong.
    """
    return _validate(TokenRequest, body)


def parse_collect_request(body: JsonObject) -> CollectRequest:
    """Read the body of `POST /api/events`: one event, or an object with a list of them.

    Raises:
        ProblemError: a field of the whole request is wrong, or there are too many events.
    """
    if "events" not in body:
        shared = {name: body[name] for name in REQUEST_FIELDS if name in body}
        return _validate(CollectRequest, {**shared, "events": [body]})
    events = body["events"]
    if isinstance(events, list) and len(events) > MAX_HITS:
        detail = f"A request has at most {MAX_HITS} events: this one has {len(events)}."
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, CollectorProblem.TOO_MANY_EVENTS, detail
        )
    return _validate(CollectRequest, body)


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type and media_type not in CONTENT_TYPES:
        detail = f"Send {' or '.join(CONTENT_TYPES)}."
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, CollectorProblem.UNSUPPORTED_MEDIA_TYPE, detail
        )


def _compressed() -> ProblemError:
    return ProblemError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        CollectorProblem.UNSUPPORTED_MEDIA_TYPE,
        "Compressed bodies are not taken: send it without Content-Encoding.",
        {"Accept-Encoding": "identity"},
    )


def _too_large() -> ProblemError:
    detail = f"A body has at most {MAX_BODY_BYTES} bytes: send fewer events at once."
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, CollectorProblem.BODY_TOO_LARGE, detail
    )


def _validate(model: type[Request], body: JsonObject) -> Request:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        refusal = first_rejection(error)
        detail = f"{refusal.field} is missing, or not as the API describes it."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, refusal.code, detail) from error


def _load(text: str) -> object:
    """Read JSON, in time and on a stack that do not depend on what it is.

    NaN and Infinity, which JSON does not have and many programs write, are numbers that no field
    takes, so they cost the one event that has them.

    Raises:
        ValueError: it is no JSON.
    """
    loaded = DECODER.decode(_shallow(text.removeprefix(BYTE_ORDER_MARK)))
    return _repaired(loaded) if SURROGATE_ESCAPE.search(text) else loaded


def _repaired(loaded: object) -> object:
    """Replace lone surrogates, which JSON can write and no store takes."""
    match loaded:
        case str():
            return repaired(loaded)
        case list():
            return [_repaired(one) for one in loaded]
        case dict():
            return {repaired(name): _repaired(one) for name, one in loaded.items()}
        case _:
            return loaded


def _shallow(text: str) -> str:
    """Return JSON with null in place of what is nested too deep.

    No event has such a part, and one bad event must not take the others with it.
    """
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return text
    kept: list[str] = []
    depth = kept_to = 0
    for found in STRINGS_AND_BRACKETS.finditer(text):
        mark, size = text[found.start()], found.end() - found.start()
        if mark in "[{":
            if depth <= MAX_NESTING < depth + size:
                kept += (text[kept_to : found.start() + MAX_NESTING - depth], "null")
                kept_to = len(text)
            depth += size
        elif mark in "]}":
            if depth > MAX_NESTING >= depth - size:
                kept_to = found.start() + depth - MAX_NESTING
            depth -= size
    return "".join((*kept, text[kept_to:]))


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


DECODER = json.JSONDecoder(parse_int=_number)
