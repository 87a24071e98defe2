"""Modules of the page as one file, and all of it smaller.

The sources keep to one form, so that no parser is needed: imports and exports begin a line, names
are imported as they are called. What keeps to another form is refused.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import minify  # type: ignore[import-untyped]

IMPORT = re.compile(
    r'^import \{\s*(\w+(?:,\s*\w+)*),?\s*\} from "(\./|\.\./)([\w/-]+)\.js";\n', re.MULTILINE
)
EXPORT = re.compile(
    r"^export (?=(?:async )?(?:const|let|function|class) (\w+))|^export \{\};\n", re.MULTILINE
)
LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
NAME = re.compile(r"\w+")


class BundleError(Exception):
    """A source does not keep to the form."""


def bundle(folder: Path, entry: str) -> str:
    """Return one module that does what the entry and all that it imports do, in their order.

    Raises:
        BundleError: a source imports or exports in another form, or in a circle.
    """
    sources: dict[str, str] = {}
    _collect(folder, entry, sources, ())
    return "".join(sources.values())


def _collect(folder: Path, key: str, done: dict[str, str], above: tuple[str, ...]) -> None:
    """Add a module behind those that it imports."""
    if key in above:
        raise BundleError(f"{key}.js imports itself, by way of {', '.join(above)}")
    if key in done:
        return
    text = (folder / f"{key}.js").read_text()
    imports = [(match[1], _resolved(key, match[2], match[3])) for match in IMPORT.finditer(text)]
    for _, other in imports:
        _collect(folder, other, done, (*above, key))
    done[key] = _wrapped(key, text, imports)


def _resolved(key: str, up: str, other: str) -> str:
    base = Path(key).parent
    return (base / other if up == "./" else base.parent / other).as_posix()


def _wrapped(key: str, text: str, imports: Iterable[tuple[str, str]]) -> str:
    """Return a module as a function that gives what it exports."""
    names = [match[1] for match in EXPORT.finditer(text) if match[1]]
    body = EXPORT.sub("", IMPORT.sub("", text))
    if left := LEFT.search(body):
        raise BundleError(f"{key}.js: {left[0]}")
    taken = "".join(
        f"const {{ {', '.join(NAME.findall(wanted))} }} = {_variable(other)};\n"
        for wanted, other in imports
    )
    given = f"return {{ {', '.join(names)} }};"
    return f"const {_variable(key)} = (() => {{\n{taken}{body}\n{given}\n}})();\n"


def _variable(key: str) -> str:
    return "module_" + re.sub(r"\W", "_", key)


def smaller(content_type: str, text: str) -> str:
    """Return a text that means the same in fewer bytes."""
    minified: str = minify.string(content_type, text)
    return minified


def page(folder: Path) -> Mapping[str, bytes]:
    """Return the files of the page as browsers get them, by their key.

    Args:
        folder: the sources.
    """
    vendor = folder / "vendor"
    code = (vendor / "uPlot.iife.min.js").read_text() + smaller(
        "application/javascript", bundle(folder, "app")
    )
    style = (vendor / "uPlot.min.css").read_text() + smaller(
        "text/css", (folder / "style.css").read_text()
    )
    html = (folder / "index.html").read_text()
    vendored = re.compile(r"^.*\bvendor/.*\n", re.MULTILINE)
    texts = {
        "app.js": code,
        "style.css": style,
        "index.html": smaller("text/html", vendored.sub("", html)),
        "not-found.html": smaller("text/html", (folder / "not-found.html").read_text()),
        "theme.js": smaller("application/javascript", (folder / "theme.js").read_text()),
        "favicon.svg": (folder / "favicon.svg").read_text(),
    }
    return {key: text.rstrip("\n").encode() + b"\n" for key, text in texts.items()}
