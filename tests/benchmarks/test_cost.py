"""The bill in docs/deploy.md: it is the one that the figures give, for what Terraform deploys."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cost import (
    BEGIN,
    BEGIN_CASES,
    CASES,
    DOCUMENT,
    EDGE_RULES,
    END,
    END_CASES,
    LOADS,
    ORIGIN_RULES,
    PARTS,
    RESULTS,
    ROOT,
    WINDOWS,
    Line,
    Load,
    bill,
    case,
    cases_table,
    table,
)
from benchmarks.month import LAMBDA_BATCHES, LAMBDA_WINDOWS
from infra.verify.hcl import call, read

UNITS = json.loads(RESULTS.read_text())
MODULES = ROOT / "infra" / "modules"


def dollars(lines: list[Line], service: str = "") -> float:
    return sum(line.dollars for line in lines if service in {"", line.service})


def test_the_document_shows_the_bill_of_the_kept_figures() -> None:
    document = DOCUMENT.read_text()
    for begin, end, made in (
        (BEGIN, END, table(UNITS)),
        (BEGIN_CASES, END_CASES, cases_table(UNITS)),
    ):
        shown = document.partition(begin)[2].partition(end)[0]
        assert shown == made, "run: python -m benchmarks.cost --write"


def test_every_unit_that_is_paid_for_was_measured() -> None:
    for load in (*LOADS, *CASES):
        for consumer, tables in PARTS.items():
            parts = (consumer, *(f"{table} table" for table in tables))
            for unit in ("write_units", "requests", "batches"):
                assert sum(load.used(UNITS, part, unit) for part in parts) > 0
        assert load.read_units(UNITS) > 0
        assert load.sealing(UNITS, "write_units") > 0


def test_a_bill_by_hand() -> None:
    """A million records of a KB on the stream, read by three consumers, kept six more days."""
    lines = bill(Load("1 M", 1e6, case(2000, 1e6)), UNITS)
    kinesis = 730 * 0.04 + 1.024 * 0.08 + 3 * 1.024 * 0.04 + 1.024 * 6 / 30 * 0.10
    assert dollars(lines, "Kinesis") == pytest.approx(kinesis)
    requests = 1e6 * 4 / 3 + 40 * 3600 * (1 / 3 + 1 / 15)
    assert dollars(lines, "API Gateway") == pytest.approx(requests * 3.5e-6 + 730 * 0.02)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_more_events_never_cost_less(one: float, other: float) -> None:
    few, many = sorted((one, other))
    bills = [bill(Load("", events, case(200, 1e6)), UNITS) for events in (few, many)]
    assert dollars(bills[0]) <= dollars(bills[1]) * (1 + 1e-9)
    fixed = [[line for line in lines if line.is_fixed] for lines in bills]
    assert fixed[0] == fixed[1]


def test_batches_are_those_of_the_mappings() -> None:
    variable = read([MODULES / "processors" / "variables.tf"])["variable"]["mappings"]
    _, (mappings,) = call(variable["type"])
    assert set(mappings) == set(WINDOWS)
    for consumer, (window, factor) in WINDOWS.items():
        _, (mapping, _) = call(mappings[consumer])
        _, (fields,) = call(mapping)
        default = {name: call(written)[1][1] for name, written in fields.items()}
        assert default["batching_window_seconds"] == window == LAMBDA_WINDOWS[consumer]
        assert default["batch_size"] == LAMBDA_BATCHES[consumer]
        assert default.get("parallelization_factor", 1) == factor


def test_the_rules_of_waf_are_those_of_the_edge() -> None:
    waf = read([MODULES / "edge" / "waf.tf"])
    (acl,) = waf["resource"]["aws_wafv2_web_acl"].values()
    assert len(acl["rule"]) + len(waf["locals"]["managed_rules"]) == EDGE_RULES
    assert ORIGIN_RULES == 1  # a second one lives only while its secret is changed
