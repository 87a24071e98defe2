"""What a client takes, as its headers say (RFC 9110, section 12)."""

from collections.abc import Mapping

MAX_RANGES = 64
"""Of one header, that are looked at."""


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Say whether an answer may be compressed with gzip. Headers are by lower-case name."""
    return _weight(headers.get("accept-encoding", ""), "gzip", "*") > 0


def prefers_html(headers: Mapping[str, str]) -> bool:
    """Say whether who asks would rather have a page than JSON, as browsers of people do."""
    accept = headers.get("accept", "")
    html = _weight(accept, "text/html", "text/*", "*/*")
    return html > _weight(accept, "application/json", "application/*", "*/*")


def _weight(header: str, *names: str) -> float:
    """Return the weight that a header gives to the first of these names which it has; 0: none."""
    given: dict[str, float] = {}
    for text in header.split(",")[:MAX_RANGES]:
        name, *parameters = (part.strip().lower() for part in text.split(";"))
        given[name] = next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
    return next((given[name] for name in names if name in given), 0.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
