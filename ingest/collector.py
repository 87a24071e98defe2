"""What the collector does with a request, whatever carries it: tokens out, events in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from ingest.accepted.port import Accepted
from ingest.hits.client import Client
from ingest.hits.judge import Policy, collect, context, epoch_ms, parse_hit, partition_key, screen
from ingest.hits.malformed import MalformedHits
from ingest.hits.rejection import Rejected, RejectionCode
from ingest.hits.visitor import partition_of, visitor_id
from ingest.origin import NO_ORIGIN, Origin, OriginKind
from ingest.refusal import (
    CollectorProblem,
    forbidden,
    foreign_origin,
    hidden_origin,
    no_page,
    unauthorized,
    unknown_site,
)
from ingest.salts.salts import SaltStore
from ingest.site_directory import SiteDirectory
from ingest.stream.sink import SinkRecord
from ingest.tokens import token
from ingest.tokens.token import TokenClaims, TokenKeys, TokenProblem, TokenReader
from runtime.sites.site import Site, SiteStore
from schemas.event import Event, EventBatch, RejectedHit, encode_batch
from schemas.hit import CollectRequest, Hit, TokenRequest

BROWSER = Policy()


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a request comes from."""

    client: Client
    origin: Origin = NO_ORIGIN
    referrer_host: str = ""
    """Empty: not said."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows to be let in. Empty: not sent."""

    token: str
    session_id: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and for how long it is good."""

    csrf_token: str
    expires_in: int
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the hits of one request."""

    accepted: int
    duplicates: int
    rejected: tuple[tuple[int, Rejected], ...]
    """Place of the hit in the request, and why."""

    @property
    def bots(self) -> int:
        """How many hits were refused because a program sent them."""
        return sum(refusal.code is RejectionCode.BOT for _, refusal in self.rejected)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be put on the stream for a request, and what then became of its hits."""

    record: SinkRecord
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class UnreadRequest:
    """The body of a request that is refused as a whole, and the code of the problem with it."""

    raw: object
    """JSON, or a text where it is none."""
    code: str


class Collector:
    """Gives tokens and judges events.

    Args:
        sites: knows the sites.
        salts: make the visitor ids of their days.
        token_keys: sign and check the tokens.
        policy: what differs for hits that do not come from browsers.
    """

    def __init__(
        self,
        sites: SiteStore,
        salts: SaltStore,
        token_keys: TokenKeys,
        policy: Policy = BROWSER,
    ) -> None:
        self._sites = SiteDirectory(sites, salts)
        self._token_keys, self._tokens = token_keys, TokenReader(token_keys)
        self._policy = policy
        self._malformed = MalformedHits()

    def issue_token(
        self, request: TokenRequest, *, sender: Sender, fresh_salt: bytes, now: datetime
    ) -> IssuedToken:
        """Give a session the token that its events must show.

        Args:
            request: names the session, and perhaps the site.
            sender: who asks; its host says which site, where the request does not.
            fresh_salt: 32 random bytes, used where the site's day has no salt yet.
            now: when the request arrived.

        Raises:
            ProblemError: there is no such site, or the sender's pages are not the site's.
            RetryableError: the site store did not answer.
        """
        site = self._site_of(request, sender, now)
        day = site.local_day(now)
        salt = self._sites.salt(site.site_id, day, fresh=fresh_salt, now=now)
        visitor = visitor_id(salt, site.site_id, sender.client)
        claims = TokenClaims(
            site_id=site.site_id,
            visitor_id=visitor,
            partition=partition_of(site, day, visitor),
            expires_at=now + token.LIFETIME,
        )
        signed = token.issue(self._token_keys, claims, session_id=request.session_id)
        return IssuedToken(signed, int(token.LIFETIME.total_seconds()))

    def judge(
        self,
        request: CollectRequest,
        *,
        credentials: Credentials,
        client: Client,
        new_id: Callable[[], UUID],
        now: datetime,
    ) -> Judged:
        """Make the record of a request: its good events, and the account of every hit.

        Nothing is accepted before the stream, or else the spill, has acknowledged the record; if
        neither does, sending the same event ids again is safe.

        Args:
            request: the hits, not yet looked at.
            credentials: the token and the session it was given to.
            client: who sent the request.
            new_id: makes the id of a hit that brings none.
            now: when the request arrived.

        Raises:
            ProblemError: the credentials are not good.
            RetryableError: the site store did not answer.
        """
        claims = self._authorise(credentials, now)
        site = self._sites.get(claims.site_id, now=now)
        if site is None:
            raise unknown_site(claims.site_id)
        refused = screen(client, self._policy)
        hits = [refused or read_hit(raw, request.site_id) for raw in request.events]
        judge = partial(
            collect, site=site, session_id=credentials.session_id, policy=self._policy, now=now
        )
        outcomes = [judge(hit, new_id=new_id) if isinstance(hit, Hit) else hit for hit in hits]
        events, receipt = _account(outcomes)
        rejected = [
            self._malformed.rejected(
                site.site_id,
                RejectedHit(why.code, why.field),
                request.events[i],
                client=client,
                now=now,
            )
            for i, why in receipt.rejected
        ]
        batch = EventBatch(
            site_id=site.site_id,
            visitor_id=claims.visitor_id,
            received_at=epoch_ms(now),
            context=context(client, _language(hits)),
            events=events,
            received=len(hits),
            duplicates=receipt.duplicates,
        )
        accepted = Accepted(site.site_id, site.local_day(now), receipt.accepted)
        record = _record(claims, _with_rejected(batch, rejected, credentials), accepted)
        return Judged(record, receipt)

    def refuse(
        self, request: UnreadRequest, *, credentials: Credentials, client: Client, now: datetime
    ) -> SinkRecord | None:
        """Account for a request that cannot be read: as one hit, of the session that shows a token.

        One without a good token is nobody's, and is forgotten: None.

        Raises:
            RetryableError: the site store did not answer.
        """
        claims = self._tokens.read(credentials.token, session_id=credentials.session_id, now=now)
        if isinstance(claims, TokenProblem):
            return None
        site = self._sites.get(claims.site_id, now=now)
        if site is None:
            return None
        why = RejectedHit(request.code)
        rejected = self._malformed.rejected(site.site_id, why, request.raw, client=client, now=now)
        batch = EventBatch(
            site_id=site.site_id,
            visitor_id=claims.visitor_id,
            received_at=epoch_ms(now),
            context=context(client, ""),
            events=(),
            received=1,
        )
        return _record(claims, _with_rejected(batch, [rejected], credentials))

    def accepts_origin(self, origin: Origin, *, now: datetime) -> bool:
        """Say whether a page of this origin may read the answers.

        Raises:
            RetryableError: the site store did not answer.
        """
        if origin.kind is OriginKind.OPAQUE:
            return self._sites.any_sandboxed(now=now)
        return bool(origin.host) and self._sites.of_host(origin.host, now=now) is not None

    def _authorise(self, credentials: Credentials, now: datetime) -> TokenClaims:
        if not credentials.token:
            raise unauthorized(
                CollectorProblem.TOKEN_MISSING, "token", "X-CSRF-Token", "csrf_token"
            )
        if not credentials.session_id:
            raise unauthorized(
                CollectorProblem.SESSION_MISSING, "session", "X-Session-ID", "session_id"
            )
        claims = self._tokens.read(credentials.token, session_id=credentials.session_id, now=now)
        if isinstance(claims, TokenProblem):
            raise forbidden(claims)
        return claims

    def _site_of(self, request: TokenRequest, sender: Sender, now: datetime) -> Site:
        if sender.origin.kind is OriginKind.OTHER:
            raise no_page()
        host = sender.origin.host or sender.referrer_host
        if request.site_id is not None:
            site = self._sites.get(request.site_id, now=now)
        else:
            site = self._sites.of_host(host, now=now) if host else None
        if site is None:
            raise unknown_site(request.site_id or host)
        if sender.origin.kind is OriginKind.OPAQUE and not site.sandboxed:
            raise hidden_origin(site)
        if sender.origin.host and not site.accepts_host(sender.origin.host):
            raise foreign_origin(site, sender.origin.host)
        return site


def read_hit(raw: object, site_id: str | None) -> Hit | Rejected:
    """Read a hit of a request that may name the site for all of its hits."""
    hit = parse_hit(raw)
    if isinstance(hit, Hit) and hit.site_id is None and site_id is not None:
        return hit.model_copy(update={"site_id": site_id})
    return hit


def _record(claims: TokenClaims, batch: EventBatch, accepted: Accepted | None = None) -> SinkRecord:
    key = partition_key(claims.site_id, claims.partition)
    return SinkRecord(key, encode_batch(batch), accepted)


def _with_rejected(
    batch: EventBatch, rejected: Sequence[RejectedHit], credentials: Credentials
) -> EventBatch:
    """Add refused hits to a batch, and what a redrive of those that are kept needs."""
    if not rejected:
        return batch
    session_id = credentials.session_id if any(hit.hit for hit in rejected) else ""
    return replace(batch, rejected=tuple(rejected), session_id=session_id)


def _language(hits: Sequence[Hit | Rejected]) -> str:
    languages = (hit.language for hit in hits if isinstance(hit, Hit) and hit.language)
    return next(languages, "")


def _account(outcomes: Sequence[Event | Rejected]) -> tuple[tuple[Event, ...], Receipt]:
    refusals = [(i, outcome) for i, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)]
    good = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    first_of_each: dict[bytes, Event] = {}
    for event in good:
        first_of_each.setdefault(event.event_id, event)
    accepted = len(first_of_each)
    receipt = Receipt(accepted, len(good) - accepted, tuple(refusals))
    return tuple(first_of_each.values()), receipt
