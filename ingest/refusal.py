"""What the collector answers where it takes nothing: each says what is wrong, and what to do."""

import logging
from http import HTTPStatus

from ingest.hits.rejection import RejectionCode
from ingest.tokens.token import TokenProblem
from runtime.errors import PermanentError, RetryableError
from runtime.problem import AnyProblem, ProblemCode, ProblemError
from runtime.sites.site import Site

LOGGER = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5


class CollectorProblem(ProblemCode):
    """What the collector may answer besides what any path may, and what is wrong with a token."""

    INVALID_JSON = "invalid_json"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    BODY_TOO_LARGE = "body_too_large"
    TOO_MANY_EVENTS = "too_many_events"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - no secret
    SESSION_MISSING = "session_missing"
    SITES_UNAVAILABLE = "sites_unavailable"
    STREAM_UNAVAILABLE = "stream_unavailable"
    STREAM_REFUSED = "stream_refused"
    WRITE_KEY_UNKNOWN = "write_key_unknown"


TOKEN_ADVICE = {
    TokenProblem.MALFORMED: "This is not a token that POST /api/csrf-token gives.",
    TokenProblem.UNKNOWN_KEY: "The key that signed the token was retired.",
    TokenProblem.BAD_SIGNATURE: "The token was changed after it was signed.",
    TokenProblem.EXPIRED: "The token is too old.",
    TokenProblem.WRONG_SESSION: "The token was given to another session.",
}


def unknown_site(site_id: str) -> ProblemError:
    """Say that no site is set up under a name or a host (empty: the request names none)."""
    if site_id:
        detail = f"There is no site for {site_id!r}. Add it with: liveinsight site add {site_id}"
    else:
        detail = "Which site? Name it as site_id in the body, or send an Origin header."
    return ProblemError(HTTPStatus.FORBIDDEN, AnyProblem.UNKNOWN_SITE, detail)


def unavailable(code: CollectorProblem, what: str) -> ProblemError:
    """Say that the request may be sent again, and when."""
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        code,
        f"{what}. Send the request again in {RETRY_AFTER_SECONDS} seconds.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def not_taken(why: RetryableError | PermanentError) -> ProblemError:
    """Say that neither the stream nor the spill took the record of a request."""
    if isinstance(why, RetryableError):
        LOGGER.warning("the stream did not take a record: %s", why)
        return unavailable(CollectorProblem.STREAM_UNAVAILABLE, "The events were not accepted")
    LOGGER.error("the stream will never take a record: %s", why)
    detail = "The stream does not take these events: send fewer at once, or smaller ones."
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, CollectorProblem.STREAM_REFUSED, detail)


def foreign_origin(site: Site, host: str) -> ProblemError:
    """Say that a host's pages are not the site's."""
    detail = (
        f"Pages on {host!r} may not send events to {site.site_id!r}. "
        "To let them, add the host to the site's allowed hosts."
    )
    return ProblemError(HTTPStatus.FORBIDDEN, RejectionCode.HOST_NOT_ALLOWED, detail)


def hidden_origin(site: Site) -> ProblemError:
    """Say that a page hides where it is, and that the site takes nothing from such."""
    detail = (
        f"Origin is 'null': the page is in a sandbox, or a file. To let such pages send events to "
        f"{site.site_id!r}: liveinsight site set {site.site_id} --allow-sandboxed"
    )
    return ProblemError(HTTPStatus.FORBIDDEN, RejectionCode.HOST_NOT_ALLOWED, detail)


def no_page() -> ProblemError:
    """Say that an Origin is none of a web page."""
    detail = "Origin is no http(s) page's: send one, such as https://example.com, or leave it out."
    return ProblemError(HTTPStatus.FORBIDDEN, RejectionCode.HOST_NOT_ALLOWED, detail)


def unauthorized(code: CollectorProblem, what: str, header: str, field: str) -> ProblemError:
    """Say which credential is missing, and where it can be sent."""
    detail = (
        f"Send the {what} of POST /api/csrf-token as header {header} or as {field} in the body."
    )
    return ProblemError(HTTPStatus.UNAUTHORIZED, code, detail)


def unknown_write_key(site_id: str | None) -> ProblemError:
    """Say that a write key is none of the site that is named."""
    detail = "Name the site of the write key as site_id in the body."
    if site_id:
        way = f"liveinsight site set {site_id} --new-write-key"
        detail = f"This is no write key of {site_id!r}. Make one: {way}"
    return ProblemError(HTTPStatus.FORBIDDEN, CollectorProblem.WRITE_KEY_UNKNOWN, detail)


def no_visitor() -> ProblemError:
    """Say that a program of the owner must name the visitor."""
    detail = "visitor_id is missing: say which visitor of yours it is; it is kept as a hash."
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, RejectionCode.MISSING_FIELD, detail)


def forbidden(why: TokenProblem) -> ProblemError:
    """Say what is wrong with a token."""
    detail = f"{TOKEN_ADVICE[why]} Get a new one from POST /api/csrf-token."
    return ProblemError(HTTPStatus.FORBIDDEN, why, detail)
