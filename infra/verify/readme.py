"""The tables of inputs and outputs in each module's README, made from its variables and outputs.

They are the last part, from the heading `## Inputs` on.
"""

import json
import re
from pathlib import Path
from typing import Any

from infra.verify.hcl import read

HEADING = "## Inputs\n"

LONGEST = 60
"""Characters of a type or a default beyond which only its outside is shown."""


def tables(module: Path) -> str:
    """Return the tables of a module, in Markdown."""
    blocks = read(sorted(module.glob("*.tf")))
    rows = [
        f"| `{name}` | {_description(one)} | {_code(_expression(one['type']))} | {_default(one)} |"
        for name, one in blocks.get("variable", {}).items()
    ]
    outputs = [
        f"| `{name}` | {_description(one)} |" for name, one in blocks.get("output", {}).items()
    ]
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


def _description(block: dict[str, Any]) -> str:
    return str(block.get("description", "")).replace("|", "\\|")


def _default(variable: dict[str, Any]) -> str:
    return _code(_written(variable["default"])) if "default" in variable else "required"


def _expression(read: str) -> str:
    """Return an expression that was read as Terraform's own format has it."""
    spaced = re.sub(r"\{(?=[^}\s])", "{ ", read.removeprefix("${").removesuffix("}"))
    return re.sub(r"(?<=[^{\s])\}", " }", spaced)


def _written(value: Any) -> str:
    """Return a value as Terraform has it."""
    if isinstance(value, dict) and value:
        fields = (f"{name} = {_written(one)}" for name, one in value.items())
        return f"{{ {', '.join(fields)} }}"
    return f"[{', '.join(map(_written, value))}]" if isinstance(value, list) else json.dumps(value)


def _code(written: str) -> str:
    """Return an expression as Markdown; of a long one, only the outside."""
    line = written.replace("|", "\\|")
    if len(line) > LONGEST:
        line = f"{line[: line.index('{') + 1]}...{'})' if line.endswith(')') else '}'}"
    return f"`{line}`"
