"""What browsers get of the dashboard: made of the sources, small, and with the words of each language."""

import gzip
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("minify", reason="tdewolff-minify has wheels for Linux alone")

from infra.page.__main__ import DASHBOARD, SERVED, served
from infra.page.bundle import BundleError, bundle

MOST_COMPRESSED = 90_000
LATER = {"map.json", "not-found.html"}
"""What the first look at the page does not load."""


def test_what_is_served_is_made_of_the_sources() -> None:
    made = served()
    assert {path.name for path in SERVED.iterdir()} == set(made)
    differing = [key for key, content in made.items() if (SERVED / key).read_bytes() != content]
    assert differing == [], "run make page"


def test_the_first_load_is_small() -> None:
    first = [path.read_bytes() for path in SERVED.iterdir() if path.name not in LATER]
    assert sum(len(gzip.compress(content)) for content in first) < MOST_COMPRESSED


def test_licences_of_others_travel_with_their_code() -> None:
    assert "/*! https://github.com/leeoniya/uPlot" in (SERVED / "app.js").read_text()
    assert (DASHBOARD / "vendor" / "uPlot.LICENSE").exists()


@pytest.mark.parametrize(
    "line",
    [
        'import * as other from "./other.js";',
        'import { one as two } from "./other.js";',
        "export default 1;",
        'export { one } from "./other.js";',
    ],
)
def test_a_source_in_another_form_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "other.js").write_text("export const one = 1;\n")
    (tmp_path / "entry.js").write_text(f"{line}\n")
    with pytest.raises(BundleError):
        bundle(tmp_path, "entry")


def test_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text('import { two } from "./two.js";\nexport const one = two;\n')
    (tmp_path / "two.js").write_text('import { one } from "./one.js";\nexport const two = one;\n')
    with pytest.raises(BundleError, match=r"one\.js imports itself"):
        bundle(tmp_path, "one")


def test_the_map_has_countries_by_their_code_and_no_more_than_ascii() -> None:
    world = json.loads((SERVED / "map.json").read_bytes())
    assert {"DE", "US", "IN", "KR", "BR", "XK"} <= world["countries"].keys()
    assert "AQ" not in world["countries"]
    assert all(re.fullmatch(r"[A-Z]{2}", code) for code in world["countries"])
    assert all(re.fullmatch(r"[Mlz\d -]+", path) for path in world["countries"].values())
