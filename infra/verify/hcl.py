"""Terraform's files as Python sees them, read with python-hcl2.

Strings come without their quotes, numbers and booleans as what they are, lists and objects as such.
What Terraform must work out first stays text, `${...}`, and a bare name its name; `call` and `loop`
take the two kinds apart that the checks need to look into.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import hcl2
from hcl2.rules.base import AttributeRule
from hcl2.rules.containers import ObjectElemRule
from hcl2.utils import SerializationOptions
from hcl2.walk import walk

PLAIN = SerializationOptions(
    with_comments=False, explicit_blocks=False, strip_string_quotes=True, preserve_heredocs=False
)

Blocks = dict[str, Any]
"""Kind of block -> its labels, one in the other -> its attributes: `["variable"]["shards"]`."""


def read(paths: Iterable[Path]) -> Blocks:
    """Return what some files say, as Terraform takes them: together."""
    together: Blocks = {}
    for path in paths:
        for kind, blocks in hcl2.loads(path.read_text(), serialization_options=PLAIN).items():
            for block in blocks:
                _lay_over(together.setdefault(kind, {}), block)
    return together


def every(paths: Iterable[Path], name: str) -> Iterator[Any]:
    """Yield the values of all attributes of a name, however deep in blocks and expressions."""
    for path in paths:
        for one in walk(hcl2.parses(path.read_text())):
            if isinstance(one, AttributeRule | ObjectElemRule) and _name(one) == name:
                yield one.expression.serialize(PLAIN)


def value(expression: str) -> Any:
    """Return an expression as `read` would."""
    return hcl2.loads(f"_ = {expression}\n", serialization_options=PLAIN)["_"]


def call(expression: str) -> tuple[str, list[Any]]:
    """Return the name and the arguments of a function's call: `${optional(number, 2)}`."""
    name, _, arguments = _inside(expression).partition("(")
    return name, value(f"[{arguments.removesuffix(')')}]")


def loop(expression: str) -> tuple[str, Any, Any]:
    """Return the variable of `${[for x in over : each]}`, what it runs over, and what it makes."""
    variable, _, rest = _inside(expression).removeprefix("[for ").partition(" in ")
    over, _, each = rest.removesuffix("]").partition(" : ")
    return variable, value(over), value(each)


def _name(one: AttributeRule | ObjectElemRule) -> Any:
    return (one.identifier if isinstance(one, AttributeRule) else one.key).serialize(PLAIN)


def _inside(expression: str) -> str:
    return expression.removeprefix("${").removesuffix("}")


def _lay_over(below: Blocks, above: Blocks) -> None:
    """Merge blocks by their labels.

    Raises:
        ValueError: two have the same attribute, as the configurations of one provider do.
    """
    for name, content in above.items():
        if isinstance(content, dict) and isinstance(below.get(name), dict):
            _lay_over(below[name], content)
        elif name in below:
            raise ValueError(f"{name} is said twice: read the files one by one")
        else:
            below[name] = content
