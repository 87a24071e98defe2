"""The tracker's builds are what their source makes, and small."""

import gzip
import re

import pytest

pytest.importorskip("minify", reason="tdewolff-minify has wheels for Linux alone")

from infra.minify.builds import BUILDS, FULL_ONLY, ROOT, Build  # noqa: E402 - it needs minify

SOURCE = (ROOT / "tracker" / "tracker.js").read_text()


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.target)
def test_what_is_checked_in_is_what_its_source_makes(build: Build) -> None:
    assert (ROOT / build.target).read_text() == build.made(), "run make tracker"


@pytest.mark.parametrize(
    ("target", "kilobytes"), [("liveinsight.js", 2.2), ("liveinsight-small.js", 1.2)]
)
def test_a_build_is_small(target: str, kilobytes: float) -> None:
    built = (ROOT / "tracker" / target).read_bytes()
    assert len(gzip.compress(built, mtime=0)) <= kilobytes * 1024


def test_every_part_that_is_left_out_has_an_end() -> None:
    assert len(re.findall(r"//\+", SOURCE)) == len(re.findall(r"//-", SOURCE)) > 10
    assert not any("//+" in part[3:] for part in FULL_ONLY.findall(SOURCE))


def test_every_attribute_is_described() -> None:
    read = {*re.findall(r"options\.(\w+)", SOURCE), *re.findall(r"'(\w+)' in options", SOURCE)}
    described = (ROOT / "docs" / "tracker.md").read_text()
    assert len(read) >= 8
    for name in read:
        assert f"data-{name}" in described, name
