"""GET /api/live/events and /api/live/visit over the real stores."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import api.realtime.bootstrap
from aggregates.minute import merge, minute_of
from aggregates.progress import Progress
from aggregates.stores.ports import MinuteKey, RawEvent, StoredMinute, Versioned
from aggregates.stores.sqlite import SqliteEventStore, SqliteMinuteStore, tables
from api.realtime.reference import reference_of, session_of
from api.realtime.visit import MAX_EVENTS
from runtime.gateway import Request
from runtime.sites.site import Site, hash_read_key
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import Context, Event, EventBatch, EventType
from tests.api.caller import KEY

NOW = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)
MOMENT = int(NOW.timestamp() * 1000)
MINUTE = MOMENT // 60_000 * 60_000
SESSION = "0123abcd-session"
CONTEXT = Context("Firefox", "Linux", "Desktop", "de", "DE", "Bayern", "München")
VIEW, CUSTOM = EventType.PAGE_VIEW, EventType.CUSTOM


def event(number: int, at: int, kind: EventType = VIEW, **about: Any) -> Event:
    return Event(number.to_bytes(16, "big"), kind, at, SESSION, **about)


@pytest.fixture
def _live(data: Path) -> None:
    """The same visit on a public site, on one that shows visits, and on a private one."""
    sites = SqliteSiteStore(data / "sites.sqlite")
    sites.add(Site(site_id="shown.site", public=True, public_visits=True))
    sites.update("open.site", with_key)
    database = tables(data / "tables.sqlite")
    minutes, raw = SqliteMinuteStore(database), SqliteEventStore(database)
    expires_at = int(NOW.timestamp()) + 3600
    for place, site_id in enumerate(("open.site", "shown.site", "closed.site")):
        for one in visit_of(10 * place):
            received_at = one.occurred_at + 100
            sent = EventBatch(site_id, b"visitor1", received_at, CONTEXT, (one,))
            key = MinuteKey(site_id, received_at // 60_000 * 60_000, 0)
            stored = minutes.load([key])[key]
            minute = merge((stored.value.minute, minute_of(sent)))
            progress = Progress({"s": 1}, received_at, received_at + 50)
            minutes.save({key: Versioned(StoredMinute(minute, progress), stored.version)})
            raw.put([RawEvent(site_id, b"visitor1", received_at, CONTEXT, one, expires_at)])


def visit_of(number: int) -> list[Event]:
    """The events of one tab; it may go to several sites."""
    return [
        event(number + 1, MOMENT - 90_000, page="/", source="Google", title="Home"),
        event(number + 2, MOMENT - 60_000, page="/pricing"),
        event(number + 3, MOMENT - 30_000, EventType.ENGAGEMENT, page="/pricing", engaged_ms=9000),
        event(number + 4, MOMENT - 20_000, CUSTOM, page="/pricing", name="signup"),
    ]


def with_key(site: Site) -> Site:
    return Site(
        site_id=site.site_id, public=True, read_key_hashes=(hash_read_key(KEY),), timezone="UTC"
    )


def ask(path: str, *, key: str = "", now: datetime = NOW, **parameters: Any) -> tuple[int, Any]:
    headers = {"x-api-key": key} if key else {}
    request = Request("GET", f"/api/live/{path}", headers, parameters)
    reply = api.realtime.bootstrap.endpoint().reply(request, now=now)
    return reply.status, json.loads(reply.body)


@pytest.mark.usefixtures("_live")
def test_the_newest_events_come_first_without_who_caused_them() -> None:
    status, body = ask("events", site_id="shown.site")
    assert status == 200
    assert [(row["kind"], row["page"], row["name"]) for row in body["events"]] == [
        ("event", "/pricing", "signup"),
        ("page_view", "/pricing", None),
        ("page_view", "/", None),
    ]
    newest = body["events"][0]
    assert newest["at"] == "2026-11-27T12:00:10.100Z"
    assert (newest["country"], newest["city"], newest["device"]) == ("DE", "München", "Desktop")
    assert {row["source"] for row in body["events"]} == {"Google"}
    assert len({row["visit"] for row in body["events"]}) == 1
    assert body["lag_ms"] == 50
    text = json.dumps(body)
    assert SESSION not in text
    assert b"visitor1".hex() not in text


@pytest.mark.usefixtures("_live")
def test_a_limit_and_a_moment_of_the_past_are_kept_to() -> None:
    _, body = ask("events", site_id="shown.site", limit="1")
    assert [row["name"] for row in body["events"]] == ["signup"]
    at = (NOW - timedelta(seconds=40)).isoformat()
    _, body = ask("events", site_id="shown.site", at=at)
    assert [row["page"] for row in body["events"]] == ["/pricing", "/"]
    later = NOW + timedelta(minutes=40)
    assert ask("events", site_id="shown.site", now=later)[1]["events"] == []
    _, body = ask("events", site_id="shown.site", now=later, at="2026-11-27T13:00:30+01:00")
    assert len(body["events"]) == 3


@pytest.mark.usefixtures("_live")
def test_single_visits_of_a_public_site_are_for_who_has_a_key() -> None:
    _, body = ask("events", site_id="open.site")
    assert body["shows_visits"] is False
    assert {(row["visit"], row["city"]) for row in body["events"]} == {(None, None)}
    assert body["events"][0]["country"] == "DE"
    _, body = ask("events", site_id="open.site", key=KEY)
    visit = body["events"][0]["visit"]
    assert visit
    status, problem = ask("visit", site_id="open.site", visit=visit)
    assert (status, problem["code"]) == (401, "read_key_required")
    assert ask("visit", site_id="open.site", visit=visit, key=KEY)[0] == 200


@pytest.mark.usefixtures("_live")
@pytest.mark.parametrize(
    ("site_id", "key", "cached"),
    [
        ("shown.site", "", "public, max-age=3"),
        ("open.site", "", "public, max-age=3"),
        ("open.site", KEY, "private, max-age=3"),
        ("closed.site", KEY, "private, max-age=3"),
    ],
)
def test_what_a_key_shows_is_kept_by_no_shared_cache(site_id: str, key: str, cached: str) -> None:
    headers = {"x-api-key": key} if key else {}
    request = Request("GET", "/api/live/events", headers, {"site_id": site_id})
    reply = api.realtime.bootstrap.endpoint().reply(request, now=NOW)
    assert reply.headers["Cache-Control"] == cached
    assert "X-API-Key" in reply.headers["Vary"]


@pytest.mark.usefixtures("_live")
def test_a_private_site_tells_nothing_without_its_key() -> None:
    for path in ("events", "visit"):
        assert ask(path, site_id="closed.site")[0] == 401


@pytest.mark.usefixtures("_live")
def test_a_visit_is_told_step_by_step() -> None:
    _, feed = ask("events", site_id="shown.site")
    visit = feed["events"][0]["visit"]
    status, body = ask("visit", site_id="shown.site", visit=visit)
    assert status == 200
    assert (body["pageviews"], body["events"], body["left_out"]) == (2, 1, 0)
    assert (body["source"], body["city"], body["browser"]) == ("Google", "München", "Firefox")
    assert body["duration_seconds"] == 70.0
    steps = [
        (step["kind"], step["page"], step["seconds"], step["engaged_seconds"])
        for step in body["timeline"]
    ]
    assert steps == [
        ("page_view", "/", 30.0, 0.0),
        ("page_view", "/pricing", None, 9.0),
        ("event", "/pricing", None, 0.0),
    ]
    assert SESSION not in json.dumps(body)


@pytest.mark.usefixtures("_live")
def test_a_visit_of_another_site_is_none_here() -> None:
    site = Site(site_id="other.site")
    for visit in ("", "x", "ä", "A" * 5000, SESSION, reference_of(site, SESSION)):
        status, problem = ask("visit", site_id="shown.site", visit=visit)
        assert (status, problem["code"]) == (404, "unknown_visit")


@pytest.mark.usefixtures("_live")
def test_events_that_have_expired_are_not_told() -> None:
    _, feed = ask("events", site_id="shown.site")
    later = NOW + timedelta(hours=2)
    status, problem = ask(
        "visit", site_id="shown.site", visit=feed["events"][0]["visit"], now=later
    )
    assert (status, problem["code"]) == (404, "unknown_visit")


def test_of_a_very_long_visit_the_end_is_told(data: Path) -> None:
    site = Site(site_id="long.site", public=True, public_visits=True)
    SqliteSiteStore(data / "sites.sqlite").add(site)
    many = MAX_EVENTS + 20
    raw = [
        RawEvent(
            "long.site", b"visitor1", MOMENT, CONTEXT, event(n, MOMENT + n, page=f"/{n}"), 2**40
        )
        for n in range(many)
    ]
    SqliteEventStore(tables(data / "tables.sqlite")).put(raw)
    _, body = ask("visit", site_id="long.site", visit=reference_of(site, SESSION))
    assert (body["pageviews"], body["left_out"], len(body["timeline"])) == (many, 20, MAX_EVENTS)
    assert body["timeline"][-1]["page"] == f"/{many - 1}"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"limit": "0"}, "bad_limit"),
        ({"limit": "101"}, "bad_limit"),
        ({"at": "now"}, "bad_time"),
        ({"at": "2026-11-27"}, "bad_time"),
        ({"at": "2026-11-27T12:00:00"}, "bad_time"),
        ({"at": "2026-11-27T13:00:00Z"}, "bad_time"),
        ({"at": "2026-11-25T12:00:00Z"}, "bad_time"),
        ({"at": "2026-02-31T12:00:00Z"}, "bad_time"),
        ({"at": "2026-11-27T12:00:00+99:00"}, "bad_time"),
        ({"from": "2026-11-27"}, "unknown_parameter"),
    ],
)
def test_what_cannot_be_shown_is_refused(asked: dict[str, Any], code: str) -> None:
    status, problem = ask("events", site_id="open.site", **asked)
    assert (status, problem["code"]) == (422, code)


def test_a_path_that_is_none_is_told_those_that_are() -> None:
    status, problem = ask("visits", site_id="open.site")
    assert (status, problem["code"]) == (404, "not_found")


SITE = Site(site_id="my.site")
SESSIONS = st.from_regex(r"[A-Za-z0-9_.-]{8,64}", fullmatch=True)


@given(SESSIONS, SESSIONS)
def test_a_reference_leads_back_to_its_session_alone(one: str, other: str) -> None:
    reference = reference_of(SITE, one)
    assert session_of(SITE, reference) == one
    assert one not in reference
    assert (reference == reference_of(SITE, other)) == (one == other)
    assert session_of(Site(site_id="my.site"), reference) is None  # of another secret


@given(SESSIONS, st.data())
def test_a_reference_that_was_changed_is_none(session: str, data: st.DataObject) -> None:
    reference = reference_of(SITE, session)
    place = data.draw(st.integers(0, len(reference) - 2))
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda one: one != reference[place]))
    assert session_of(SITE, reference[:place] + letter + reference[place + 1 :]) is None


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_=-]{0,200}", fullmatch=True))
def test_no_text_is_a_reference_by_chance(text: str) -> None:
    assert session_of(SITE, text) is None
