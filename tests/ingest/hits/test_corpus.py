"""Agents and referrers of public test data: as many as before are read right."""

from collections import Counter
from pathlib import Path

import pytest

from ingest.hits.bots import program
from ingest.hits.page import Page, parse_page
from ingest.hits.referrer import attribute
from ingest.hits.user_agent import describe
from runtime.sites.site import Site

DATA = Path(__file__).parents[2] / "data"
SITE = Site(site_id="shop.example", ignored_referrers=("pay.partner.example",))
LEAST = {"bot": 478, "browser": 313, "os": 311, "device": 308}
"""Of 479 agents, and of the 320 of people: what is missing are browsers that say they are another,
and models that only a list of all phones and televisions tells apart."""


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def test_no_fewer_agents_of_the_corpus_are_read_right() -> None:
    right = Counter[str]()
    agents = rows("user-agents.tsv")
    for what, browser, system, device, user_agent in agents:
        right["bot"] += (program(user_agent) is not None) is (what == "program")
        if what == "person":
            agent = describe(user_agent)
            right["browser"] += agent.browser == browser
            right["os"] += agent.os == system
            right["device"] += agent.device.value == device
    assert len(agents) == 479
    assert {name: right[name] >= least for name, least in LEAST.items()} == dict.fromkeys(
        LEAST, True
    ), right


@pytest.mark.parametrize(
    ("expected", "user_agent"),
    rows("cases/20-user-agents-of-people.tsv"),
    ids=lambda text: text[:30],
)
def test_a_person_of_the_cases_is_counted_as_what_they_use(expected: str, user_agent: str) -> None:
    agent = describe(user_agent, 5 if "touch" in expected else 0)
    assert program(user_agent) is None
    said = {agent.browser, agent.os, agent.device.value, "counted", "any"}
    assert {part.split(" (")[0] for part in expected.split(", ")} <= said


@pytest.mark.parametrize(
    ("referrer", "target", "source", "channel"),
    rows("referrers.tsv"),
    ids=lambda text: text[:40],
)
def test_a_referrer_of_the_corpus_has_its_source_and_channel(
    referrer: str, target: str, source: str, channel: str
) -> None:
    page = parse_page(f"https://shop.example{target}", keep_query=False)
    assert isinstance(page, Page)
    found = attribute(referrer, page, SITE)
    assert (found.source, found.channel.value) == (source, channel)
