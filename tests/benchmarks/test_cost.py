"""The bill in docs/deploy.md is the one of `liveinsight cost`, by figures that were metered."""

import json

from benchmarks.cost import (
    BEGIN,
    BEGIN_CASES,
    DOCUMENT,
    END,
    END_CASES,
    RESULTS,
    ROOT,
    cases_table,
    kept,
    table,
)
from benchmarks.month import LAMBDA_BATCHES, LAMBDA_WINDOWS
from infra.verify.hcl import call, read
from liveinsight.cost.bill import WINDOWS
from liveinsight.cost.units import UNITS

FIGURES = json.loads(RESULTS.read_text())
MODULES = ROOT / "infra" / "modules"


def test_the_command_has_the_figures_that_were_metered() -> None:
    assert json.loads(UNITS.read_text()) == kept(FIGURES), "run: python -m benchmarks.cost --write"


def test_the_document_shows_the_bill_of_the_kept_figures() -> None:
    document = DOCUMENT.read_text()
    for begin, end, made in (
        (BEGIN, END, table()),
        (BEGIN_CASES, END_CASES, cases_table(FIGURES)),
    ):
        shown = document.partition(begin)[2].partition(end)[0]
        assert shown == made, "run: python -m benchmarks.cost --write"


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
