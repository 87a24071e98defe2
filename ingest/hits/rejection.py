"""Why a hit was refused."""

from dataclasses import dataclass

from runtime.problem import ProblemCode


class RejectionCode(ProblemCode):
    """The closed set of reasons, for a hit or a whole request.

    The values are part of the ingest contract.
    """

    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    INVALID_URL = "invalid_url"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    HOST_NOT_ALLOWED = "host_not_allowed"
    SITE_MISMATCH = "site_mismatch"
    SESSION_MISMATCH = "session_mismatch"
    BOT = "bot"
    UNJUDGED = "unjudged"
    BLOCKED_ADDRESS = "blocked_address"
    BLOCKED_COUNTRY = "blocked_country"
    BLOCKED_AGENT = "blocked_agent"
    BLOCKED_PAGE = "blocked_page"
    BLOCKED_HOST = "blocked_host"
    OVER_QUOTA = "over_quota"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refusal: the reason, and the field (dotted; empty: the whole hit) that gave it."""

    code: RejectionCode
    field: str
    kind: str = ""
    """Of the program, where one is refused."""

    @property
    def reason(self) -> str:
        """What the ledger counts it under: `bot_probe`, say."""
        return f"{self.code}_{self.kind}" if self.kind else self.code.value
