"""The tables of inputs and outputs in each module's README, made from its variables and outputs.

They are the last part, from the heading `## Inputs` on. Terraform's own format makes files easy to
read: a block begins at the margin and ends with a brace at the margin, its attributes are two
spaces in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADING = "## Inputs\n"

BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.DOTALL | re.MULTILINE)
ATTRIBUTE = re.compile(
    r"^  (\w+) += (.*?)(?=^  \w+ +=|^  \w+ \{|^  #|\Z)", re.DOTALL | re.MULTILINE
)
NESTED = re.compile(r"^  \w+ \{\n.*?^  \}\n", re.DOTALL | re.MULTILINE)

LONGEST = 60
"""Characters of a type or a default beyond which only its outside is shown."""


@dataclass(frozen=True, slots=True)
class Block:
    """A variable or an output, with its attributes as they are written."""

    name: str
    attributes: dict[str, str]

    @property
    def description(self) -> str:
        """What it is for."""
        return self.attributes.get("description", '""')[1:-1].replace("|", "\\|")


def tables(module: Path) -> str:
    """Return the tables of a module, in Markdown."""
    variables = list(_blocks(module, "variable"))
    rows = [
        f"| `{one.name}` | {one.description} | {_code(one.attributes['type'])} | {_default(one)} |"
        for one in variables
    ]
    outputs = [f"| `{one.name}` | {one.description} |" for one in _blocks(module, "output")]
    return "\n".join(
        [
            HEADING,
            "| name | description | type | default |",
            "|---|---|---|---|",
            *rows,
            "\n## Outputs\n",
            "| name | description |",
            "|---|---|",
            *outputs,
            "",
        ]
    )


def stale(root: Path) -> list[Path]:
    """Return the READMEs of modules that are missing, or whose tables are out of step."""
    return [readme for readme in _readmes(root) if _renewed(readme) != _content(readme)]


def renew(root: Path) -> list[Path]:
    """Write the tables anew where they are out of step, and return where."""
    written = [readme for readme in stale(root) if readme.exists()]
    for readme in written:
        readme.write_text(_renewed(readme))
    return written


def _readmes(root: Path) -> list[Path]:
    return sorted(path.with_name("README.md") for path in root.glob("modules/*/versions.tf"))


def _content(readme: Path) -> str:
    return readme.read_text() if readme.exists() else ""


def _renewed(readme: Path) -> str:
    """Return a README with its tables in step."""
    words = _content(readme).partition(HEADING)[0].rstrip()
    return f"{words}\n\n{tables(readme.parent)}"


def _blocks(module: Path, kind: str) -> Iterator[Block]:
    for path in sorted(module.glob("*.tf")):
        for found, name, body in BLOCK.findall(path.read_text()):
            if found == kind:
                attributes = ATTRIBUTE.findall(NESTED.sub("", body))
                yield Block(name, {key: value.strip() for key, value in attributes})


def _default(variable: Block) -> str:
    return _code(variable.attributes["default"]) if "default" in variable.attributes else "required"


def _code(written: str) -> str:
    """Return an expression on one line; of a long one, only the outside."""
    line = re.sub(r"\s+", " ", written).replace("|", "\\|")
    if len(line) > LONGEST:
        line = f"{line[: line.index('{') + 1]}...{'})' if line.endswith(')') else '}'}"
    return f"`{line}`"
