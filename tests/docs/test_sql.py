"""Every statement of docs/sql.md runs over the files of a data folder, and counts what is there."""

import re
from pathlib import Path

import duckdb
import pytest

from aggregates.rollup import Dimension
from tests import oracle
from tests.query.busy import Busy
from tests.query.shelf import Shelf

TEXT = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
VIEWS, *QUESTIONS = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("data")
    busy = Busy(11)
    shelf = Shelf(folder / "columns", "Europe/Berlin")
    shelf.put(busy.batches[:40])
    shelf.merge(busy.midnight)
    shelf.put(busy.batches[40:])
    database = duckdb.connect()
    database.execute(VIEWS.replace("'data/", f"'{folder}/"))
    days = oracle.count(busy.batches, "Europe/Berlin").values()
    total = [rows[Dimension.TOTAL, ""] for rows in days if (Dimension.TOTAL, "") in rows]
    ((events,),) = database.execute(
        "SELECT count(*) FILTER (event_type = 'page_view') FROM events"
    ).fetchall()
    ((visits,),) = database.execute("SELECT count(*) FROM visits").fetchall()
    assert events == sum(one.pageviews for one in total)
    assert visits == sum(one.visits for one in total)
    return database


@pytest.mark.parametrize("place", range(10))
def test_a_question_runs(asked: duckdb.DuckDBPyConnection, place: int) -> None:
    assert asked.execute(QUESTIONS[place]).fetchall()


def test_there_are_ten() -> None:
    assert len(QUESTIONS) == 10
