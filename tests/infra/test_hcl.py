"""Terraform's files are read as Terraform reads them."""

from pathlib import Path

import pytest

from infra.verify.hcl import call, every, loop, read, value

SAID = """
locals {
  # of both
  limits = { small = 1, large = -2.5 }
  names  = [for name in ["a", "b"] : "${name}-x"]
}

module "one" {
  source  = "../function"
  handler = "a.handler"
  deep    = merge({ for k in [1] : k => { handler = "b.handler", on = true } }, {})
}
"""


def test_files_are_read_together_and_comments_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_text(SAID)
    (tmp_path / "b.tf").write_text('locals {\n  more = "x \\"y\\""\n}\nmodule "two" {}\n')
    blocks = read(sorted(tmp_path.glob("*.tf")))
    assert set(blocks) == {"locals", "module"}
    assert set(blocks["locals"]) == {"limits", "names", "more"}
    assert blocks["locals"]["limits"] == {"small": 1, "large": -2.5}
    assert blocks["locals"]["more"] == 'x "y"'
    assert set(blocks["module"]) == {"one", "two"}
    assert loop(blocks["locals"]["names"]) == ("name", ["a", "b"], "${name}-x")


def test_what_is_said_twice_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_text('provider "aws" {\n  region = "a"\n}\n' * 2)
    with pytest.raises(ValueError, match="region is said twice"):
        read([tmp_path / "a.tf"])


def test_an_attribute_is_found_however_deep_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_text(SAID)
    assert list(every([tmp_path / "a.tf"], "handler")) == ["a.handler", "b.handler"]
    assert list(every([tmp_path / "a.tf"], "on")) == [True]
    assert list(every([tmp_path / "a.tf"], "nothing")) == []


def test_a_call_is_taken_apart() -> None:
    name, (fields,) = call(value("object({ size = optional(number, 2), more = map(string) })"))
    assert name == "object"
    assert call(fields["size"]) == ("optional", ["number", 2])
    assert call(fields["more"])[0] == "map"
    assert call("${f()}") == ("f", [])
