"""Terraform gives the functions no variable that the code does not declare."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2

from runtime.settings import AwsName, Variable

MODULES = Path(__file__).parents[2] / "infra" / "modules"


def given(value: object) -> Iterator[str]:
    """The keys of every `variables`: a map, or a call of merge() with maps, which is text here."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "variables" and isinstance(inner, dict):
                yield from (name for name in inner if name.isupper())
            elif key == "variables":
                yield from re.findall(r"([A-Z][A-Z_]+) =", str(inner))
            yield from given(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from given(inner)


def test_terraform_sets_every_declared_name_and_no_other() -> None:
    documents: list[Any] = [hcl2.loads(path.read_text()) for path in MODULES.glob("*/*.tf")]
    set_by_terraform = {Variable.ENGINE, Variable.SERVICE_NAME, Variable.LOG_LEVEL, *AwsName}
    set_by_terraform |= {Variable.WRITE_VERSIONS, Variable.PUBLIC_ONLY, Variable.ORIGIN_DIGESTS}
    assert {name for document in documents for name in given(document)} == set_by_terraform
