"""What the collector does with a request, whatever carries it: tokens out, events in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from uuid import UUID

from ingest.accepted.port import Accepted
from ingest.hits.client import Client
from ingest.hits.judge import (
    Policy,
    collect,
    context,
    epoch_ms,
    occurred_at_of,
    parse_hit,
    partition_key,
    screen,
)
from ingest.hits.malformed import MalformedHits
from ingest.hits.rejection import Rejected, RejectionCode
from ingest.hits.visitor import own_visitor_id, partition_of, visitor_id
from ingest.origin import NO_ORIGIN, Origin, OriginKind
from ingest.quota import Counts, Quotas
from ingest.refusal import (
    CollectorProblem,
    forbidden,
    foreign_origin,
    hidden_origin,
    no_page,
    no_visitor,
    unauthorized,
    unknown_site,
    unknown_write_key,
)
from ingest.salts.salts import SaltStore
from ingest.site_directory import SiteDirectory
from ingest.stream.sink import SinkRecord
from ingest.tokens import token
from ingest.tokens.token import KeySource, TokenClaims, TokenProblem, TokenReader
from runtime.problem import ProblemError
from runtime.sites.shields import Tokens
from runtime.sites.site import Site, SiteStore
from schemas.event import Event, EventBatch, RejectedHit, encode_batch
from schemas.hit import CollectRequest, Hit, TokenRequest
from schemas.text import clean

BROWSER = Policy()
PROGRAM = Policy(count_bots=True, lateness_ms=7 * 24 * 3600 * 1000)
"""Of a program of the owner: its own user agent says nothing, and it may send what it has kept."""
WRITE_KEY = "li_write_"
"""What write keys begin with: no token does."""


OVER_QUOTA = Rejected(RejectionCode.OVER_QUOTA, "")


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
class Admitted:
    """What is known of a sender who needs no token."""

    claims: TokenClaims
    session_id: str = ""
    is_observed: bool = False
    """Whether the site wants to know how many come like that."""
    program: Client | None = None
    """Of whom a program of the owner speaks."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and for how long it is good."""

    csrf_token: str
    expires_in: int
    """Seconds."""
    takes_events: bool = False
    """Whether the site takes events with the request for a token, before one is shown."""


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
        counts: what was accepted, for sites with a daily quota.
    """

    def __init__(
        self,
        sites: SiteStore,
        salts: SaltStore,
        token_keys: KeySource,
        policy: Policy = BROWSER,
        counts: Counts | None = None,
    ) -> None:
        self._sites = SiteDirectory(sites, salts)
        self._token_keys, self._tokens = token_keys, TokenReader(token_keys)
        self._policy = policy
        self._malformed = MalformedHits()
        self._quotas = Quotas(counts)

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
        site = self._site_of(request.site_id, sender, now)
        claims = self._claims(site, sender.client, fresh_salt, now)
        signed = token.issue(self._token_keys.at(now), claims, session_id=request.session_id)
        takes_events = site.tokens is not Tokens.ENFORCE
        return IssuedToken(signed, int(token.LIFETIME.total_seconds()), takes_events)

    def admit(
        self, site_id: str | None, *, sender: Sender, fresh_salt: bytes, now: datetime
    ) -> Admitted:
        """Say who a sender is who shows no token, as a token that is issued now would say it.

        Raises:
            ProblemError: there is no such site, or the sender's pages are not the site's.
            RetryableError: the site store did not answer.
        """
        site = self._site_of(site_id, sender, now)
        return Admitted(self._claims(site, sender.client, fresh_salt, now))

    def admit_without_token(
        self,
        request: CollectRequest,
        session_id: str,
        *,
        sender: Sender,
        fresh_salt: bytes,
        now: datetime,
    ) -> Admitted | None:
        """Say who a sender is whose token is not good, where the site asks for none; else None.

        Raises:
            RetryableError: the site store did not answer.
        """
        try:
            site = self._site_of(request.site_id, sender, now)
        except ProblemError:
            return None
        if site.tokens is Tokens.ENFORCE:
            return None
        claims = self._claims(site, sender.client, fresh_salt, now)
        return Admitted(claims, session_id, site.tokens is Tokens.OBSERVE)

    def admit_program(self, request: CollectRequest, key: str, *, now: datetime) -> Admitted:
        """Say of whom a program of the owner speaks, by its write key.

        The visitor's id is that of the day of its first event: so a repeat after midnight is one.

        Raises:
            ProblemError: the key is none of the site's, or no visitor is named.
            RetryableError: the site store did not answer.
        """
        site = self._sites.get(request.site_id, now=now) if request.site_id else None
        if site is None or not site.may_write(key):
            raise unknown_write_key(request.site_id)
        if request.visitor_id is None:
            raise no_visitor()
        day = _first_day(request.events, site, now)
        visitor = own_visitor_id(site.import_salt(day), site.site_id, request.visitor_id)
        claims = TokenClaims(
            site_id=site.site_id,
            visitor_id=visitor,
            partition=partition_of(site, day, visitor),
            expires_at=now + token.LIFETIME,
        )
        client = Client("", clean(request.user_agent or ""), country=request.country or "")
        return Admitted(claims, request.session_id or "", program=client)

    def _claims(self, site: Site, client: Client, fresh_salt: bytes, now: datetime) -> TokenClaims:
        day = site.local_day(now)
        salt = self._sites.salt(site.site_id, day, fresh=fresh_salt, now=now)
        visitor = visitor_id(salt, site.site_id, client)
        return TokenClaims(
            site_id=site.site_id,
            visitor_id=visitor,
            partition=partition_of(site, day, visitor),
            expires_at=now + token.LIFETIME,
        )

    def judge(
        self,
        request: CollectRequest,
        *,
        credentials: Credentials | Admitted,
        client: Client,
        new_id: Callable[[], UUID],
        now: datetime,
    ) -> Judged:
        """Make the record of a request: its good events, and the account of every hit.

        Nothing is accepted before the stream, or else the spill, has acknowledged the record; if
        neither does, sending the same event ids again is safe.

        Args:
            request: the hits, not yet looked at.
            credentials: the token and the session it was given to; or who needs none.
            client: who sent the request.
            new_id: makes the id of a hit that brings none.
            now: when the request arrived.

        Raises:
            ProblemError: the credentials are not good.
            RetryableError: the site store did not answer.
        """
        policy = self._policy
        if isinstance(credentials, Admitted):
            claims = credentials.claims
            if credentials.program is not None:
                client, policy = credentials.program, PROGRAM
        else:
            claims = self._authorise(credentials, now)
        site = self._sites.get(claims.site_id, now=now)
        if site is None:
            raise unknown_site(claims.site_id)
        refused = screen(client, policy, site.shields)
        hits = [refused or read_hit(raw, request.site_id) for raw in request.events]
        judge = partial(
            collect, site=site, session_id=credentials.session_id, policy=policy, now=now
        )
        outcomes = [judge(hit, new_id=new_id) if isinstance(hit, Hit) else hit for hit in hits]
        events, receipt = self._within_quota(_account(outcomes), outcomes, site, now)
        rejected = [
            self._malformed.rejected(
                site.site_id,
                RejectedHit(why.reason, why.field),
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
            context=context(client, _language(hits), _touch_points(hits)),
            events=events,
            received=len(hits),
            duplicates=receipt.duplicates,
        )
        accepted = Accepted(site.site_id, site.local_day(now), receipt.accepted)
        record = _record(claims, _with_rejected(batch, rejected, credentials), accepted)
        return Judged(record, receipt)

    def _within_quota(
        self,
        accounted: tuple[tuple[Event, ...], Receipt],
        outcomes: list[Event | Rejected],
        site: Site,
        now: datetime,
    ) -> tuple[tuple[Event, ...], Receipt]:
        """Refuse the last of the good events that are beyond the site's daily quota."""
        events, _ = accounted
        admitted = self._quotas.admitted(site, len(events), now)
        if admitted == len(events):
            return accounted
        kept = {event.event_id for event in events[:admitted]}
        return _account(
            [
                OVER_QUOTA if isinstance(one, Event) and one.event_id not in kept else one
                for one in outcomes
            ]
        )

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

    def _site_of(self, site_id: str | None, sender: Sender, now: datetime) -> Site:
        if sender.origin.kind is OriginKind.OTHER:
            raise no_page()
        host = sender.origin.host or sender.referrer_host
        if site_id is not None:
            site = self._sites.get(site_id, now=now)
        else:
            site = self._sites.of_host(host, now=now) if host else None
        if site is None:
            raise unknown_site(site_id or host)
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
    batch: EventBatch, rejected: Sequence[RejectedHit], credentials: Credentials | Admitted
) -> EventBatch:
    """Add refused hits to a batch, and what a redrive of those that are kept needs."""
    if not rejected:
        return batch
    session_id = credentials.session_id if any(hit.hit for hit in rejected) else ""
    return replace(batch, rejected=tuple(rejected), session_id=session_id)


def _language(hits: Sequence[Hit | Rejected]) -> str:
    languages = (hit.language for hit in hits if isinstance(hit, Hit) and hit.language)
    return next(languages, "")


def _first_day(hits: Sequence[object], site: Site, now: datetime) -> date:
    """Return the site-local day of the first hit that can be read; else today."""
    for raw in hits:
        hit = parse_hit(raw)
        if isinstance(hit, Hit):
            at = occurred_at_of(hit, epoch_ms(now), PROGRAM.lateness_ms)
            if isinstance(at, int):
                return site.local_day(datetime.fromtimestamp(at / 1000, UTC))
    return site.local_day(now)


def _touch_points(hits: Sequence[Hit | Rejected]) -> int:
    return max((hit.touch_points for hit in hits if isinstance(hit, Hit)), default=0)


def _account(outcomes: Sequence[Event | Rejected]) -> tuple[tuple[Event, ...], Receipt]:
    refusals = [(i, outcome) for i, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)]
    good = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    first_of_each: dict[bytes, Event] = {}
    for event in good:
        first_of_each.setdefault(event.event_id, event)
    accepted = len(first_of_each)
    receipt = Receipt(accepted, len(good) - accepted, tuple(refusals))
    return tuple(first_of_each.values()), receipt
