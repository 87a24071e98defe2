"""The rebuild API's handler on REST proxy events, over real stores and a real rebuild."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregates.rollup import Counters, Dimension, Rollup, merge
from aggregates.seal import DAY, Period, tables_of
from aggregates.stores.ports import SealKey, Versioned
from aggregates.stores.reading import Reading
from liveinsight.replay.attendant import Attendant
from liveinsight.replay.turning import Turning
from processors.seal.processor import SealProcessor
from runtime.sites.generations import Stage, Step
from runtime.sites.site import hash_read_key
from tests.api.caller import KEY, call
from tests.factories import NOW, traffic
from tests.processors.stream import SITE
from tests.replay.rebuilding import House

ADMIN = "li_admin_a-key"
PATH = "/api/rebuild"


@pytest.fixture
def house(data: Path) -> House:
    """A site with a sealed day that somebody changed by hand."""
    house = House(data)
    house.sites.update(
        SITE,
        lambda one: replace(
            one,
            admin_key_hashes=(hash_read_key(ADMIN),),
            read_key_hashes=(hash_read_key(KEY),),
        ),
    )
    house.send(traffic(Random(5), 60))
    house.archive_all()
    house.count()
    SealProcessor(house.sites, house.rollups, house.seals).run(now=NOW + timedelta(days=9))
    key = SealKey(1, SITE, Period.DAY, NOW.date() - DAY)
    stored = house.seals.load([key])[key]
    wrong = Rollup({(Dimension.PAGE, "/a"): Counters(3, pageviews=7)})
    seal = replace(stored.value.seal, tables=tables_of(merge((stored.value.seal.rollup(), wrong))))
    assert not house.seals.save({key: Versioned(replace(stored.value, seal=seal), stored.version)})
    return house


def ask(key: str | None = ADMIN, **parameters: str) -> tuple[int, Any, dict[str, str]]:
    headers = {"X-API-Key": key} if key else None
    return call("GET", PATH, {"site_id": SITE, **parameters}, headers)


def wish(action: str, generation: Any, key: str = ADMIN) -> tuple[int, Any]:
    body = json.dumps({"action": action, "generation": generation})
    status, answer, _ = call("POST", PATH, {"site_id": SITE}, {"X-API-Key": key}, body)
    return status, answer


def built(house: House) -> None:
    plan = house.build()
    house.rebuild.compared(plan, SITE, 2, 2)
    house.rebuild.is_ready(plan)


def attendant(house: House, now: datetime = NOW) -> Attendant:
    reading = Reading(house.rollups, house.seals)
    turning = Turning(house.rebuild, reading, lambda: now)
    return Attendant(house.sites, house.rebuild, turning, lambda: now)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("key", [None, KEY, "li_admin_another"])
def test_only_an_admin_key_opens_it(house: House, key: str | None) -> None:
    assert house.site.kept is None
    status, problem, headers = ask(key)
    assert (status, problem["code"]) == (401, "admin_key_required")
    assert headers["Cache-Control"] == "no-store"
    assert wish("flip", 2, key or "")[0] == 401


def test_an_admin_key_reads_the_numbers_as_well(house: House) -> None:
    assert house.site.may_read(ADMIN)
    assert call("GET", "/api/stats", {"site_id": SITE}, {"X-API-Key": ADMIN})[0] == 200


def test_before_a_rebuild_there_is_nothing(house: House) -> None:
    status, answer, headers = ask()
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert answer == {
        "site_id": SITE,
        "state": "none",
        "generation": house.site.generation,
        "timezone": "UTC",
        "building": None,
        "kept": None,
        "differences": None,
    }
    assert wish("flip", 2)[1]["code"] == "nothing_ready"
    assert wish("roll_back", 2)[1]["code"] == "nothing_kept"


def test_how_far_it_is_can_be_seen(house: House) -> None:
    plan = house.rebuild.begin([SITE], None, 1)
    at = int(now().timestamp())
    step = Step(stage=Stage.FOLDING, done=5000, total=60_000, began_at=at - 10, told_at=at)
    house.rebuild.tell(plan, step)
    answer = ask()[1]
    building = answer["building"]
    assert (answer["state"], building["stage"]) == ("building", "folding")
    assert (building["done"], building["total"], building["rate"]) == (5000, 60_000, 500)
    assert not building["is_silent"]
    house.rebuild.tell(plan, replace(step, told_at=at - 61))
    assert ask()[1]["building"]["is_silent"]
    assert wish("flip", 2)[1]["code"] == "nothing_ready"


def test_what_is_ready_is_shown_and_counts_when_it_is_asked_for(house: House) -> None:
    built(house)
    answer = ask()[1]
    assert (answer["state"], answer["building"]["differences"]) == ("ready", 2)
    assert [(row["dimension"], row["metric"]) for row in answer["differences"]["rows"]] == [
        ("page", "visitors"),
        ("page", "pageviews"),
    ]
    assert [row["before"] - row["after"] for row in answer["differences"]["rows"]] == [3, 7]
    assert not answer["building"]["is_asked_for"]
    assert not attendant(house, now()).look(), "nobody has asked"
    status, problem = wish("flip", 3)
    assert (status, problem["code"]) == (409, "rebuild_changed")
    status, answer = wish("flip", 2)
    assert (status, answer["building"]["is_asked_for"]) == (202, True)
    assert not attendant(house, now() + timedelta(minutes=11)).look(), "that was long ago"
    (report,) = attendant(house, now()).look()
    assert report.counts
    assert house.is_right()
    answer = ask()[1]
    assert (answer["state"], answer["generation"], answer["kept"]["generation"]) == ("kept", 2, 1)
    assert not attendant(house, now()).look(), "once is enough"
    assert wish("flip", 2)[1]["code"] == "nothing_ready"
    assert wish("roll_back", 2)[1]["code"] == "rebuild_changed"
    assert wish("roll_back", 1)[0] == 202
    assert attendant(house, now()).look()
    assert house.site.generation == 1


def test_a_wish_waits_while_a_rebuild_is_at_work(house: House) -> None:
    built(house)
    assert wish("flip", 2)[0] == 202
    with house.rebuild.alone():
        assert not attendant(house, now()).look()
    assert attendant(house, now()).look()


def test_days_are_compared_a_part_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.rebuild.document.MOST_DAYS", 1)
    built(house)
    first = ask()[1]["differences"]
    assert len(first["days"]) == 1
    second = ask(**{"from": first["next"]})[1]["differences"]
    assert second["days"] == [first["next"]]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"from": "x"}, "bad_date"),
        ({"to": "2026-01-01"}, "unknown_parameter"),
        ({"limit": "199"}, "bad_limit"),
        ({"limit": "1001"}, "bad_limit"),
        ({"limit": "\u0663\u0663\u0663"}, "bad_limit"),
        ({"site_id": ""}, "site_id_missing"),
        ({"site_id": "no.such"}, "unknown_site"),
    ],
)
def test_what_cannot_be_asked_is_said(house: House, parameters: dict[str, str], code: str) -> None:
    assert house.site.building is None
    status, problem, _ = ask(**parameters)
    assert (status, problem["code"]) == (404 if code == "unknown_site" else 422, code)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "[" * 900,
        '{"action": "flip"}',
        '{"action": "flip", "generation": true}',
        '{"action": ["flip"], "generation": 2}',
        '{"action": "drop", "generation": 2}',
        " " * 2000,
    ],
)
def test_what_is_no_wish_is_refused(house: House, body: str) -> None:
    built(house)
    status, problem, _ = call("POST", PATH, {"site_id": SITE}, {"X-API-Key": ADMIN}, body)
    assert (status, problem["code"]) == (422, "bad_action")


def test_other_methods_are_refused(house: House) -> None:
    assert house.site.building is None
    status, _, headers = call("DELETE", PATH, {"site_id": SITE}, {"X-API-Key": ADMIN})
    assert (status, headers["Allow"]) == (405, "GET, HEAD, POST")
