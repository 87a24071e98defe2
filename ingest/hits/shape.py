"""What is kept of a malformed hit: what would be stored of a good one, and the shape of the rest.

Fields that are known and in order are kept as an event would keep them, and what looks like a
person's is taken out of every text, also where an event keeps it. Of all else there is the shape:
a list of the type, the length, and the first characters with each letter as `a` or `A` and each
digit as `0`. No field takes a list, so a shape is never counted for what it stands for.
"""

import json
import re
from collections.abc import Mapping

from pydantic import ValidationError

from ingest.hits.client import Client
from ingest.hits.page import Page, parse_page
from ingest.hits.personal import impersonal
from ingest.hits.shortening import ADDRESSES, shorter
from schemas.hit import MAX_HITS, CollectRequest, Hit, HitModel
from schemas.text import clean

TOKEN_FIELD = "csrf_token"  # noqa: S105 - a name
REQUEST_FIELDS = ("session_id", "site_id", TOKEN_FIELD)
TEXTS = frozenset({"title", "name", "language"})
OTHERS = "(others)"
"""How many fields there are whose names are none of ours."""

MOST_HITS = 4 * MAX_HITS
"""In a request that has more, hits are only counted."""
QUERY = re.compile(r"(?<!\S)([^\s?#/]*+/[^\s?#]*+)[?#]\S*+")
"""Of whatever has a slash before a question mark or a fragment."""
USERINFO = re.compile(r"//[^\s/@]*+@")
MAX_SAMPLE = 200
SMALL_NUMBER = 10**6
"""Nearer to zero, a number is nobody's: it is kept as it is."""


def kept_of(raw: object, client: Client) -> str:
    """Return what is kept of a hit, or of a request that was refused as a whole, as JSON.

    Args:
        raw: as it was sent; a text where it is no JSON.
        client: who sent it: of their address and user agent nothing is kept.
    """
    if not isinstance(raw, dict):
        kept: object = _shape(raw)
    elif "events" in raw:
        kept = {**_request_fields(raw), "events": _hits(raw["events"], client)}
    else:
        kept = {**_request_fields(raw), **_hit(raw, client)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def _hits(events: object, client: Client) -> object:
    if not isinstance(events, list) or len(events) > MOST_HITS:
        return _shape(events)
    return [_hit(one, client) if isinstance(one, dict) else _shape(one) for one in events]


def _request_fields(raw: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of the request itself; of a token, only that there is one."""
    given = {name: raw[name] for name in REQUEST_FIELDS if name in raw}
    wrong = {location[0] for location in _wrong(CollectRequest, {**given, "events": [None]})}
    kept = {name: _shape(one) if name in wrong else one for name, one in given.items()}
    return {**kept, TOKEN_FIELD: ""} if TOKEN_FIELD in kept.keys() - wrong else kept


def _hit(raw: dict[str, object], client: Client) -> dict[str, object]:
    hit, wrong = _as_read(raw)
    kept: dict[str, object] = {}
    for name in Hit.model_fields:
        if name not in hit:
            continue
        value = hit[name]
        if name == "props" and isinstance(value, dict) and ("props",) not in wrong:
            kept[name] = _props(value, wrong, client)
        elif any(place[0] == name for place in wrong):
            kept[name] = _shape(value)
        elif isinstance(value, str) and name in ADDRESSES:
            kept[name] = _address(value)
        else:
            kept[name] = _text(value, client) if name in TEXTS else value
    others = len(raw.keys() - Hit.model_fields.keys() - {TOKEN_FIELD})
    return {**kept, OTHERS: others} if others else kept


def _as_read(raw: dict[str, object]) -> tuple[dict[str, object], set[tuple[int | str, ...]]]:
    """Return a hit as the collector reads it, and the places of what is wrong with it."""
    try:
        Hit.model_validate(raw)
    except ValidationError as error:
        hit = shorter(raw, error) or raw
        return hit, _wrong(Hit, hit)
    except Exception:  # noqa: BLE001 - a fault of ours, which the verdict has logged
        return raw, {(name,) for name in raw}
    return raw, set()


def _wrong(model: type[HitModel], raw: Mapping[str, object]) -> set[tuple[int | str, ...]]:
    try:
        model.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        return {one["loc"][:2] for one in found}
    return set()


def _props(
    props: Mapping[str, object], wrong: set[tuple[int | str, ...]], client: Client
) -> dict[str, object]:
    return {
        str(_text(key[:MAX_SAMPLE], client)): (
            _shape(value) if ("props", key) in wrong else _text(value, client)
        )
        for key, value in props.items()
    }


def _address(address: str) -> object:
    """Return what an event keeps of an address, or its shape where it is none."""
    app, _, rest = address.partition("://")
    page = parse_page(f"https://{rest}" if app == "android-app" else address, keep_query=False)
    if not isinstance(page, Page):
        return _shape(address) if address else ""
    host = f"[{page.hostname}]" if ":" in page.hostname else page.hostname
    query = "&".join(filter(None, (page.query, page.click)))
    scheme = app if app == "android-app" else "https"
    return impersonal(f"{scheme}://{host}{page.impersonal().path}{'?' if query else ''}{query}")


def _text(value: object, client: Client) -> object:
    if not isinstance(value, str):
        return value
    text = clean(value)
    for own in (client.user_agent, client.address):
        text = text.replace(own, "[client]") if own else text
    return impersonal(QUERY.sub(r"\1", USERINFO.sub("//", text)))


def _shape(value: object) -> object:
    match value:
        case int() | float():
            return value if abs(value) < SMALL_NUMBER else ["number", len(repr(value))]
        case str():
            return ["text", len(value), "".join(map(_class, clean(value[:MAX_SAMPLE])))]
        case list():
            return ["list", len(value)]
        case dict():
            return ["object", len(value)]
        case _:
            return None


def _class(letter: str) -> str:
    """Return what stands for a character: the case of a letter, 0 for a digit, else itself."""
    if letter.isalpha():
        return "A" if letter.isupper() else "a"
    if letter.isnumeric():
        return "0"
    return letter if letter.isascii() else "?"
