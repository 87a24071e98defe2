"""The two oracles agree with each other and with the fold, on traffic with everything in it."""

from pathlib import Path
from random import Random

import pytest

from tests import oracle, second_oracle
from tests.aggregates.folding import fold_all
from tests.factories import traffic


@pytest.mark.parametrize("seed", range(8))
def test_sql_and_python_count_the_same(seed: int, tmp_path: Path) -> None:
    batches = traffic(Random(seed), 60)
    in_sql = second_oracle.count(batches, tmp_path)
    assert in_sql == oracle.count(batches, "UTC")
    assert in_sql == {day: rollup.rows for day, rollup in fold_all(batches).items()}
