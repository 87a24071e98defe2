from pathlib import Path

import pytest

from tests.stores.engines import SqliteStores, Stores


@pytest.fixture(params=["sqlite", "dynamodb"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    if request.param == "sqlite":
        return SqliteStores(tmp_path)
    aws: Stores = request.getfixturevalue("aws")
    return aws
