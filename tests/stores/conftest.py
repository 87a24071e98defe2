from pathlib import Path
from typing import Any

import pytest

from aggregates.stores.ports import VersionedStore
from tests.stores.contract import CASES, Case
from tests.stores.engines import SqliteStores, Stores


@pytest.fixture(params=["sqlite", "dynamodb"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    if request.param == "sqlite":
        return SqliteStores(tmp_path)
    aws: Stores = request.getfixturevalue("aws")
    return aws


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def store(case: Case, stores: Stores) -> VersionedStore[Any, Any]:
    return case.make(stores)
