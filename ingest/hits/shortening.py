"""A text that is too long costs its end, not the event that it is a part of. Pure."""

from collections.abc import Iterable

from pydantic import ValidationError

from schemas.hit import MAX_EVENT_NAME, MAX_LANGUAGE, MAX_PROP, MAX_TITLE, MAX_URL
from schemas.text import shortened

TOO_LONG = "string_too_long"
SHORTENED = {"title": MAX_TITLE, "name": MAX_EVENT_NAME, "language": MAX_LANGUAGE}
"""Texts that mean something without their end, and how much of them is kept."""
ADDRESSES = ("page_url", "referrer")
"""Addresses mean something without a query, and a referrer without its path."""


def shorter(raw: object, error: ValidationError) -> dict[str, object] | None:
    """Return a hit with its texts shortened; None where none of them is too long.

    Args:
        raw: the hit, as it was sent.
        error: what is wrong with it.
    """
    found = error.errors(include_input=False, include_url=False, include_context=False)
    too_long = {one["loc"][:2] for one in found if one["type"] == TOO_LONG}
    if not too_long or not isinstance(raw, dict):
        return None
    mended = dict(raw)
    for field in {str(location[0]) for location in too_long}:
        value = raw[field]
        if field == "props":
            mended[field] = {**value, **_shortened_props(value, too_long)}
        elif field in ADDRESSES:
            mended[field] = _shortened_address(value, is_page=field == "page_url")
        elif field in SHORTENED:
            mended[field] = shortened(value, SHORTENED[field])
    return mended


def _shortened_props(
    props: dict[str, object], too_long: Iterable[tuple[int | str, ...]]
) -> dict[str, object]:
    keys = {str(location[1]) for location in too_long if location[0] == "props"}
    values = {key: props[key] for key in keys if key in props}
    return {k: shortened(v, MAX_PROP) for k, v in values.items() if isinstance(v, str)}


def _shortened_address(address: str, *, is_page: bool) -> str:
    """Return an address without the end of its query: no page has half of a path or a parameter."""
    place = address.partition("#")[0]
    if len(place) <= MAX_URL:
        return place
    path, mark, query = place.partition("?")
    if len(path) > MAX_URL:
        return address if is_page else path[:MAX_URL]
    kept = query[: MAX_URL - len(path)].rpartition("&")[0]
    return f"{path}{mark}{kept}" if kept else path
