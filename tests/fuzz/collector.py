"""Feeds the collector's parsers what a fuzzer thinks of, guided by the branches that it reaches.

    pip install atheris    # wheels for Linux alone, so it is not in the lock file
    python -m tests.fuzz.collector [-max_total_time=300] [FOLDER ...]

Folders hold inputs; new ones that reach more go into the first. Whatever comes, a body is one JSON
object or refused with a problem; a hit is an event or refused with its field, never with
`unjudged`; what is stored of an event holds nothing that a terminal obeys, and is read back as it
was written; what is kept of a refused hit is text.
"""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["ingest", "schemas"]):
    from ingest.hits.client import Client
    from ingest.hits.judge import Policy, collect, context, epoch_ms, parse_hit
    from ingest.hits.rejection import Rejected, RejectionCode
    from ingest.hits.shape import kept_of
    from ingest.request_body import parse_body, unparsed
    from runtime.problem import ProblemError
    from runtime.sites.site import Site
    from schemas.event import Event, EventBatch, decode_batch, encode_batch
    from schemas.hit import Hit

CORPUS = Path(__file__).parent / "corpus"
NOW = datetime(2026, 3, 13, 15, 9, 20, tzinfo=UTC)
SITE = Site(site_id="shop.example", scrub_paths=True, import_secret="0" * 64)
CLIENT = Client("198.51.100.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
CONTROLS = {*range(32), *range(127, 160), 0x2028, 0x2029}


def one_input(raw: bytes) -> None:
    """Take a body as the collector does."""
    text = raw.decode(errors="replace")
    unparsed(text, is_base64=False)
    try:
        body = parse_body(text, is_base64=False, content_type="text/plain")
    except ProblemError:
        return
    events = body.get("events")
    for raw_hit in events[:5] if isinstance(events, list) else [body]:
        one_hit(raw_hit)


def one_hit(raw: object) -> None:
    """Judge a hit, store it, and read it back."""
    kept_of(raw, CLIENT).encode()
    hit = parse_hit(raw)
    if isinstance(hit, Hit):
        judged = collect(
            hit,
            site=SITE,
            session_id=hit.session_id or "session-1",
            policy=Policy(),
            new_id=lambda: UUID(int=1),
            now=NOW,
        )
        if isinstance(judged, Event):
            return stored(judged)
        hit = judged
    assert isinstance(hit, Rejected)
    assert hit.code is not RejectionCode.UNJUDGED
    hit.field.encode()
    return None


def stored(event: Event) -> None:
    """Write an event as the stream has it, and look at what it holds."""
    texts = (event.page, event.query, event.title, event.referrer, event.name, *event.props)
    for text in (*texts, *event.props.values(), event.source, event.utm_source):
        assert not CONTROLS & {ord(one) for one in text}, text
    batch = EventBatch(SITE.site_id, b"visitor1", epoch_ms(NOW), context(CLIENT, ""), (event,))
    assert decode_batch(encode_batch(batch)).events == (event,)


def main() -> None:
    """Fuzz until told to stop."""
    logging.disable(logging.CRITICAL)
    atheris.Setup([*sys.argv, str(CORPUS)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
