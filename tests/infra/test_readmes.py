"""infra/README.md and the modules' READMEs say what the Terraform says."""

import re
from pathlib import Path

import pytest

from infra.packages.functions import FUNCTIONS
from infra.verify.readme import renew, stale

INFRA = Path(__file__).parents[2] / "infra"
README = (INFRA / "README.md").read_text()
PROMISES = re.findall(
    r"^\| (.+?) \| `([^|]+)` \| \[[^]]+\]\((modules/[^)]+\.tf)\) \|$", README, re.MULTILINE
)


def test_every_modules_tables_are_in_step() -> None:
    assert stale(INFRA) == [], "run python -m infra.verify --readmes"


def test_tables_out_of_step_are_found_and_renewed(tmp_path: Path) -> None:
    module = tmp_path / "modules" / "stream"
    module.mkdir(parents=True)
    (module / "versions.tf").write_text("")
    (module / "README.md").write_text("# stream\n\nWords.\n\n## Inputs\n\nold\n")
    (module / "variables.tf").write_text(
        'variable "shards" {\n  description = "How many."\n  type        = number\n'
        "  default     = 2\n\n  validation {\n    condition     = true\n  }\n}\n"
    )
    assert stale(tmp_path) == renew(tmp_path) == [module / "README.md"]
    content = (module / "README.md").read_text()
    assert content.startswith("# stream\n\nWords.\n\n## Inputs\n\n| name |")
    assert "| `shards` | How many. | `number` | `2` |" in content
    assert "old" not in content
    assert stale(tmp_path) == []


@pytest.mark.parametrize(("promise", "line", "file"), PROMISES)
def test_a_promise_stands_where_the_readme_says(promise: str, line: str, file: str) -> None:
    text = " ".join((INFRA / file).read_text().split())
    assert line in text, promise


def test_there_are_promises() -> None:
    assert len(PROMISES) >= 14


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_function_is_in_the_readme(function: object) -> None:
    name, handler = getattr(function, "name", ""), getattr(function, "handler", "")
    assert f"| `{name}` | `{handler}` |" in README
