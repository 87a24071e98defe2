"""What a function is found to import."""

from pathlib import Path

import pytest

from infra.packages.closure import Closure, closure


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A package, in which a module imports in every way."""
    files = {
        "shop/__init__.py": "",
        "shop/handler.py": """
import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo
import boto3
from shop import cart
from shop.price import of

if TYPE_CHECKING:
    import mypy_only
    from shop import types_only
else:
    from shop import otherwise

def _embedded():
    import sqlite3
    from shop import local

def _aws():
    import lazy_third_party
    from shop import remote
    boto3.client("kinesis", config=None)
    boto3.client(name)
""",
        "shop/cart.py": "from .inner import deep\nfrom . import beside\n",
        "shop/beside.py": "",
        "shop/price.py": "def of(): ...",
        "shop/inner/__init__.py": "",
        "shop/inner/deep.py": "from ..upwards import name\nfrom shop.cart import loop\n",
        "shop/upwards.py": "session.create_client('s3')",
        "shop/remote.py": "",
        "shop/otherwise.py": "",
        "shop/local.py": "",
        "shop/types_only.py": "",
        "shop/nobody.py": "",
        "other/__init__.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def reached(ours: Path) -> Closure:
    """What the module reaches."""
    return closure(["shop.handler"], ours, {"shop"})


def test_every_import_is_followed_but_those_of_type_checkers_and_the_embedded_engine(
    reached: Closure,
) -> None:
    assert set(reached.modules) == {
        "shop",
        "shop.handler",
        "shop.cart",
        "shop.beside",
        "shop.price",
        "shop.inner",
        "shop.inner.deep",
        "shop.upwards",
        "shop.remote",
        "shop.otherwise",
    }


def test_what_is_imported_from_elsewhere_is_told_apart(reached: Closure) -> None:
    assert reached.third_parties == {"boto3", "lazy_third_party"}
    assert reached.standard_library == {"json", "typing", "zoneinfo"}
    assert reached.imported_from("zoneinfo") == {"zoneinfo.ZoneInfo"}


def test_services_are_the_texts_that_clients_are_made_with(reached: Closure) -> None:
    assert reached.services == {"kinesis", "s3"}


def test_every_name_behind_a_dot_may_be_the_method_of_a_client(reached: Closure) -> None:
    assert reached.attributes == {"client", "create_client"}


def test_imports_that_leave_the_packages_are_not_followed(ours: Path) -> None:
    (ours / "shop" / "nobody.py").write_text("import other")
    reached = closure(["shop.nobody"], ours, {"shop"})
    assert set(reached.modules) == {"shop", "shop.nobody"}
    assert reached.third_parties == {"other"}


def test_a_module_that_is_not_there_is_named(ours: Path) -> None:
    with pytest.raises(LookupError, match=r"no module warehouse\.handler"):
        closure(["warehouse.handler"], ours, {"warehouse"})
